package hostabi

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

const secretValue = `k3y/"<&> 100%`

// hostOf is the host:port of a server.
func hostOf(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// holding grants a peer and a secret for it, in places.
func holding(t testing.TB, p *peer, in ...string) func(*Options) {
	use, secret := p.use(t), aSecret(t, "KEY", secretValue, []string{hostOf(t, p.URL)}, in...)
	return func(o *Options) { use(o); o.Grants.Secrets = []Secret{secret} }
}

// TestNewSecret: everything that is wrong is said at once, and the value never.
func TestNewSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		hosts, in   []string
		want        []string
	}{
		{"KEY", "01234567", []string{"a.example", "b.example:8443"}, []string{"header", "query", "body"}, nil},
		{"1KEY", "0123456", nil, []string{"path"}, []string{`secret "1KEY": a name has letters`, "shorter than 8 bytes", "for no host", `"path" is none of`}},
		{strings.Repeat("k", 65), strings.Repeat("v", maxSecret+1), []string{"https://a.example"}, nil, []string{"a name has letters", "longer than", "for: "}},
		{"KEY", "\xff1234567", []string{"a.example"}, nil, []string{"not UTF-8"}},
		{"KEY", "012345678\n", []string{"a.example"}, nil, []string{"ends with a line break"}},
		{"KEY", "0123\x004567", []string{"a.example"}, nil, []string{"control character"}},
		{"KEY", " 01234567", []string{"a.example"}, nil, []string{"white space"}},
	} {
		_, err := NewSecret(c.name, c.value, c.hosts, c.in)
		if (err == nil) != (c.want == nil) || err != nil && strings.Contains(err.Error(), c.value) {
			t.Errorf("%q: %v", c.name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}

// TestSecretDoesNotShow in any way of printing.
func TestSecretDoesNotShow(t *testing.T) {
	t.Parallel()
	s := aSecret(t, "KEY", secretValue, []string{"a.example"})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s)
	if out, err := json.Marshal([]any{s}); err != nil || strings.Contains(string(out), "k3y") {
		t.Errorf("encoded as %s, %v", out, err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprint(&s, []Secret{s}), log.String(), s.Name(), s.String()} {
		if strings.Contains(text, "k3y") || !strings.Contains(text, "KEY") {
			t.Errorf("printed as %s", text)
		}
	}
}

// TestSecretPlaces: a secret stands where it is granted, escaped as it must be there, and nowhere else.
func TestSecretPlaces(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	const mark = "{{secret:KEY}}"
	places := []struct {
		place, request, body string
		got                  func(r *http.Request, body string) string
		want                 string
	}{
		{"header", `{"method":"POST","url":"%s/","headers":{"Authorization":"Bearer ` + mark + `"}}`, "",
			func(r *http.Request, _ string) string { return r.Header.Get("Authorization") }, "Bearer " + secretValue},
		{"query", `{"method":"POST","url":"%s/?a=b&key=` + mark + `"}`, "", func(r *http.Request, _ string) string { return r.URL.Query().Get("key") }, secretValue},
		{"query", `{"method":"POST","url":"%s/?key=%%7b%%7Bsecret%%3AKEY%%7d%%7D"}`, "", func(r *http.Request, _ string) string { return r.URL.Query().Get("key") }, secretValue},
		{"body", `{"method":"POST","url":"%s/","headers":{"Content-Type":"application/json"}}`, `{"key":"` + mark + `"}`,
			func(_ *http.Request, body string) string { return body }, `{"key":"k3y/\"<&> 100%"}`},
		{"body", `{"method":"POST","url":"%s/","headers":{"Content-Type":"application/x-www-form-urlencoded"}}`, `key=` + mark,
			func(_ *http.Request, body string) string { v, _ := url.ParseQuery(body); return v.Get("key") }, secretValue},
		{"body", `{"method":"POST","url":"%s/","headers":{"Content-Type":"text/xml; charset=utf-8"}}`, `<k>` + mark + `</k>`,
			func(_ *http.Request, body string) string { return body }, `<k>k3y/&#34;&lt;&amp;&gt; 100%</k>`},
		{"body", `{"method":"POST","url":"%s/"}`, mark, func(_ *http.Request, body string) string { return body }, secretValue},
		{"body", `{"method":"POST","url":"%s/","parts":[{"name":"key","value":"` + mark + `"}]}`, "",
			func(r *http.Request, body string) string {
				return body[strings.Index(body, "\r\n\r\n")+4:][:len(secretValue)]
			}, secretValue},
		{"body", `{"method":"POST","url":"%s/","parts":[{"name":"key","type":"application/json","value":"\"` + mark + `\""}]}`, "",
			func(r *http.Request, body string) string {
				_, value, _ := strings.Cut(body, "\r\n\r\n")
				value, _, _ = strings.Cut(value, "\r\n")
				return value
			}, `"k3y/\"<&> 100%"`},
		{"body", `{"method":"POST","url":"%s/","headers":{"Content-Type":"application/x-www-form-urlencoded"}}`, `a=b&key=%7Bx&k=%7b%7bsecret%3aKEY%7d%7D`,
			func(_ *http.Request, body string) string { return body }, `a=b&key=%7Bx&k=k3y%2F%22%3C%26%3E%20100%25`},
		{"body", `{"method":"POST","url":"%s/","headers":{"Content-Type":"application/vnd.example+json"}}`, `["` + mark + `","` + mark + `"]`,
			func(_ *http.Request, body string) string { return body }, `["k3y/\"<&> 100%","k3y/\"<&> 100%"]`},
	}
	for _, c := range places {
		for _, granted := range placeNames {
			call := newCall(t, document, holding(t, p, granted))
			stream := int32(0)
			if c.body != "" {
				stream = call.StreamNew()
				call.StreamWrite(stream, []byte(c.body))
			}
			before := p.count()
			code := call.HTTPSend(fmt.Appendf(nil, c.request, p.URL), stream)
			if granted != c.place {
				equalCode(t, call, c.place+" with "+granted, int64(code), Denied)
				both := slices.DeleteFunc(slices.Clone(placeNames), func(name string) bool { return name != granted && name != c.place })
				want := "http_send: secret KEY may not stand in the " + c.place + "; allow it with in: [" + strings.Join(both, ", ") + "]"
				if texts, n := call.Denied(); n != 1 || !slices.Equal(texts, []string{want}) || reason(call) != want || call.LastError() != Denied || p.count() != before {
					t.Errorf("%s with %s: denied %d times: %v; sent %d", c.place, granted, n, texts, p.count()-before)
				}
				continue
			}
			if code < 0 {
				t.Fatalf("%s: %s", c.place, reason(call))
			}
			if got := c.got(p.last()); got != c.want {
				t.Errorf("%s: %q, want %q", c.place, got, c.want)
			}
		}
	}
}

// TestSecretRefused: other hosts, other names, other places of a URL.
func TestSecretRefused(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	for _, c := range []struct {
		request string
		hosts   []string
		code    Errno
		text    string
	}{
		{`{"url":"%s/","headers":{"A":"{{secret:KEY}}"}}`, []string{"other.example"}, Denied, "secret KEY is not for 127.0.0.1"},
		{`{"url":"%s/","headers":{"A":"{{secret:OTHER}}"}}`, []string{"127.0.0.1"}, Denied, "the link holds no secret OTHER"},
		{`{"url":"%s/{{secret:KEY}}"}`, []string{"127.0.0.1"}, Invalid, "in the query alone"},
		{`{"url":"%s/?a=b#{{secret:KEY}}"}`, []string{"127.0.0.1"}, Invalid, "in the query alone"},
		{`{"url":"%s/","headers":{"A":"{{secret:KEY}}"}}`, []string{"127.0.0.1:1", "localhost"}, Denied, `allow it with for: ["127.0.0.1"]`},
		{`{"url":"%s/","headers":{"{{secret:KEY}}":"A"}}`, []string{"127.0.0.1"}, Invalid, "header"},
		{`{"url":"%s/","sign":{"aws4":{"service":"s3","region":"r","key":"k","secret":"{{secret:OTHER}}"}}}`, []string{"127.0.0.1"}, Denied, "the link holds no secret OTHER"},
		{`{"url":"%s/?{{secret:KEY"}`, []string{"127.0.0.1"}, Invalid, "is written {{secret:NAME}}"},
		{`{"url":"%s/","headers":{"A":"{{secret:1}}"}}`, []string{"127.0.0.1"}, Invalid, "is written {{secret:NAME}}"},
	} {
		use := p.use(t)
		call := newCall(t, document, func(o *Options) {
			use(o)
			o.Grants.Secrets = []Secret{aSecret(t, "KEY", secretValue, c.hosts, "header", "query")}
		})
		equalCode(t, call, c.request, int64(call.HTTPSend(fmt.Appendf(nil, c.request, p.URL), 0)), c.code)
		if !strings.Contains(reason(call), c.text) || p.count() > 0 {
			t.Errorf("%s: %s", c.request, reason(call))
		}
	}
	// Words of a conversation are no placeholders.
	call := newCall(t, document, holding(t, p, "body"))
	s := call.StreamNew()
	call.StreamWrite(s, []byte("write {{secret:OTHER}} there"))
	call.HTTPSend(post(p.URL+"/"), s)
	if _, body := p.last(); body != "write {{secret:OTHER}} there" {
		t.Errorf("sent %q", body)
	}
}

// TestSecretIsMasked in what a peer gives back and in all that a link prints; keys do not change with the value.
func TestSecretIsMasked(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("A"))
		io.WriteString(w, "you sent "+r.Header.Get("A")+" and "+url.QueryEscape(r.Header.Get("A")))
	})
	var lines []string
	use := holding(t, p)
	call := newCall(t, document, use, func(o *Options) { o.Log = func(_ int, line string) { lines = append(lines, line) } })
	request := fmt.Appendf(nil, `{"method":"POST","url":"%s/","headers":{"A":"{{secret:KEY}}"}}`, p.URL)
	r := call.HTTPSend(request, 0)
	if r < 0 {
		t.Fatal(reason(call))
	}
	if got := text(t, func(out []byte) int64 { return call.HTTPHeader(r, []byte("x-echo"), out) }); got != masked {
		t.Errorf("header %q", got)
	}
	body := call.HTTPBody(r)
	if got := string(drain(t, call, body)); got != "you sent *** and ***" {
		t.Errorf("body %q", got)
	}
	call.Log(1, []byte("it is "+secretValue))
	call.ErrorSet([]byte("no " + secretValue))
	call.HTTPSend([]byte(`{"url":"http://`+secretValue+`"}`), 0)
	for _, text := range append(lines, call.Failure(), reason(call), call.Mask("a "+secretValue)) {
		if strings.Contains(text, "k3y") {
			t.Errorf("printed %s", text)
		}
	}
	if !slices.Contains(lines, "it is "+masked) || call.Failure() != "no "+masked {
		t.Errorf("lines %q, failure %q", lines, call.Failure())
	}
	first, _ := p.last()
	other := newCall(t, document, p.use(t), func(o *Options) {
		o.Grants.Secrets = []Secret{aSecret(t, "KEY", "another-value", []string{"127.0.0.1"})}
	})
	other.HTTPSend(request, 0)
	if second, _ := p.last(); second.Header.Get("Idempotency-Key") != first.Header.Get("Idempotency-Key") || second.Header.Get("A") != "another-value" {
		t.Errorf("keys %q and %q", first.Header.Get("Idempotency-Key"), second.Header.Get("Idempotency-Key"))
	}
}

