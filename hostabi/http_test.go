package hostabi

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// peer is a server with the last request it got, and a rule that grants it.
type peer struct {
	*httptest.Server
	mu   sync.Mutex
	got  []*http.Request
	body []string
}

func newPeer(t testing.TB, answer http.HandlerFunc) *peer {
	t.Helper()
	return startPeer(t, httptest.NewServer, answer)
}

// newTLSPeer is one with a certificate that its own clients trust.
func newTLSPeer(t testing.TB, answer http.HandlerFunc) *peer {
	t.Helper()
	return startPeer(t, httptest.NewTLSServer, answer)
}

func startPeer(t testing.TB, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *peer {
	t.Helper()
	p := &peer{}
	p.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.got, p.body = append(p.got, r), append(p.body, string(body))
		p.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

func (p *peer) last() (*http.Request, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[len(p.got)-1], p.body[len(p.body)-1]
}

// use grants the peer and gives the call a client.
func (p *peer) use(t testing.TB) func(*Options) {
	o := outbound.Options{}
	if cert := p.Certificate(); cert != nil {
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		o.TLS = &tls.Config{RootCAs: roots}
	}
	client := outbound.New(o)
	t.Cleanup(client.Close)
	rule, err := outbound.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.HTTP, o.Grants.HTTP = client, outbound.Policy{Rules: []outbound.Rule{rule}} }
}

// memoryMemo is a Memo with faults on demand.
type memoryMemo struct {
	m          map[[32]byte][]byte
	load, save error
}

func (m *memoryMemo) Load(_ context.Context, key [32]byte) ([]byte, bool, error) {
	answer, ok := m.m[key]
	return answer, ok, m.load
}

func (m *memoryMemo) Save(_ context.Context, key [32]byte, answer []byte) error {
	if m.save == nil {
		m.m[key] = answer
	}
	return m.save
}

func post(url string) []byte { return fmt.Appendf(nil, `{"method":"POST","url":%q}`, url) }

func TestHTTPSend(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	})
	c := newCall(t, document, p.use(t))
	s := c.StreamNew()
	c.StreamWrite(s, []byte("the body"))
	drain(t, c, s)
	r := c.HTTPSend(fmt.Appendf(nil, `{"method":"post","url":"%s/a?b=c","headers":{"X-One":"1","X-Many":["a","b"]},"timeout_ms":5000}`, p.URL), s)
	if r < 0 {
		t.Fatal(reason(c))
	}
	got, body := p.last()
	if got.Method != "POST" || got.RequestURI != "/a?b=c" || body != "the body" || got.Header.Get("X-One") != "1" || len(got.Header["X-Many"]) != 2 || got.ContentLength != 8 {
		t.Errorf("sent %+v, %q", got, body)
	}
	if key := got.Header.Get("Idempotency-Key"); len(key) != 64 {
		t.Errorf("Idempotency-Key %q", key)
	}
	if got := c.HTTPStatus(r); got != http.StatusTeapot {
		t.Errorf("status %d", got)
	}
	if got := text(t, func(out []byte) int64 { return c.HTTPHeader(r, []byte("x-TWO"), out) }); got != "a, b" {
		t.Errorf("header %q", got)
	}
	if got := text(t, func(out []byte) int64 { return c.HTTPHeaders(r, out) }); !strings.Contains(got, `"x-two":"a, b"`) {
		t.Errorf("headers %s", got)
	}
	equalCode(t, c, "no such header", c.HTTPHeader(r, []byte("X-Three"), nil), NotFound)
	one, two := c.HTTPBody(r), c.HTTPBody(r)
	if a, b := drain(t, c, one), drain(t, c, two); string(a) != "short and stout" || string(b) != string(a) {
		t.Errorf("bodies %q, %q", a, b)
	}
	if c.Sent() != 1 || c.Used().HTTPRequests != 1 || c.Used().HTTPBytes != int64(len("the body")+len("short and stout")) {
		t.Errorf("sent %d, used %+v", c.Sent(), c.Used())
	}
	for _, h := range []int32{1, s, 99} {
		equalCode(t, c, "status", int64(c.HTTPStatus(h)), Invalid)
		equalCode(t, c, "header", c.HTTPHeader(h, nil, nil), Invalid)
		equalCode(t, c, "headers", c.HTTPHeaders(h, nil), Invalid)
		equalCode(t, c, "body", int64(c.HTTPBody(h)), Invalid)
	}
}

