package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// names is a resolver with fixed answers; a name may have several, given one lookup after the other.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   int
}

// become changes the answers; a connection that nobody waits for any more may still ask.
func (n *names) become(answers map[string][][]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers = answers
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	answers := n.answers[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n.answers[host] = answers[1:]
	}
	var addrs []netip.Addr
	for _, text := range answers[0] {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

// net1 is a client whose every connection ends at one test server, and what it dialled.
type net1 struct {
	*Client
	server *httptest.Server
	names  *names
	mu     sync.Mutex
	dialed []string
}

func setup(t *testing.T, handler http.HandlerFunc) *net1 {
	t.Helper()
	n := &net1{server: httptest.NewServer(handler), names: &names{answers: map[string][][]string{}}}
	t.Cleanup(n.server.Close)
	n.Client = New(Options{Resolver: n.names, Dial: n.dial})
	t.Cleanup(n.Close)
	return n
}

func (n *net1) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, addr)
	n.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, n.server.Listener.Addr().String())
}

func (n *net1) dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.dialed...)
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

var anyHost = Policy{Rules: []Rule{{Scheme: "http", Host: "*"}, {Scheme: "https", Host: "*"}}}

// TestPrivateNetworks: a network of the options is reached under any rule, and nothing beside it.
func TestPrivateNetworks(t *testing.T) {
	t.Parallel()
	n := setup(t, hello)
	n.networks = []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("fe80::/10"),
	}
	kinds := map[string]string{ // "" = reached
		"10.1.2.3": "", "::ffff:10.1.2.3": "", "8.8.8.8": "", "fd12::7": "", "fe80::1%eth0": "", "169.254.1.1": "",
		"10.2.0.1": "private", "127.0.0.1": "loopback", "fd13::1": "private", "64:ff9b::a01:203": "a translated IPv4 address",
		"169.254.169.254": "a cloud's metadata service; a rule must name the address itself",
		"0.0.0.0":         "no destination; write 127.0.0.1", "224.0.0.1": "multicast",
	}
	for addr, want := range kinds {
		host := fmt.Sprintf("n%d.internal", len(n.names.answers)) // each its own: a connection is not made twice
		n.names.answers[host] = [][]string{{addr}}
		_, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://" + host + "/"})
		var denied *DeniedError
		if errors.As(err, &denied); want == "" && err != nil || want != "" && (denied == nil || denied.Address != want) {
			t.Errorf("%s: %v, want an address that is %q", addr, err, want)
		}
	}
	if _, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://169.254.169.254/"}); err != nil {
		t.Errorf("a metadata service that is named and listed: %v", err)
	}
}

// TestPoolsStayApart: a connection made under a private rule is not there for a rule that may not make it.
func TestPoolsStayApart(t *testing.T) {
	t.Parallel()
	n := setup(t, hello)
	n.names.answers["crm.internal"] = [][]string{{"10.1.2.3"}}
	private := Policy{Rules: []Rule{{Scheme: "http", Host: "crm.internal", Private: true}}}
	for range 2 {
		if _, err := n.Do(t.Context(), private, &Request{Method: "GET", URL: "http://crm.internal/"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.dials(); len(got) != 1 {
		t.Errorf("dialled %v, want the connection used again", got)
	}
	var denied *DeniedError
	if _, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://crm.internal/"}); !errors.As(err, &denied) {
		t.Errorf("under another policy: %v, want DeniedError", err)
	}
}

// TestManyAtOnce: requests of two policies on one client and one host, side by side.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	n := setup(t, hello)
	n.names.answers["crm.internal"] = [][]string{{"10.1.2.3"}}
	private := Policy{Rules: []Rule{{Scheme: "http", Host: "crm.internal", Private: true}}}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			p, allowed := anyHost, i%2 == 0
			if allowed {
				p = private
			}
			_, err := n.Do(t.Context(), p, &Request{Method: "POST", URL: "http://crm.internal/", Body: strings.NewReader("x"), Length: 1})
			if (err == nil) != allowed {
				t.Errorf("granted %v: %v", allowed, err)
			}
		})
	}
	wg.Wait()
}

// TestRebinding: the address that was checked is the one that is dialled, and a new connection is checked anew.
func TestRebinding(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close"); hello(w, r) })
	n.names.answers["re.example"] = [][]string{{"8.8.8.8"}, {"127.0.0.1"}}
	if _, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://re.example/"}); err != nil {
		t.Fatal(err)
	}
	if n.names.asked != 1 {
		t.Errorf("%d lookups for one connection", n.names.asked)
	}
	var denied *DeniedError
	if _, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://re.example/"}); !errors.As(err, &denied) {
		t.Errorf("after rebinding: %v", err)
	}
	if got := n.dials(); len(got) != 1 || got[0] != "8.8.8.8:80" {
		t.Errorf("dialled %v", got)
	}
}