// TestSecretStaysBehind: a redirect to another origin gets no header with a secret, and no body with one.
func TestSecretStaysBehind(t *testing.T) {
	t.Parallel()
	other := newPeer(t, nil)
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Redirect(w, &http.Request{}, other.URL+"/next", http.StatusTemporaryRedirect)
	})
	use, useOther := holding(t, p, "header", "body"), other.use(t)
	both := func(o *Options) {
		useOther(o)
		rules := o.Grants.HTTP.Rules
		use(o)
		o.Grants.HTTP.Rules = append(o.Grants.HTTP.Rules, rules...)
	}
	call := newCall(t, document, both)
	if r := call.HTTPSend(fmt.Appendf(nil, `{"method":"POST","url":"%s/","redirects":2,"headers":{"Accept":"{{secret:KEY}}","Content-Type":"text/plain"}}`, p.URL), 0); r < 0 {
		t.Fatal(reason(call))
	}
	if r, _ := other.last(); r.Header.Get("Accept") != "" || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("the other origin got %v", r.Header)
	}
	s := call.StreamNew()
	call.StreamWrite(s, []byte("{{secret:KEY}}"))
	r := call.HTTPSend(fmt.Appendf(nil, `{"method":"POST","url":"%s/","redirects":2}`, p.URL), s)
	if got := call.HTTPStatus(r); got != http.StatusTemporaryRedirect || other.count() != 1 {
		t.Errorf("status %d, the other origin got %d requests", got, other.count())
	}
}