func TestHTTPSendRefuses(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	c := newCall(t, document, p.use(t))
	s := c.StreamNew()
	url := fmt.Sprintf(`"url":%q`, p.URL)
	for _, r := range []struct {
		req  string
		body int32
		want Errno
	}{
		{"", 0, Invalid}, {"[]", 0, Invalid}, {"{" + url + ",\"headers\":{\"X\":\"\xff\"}}", 0, Invalid}, {`{` + url + `} x`, 0, Invalid}, {`{` + url + `,"verb":"GET"}`, 0, Invalid}, {`{` + url + `}`, 1, Invalid}, {`{` + url + `}`, 99, Invalid},
		{`{` + url + `,"headers":{"Host":"x"}}`, 0, Invalid}, {`{` + url + `,"headers":{"X-A":"a\r\nX-B: b"}}`, 0, Invalid}, {`{` + url + `,"headers":{"te":"x"}}`, 0, Invalid},
		{`{` + url + `,"headers":{"X":1}}`, 0, Invalid}, {`{` + url + `,"timeout_ms":0}`, 0, Invalid}, {`{` + url + `,"timeout_ms":-1}`, 0, Invalid}, {`{` + url + `,"redirects":11}`, 0, Invalid},
		{`{` + url + `,"redirects":-1}`, 0, Invalid}, {`{` + url + `,"method":"G T"}`, 0, Invalid}, {`{` + url + `,"method":"CONNECT"}`, 0, Invalid},
		{`{"url":"/x"}`, 0, Invalid}, {`{"url":"http://u:p@127.0.0.1/"}`, 0, Invalid}, {`{"url":"http://127.0.0.1:1/"}`, 0, Denied}, {`{"url":"https://example.com/"}`, 0, Denied},
		{`{` + url + `,"parts":[{"name":"a","value":"b"}]}`, s, Invalid}, {`{` + url + `,"parts":[{"value":"b"}]}`, 0, Invalid}, {`{` + url + `,"parts":[{"name":"a"}]}`, 0, Invalid},
		{`{` + url + `,"parts":[{"name":"a","value":"b","stream":2}]}`, 0, Invalid}, {`{` + url + `,"parts":[{"name":"a\r\n","value":"b"}]}`, 0, Invalid},
		{`{` + url + `,"parts":[{"name":"a","stream":77}]}`, 0, Invalid}, {`{` + url + `,"parts":[{"name":"a","value":"b"}],"headers":{"content-type":"x"}}`, 0, Invalid},
	} {
		equalCode(t, c, r.req, int64(c.HTTPSend([]byte(r.req), r.body)), r.want)
	}
	if p.count() != 0 || c.Sent() != 0 {
		t.Errorf("%d requests went out", p.count())
	}
	none := newCall(t, document, p.use(t), func(o *Options) { o.HTTP = nil })
	equalCode(t, none, "no client", int64(none.HTTPSend([]byte(`{`+url+`}`), 0)), Unsupported)
	nothing := newCall(t, document, p.use(t), func(o *Options) { o.Grants.HTTP = outbound.Policy{} })
	equalCode(t, nothing, "no grant", int64(nothing.HTTPSend([]byte(`{`+url+`}`), 0)), Denied)
	lost := newCall(t, document, p.use(t), func(o *Options) { o.Alive = func() bool { return false } })
	equalCode(t, lost, "the lease is gone", int64(lost.HTTPSend([]byte(`{`+url+`}`), 0)), Cancelled)
	if p.count() != 0 {
		t.Errorf("%d requests went out", p.count())
	}
}

