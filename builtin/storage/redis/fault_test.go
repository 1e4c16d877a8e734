package redis

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

const password = "p@ss/w:rd?#"

// says checks that an error has all of some words, may be tried again, and tells neither passwords nor documents.
func says(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not say %q: %v", what, w, err)
		}
	}
	for _, secret := range []string{password, "p%40ss", "w%3Ard", "created_at", "alice"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells %q: %v", what, secret, err)
		}
	}
	if chain.IsPermanent(err) {
		t.Errorf("%s: the error is permanent: %v", what, err)
	}
}

// urlOf is a URL with user, password, host and what comes behind.
func urlOf(scheme, user, addr, rest string) string {
	if user != "" {
		user = strings.Replace(user, password, "p%40ss%2Fw%3Ard%3F%23", 1) + "@"
	}
	return scheme + "://" + user + addr + rest
}

func openError(t *testing.T, url string) error {
	t.Helper()
	s, err := Open(t.Context(), "cache", options(t, url, ""))
	if err == nil {
		s.Close()
	}
	return err
}

// TestOpenRefuses: what a person has to mend is said when the storage is opened.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	guarded, plain := testserver.StartRedis(t, "--requirepass", password), testserver.StartRedis(t)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for url, word := range map[string]string{
		urlOf("redis", "", guarded.Addr(), ""):                      "wants one",
		urlOf("redis", ":other", guarded.Addr(), ""):                "wrong user or password",
		urlOf("redis", "alice:"+password, guarded.Addr(), "/0"):     "wrong user or password",
		urlOf("redis", ":"+password, guarded.Addr(), "/99"):         "names a database",
		urlOf("redis", "", "127.0.0.1:1", ""):                       "connection refused",
		urlOf("redis", "", "nowhere.invalid", ""):                   "nowhere.invalid:6379",
		urlOf("rediss", "", plain.Addr(), "?dial_timeout=200ms"):    "redis at " + plain.Addr(),
		urlOf("rediss", "", plain.Addr(), "?ssl_ca_certs=/no/such"): "ssl_ca_certs",
		urlOf("redis", "", web.Listener.Addr().String(), ""):        "not the protocol",
	} {
		says(t, url, openError(t, url), `storage "cache"`, word)
	}
	s := open(t, urlOf("redis", ":"+password, guarded.Addr(), "/3"), "")
	doc := chaintest.Document(t, "")
	save(t, s, doc)
	holds(t, s, doc)
	if n := dial(t, urlOf("redis", ":"+password, guarded.Addr(), "/3")).Exists(t.Context(), "vcon_storage:"+doc.ID().String()).Val(); n != 1 {
		t.Error("the vCon is not in database 3")
	}
}

// TestBadURLsTellNothing: a password that was not escaped spills into every part of a URL.
func TestBadURLsTellNothing(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://:" + password + "@host:6379/0", "redis://host:6379/" + password, "redis://host?x=" + password, "redis://%zz" + password, password,
		"rediss://host/0?ssl_cert_reqs=" + password,
	} {
		_, err := Check(options(t, url, ""))
		says(t, url, err, "redis_url")
	}
}

// TestTLS: with the server's certificate, without it, and against it.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	p := testserver.StartRedis(t, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no", "--requirepass", password)
	base := urlOf("rediss", "default:"+password, p.Addr(), "/0")
	for _, query := range []string{"?ssl_ca_certs=" + cert, "?ssl_cert_reqs=none", "?ssl_cert_reqs=required&ssl_ca_certs=" + cert} {
		s, doc := open(t, base+query, ""), chaintest.Document(t, "")
		save(t, s, doc)
		holds(t, s, doc)
	}
	says(t, "unknown certificate", openError(t, base), "certificate")
	says(t, "no certificate in the file", openError(t, base+"?ssl_ca_certs="+key), "has no certificate")
	says(t, "no TLS", openError(t, urlOf("redis", ":"+password, p.Addr(), "")), p.Addr())
}

// certificate writes the files of a certificate for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	web.Close()
	pair := web.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	testserver.StartRedis(t, "--unixsocket", socket)
	s, doc := open(t, "unix://"+socket, ""), chaintest.Document(t, "")
	save(t, s, doc)
	holds(t, s, doc)
	says(t, "no socket", openError(t, "unix://"+socket+"2"), "redis at "+socket+"2")
}