// TestSecretBodiesAsTheyAre: what is too large or no text is sent untouched, and a value is not filled again.
func TestSecretBodiesAsTheyAre(t *testing.T) {
	t.Parallel()
	const mark, nested = "{{secret:KEY}}", "see {{secret:NEXT}}"
	p := newPeer(t, nil)
	fill := strings.Repeat("x", maxSecretBody-len(mark))
	for _, c := range []struct{ name, body, want string }{
		{"64 KiB", fill + mark, fill + nested},
		{"a byte more", fill + "x" + mark, fill + "x" + mark},
		{"not UTF-8", "\xff" + mark, "\xff" + mark},
		{"a value that looks like a placeholder", mark, nested},
	} {
		use := p.use(t)
		call := newCall(t, document, func(o *Options) {
			use(o)
			o.Grants.Secrets = []Secret{aSecret(t, "KEY", nested, []string{"127.0.0.1"}, "body"), aSecret(t, "NEXT", secretValue, []string{"127.0.0.1"}, "body")}
		})
		s := call.StreamNew()
		call.StreamWrite(s, []byte(c.body))
		if call.HTTPSend(post(p.URL), s) < 0 {
			t.Fatal(reason(call))
		}
		if _, body := p.last(); body != c.want {
			t.Errorf("%s: %d bytes, want %d; ends in %q", c.name, len(body), len(c.want), body[max(0, len(body)-30):])
		}
		if got := string(drain(t, call, s)); got != c.body {
			t.Errorf("%s: the link's own stream is now %d bytes, ends in %q", c.name, len(got), got[max(0, len(got)-30):])
		}
	}
}