func TestHTTPFaults(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/large":
			w.Write(make([]byte, 2000))
		}
	})
	send := func(c *Call, path, more string) int64 {
		return int64(c.HTTPSend(fmt.Appendf(nil, `{"url":"%s%s?s3cret=1"%s}`, p.URL, path, more), 0))
	}
	c := newCall(t, document, p.use(t))
	equalCode(t, c, "slow", send(c, "/slow", `,"timeout_ms":30`), TimedOut)
	equalCode(t, c, "cut", send(c, "/cut", ""), Network)
	if strings.Contains(reason(c), "s3cret") {
		t.Errorf("the reason tells the query: %s", reason(c))
	}
	small := newCall(t, document, p.use(t), func(o *Options) { o.Limits.HTTPBytes = 1999 })
	equalCode(t, small, "large", send(small, "/large", ""), OverQuota)
	s := small.StreamNew()
	small.StreamWrite(s, make([]byte, 2000))
	equalCode(t, small, "a large body", int64(small.HTTPSend(post(p.URL), s)), OverQuota)
	few := newCall(t, document, p.use(t), func(o *Options) { o.Limits.HTTPRequests = 1; o.Limits.HTTPBytes = -1 })
	if send(few, "/ok", "") < 0 {
		t.Error(reason(few))
	}
	equalCode(t, few, "one too many", send(few, "/ok", ""), OverQuota)
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := New(ctx, few.o)
	defer cancelled.Close()
	cancel()
	equalCode(t, cancelled, "cancelled", send(cancelled, "/ok", ""), Cancelled)
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	bodies := map[string]bool{}
	for range 2 {
		c := newCall(t, document, p.use(t))
		s := c.StreamNew()
		c.StreamWrite(s, []byte("\x00audio"))
		req := fmt.Sprintf(`{"method":"POST","url":%q,"parts":[{"name":"model","value":"whisper"},{"name":"file","filename":"a \"b\".wav","type":"audio/wav","stream":%d}]}`, p.URL, s)
		if r := c.HTTPSend([]byte(req), 0); r < 0 {
			t.Fatal(reason(c))
		}
		got, body := p.last()
		bodies[body] = true
		_, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		form, err := multipart.NewReader(strings.NewReader(body), params["boundary"]).ReadForm(1 << 20)
		if err != nil || form.Value["model"][0] != "whisper" || len(form.File["file"]) != 1 || form.File["file"][0].Header.Get("Content-Type") != "audio/wav" {
			t.Fatalf("%+v, %v", form, err)
		}
		f, err := form.File["file"][0].Open()
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := io.ReadAll(f); string(data) != "\x00audio" {
			t.Errorf("file %q", data)
		}
	}
	if len(bodies) != 1 {
		t.Error("the same parts give different bytes")
	}
	c := newCall(t, document, p.use(t), func(o *Options) { o.Limits.HTTPBytes = 50 })
	equalCode(t, c, "quota", int64(c.HTTPSend(fmt.Appendf(nil, `{"url":%q,"parts":[{"name":"a","value":"b"}]}`, p.URL), 0)), OverQuota)
}