func TestRequestIsSentAsGiven(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s %d %s", r.Method, r.Host, r.URL.RequestURI(), r.Header.Get("X-A"), r.ContentLength, body)
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	r := &Request{Method: "PUT", URL: "http://A.example.:80/x%2fy?q=1#f", Header: http.Header{"X-A": {"1"}}, Body: strings.NewReader("body"), Length: 4}
	got, err := n.Do(t.Context(), anyHost, r)
	if want := "PUT a.example /x%2fy?q=1 1 4 body"; err != nil || string(got.Body) != want {
		t.Errorf("%q, %v; want %q", got.Body, err, want)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		to, status := r.URL.Query().Get("to"), http.StatusFound
		if r.URL.Path == "/loop" {
			to = "/loop"
		}
		if s := r.URL.Query().Get("status"); s != "" {
			fmt.Sscan(s, &status)
		}
		if to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(status)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s auth=%s key=%s body=%s", r.Method, r.Host, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), body)
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	n.names.answers["b.example"] = [][]string{{"8.8.4.4"}}
	n.names.answers["inside.example"] = [][]string{{"10.0.0.1"}}
	p := Policy{Rules: []Rule{{Scheme: "http", Host: "a.example"}, {Scheme: "http", Host: "b.example"}, {Scheme: "http", Host: "inside.example"}}}
	do := func(method, to, status string, redirects int) (*Response, error) {
		header := http.Header{"Authorization": {"s3cret"}, "X-Api-Key": {"k3y"}}
		return n.Do(t.Context(), p, &Request{Method: method, Header: header, Redirects: redirects, Body: strings.NewReader("body"), Length: 4,
			URL: "http://a.example/?to=" + url.QueryEscape(to) + "&status=" + status})
	}
	for _, c := range []struct{ method, to, status, want string }{
		{"POST", "http://a.example/x", "307", "POST a.example auth=s3cret key=k3y body=body"},
		{"POST", "/x", "308", "POST a.example auth=s3cret key=k3y body=body"},
		{"POST", "http://b.example/x", "307", "POST b.example auth= key= body=body"},
		{"POST", "http://a.example/x", "302", "GET a.example auth=s3cret key=k3y body="},
		{"PUT", "http://b.example/x", "303", "GET b.example auth= key= body="},
		{"PUT", "http://b.example/x", "301", "PUT b.example auth= key= body=body"},
	} {
		got, err := do(c.method, c.to, c.status, 3)
		if err != nil || string(got.Body) != c.want {
			t.Errorf("%s %s to %s: %q, %v; want %q", c.method, c.status, c.to, got.Body, err, c.want)
		}
	}
	if got, err := do("GET", "http://b.example/", "302", 0); err != nil || got.Status != 302 {
		t.Errorf("redirects off: %+v, %v", got, err)
	}
	for _, to := range []string{"http://c.example/", "https://a.example/", "http://inside.example/", "http://127.0.0.1/"} {
		var denied *DeniedError
		if _, err := do("GET", to, "302", 3); !errors.As(err, &denied) {
			t.Errorf("to %s: %v, want DeniedError", to, err)
		}
	}
	for _, to := range []string{"file:///etc/passwd", "http://user:pw@b.example/", "http://[::ffff:127.0.0.1]/"} {
		if _, err := do("GET", to, "302", 3); !errors.Is(err, ErrRequest) {
			t.Errorf("to %s: %v, want ErrRequest", to, err)
		}
	}
	if got, err := n.Do(t.Context(), p, &Request{Method: "GET", URL: "http://a.example/loop", Redirects: 99}); err != nil || got.Status != 302 {
		t.Errorf("a loop ended with %+v, %v", got, err)
	}
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	bomb := zip(make([]byte, 8<<20))
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zip([]byte("unpacked")))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb)
		case "/broken":
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "not gzip")
		case "/known":
			w.Header().Set("Content-Length", "2000")
			w.Write(make([]byte, 2000))
		case "/stream":
			for range 20 {
				w.Write(make([]byte, 100))
				w.(http.Flusher).Flush()
			}
		case "/header":
			w.Header().Set("X-Big", strings.Repeat("a", 2*maxHeaderBytes))
		}
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	get := func(path string, limit int64) (*Response, error) {
		return n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://a.example" + path, MaxBytes: limit})
	}
	got, err := get("/gzip", 100)
	if err != nil || string(got.Body) != "unpacked" || got.Header.Get("Content-Encoding") != "" {
		t.Errorf("gzip: %+v, %v", got, err)
	}
	for path, limit := range map[string]int64{"/bomb": 1 << 20, "/known": 1999, "/stream": 1999} {
		if _, err := get(path, limit); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", path, err)
		}
	}
	if _, err := get("/bomb", 100<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("the ratio of a bomb: %v", err)
	}
	for path, size := range map[string]int{"/known": 2000, "/stream": 2000} {
		if got, err := get(path, 2000); err != nil || len(got.Body) != size {
			t.Errorf("%s at its exact size: %v", path, err)
		}
	}
	for _, path := range []string{"/broken", "/header"} {
		if _, err := get(path, 0); err == nil || errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got, err := n.Do(t.Context(), anyHost, &Request{Method: "HEAD", URL: "http://a.example/gzip"}); err != nil || len(got.Body) != 0 {
		t.Errorf("HEAD: %+v, %v", got, err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	packed := zip(bytes.Repeat([]byte("a"), 1<<20))
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/known" {
			w.Header().Set("Content-Length", fmt.Sprint(len(packed)))
		}
		w.Write(packed[:100])
		w.(http.Flusher).Flush()
		w.Write(packed[100:])
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	for path, want := range map[string]int64{"/known": int64(len(packed)), "/unknown": -1} {
		var last int64
		got, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://a.example" + path, Progress: func(done, total int64) {
			if done <= last || total != want {
				t.Errorf("%s: told %d of %d after %d", path, done, total, last)
			}
			last = done
		}})
		if err != nil || len(got.Body) != 1<<20 || last != int64(len(packed)) {
			t.Errorf("%s: told of %d bytes of %d, %v", path, last, len(packed), err)
		}
	}
}