// TestSecretChangesNoKey: wherever a secret stands, another value of it gives the same keys, so nothing is paid twice
// when one is rotated between two attempts; another request gives others.
func TestSecretChangesNoKey(t *testing.T) {
	t.Parallel()
	const mark = "{{secret:KEY}}"
	all := map[string]string{}
	for _, c := range []struct{ name, request, body string }{
		{"header", `{"method":"POST","url":"https://a.example/","headers":{"A":"` + mark + `"}}`, ""},
		{"query", `{"method":"POST","url":"https://a.example/?k=` + mark + `"}`, ""},
		{"body", `{"method":"POST","url":"https://a.example/body"}`, mark},
		{"form", `{"method":"POST","url":"https://a.example/form","headers":{"Content-Type":"application/x-www-form-urlencoded"}}`, "k=" + mark},
		{"part", `{"method":"POST","url":"https://a.example/","parts":[{"name":"k","value":"` + mark + `"}]}`, ""},
		{"sign", `{"method":"POST","url":"https://a.example/sign","sign":{"aws4":{"service":"s3","region":"r","key":"k","secret":"` + mark + `"}}}`, ""},
	} {
		memo := &memoryMemo{m: map[[32]byte][]byte{}}
		var keys, wires []string
		send := func(value string, remember Memo) *Call {
			call := newCall(t, document, func(o *Options) {
				o.Memo = remember
				o.Grants.HTTP = Fetch{Any: true}.policy()
				o.Grants.Secrets = []Secret{aSecret(t, "KEY", value, []string{"a.example"}, placeNames...)}
				o.HTTP = doerFunc(func(r *outbound.Request) (*outbound.Response, error) {
					var body []byte
					if r.Body != nil {
						body, _ = io.ReadAll(r.Body)
					}
					if int64(len(body)) != r.Length {
						t.Errorf("%s: %d bytes, said to be %d", c.name, len(body), r.Length)
					}
					keys = append(keys, r.Header.Get("Idempotency-Key"))
					wires = append(wires, fmt.Sprint(r.URL, r.Header, string(body), r.Sign))
					return &outbound.Response{Status: http.StatusOK, Body: []byte("paid")}, nil
				})
			})
			s := int32(0)
			if c.body != "" {
				s = call.StreamNew()
				call.StreamWrite(s, []byte(c.body))
			}
			r := call.HTTPSend([]byte(c.request), s)
			if r < 0 || string(drain(t, call, call.HTTPBody(r))) != "paid" {
				t.Fatalf("%s: %s", c.name, reason(call))
			}
			return call
		}
		send("the-first-value", memo)
		if again := send("a-second-value", memo); again.Sent() != 0 || len(memo.m) != 1 {
			t.Errorf("%s: sent %d times more; %d answers kept", c.name, again.Sent(), len(memo.m))
		}
		send("a-second-value", nil)
		if len(keys) != 2 || keys[0] != keys[1] || len(keys[0]) != 64 {
			t.Errorf("%s: keys %q", c.name, keys)
		}
		if c.name != "sign" && (!strings.Contains(wires[0], "the-first-value") || !strings.Contains(wires[1], "a-second-value")) {
			t.Errorf("%s: the values did not leave: %q", c.name, wires)
		}
		if other, has := all[keys[0]]; has {
			t.Errorf("%s and %s have one key", c.name, other)
		}
		all[keys[0]] = c.name
	}
}

