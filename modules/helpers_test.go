package modules

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// secret stands wherever a test has a token or a query; no log line and no error may have it.
const secret = "s3cr3t-T0K3N"

// wasm is a module of n bytes, different for each seed.
func wasm(seed byte, n int) []byte {
	b := append([]byte("\x00asm\x01\x00\x00\x00"), bytes.Repeat([]byte{seed}, n-8)...)
	for i := 8; i < n; i += 50 {
		b[i] = byte(i * 7) // compressible, but not out of all proportion
	}
	return b
}

// server is an https server on loopback that gives one module, and what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // path and Authorization
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Authorization")))
		s.mu.Unlock()
		handler(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what some tests want
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func gives(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// source opens the store's way to the server: its authority and its network.
func (s *server) source() Source {
	return Source{Match: s.URL, CA: "ca.pem", Private: []string{"127.0.0.0/8"}}
}

// fixture is a store over a folder of its own, with ca.pem of the test servers in it, and its log.
type fixture struct {
	*Store
	t    testing.TB
	base string
	log  *logBuffer
}

func setup(t testing.TB, o Options, sources ...Source) *fixture {
	t.Helper()
	f := &fixture{t: t, base: o.Base, log: &logBuffer{}}
	if f.base == "" {
		f.base = t.TempDir()
	}
	o.Base, o.Dir, o.Sources = f.base, filepath.Join(f.base, "modules"), sources
	o.Log = slog.New(slog.NewTextHandler(f.log, nil))
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testCertificate(t)})
	f.put("ca.pem", cert)
	store, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Store = store
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("the log has a secret:\n%s", f.log)
		}
	})
	return f
}

// testCertificate is that of every server of httptest.
var testCertificateOnce = sync.OnceValue(func() []byte {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.Certificate().Raw
})

func testCertificate(testing.TB) []byte { return testCertificateOnce() }

func (f *fixture) put(name string, data []byte) {
	f.t.Helper()
	path := filepath.Join(f.base, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// get is Get of a ref as text.
func (f *fixture) get(text string, d Digest) (*Module, error) {
	f.t.Helper()
	m, err := f.Get(f.t.Context(), parse(f.t, text), d)
	if err != nil && strings.Contains(err.Error(), secret) {
		f.t.Errorf("the error has a secret: %v", err)
	}
	if err == nil && (DigestOf(m.Wasm) != d || m.Digest != d || m.Ref != parse(f.t, text)) {
		f.t.Errorf("Get(%s) gave %s, %s, %d bytes", text, m.Ref, m.Digest, len(m.Wasm))
	}
	return m, err
}

func (f *fixture) cached(d Digest) string {
	return filepath.Join(f.base, "modules", "sha256", d.Hex()+".wasm")
}

func parse(t testing.TB, text string) Ref {
	t.Helper()
	ref, err := ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// names is a resolver with fixed answers.
type names map[string]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addr, ok := n[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(addr)}, nil
}

// dialTo connects to servers instead of the addresses that were checked, by these.
func dialTo(servers map[string]*server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if s := servers[addr]; s != nil {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		}
		return nil, fmt.Errorf("dialled %s", addr)
	}
}

// until waits for what other goroutines do.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