// TestSaveErrors: servers that take no writes, each for a reason of its own.
func TestSaveErrors(t *testing.T) {
	t.Parallel()
	master := testserver.StartRedis(t)
	bus, err := testserver.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	for word, args := range map[string][]string{
		"memory is full":           {"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"},
		"names a replica":          {"--replicaof", strings.Replace(master.Addr(), ":", " ", 1)},
		"node of a cluster":        {"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus)},
		"fewer replicas":           {"--min-replicas-to-write", "1"},
		"its user may not do":      {"--user", "default", "on", "nopass", "~*", "+@all", "-set"},
		"not know the command":     {"--rename-command", "SET", ""},
		"its user may not do this": {"--user", "default", "on", "nopass", "resetkeys", "~other:*", "+@all"},
	} {
		p := testserver.StartRedis(t, args...)
		s, doc := open(t, urlOf("redis", "", p.Addr(), ""), ""), chaintest.Document(t, `,"x":"`+strings.Repeat("x", 2<<20)+`"`)
		says(t, word, s.Save(t.Context(), doc, 1), doc.ID().String(), p.Addr(), "the server answers", word)
	}
}

// TestOneTry: the storage tries once; repetition is left to what stands around it.
func TestOneTry(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var tries atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tries.Add(1)
			c.Close()
		}
	}()
	says(t, "a server that hangs up", openError(t, "redis://"+l.Addr().String()), l.Addr().String())
	if n := tries.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestNetwork: cut and slow connections; what was there stays there, whole.
func TestNetwork(t *testing.T) {
	t.Parallel()
	p := testserver.StartRedis(t)
	net := testserver.NewProxy(t, p.Addr())
	s := open(t, "redis://"+net.Addr(), "")
	id := vcon.NewID("redis.example")
	old, large := chaintest.Text(t, id, ""), chaintest.Text(t, id, `,"x":"`+strings.Repeat("x", 8<<20)+`"`)
	save(t, s, old)
	net.CutRequests(1 << 20)
	says(t, "cut save", s.Save(t.Context(), large, 2), id.String(), net.Addr())
	net.Up()
	holds(t, s, old)
	save(t, s, large)
	holds(t, s, large)
	net.CutAnswers(1 << 20)
	_, err := s.Get(t.Context(), id)
	says(t, "cut read", err, id.String(), net.Addr())
	if errors.Is(err, chain.ErrNotStored) {
		t.Error("a cut read is taken for a vCon that is not there")
	}
	net.Up()
	net.Down()
	says(t, "no network", s.Save(t.Context(), old, 3), id.String(), net.Addr())
	net.Up()
	holds(t, s, large)

	net.Delay(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	says(t, "slow network", s.Save(ctx, old, 3), id.String(), net.Addr())
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the save ended after %s, its time was 50 ms", took)
	}
}

// TestRestart: a storage outlives its server, killed or restarted, and the vCons what the server lets them.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := testserver.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	s := open(t, "redis://"+p.Addr(), "")
	guarded := chain.NewGuarded("cache", s, chain.Guard{})
	for _, end := range []func() error{p.Kill, p.Stop} {
		before, after := chaintest.Document(t, ""), chaintest.Document(t, "")
		save(t, s, before)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		says(t, "while the server is down", s.Save(t.Context(), after, 1), p.Addr())
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if err := guarded.Save(t.Context(), after, 1, nil); err != nil {
			t.Fatal(err)
		}
		holds(t, s, before)
		holds(t, s, after)
	}
}

// TestCloseEndsCalls: a call that is under way does not keep a storage open.
func TestCloseEndsCalls(t *testing.T) {
	t.Parallel()
	p := testserver.StartRedis(t)
	net := testserver.NewProxy(t, p.Addr())
	s := open(t, "redis://"+net.Addr(), "")
	net.Delay(time.Minute)
	saved := make(chan error)
	go func() { saved <- s.Save(t.Context(), chaintest.Document(t, ""), 1) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-saved; err == nil {
		t.Error("a save through a closed storage succeeded")
	}
}