// TestSecretCrossing: what a redirect to another origin may take along.
func TestSecretCrossing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, to string
		dropped        bool // the body, as most redirects do
		follow         bool
	}{
		{"nothing secret but headers", "text", "https://b.example/", false, true},
		{"a body with a secret", "{{secret:KEY}}", "https://b.example/", false, false},
		{"a body with a secret, dropped", "{{secret:KEY}}", "https://b.example/", true, true},
		{"a URL with a secret", "text", "https://b.example/?k=" + url.QueryEscape(secretValue), false, false},
	} {
		var followed bool
		var left http.Header
		call := newCall(t, document, func(o *Options) {
			o.Grants.HTTP = Fetch{Any: true}.policy()
			o.Grants.Secrets = []Secret{aSecret(t, "KEY", secretValue, []string{"a.example"}, placeNames...)}
			o.HTTP = doerFunc(func(r *outbound.Request) (*outbound.Response, error) {
				next := *r
				next.URL, next.Header = c.to, r.Header.Clone()
				if c.dropped {
					next.Body, next.Length = nil, 0
				}
				followed, left = r.Crossing(&next), next.Header
				return &outbound.Response{Status: http.StatusFound}, nil
			})
		})
		s := call.StreamNew()
		call.StreamWrite(s, []byte(c.body))
		if r := call.HTTPSend([]byte(`{"method":"POST","url":"https://a.example/","redirects":1,"headers":{"X-Key":["plain","{{secret:KEY}}"],"accept":"a {{secret:KEY}}","X-Plain":"plain"}}`), s); r < 0 {
			t.Fatal(reason(call))
		}
		if followed != c.follow || left.Get("X-Key") != "" || left.Get("Accept") != "" || left.Get("X-Plain") != "plain" {
			t.Errorf("%s: followed %v with %d headers", c.name, followed, len(left))
		}
	}
}

// TestSecretDenials: each text once, at most 16, all counted; the code of the last failure stays.
func TestSecretDenials(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	call := newCall(t, document, holding(t, p))
	if texts, n := call.Denied(); len(texts) != 0 || n != 0 || call.LastError() != 0 {
		t.Errorf("before any call: %q, %d, %v", texts, n, call.LastError())
	}
	for i := range 2 * (maxDenials + 4) {
		equalCode(t, call, "unknown", int64(call.HTTPSend(fmt.Appendf(nil, `{"url":"%s/","headers":{"A":"{{secret:S%d}}"}}`, p.URL, i/2), 0)), Denied)
	}
	texts, n := call.Denied()
	if n != 2*(maxDenials+4) || len(texts) != maxDenials {
		t.Fatalf("%d texts of %d refusals", len(texts), n)
	}
	for i, text := range texts {
		want := fmt.Sprintf(`http_send: the link holds no secret S%d; allow it with secrets: {S%d: {from: "env:S%d", for: ["127.0.0.1"], in: [header]}}`, i, i, i)
		if text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
	if call.HTTPSend(post(p.URL), 0) < 0 || call.LastError() != Denied {
		t.Errorf("after a success: %v", call.LastError())
	}
	equalCode(t, call, "bad", int64(call.HTTPSend(nil, 0)), Invalid)
	if _, again := call.Denied(); again != n || call.LastError() != Invalid {
		t.Errorf("%d refusals, %v", again, call.LastError())
	}
	if p.count() != 1 {
		t.Errorf("%d requests left", p.count())
	}
}
