package hostabi

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
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
				if texts, n := call.Denied(); n != 1 || !strings.Contains(texts[0], "in: ["+granted) && !strings.Contains(texts[0], "in: [") || call.LastError() != Denied || p.count() != before {
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