// TestMemo: a second attempt of the same run gets the first one's good answers without sending, and asks anew after
// bad ones, under the same key.
func TestMemo(t *testing.T) {
	t.Parallel()
	fail := map[string]bool{"/b": true}
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		if fail[r.URL.Path] {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "answer of %s", r.URL.Path)
	})
	memo := &memoryMemo{m: map[[32]byte][]byte{}}
	keys := map[string][]string{}
	attempt := func(paths ...string) *Call {
		c := newCall(t, document, p.use(t), func(o *Options) { o.Memo = memo })
		for _, path := range paths {
			before := p.count()
			r := c.HTTPSend(post(p.URL+path), 0)
			if r < 0 {
				t.Fatal(reason(c))
			}
			if p.count() > before {
				got, _ := p.last()
				keys[path] = append(keys[path], got.Header.Get("Idempotency-Key"))
			}
			if !fail[path] {
				if body := drain(t, c, c.HTTPBody(r)); string(body) != "answer of "+path {
					t.Errorf("%s: %q", path, body)
				}
			}
		}
		return c
	}
	if c := attempt("/a", "/a", "/b"); c.Sent() != 3 {
		t.Errorf("first attempt sent %d", c.Sent())
	}
	if keys["/a"][0] == keys["/a"][1] {
		t.Error("the same request sent twice on purpose has one key")
	}
	if c := attempt("/a", "/b", "/b", "/a"); c.Sent() != 2 {
		t.Errorf("second attempt sent %d", c.Sent())
	}
	fail["/b"] = false
	if c := attempt("/b", "/a", "/a", "/a"); c.Sent() != 2 {
		t.Errorf("third attempt sent %d", c.Sent())
	}
	if b := keys["/b"]; b[0] != b[1] || b[1] != b[2] || b[2] != b[3] {
		t.Errorf("a repeated request changes its key: %v", b)
	}
}

func TestMemoKeyTellsRequestsApart(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	keys := map[string]string{}
	send := func(what string, req []byte, body string, change ...func(*Options)) {
		c := newCall(t, document, append(change, p.use(t))...)
		h := int32(0)
		if body != "" {
			h = c.StreamNew()
			c.StreamWrite(h, []byte(body))
		}
		if c.HTTPSend(req, h) < 0 {
			t.Fatal(reason(c))
		}
		got, _ := p.last()
		key := got.Header.Get("Idempotency-Key")
		if other, has := keys[key]; has {
			t.Errorf("%s and %s have one key", what, other)
		}
		keys[key] = what
	}
	send("plain", post(p.URL), "")
	send("url", post(p.URL+"/x"), "")
	send("method", fmt.Appendf(nil, `{"method":"PUT","url":%q}`, p.URL), "")
	send("body", post(p.URL), "a")
	send("run", post(p.URL), "", func(o *Options) { o.Run[0]++ })
	send("step", post(p.URL), "", func(o *Options) { o.Step = "l#2" })
	c := newCall(t, document, p.use(t))
	c.HTTPSend(fmt.Appendf(nil, `{"method":"POST","url":%q,"headers":{"idempotency-key":"mine"}}`, p.URL), 0)
	if got, _ := p.last(); got.Header.Get("Idempotency-Key") != "mine" {
		t.Errorf("the link's own key became %q", got.Header.Get("Idempotency-Key"))
	}
}

func TestMemoBounds(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write(make([]byte, maxRemembered))
		}
	})
	memo := &memoryMemo{m: map[[32]byte][]byte{}}
	with := func(o *Options) { o.Memo = memo }
	c := newCall(t, document, p.use(t), with)
	c.HTTPSend(post(p.URL+"/large"), 0)
	c.HTTPSend(fmt.Appendf(nil, `{"url":%q}`, p.URL), 0)
	if len(memo.m) != 0 {
		t.Errorf("%d answers kept of a large one and a GET", len(memo.m))
	}
	memo.load = errors.New("store is down")
	equalCode(t, c, "memo cannot be asked", int64(c.HTTPSend(post(p.URL), 0)), Network)
	if p.count() != 2 {
		t.Error("sent, though it may have been answered before")
	}
	memo.load, memo.save = nil, errors.New("store is down")
	var lines []string
	c = newCall(t, document, p.use(t), with, func(o *Options) { o.Log = func(_ int, line string) { lines = append(lines, line) } })
	if c.HTTPSend(post(p.URL), 0) < 0 || len(lines) != 1 {
		t.Errorf("an answer that cannot be kept: %s, log %q", reason(c), lines)
	}
	memo.save = nil
	memo.m[sha256.Sum256(nil)] = []byte("rubbish")
	if decodeAnswer([]byte("rubbish")) != nil || decodeAnswer([]byte("{}x\nbody")) != nil {
		t.Error("rubbish became an answer")
	}
}
