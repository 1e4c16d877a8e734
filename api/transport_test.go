package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/queue"
)

func TestMisses(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Settings: Settings{RootPath: "api/"}})
	for _, tt := range []struct {
		method, path           string
		status                 int
		body, header, contents string
	}{
		{"PUT", "/vcon", 405, `{"detail":"Method Not Allowed"}`, "Allow", "GET"},
		{"POST", "/vcon/018e0000-0000-8000-8000-000000000000", 405, `{"detail":"Method Not Allowed"}`, "Allow", "GET"},
		{"GET", "/dlq/reprocess", 405, `{"detail":"Method Not Allowed"}`, "Allow", "POST"},
		{"HEAD", "/api/health", 405, ``, "Allow", "GET"},
		{"OPTIONS", "/vcon", 405, `{"detail":"Method Not Allowed"}`, "Allow", "GET"},
		{"GET", "/vcon/", 307, ``, "Location", "http://vconduit/vcon"},
		{"POST", "/api/vcon/?ingress_list=a", 307, ``, "Location", "http://vconduit/api/vcon?ingress_list=a"},
		{"GET", "/nothing/", 404, `{"detail":"Not Found"}`, "Location", ""},
		{"GET", "/", 404, `{"detail":"Not Found"}`, "Allow", ""},
		{"GET", "/apivcon", 404, `{"detail":"Not Found"}`, "Allow", ""},
		{"GET", "/vcon/a/b", 404, `{"detail":"Not Found"}`, "Allow", ""},
	} {
		got := ask(t, client, tt.method, tt.path, "")
		if got.status != tt.status || got.body != tt.body || got.header.Get(tt.header) != tt.contents {
			t.Errorf("%s %s: %d %s %s: %q, want %d %s %q", tt.method, tt.path, got.status, got.body, tt.header,
				got.header.Get(tt.header), tt.status, tt.body, tt.contents)
		}
		if got.header.Get("X-Vcon-Server-Version") != "dev" || got.header.Get("X-Vcon-Server-Commit") != "unknown" {
			t.Errorf("%s %s: version headers are missing: %v", tt.method, tt.path, got.header)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	_, open := serve(t, Options{Store: store{}, Settings: Settings{CORS: []string{"*"}}})
	_, some := serve(t, Options{Store: store{}, Settings: Settings{CORS: []string{"https://a.example"}}})
	_, none := serve(t, Options{Store: store{}})
	for _, tt := range []struct {
		name    string
		client  *http.Client
		method  string
		headers []string
		status  int
		body    string
		want    map[string]string
	}{
		{"simple", open, "GET", []string{"Origin: https://a.example"}, 200, "",
			map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true", "Vary": ""}},
		{"cookie", open, "GET", []string{"Origin: https://a.example", "Cookie: a=b"}, 200, "",
			map[string]string{"Access-Control-Allow-Origin": "https://a.example", "Vary": "Origin"}},
		{"no origin", open, "GET", nil, 200, "", map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight", open, "OPTIONS", []string{"Origin: https://a.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: X-A, X-B"}, 200, "OK",
			map[string]string{"Access-Control-Allow-Origin": "https://a.example", "Vary": "Origin", "Access-Control-Max-Age": "600",
				"Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT", "Access-Control-Allow-Headers": "X-A, X-B",
				"Content-Type": "text/plain; charset=utf-8", "X-Vcon-Server-Version": "dev"}},
		{"preflight, method", open, "OPTIONS", []string{"Origin: https://a.example", "Access-Control-Request-Method: BREW"}, 400, "Disallowed CORS method", nil},
		{"listed", some, "GET", []string{"Origin: https://a.example"}, 200, "",
			map[string]string{"Access-Control-Allow-Origin": "https://a.example", "Vary": "Origin"}},
		{"not listed", some, "GET", []string{"Origin: https://b.example"}, 200, "", map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight, not listed", some, "OPTIONS", []string{"Origin: https://b.example", "Access-Control-Request-Method: BREW"}, 400, "Disallowed CORS origin, method", nil},
		{"off", none, "GET", []string{"Origin: https://a.example"}, 200, "", map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": ""}},
		{"off, preflight", none, "OPTIONS", []string{"Origin: https://a.example", "Access-Control-Request-Method: GET"}, 405, `{"detail":"Method Not Allowed"}`, nil},
	} {
		got := ask(t, tt.client, tt.method, "/health", "", tt.headers...)
		if got.status != tt.status || tt.body != "" && got.body != tt.body {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.status, got.body, tt.status, tt.body)
		}
		for name, value := range tt.want {
			if got.header.Get(name) != value {
				t.Errorf("%s: %s: %q, want %q", tt.name, name, got.header.Get(name), value)
			}
		}
	}
}

type broken struct{ store }

func (broken) Depth(context.Context, string) (queue.Depth, error) { panic("secret words") }

func TestPanicIsOneAnswer(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	_, client := serve(t, Options{Store: broken{}, Log: slog.New(slog.NewTextHandler(&log, nil)), Settings: Settings{CORS: []string{"*"}}})
	got := ask(t, client, "GET", "/stats/queue?list_name=a", "", "Origin: https://a.example")
	if got.status != 500 || got.body != "Internal Server Error" || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %d %q %q", got.status, got.body, got.header.Get("Content-Type"))
	}
	for _, name := range []string{"X-Vcon-Server-Version", "Access-Control-Allow-Origin"} {
		if v := got.header.Get(name); v != "" {
			t.Errorf("%s: %q on an unhandled 500", name, v)
		}
	}
	if again := ask(t, client, "GET", "/health", ""); again.status != 200 {
		t.Errorf("after the panic: %d", again.status)
	}
	if text := log.String(); strings.Count(text, "handler panicked") != 1 || strings.Contains(text, "secret words") {
		t.Errorf("log:\n%s", text)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Settings: Settings{
		MetricsClosed: true,
		Keys: []Key{
			{Name: "all", Hash: config.HashKey("main-token"), Scopes: []string{ScopeAll}},
			{Name: "admin-ui", Hash: config.HashKey("reader-key"), Scopes: []string{"read", "config:read"}},
			{Name: "old", Hash: config.HashKey("old-key"), Scopes: []string{ScopeAll}, Expires: time.Now().Add(-time.Second)},
		},
		Ingress: map[string]IngressList{"sales": {Keys: []IngressKey{{Hash: config.HashKey("partner-key")}}}},
	}})
	for _, tt := range []struct {
		key, method, path, body string
		status                  int
		want                    string
	}{
		{"", "GET", "/vcon", "", 403, `{"detail":"Invalid API Key"}`},
		{"wrong", "GET", "/vcon", "", 403, `{"detail":"Invalid API Key"}`},
		{"main-token ", "GET", "/vcon?size=0", "", 200, `[]`}, // header values have no trailing space
		{"Bearer main-token", "GET", "/vcon", "", 403, `{"detail":"Invalid API Key"}`},
		{"old-key", "GET", "/vcon", "", 403, `{"detail":"Invalid API Key"}`},
		{"partner-key", "GET", "/vcon", "", 403, `{"detail":"Invalid API Key"}`},
		{"main-token", "GET", "/vcon?size=0", "", 200, `[]`},
		{"reader-key", "GET", "/vcon?size=0", "", 200, `[]`},
		{"reader-key", "GET", "/vcon?size=x", "", 422, `{"detail":[{"loc":["query","size"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`},
		{"wrong", "GET", "/vcon?size=x", "", 403, `{"detail":"Invalid API Key"}`},
		{"reader-key", "POST", "/config", "{}", 403, `{"detail":"Key lacks scope config:write"}`},
		{"reader-key", "GET", "/config?secrets=1", "", 403, `{"detail":"Key lacks scope config:secrets"}`},
		{"reader-key", "GET", "/metrics", "", 403, `{"detail":"Key lacks scope metrics"}`},
		{"", "GET", "/metrics", "", 403, `{"detail":"Invalid API Key"}`},
		{"reader-key", "DELETE", "/vcon/x", "", 403, `{"detail":"Key lacks scope write"}`},
		{"wrong", "POST", "/vcon", "{,", 422, `{"detail":[{"loc":["body",1],"msg":"a member name is expected","type":"value_error.jsondecode"}]}`},
		{"wrong", "POST", "/vcon", "{}", 403, `{"detail":"Invalid API Key"}`},
		{"wrong", "POST", "/vcon", strings.Repeat(" ", strangerLimit+1), 403, `{"detail":"Invalid API Key"}`},
		{"wrong", "POST", "/config", "{", 422, `{"detail":[{"loc":["body",0],"msg":"unexpected end of JSON input","type":"value_error.jsondecode"}]}`},
	} {
		got := ask(t, client, tt.method, tt.path, tt.body, "X-Conserver-Api-Token: "+tt.key)
		if got.status != tt.status || got.body != tt.want {
			t.Errorf("key %q: %s %s: %d %s, want %d %s", tt.key, tt.method, tt.path, got.status, got.body, tt.status, tt.want)
		}
		if got.header.Get("Www-Authenticate") != "" {
			t.Errorf("key %q: WWW-Authenticate is sent", tt.key)
		}
	}
}

func TestKeysReload(t *testing.T) {
	t.Parallel()
	s, client := serve(t, Options{Store: store{}, Settings: Settings{KeyHeader: "Authorization", Keys: []Key{{Hash: config.HashKey("Bearer one"), Scopes: []string{ScopeAll}}}}})
	if got := ask(t, client, "GET", "/vcon?size=0", "", "Authorization: Bearer one"); got.status != 200 {
		t.Errorf("before: %d", got.status)
	}
	s.Apply(Settings{KeyHeader: "Authorization", Keys: []Key{{Hash: config.HashKey("Bearer two"), Scopes: []string{ScopeAll}}}})
	if got := ask(t, client, "GET", "/vcon?size=0", "", "Authorization: Bearer one"); got.status != 403 {
		t.Errorf("old key after: %d", got.status)
	}
	if got := ask(t, client, "GET", "/vcon?size=0", "", "Authorization: Bearer two"); got.status != 200 {
		t.Errorf("new key after: %d", got.status)
	}
}

func TestAdminListenerNeedsNoKey(t *testing.T) {
	t.Parallel()
	s, client := serve(t, Options{Store: store{}, Settings: Settings{Keys: []Key{{Hash: config.HashKey("k")}}}})
	ln := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- s.ServeAdmin(ln) }()
	owner := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}}
	t.Cleanup(owner.CloseIdleConnections)
	if got := ask(t, owner, "GET", "/vcon?size=0", ""); got.status != 200 {
		t.Errorf("owner: %d %s", got.status, got.body)
	}
	if got := ask(t, client, "GET", "/vcon?size=0", ""); got.status != 403 {
		t.Errorf("stranger: %d %s", got.status, got.body)
	}
	owner.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	s := New(Options{Store: store{}, Settings: Settings{Connections: 1}})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	first := dialTCP(t, ln)
	fmt.Fprint(first, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("first: %v %v", resp, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(dialTCP(t, ln)), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 503 || string(text) != `{"detail":"Too many connections"}` || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("second: %d %s %v", resp.StatusCode, text, err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func dialTCP(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// speak writes raw bytes to a new connection and gives all that comes back until the server closes it.
func speak(t *testing.T, text string, set Settings) string {
	t.Helper()
	s := New(Options{Store: store{}, Settings: set})
	ln := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	c, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(c, text) }()
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := s.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	return string(got)
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, send, want string }{
		{"no http", "what?\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"huge header", "GET /health HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"announced too big", "POST /vcon HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 999\r\n\r\n", "HTTP/1.1 413 "},
		{"unread body ends the connection", "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nGET ", "HTTP/1.1 200 OK"},
	} {
		got := speak(t, tt.send, Settings{BodyLimit: 100})
		if !strings.HasPrefix(got, tt.want) || strings.Count(got, "HTTP/1.1") != 1 {
			t.Errorf("%s: got %q, want one answer %q", tt.name, got, tt.want)
		}
	}
}

// A body that a route does not read must not be taken for the next request.
func TestUnreadBodyIsNotARequest(t *testing.T) {
	t.Parallel()
	smuggled := strings.Repeat("x", 10_000) + "\r\n\r\nGET /version HTTP/1.1\r\nHost: a\r\n\r\n" // fasthttp itself reads the first 8 kB
	got := speak(t, fmt.Sprintf("GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%sGET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		len(smuggled), smuggled), Settings{})
	if strings.Count(got, "HTTP/1.1 200") != 1 || strings.Count(got, "HTTP/1.1 404") != 1 {
		t.Errorf("got %q", got)
	}
}

// Headers that trickle in are cut off after headerTimeout, a body after Settings.ReadTimeout.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, send, want string
		after            time.Duration
	}{
		{"header", "GET /health HTTP/1.1\r\nHost:", "HTTP/1.1 408 ", headerTimeout},
		{"body", "POST /vcon HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + strings.Repeat("x", 9000), "HTTP/1.1 408 ", 90 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			speak(t, "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Settings{}) // fasthttp's clock starts once, outside the bubble
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(time.Minute) // fasthttp's workers end a while after their listener
				began := time.Now()
				got := speak(t, tt.send, Settings{ReadTimeout: 90 * time.Second})
				if !strings.HasPrefix(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if took := time.Since(began); took < tt.after || took > tt.after+5*time.Second {
					t.Errorf("cut off after %s, want %s", took, tt.after)
				}
			})
		})
	}
}
