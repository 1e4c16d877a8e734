package hostabi

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// TestSecretHosts: a secret goes to the hosts of its grant, on the ports of its grant.
func TestSecretHosts(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	_, port, _ := strings.Cut(hostOf(t, p.URL), ":")
	for host, granted := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:" + port: true, "127.0.0.1:443": false, "127.0.0.2": false, "localhost:" + port: false, "127.0.0.1.example": false, "[::1]:" + port: false,
	} {
		for _, request := range []string{
			`{"method":"POST","url":"%s/","headers":{"A":"{{secret:KEY}}"}}`, `{"method":"POST","url":"%s/?a={{secret:KEY}}"}`,
			`{"method":"POST","url":"%s/","parts":[{"name":"a","value":"{{secret:KEY}}"}]}`,
			`{"method":"POST","url":"%s/","sign":{"aws4":{"service":"s3","region":"x","key":"k","secret":"{{secret:KEY}}"}}}`,
		} {
			use := p.use(t)
			call := newCall(t, document, func(o *Options) {
				use(o)
				o.Grants.Secrets = []Secret{aSecret(t, "KEY", secretValue, []string{host}, placeNames...)}
			})
			before := p.count()
			r := call.HTTPSend(fmt.Appendf(nil, request, p.URL), 0)
			if granted != (r > 0) || granted != (p.count() > before) || !granted && r != int32(Denied) {
				t.Errorf("for %s, %s: %d %s", host, request, r, reason(call))
			}
		}
	}
}

// TestEchoes: whatever a peer gives back, in whatever form, packed or in pieces, is masked for any size of read.
func TestEchoes(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		echo := echoes[r.URL.Query().Get("form")](r.Header.Get("A"))
		w.Header().Set("X-Echo", echo)
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", echo)
		to := io.Writer(w)
		if r.URL.Path == "/gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			to = z
		}
		for _, b := range []byte("<" + echo + ">") { // the pieces in which it comes are of one byte
			to.Write([]byte{b})
			if r.URL.Path == "/pieces" {
				http.NewResponseController(w).Flush()
			}
		}
	})
	for form := range echoes {
		for _, path := range []string{"/", "/gzip", "/pieces"} {
			call := newCall(t, document, holding(t, p))
			r := call.HTTPSend(fmt.Appendf(nil, `{"url":"%s%s?form=%s","headers":{"A":"{{secret:KEY}}"}}`, p.URL, path, url.QueryEscape(form)), 0)
			if r < 0 {
				t.Fatal(reason(call))
			}
			for _, size := range []int{1, 2, 7, 1000} {
				body := inPieces(t, call, call.HTTPBody(r), size)
				if leaks(body, secretValue) || !strings.HasPrefix(body, "<") || !strings.Contains(body, masked) || !strings.HasSuffix(body, ">") {
					t.Errorf("%s as %s, %d bytes a read: %q", path, form, size, body)
				}
			}
			headers := text(t, func(out []byte) int64 { return call.HTTPHeaders(r, out) })
			one := text(t, func(out []byte) int64 { return call.HTTPHeader(r, []byte("x-two"), out) })
			if leaks(headers, secretValue) || leaks(one, secretValue) || !strings.HasPrefix(one, "a, ") || !strings.Contains(one, masked) {
				t.Errorf("%s as %s: headers %s", path, form, headers)
			}
		}
	}
}

// inPieces reads a stream to its end, some bytes at a time.
func inPieces(t testing.TB, c *Call, s int32, size int) string {
	t.Helper()
	var all []byte
	for buf := make([]byte, size); ; {
		n := c.StreamRead(s, buf)
		if n < 0 {
			t.Fatal(reason(c))
		}
		if n == 0 {
			return string(all)
		}
		all = append(all, buf[:n]...)
	}
}

// TestPackedAnswers: one that cannot be looked into is refused if there is something to mask, and asked for only if not.
func TestPackedAnswers(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Encoding"] = r.Header["X-Encoding"]
		io.WriteString(w, "packed")
	})
	for _, encodings := range []string{`"br"`, `"deflate"`, `["gzip","gzip"]`, `"gzip, br"`, `["identity","zstd"]`} {
		request := fmt.Appendf(nil, `{"url":%q,"headers":{"X-Encoding":%s,"Accept-Encoding":"br"}}`, p.URL, encodings)
		call := newCall(t, document, holding(t, p))
		equalCode(t, call, encodings, int64(call.HTTPSend(request, 0)), Network)
		if got, _ := p.last(); got.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("asked for %q", got.Header["Accept-Encoding"])
		}
		none := newCall(t, document, p.use(t))
		r := none.HTTPSend(request, 0)
		if got, _ := p.last(); r < 0 || string(drain(t, none, none.HTTPBody(r))) != "packed" || got.Header.Get("Accept-Encoding") != "br" {
			t.Errorf("%s without secrets: %d %s, asked for %q", encodings, r, reason(none), got.Header["Accept-Encoding"])
		}
	}
	call := newCall(t, document, holding(t, p))
	if r := call.HTTPSend(fmt.Appendf(nil, `{"url":%q,"headers":{"X-Encoding":"identity"}}`, p.URL), 0); r < 0 {
		t.Error(reason(call))
	}
}