// TestPackedForEver: gzip that unpacks to nothing is bounded by what travels.
func TestPackedForEver(t *testing.T) {
	t.Parallel()
	sent := make(chan error, 1)
	n := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff})
		block := bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1<<12) // stored blocks without bytes
		for {
			if _, err := w.Write(block); err != nil {
				sent <- err
				return
			}
		}
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	if _, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://a.example/", MaxBytes: 1 << 20}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	<-sent
}

func TestOneDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-body" {
			w.Write([]byte("a"))
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	for _, path := range []string{"/slow-head", "/slow-body"} {
		_, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://a.example" + path + "?s3cret", Timeout: 50 * time.Millisecond})
		if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want DeadlineExceeded", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Do(ctx, anyHost, &Request{Method: "GET", URL: "http://a.example/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNetworkErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	n := setup(t, hello)
	n.names.answers["down.example"] = [][]string{{"8.8.8.8"}}
	n.server.Close()
	for _, host := range []string{"down.example", "unknown.example"} {
		_, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://" + host + "/hooks/T0K3N?key=s3cret"})
		if err == nil || strings.Contains(err.Error(), "T0K3N") || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestSecondAddressIsTried(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(hello))
	defer server.Close()
	c := New(Options{
		Resolver: &names{answers: map[string][][]string{"two.example": {{"8.8.8.8", "8.8.4.4"}}}},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, "8.8.8.8") {
				<-ctx.Done() // an address that answers nothing
				return nil, ctx.Err()
			}
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})
	defer c.Close()
	if _, err := c.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://two.example/", Timeout: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	var protocol atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol.Store(r.Proto) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused certificate is what the test wants
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := New(Options{
		Resolver: &names{answers: map[string][][]string{"example.com": {{"8.8.8.8"}}, "other.example": {{"8.8.8.8"}}}},
		TLS:      &tls.Config{RootCAs: roots},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})
	defer c.Close()
	if _, err := c.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "https://example.com/"}); err != nil {
		t.Fatal(err)
	}
	if protocol.Load() != "HTTP/2.0" {
		t.Errorf("spoke %v", protocol.Load())
	}
	if _, err := c.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "https://other.example/"}); err == nil {
		t.Error("a certificate of another name was taken")
	}
}

// TestErrorsHoldNothingOfTheAnswer: a peer that answers with what it got, instead of HTTP, puts no conversation into errors.
func TestErrorsHoldNothingOfTheAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no HTTP":        "a conversation\r\n\r\n",
		"bad status":     "HTTP/1.1 2OO a conversation\r\n\r\n",
		"bad header":     "HTTP/1.1 200 OK\r\na conversation\r\n\r\n",
		"bad length":     "HTTP/1.1 200 OK\r\nContent-Length: a conversation\r\n\r\n",
		"bad encoding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: a conversation\r\n\r\n",
		"bad chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na conversation\r\n",
		"bad trailer":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na conversation\r\n\r\n",
		"cut":            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na conversation",
		"nothing":        "",
		"no gzip inside": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 14\r\n\r\na conversation",
	} {
		n := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, answer)
			conn.Close()
		})
		n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
		_, err := n.Do(t.Context(), anyHost, &Request{Method: "POST", URL: "http://a.example/?secret=1", Body: strings.NewReader("x"), Length: 1})
		if err == nil || strings.Contains(err.Error(), "conversation") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTooLargeTellsTheStatus: whether a request was taken does not depend on how much the peer says about it.
func TestTooLargeTellsTheStatus(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "too long")
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	answer, err := n.Do(t.Context(), anyHost, &Request{Method: "POST", URL: "http://a.example/", MaxBytes: 3})
	if !errors.Is(err, ErrTooLarge) || answer == nil || answer.Status != http.StatusBadGateway || answer.Body != nil {
		t.Errorf("%+v, %v", answer, err)
	}
}
