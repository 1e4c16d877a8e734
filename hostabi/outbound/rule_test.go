package outbound

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rule{
		"https://api.x.example/v1/":     {Scheme: "https", Host: "api.x.example", PathPrefix: "/v1/"},
		"HTTPS://API.X.example":         {Scheme: "https", Host: "api.x.example"},
		"https://api.x.example.:443/":   {Scheme: "https", Host: "api.x.example"},
		"http://crm.internal:8080/hook": {Scheme: "http", Host: "crm.internal", Port: "8080", PathPrefix: "/hook"},
		"http://10.0.4.7:9000/":         {Scheme: "http", Host: "10.0.4.7", Port: "9000", Private: true},
		"http://[::1]:80":               {Scheme: "http", Host: "::1", Private: true},
		"http://localhost":              {Scheme: "http", Host: "localhost", Private: true},
		"https://*":                     {Scheme: "https", Host: "*"},
		"https://*/":                    {Scheme: "https", Host: "*"},
		"https://*:8443/v1":             {Scheme: "https", Host: "*", Port: "8443", PathPrefix: "/v1"},
		"https://xn--bcher-kva.example": {Scheme: "https", Host: "xn--bcher-kva.example"},
	} {
		got, err := Parse(text)
		if err != nil || !sameRule(got, want) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		again, err := Parse(got.String())
		if err != nil || !sameRule(again, got) {
			t.Errorf("Parse(%q) of its own text %q = %+v, %v", text, got.String(), again, err)
		}
	}
}

func sameRule(a, b Rule) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host && a.Port == b.Port && a.PathPrefix == b.PathPrefix && a.Private == b.Private &&
		slices.Equal(a.Methods, b.Methods)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "*", "api.x.example", "ftp://x.example", "https://", "https:///v1", "https://u:p@x.example", "https://x.example?a=1",
		"https://x.example#f", "https://x.example:0", "https://x.example:65536", "https://x.example:", "https://x.example:08",
		"https://bücher.example", "https://x..example", "https://*.x.example", "https://x.*", "https://**", "https://x.example/a/../b",
		"https://x.example//a", "https://x.example/%2e%2e/a", "https://x.example/a b", "https://127.1", "https://0x7f.1", "https://2130706433",
		"https://[::ffff:10.0.0.1]", "https://[fe80::1%25eth0]", "https://x.example\\@y.example", "https://" + strings.Repeat("a", 300) + ".example",
		"https://x.example/\x00", "https:x.example", "https://[::1", "https://x_y!.example",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, got)
		}
	}
}

func TestRuleUnmarshal(t *testing.T) {
	t.Parallel()
	var rules []Rule
	err := json.Unmarshal([]byte(`["https://a.example", {"url": "http://10.0.4.7:9000/", "methods": ["get", "HEAD"]}]`), &rules)
	if err != nil || len(rules) != 2 || !slices.Equal(rules[1].Methods, []string{"GET", "HEAD"}) || !rules[1].Private {
		t.Fatalf("rules %+v, %v", rules, err)
	}
	for _, bad := range []string{`[1]`, `["x"]`, `[{"url": "https://a.example", "methods": ["G T"]}]`, `[{"methods": ["GET"]}]`} {
		if err := json.Unmarshal([]byte(bad), &rules); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// policy is one of each kind of rule.
func policy(t testing.TB) Policy {
	t.Helper()
	var p Policy
	for _, text := range []string{"https://api.x.example/v1/", "https://hooks.example:8443/a/b", "http://10.0.4.7:9000/", "http://[2001:db8::7]:81/"} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p.Rules = append(p.Rules, r)
	}
	p.Rules = append(p.Rules, Rule{Scheme: "https", Host: "read.example", Methods: []string{"GET"}})
	return p
}

func TestMatch(t *testing.T) {
	t.Parallel()
	p := policy(t)
	for _, url := range []string{
		"https://api.x.example/v1", "https://api.x.example/v1/", "https://api.x.example/v1/a?q=%2e%2e/", "HTTPS://API.X.EXAMPLE:443/v1/a",
		"https://api.x.example./v1/a", "https://api.x.example/v1/a/../b", "https://api.x.example/v1/%61", "https://api.x.example/v1/a#frag",
		"https://api.x.example//v1/a", "https://api.x.example/x/../v1/a", "https://api.x.example/v1/a%20b", "https://api.x.example/v1/100%25",
		"https://hooks.example:8443/a/b", "https://hooks.example:8443/a/b/c", "http://10.0.4.7:9000", "http://10.0.4.7:9000/x",
		"http://[2001:db8::7]:81/x", "http://[2001:0DB8:0:0::7]:81/x", "https://read.example/",
	} {
		if err := p.Match("GET", url); err != nil {
			t.Errorf("Match(%q) = %v, want nil", url, err)
		}
	}
}

func TestMatchDenies(t *testing.T) {
	t.Parallel()
	p := policy(t)
	for _, url := range []string{
		"http://api.x.example/v1/", "https://api.x.example/", "https://api.x.example/v10", "https://api.x.example/v1x/", "https://api.x.example:444/v1/",
		"https://x.example/v1/", "https://api.x.example.evil.example/v1/", "https://evil.api.x.example/v1/",
		"https://api.x.example/v1/..", "https://api.x.example/v1/../admin", "https://api.x.example/v1/%2e%2e/admin", "https://api.x.example/v1/%2E./admin",
		"https://api.x.example/v1/..%2fadmin", "https://api.x.example/v1/%2e%2e%2fadmin", "https://api.x.example/v1/%252e%252e/admin",
		"https://api.x.example/v1/..%5cadmin", "https://api.x.example/v1/..;/admin", "https://api.x.example/v1/..;a=b/admin",
		"https://api.x.example/v1/%2e%2e;x/admin", "https://api.x.example/v1/a/../../admin", "https://api.x.example/%76%31x/", "https://api.x.example/V1/",
		"https://api.x.example/v1%2fa", "https://api.x.example/v1/%25252525252e", "https://hooks.example:8443/a", "https://hooks.example:8443/a/bc",
		"https://hooks.example/a/b", "http://10.0.4.7/", "http://10.0.4.8:9000/", "http://localhost:9000/", "http://[2001:db8::8]:81/", "https://10.0.4.7:9000/",
	} {
		var denied *DeniedError
		if err := p.Match("GET", url); !errors.As(err, &denied) {
			t.Errorf("Match(%q) = %v, want DeniedError", url, err)
		} else if strings.Contains(denied.Error(), "admin") {
			t.Errorf("Match(%q): the error tells the path: %v", url, denied)
		}
	}
	var denied *DeniedError
	if err := p.Match("POST", "https://read.example/"); !errors.As(err, &denied) || !strings.Contains(denied.Error(), "methods") {
		t.Errorf("POST where GET is granted: %v", err)
	}
	if err := (Policy{}).Match("GET", "https://a.example/x?secret=1"); !errors.As(err, &denied) || denied.Rule != "https://a.example/" {
		t.Errorf("the zero policy: %v", err)
	}
}

func TestMatchRefusesWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	p := Policy{Rules: []Rule{{Scheme: "https", Host: "*"}, {Scheme: "http", Host: "*", Private: true}}}
	for _, url := range []string{
		"", "/x", "x.example", "https://", "https://user@x.example/", "https://user:pw@x.example/", "https://@x.example/", "https://x.example:99999/",
		"https://x.example\\.evil.example/", "https://x.example/\r\nHost: y", "https://x.example /", "https://bücher.example/", "https://%65vil.example/",
		"https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://2130706433/", "https://1.2.3.4.5/", "https://x.0x7f/",
		"http://[::ffff:127.0.0.1]/", "http://[::1%25lo]/", "http://[v1.a]/", "javascript:alert(1)", "file:///etc/passwd", "gopher://x.example/",
	} {
		if err := p.Match("GET", url); !errors.Is(err, ErrRequest) {
			t.Errorf("Match(%q) = %v, want ErrRequest", url, err)
		}
	}
	for _, method := range []string{"", "G T", "GET\r\n", "CONNECT", "TRACE"} {
		if err := p.Match(method, "https://x.example/"); !errors.Is(err, ErrRequest) {
			t.Errorf("method %q: %v", method, err)
		}
	}
}