// TestRedirectWithAValue: a peer that sends a value on to another origin does not get it there.
func TestRedirectWithAValue(t *testing.T) {
	t.Parallel()
	other := newPeer(t, nil)
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", other.URL+"/?k="+url.QueryEscape(r.Header.Get("A")))
		w.WriteHeader(http.StatusFound)
	})
	call := newCall(t, document, holding(t, p), useAll(t, p, other))
	r := call.HTTPSend(fmt.Appendf(nil, `{"url":"%s/","redirects":2,"headers":{"A":"{{secret:KEY}}"}}`, p.URL), 0)
	location := text(t, func(out []byte) int64 { return call.HTTPHeader(r, []byte("location"), out) })
	if call.HTTPStatus(r) != http.StatusFound || other.count() != 0 || location != other.URL+"/?k="+masked {
		t.Errorf("status %d, location %s, the other origin got %d requests", call.HTTPStatus(r), location, other.count())
	}
}

// useAll grants http_send and fetching on all of some peers, with the client of the first.
func useAll(t testing.TB, peers ...*peer) func(*Options) {
	var rules []outbound.Rule
	var first Options
	for i, p := range peers {
		var o Options
		p.use(t)(&o)
		if i == 0 {
			first = o
		}
		rules = append(rules, o.Grants.HTTP.Rules...)
	}
	return func(o *Options) {
		o.HTTP, o.Grants.HTTP.Rules, o.Grants.Fetch = first.HTTP, rules, Fetch{Origins: rules}
	}
}

// TestFetchOverTLS: a redirect is followed from https to https and from http up, never down.
func TestFetchOverTLS(t *testing.T) {
	t.Parallel()
	var open, closed, second *peer
	open = newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" {
			http.Redirect(w, r, closed.URL+"/a.wav", http.StatusFound)
			return
		}
		io.WriteString(w, recording)
	})
	closed = newTLSPeer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			http.Redirect(w, r, open.URL+"/a.wav", http.StatusFound)
		case "/over":
			http.Redirect(w, r, second.URL+"/a.wav", http.StatusMovedPermanently)
		case "/over-and-down":
			http.Redirect(w, r, second.URL+"/down", http.StatusTemporaryRedirect)
		default:
			io.WriteString(w, recording)
		}
	})
	second = newTLSPeer(t, closed.Config.Handler.ServeHTTP)
	for _, c := range []struct {
		url  string
		code Errno
		open int // requests that came over http
	}{
		{closed.URL + "/a.wav", 0, 0}, {open.URL + "/up", 0, 1}, {closed.URL + "/over", 0, 0}, {closed.URL + "/down", Denied, 0}, {closed.URL + "/over-and-down", Denied, 0},
	} {
		before := open.count()
		call := newCall(t, fetchable(c.url, ""), useAll(t, closed, second, open))
		h := call.StreamFetch(1, []byte("/dialog/0"))
		if came := open.count() - before; came != c.open {
			t.Errorf("%s: %d requests over http, want %d", c.url, came, c.open)
		}
		if c.code != 0 {
			equalCode(t, call, c.url, int64(h), c.code)
			if texts, _ := call.Denied(); len(texts) != 1 || !strings.HasSuffix(texts[0], "a redirect leads from https to http") {
				t.Errorf("%s: %q", c.url, texts)
			}
		} else if h < 0 || string(drain(t, call, h)) != recording {
			t.Errorf("%s: %d %s", c.url, h, reason(call))
		}
	}
}

// TestSignatureOnTheWire: what leaves carries the signature that its receiver computes from what came, by the manual's
// four steps.
func TestSignatureOnTheWire(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	for _, in := range placeNames {
		use := p.use(t)
		call := newCall(t, document, func(o *Options) {
			use(o)
			o.Grants.Secrets = []Secret{aSecret(t, "KEY_ID", awsKey, []string{"127.0.0.1"}, in), aSecret(t, "KEY", awsSecret, []string{"127.0.0.1"}, in)}
		})
		s := call.StreamNew()
		call.StreamWrite(s, []byte("the body"))
		request := fmt.Appendf(nil, `{"method":"PUT","url":"%s/2024/a.wav?x=1","headers":{"X-Amz-Meta-A":"b"},"sign":{"aws4":{"service":"s3","region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}}`, p.URL)
		r := call.HTTPSend(request, s)
		if in != "header" {
			equalCode(t, call, in, int64(r), Denied)
			continue
		}
		if r < 0 {
			t.Fatal(reason(call))
		}
		got, body := p.last()
		auth := got.Header.Get("Authorization")
		_, signature, _ := strings.Cut(auth, "Signature=")
		if want := headerSignatureOf(got, body); signature != want || body != "the body" || strings.Contains(fmt.Sprint(got.Header), awsSecret) {
			t.Errorf("signed as %s, want signature %s", auth, want)
		}
	}
	if p.count() != 1 {
		t.Errorf("%d requests left", p.count())
	}
}

// headerSignatureOf is Signature Version 4 of a request to S3 as its receiver sees it.
func headerSignatureOf(r *http.Request, body string) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ := strings.Cut(rest, ",")
	lines := ""
	for name := range strings.SplitSeq(signed, ";") {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		lines += name + ":" + value + "\n"
	}
	hash := func(text string) string { sum := sha256.Sum256([]byte(text)); return hex.EncodeToString(sum[:]) }
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, lines, signed, hash(body)}, "\n")
	date := r.Header.Get("X-Amz-Date")
	scope := date[:8] + "/eu-central-1/s3/aws4_request"
	key := []byte("AWS4" + awsSecret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	return hex.EncodeToString(hmacOf(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hash(canonical)}, "\n")))
}