func TestForURL(t *testing.T) {
	t.Parallel()
	r, err := ForURL("http://crm.internal:8080/hook/a?token=s3cret")
	want := Rule{Scheme: "http", Host: "crm.internal", Port: "8080", PathPrefix: "/hook/a", Private: true}
	if err != nil || !sameRule(r, want) {
		t.Fatalf("ForURL = %+v, %v", r, err)
	}
	for _, url := range []string{"http://a.example/x/%2e%2e/y", "http://a.example/x%2fy", "http://a.example//x", "http://a.example/"} {
		r, err := ForURL(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Policy{Rules: []Rule{r}}).Match("POST", url); err != nil {
			t.Errorf("the rule of %q does not grant it: %v", url, err)
		}
	}
	if _, err := ForURL("https://u:p@a.example/"); err == nil {
		t.Error("user and password are granted")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://api.x.example/v1/", "https://*", "http://*:81/a", "http://[::1]:8080/x", "https://x.example/%2e", "http://127.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(r.String())
		if err != nil || !sameRule(again, r) {
			t.Fatalf("Parse(%q) = %+v, its text %q gives %+v, %v", text, r, r.String(), again, err)
		}
		if r.Host != "*" {
			if err := (Policy{Rules: []Rule{r}}).Match("GET", r.String()); err != nil {
				t.Fatalf("rule %+v does not grant itself: %v", r, err)
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"https://api.x.example/v1/a", "https://api.x.example/v1/../b", "https://api.x.example/v1/%2e%2e/b", "https://api.x.example:443/v1;x/",
		"https://user@api.x.example/v1", "https://api.x.example\\@evil/v1/"} {
		f.Add(seed)
	}
	p := Policy{Rules: []Rule{{Scheme: "https", Host: "api.x.example", PathPrefix: "/v1/"}}}
	f.Fuzz(func(t *testing.T, url string) {
		if p.Match("GET", url) != nil {
			return
		}
		target, _, err := p.find("GET", url)
		if err != nil || target.host != "api.x.example" || target.port != "" || target.url.User != nil {
			t.Fatalf("%q is granted as %+v, %v", url, target, err)
		}
		if clean := cleanPath(target.url.EscapedPath()); clean != "/v1" && !strings.HasPrefix(clean, "/v1/") {
			t.Fatalf("%q is granted and goes to %q", url, clean)
		}
		if clean := cleanPath(target.url.Path); clean != "/v1" && !strings.HasPrefix(clean, "/v1/") {
			t.Fatalf("%q is granted and decodes to %q", url, clean)
		}
	})
}
