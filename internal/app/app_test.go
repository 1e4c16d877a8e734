package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// running is a server in this process.
type running struct {
	*App
	t   *testing.T
	dir string
}

const testConfig = `
queue: {expiry: 1s}
ingress_auth: {calls: app-test-key-0123456789}
links: {tag: {module: links.tag, options: {tags: [app]}}}   # a comment that stays
storages: {files: {module: storage.file, options: {path: %DIR%/files}}}
chains: {main: {ingress_lists: [calls], links: [tag], storages: [files], egress_lists: [done]}}
`

func startApp(t *testing.T, config string, env map[string]string) *running {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "%DIR%", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a, err := New(t.Context(), Options{Config: file, Listen: "127.0.0.1:0", Data: filepath.Join(dir, "data"),
		Getenv: func(k string) string { return env[k] }, Stderr: &log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", log.String())
		}
	})
	return &running{a, t, dir}
}

func (r *running) call(method, path, body, key string) (int, string) {
	r.t.Helper()
	status, answer, err := r.try(method, path, body, key)
	if err != nil {
		r.t.Fatal(err)
	}
	return status, answer
}

func (r *running) try(method, path, body, key string) (int, string, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.Addr()+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if key != "" {
		req.Header.Set("x-conserver-api-token", key)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

func (r *running) until(what string, check func() error) {
	r.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for err := check(); err != nil; err = check() {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func document(id vcon.ID) string {
	return fmt.Sprintf(`{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","parties":[{"tel":"+15550100"}]}`, id)
}

// TestConfigRoundTrip: what vcon-admin does. GET gives no secret, posting it back changes nothing, an edit takes effect
// at once, a broken one is refused and changes nothing.
func TestConfigRoundTrip(t *testing.T) {
	t.Parallel()
	r := startApp(t, testConfig, nil)
	file := filepath.Join(r.dir, "config.yml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	status, shown := r.call("GET", "/config", "", "")
	if status != http.StatusOK || strings.Contains(shown, "app-test-key") || !strings.Contains(shown, "***") {
		t.Fatalf("GET /config: %d %s", status, shown)
	}
	if status, body := r.call("POST", "/config", shown, ""); status != http.StatusNoContent {
		t.Fatalf("POST what GET gave: %d %s", status, body)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed (%v):\n%s", err, after)
	}
	edited := strings.Replace(shown, `"ingress_lists":["calls"]`, `"ingress_lists":["calls","more"]`, 1)
	if edited == shown {
		t.Fatal("nothing to edit")
	}
	if status, body := r.call("POST", "/config", edited, ""); status != http.StatusNoContent {
		t.Fatalf("POST an edit: %d %s", status, body)
	}
	id := vcon.NewID("example.com")
	if status, body := r.call("POST", "/vcon?ingress_list=more", document(id), ""); status != http.StatusCreated {
		t.Fatal(status, body)
	}
	r.until("worked by the edited chain", func() error {
		if _, body := r.call("GET", "/vcon/"+id.String(), "", ""); !strings.Contains(body, "app:app") {
			return errors.New(body)
		}
		return nil
	})
	if after, err := os.ReadFile(file); err != nil || !strings.Contains(string(after), "app-test-key-0123456789") {
		t.Errorf("the key was lost (%v):\n%s", err, after)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := r.call("POST", "/config", `{"chains": {"main": {"ingress_lists": 7}}}`, ""); status != http.StatusUnprocessableEntity || !strings.Contains(body, "ingress_lists") {
		t.Errorf("a broken one: %d %s", status, body)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(good, after) {
		t.Errorf("the broken one changed the file (%v)", err)
	}
}

// TestHealing: a chain that only something outside keeps from being built is built when that is gone.
func TestHealing(t *testing.T) {
	t.Parallel()
	r := startApp(t, strings.Replace(testConfig, "%DIR%/files", "%DIR%/config.yml/files", 1), nil)
	status, body := r.call("GET", "/ready", "", "")
	var ready readiness
	if err := json.Unmarshal([]byte(body), &ready); err != nil {
		t.Fatal(err)
	}
	if h := ready.Storages["files"]; h.OK || h.Error == "" {
		t.Errorf("/ready does not say how the storage is: %s", body)
	}
	if status != http.StatusServiceUnavailable || len(ready.Held["main"]) == 0 || !strings.Contains(ready.Held["main"][0], "files") {
		t.Errorf("every chain is held: %d %s", status, body)
	}
	b := r.current.Load()
	if !b.mayHeal(false) {
		t.Error("a storage that cannot be opened may heal")
	}
	if status, body := r.call("POST", "/vcon/external-ingress?ingress_list=calls", document(vcon.NewID("example.com")), "app-test-key-0123456789"); status != http.StatusNoContent {
		t.Errorf("a held chain's list does not accept: %d %s", status, body)
	}
}

// TestSlowClientCannotFailAShutdown: whoever never finishes a request was promised nothing.
func TestSlowClientCannotFailAShutdown(t *testing.T) {
	t.Parallel()
	var conn net.Conn
	t.Cleanup(func() { conn.Close() })                // after the server's end: cleanups run backwards
	r := startApp(t, "server: {drain: 200ms}\n", nil) // its cleanup fails the test when Run gives an error
	var err error
	if conn, err = net.Dial("tcp", r.Addr()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST /vcon HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	r.until("the request is being read", func() error {
		if _, body := r.call("GET", "/metrics", "", ""); !strings.Contains(body, "vconduit_") {
			return errors.New(body)
		}
		return nil
	})
}

func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	r := startApp(t, testConfig, nil)
	if status, body := r.call("POST", "/vcon/external-ingress?ingress_list=calls", document(vcon.NewID("example.com")), "app-test-key-0123456789"); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	r.until("counted", func() error {
		_, body := r.call("GET", "/metrics", "", "")
		for _, want := range []string{
			`conserver_main_loop_count_vcons_received_total{ingress_list="calls"} 1`,
			`conserver_main_loop_count_vcons_processed_total{chain_name="main"} 1`,
			`conserver_link_count_total{link_name="tag",outcome="success"} 1`,
			`conserver_storage_count_total{backend="files",op="save",outcome="success"} 1`,
			`conserver_vcons_inflight{chain_name="main"} 0`,
			`vconduit_chains{state="running"} 1`,
			`vconduit_chains{state="held"} 0`,
			`conserver_ingress_list_length{ingress_list="calls",kind="ingress"} 0`,
		} {
			if !strings.Contains(body, want) {
				return fmt.Errorf("no %s", want)
			}
		}
		return nil
	})
}

func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    Options
		env  map[string]string
		says string
	}{
		{"open address without a token", Options{Listen: "0.0.0.0:0"}, nil, "CONSERVER_API_TOKEN"},
		{"worker alone", Options{Role: "worker"}, nil, "REDIS_URL"},
		{"no such role", Options{Role: "boss"}, nil, "boss"},
		{"Redis", Options{}, map[string]string{"REDIS_URL": "redis://localhost"}, "no Redis store yet"},
		{"no such file", Options{Config: "nowhere.yml"}, nil, "nowhere.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Data = filepath.Join(t.TempDir(), "data")
			c.o.Getenv = func(k string) string { return c.env[k] }
			a, err := New(t.Context(), c.o)
			var refused *RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
			if a != nil {
				t.Error("a server came with it")
			}
			if _, err := os.Stat(c.o.Data); err == nil {
				t.Error("a store was made for a server that does not start")
			}
		})
	}
}

func TestInsecureIsSaid(t *testing.T) {
	t.Parallel()
	r := startApp(t, "server: {insecure: true}\n", nil)
	if status, _ := r.call("GET", "/vcon", "", ""); status != http.StatusOK {
		t.Errorf("without a token: %d", status)
	}
	withToken := startApp(t, "{}\n", map[string]string{"CONSERVER_API_TOKEN": "token-0123456789abcdef"})
	if status, _ := withToken.call("GET", "/vcon", "", ""); status != http.StatusForbidden {
		t.Errorf("with a token set, without giving it: %d", status)
	}
	if status, _ := withToken.call("GET", "/vcon", "", "token-0123456789abcdef"); status != http.StatusOK {
		t.Errorf("with the token: %d", status)
	}
}

// TestCheckNamesOptionsThatDoNothing: a link runs in spite of them, but nobody should believe in them.
func TestCheckNamesOptionsThatDoNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yml")
	text := "links: {tag: {module: links.tag, options: {tags: [a], tgas: [b]}}, bad: {module: links.tag, options: {tags: {a: b}}}}\n" +
		"storages: {files: {module: storage.file, options: {path: x, colour: red}}}\n" +
		"chains: {one: {links: [tag], storages: [files], ingress_lists: [a]}, two: {links: [bad], ingress_lists: [b]}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Check(t.Context(), Options{Config: file, Getenv: func(string) string { return "" }})
	said := fmt.Sprint(r.Problems)
	for _, want := range []string{`"tgas"`, `"colour"`, "tags", "the chain is held"} {
		if !strings.Contains(said, want) {
			t.Errorf("check does not say %s: %s", want, said)
		}
	}
	if len(r.Chains) != 1 || len(r.Held) != 1 || len(r.Held["two"]) != 1 {
		t.Errorf("chains %v, held %v", r.Chains, r.Held)
	}
}

// TestTLS: certificate and key are named relative to the configuration.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pool := writeCertificate(t, dir)
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte("server: {tls: {cert: cert.pem, key: key.pem}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Config: file, Listen: "127.0.0.1:0", Data: filepath.Join(dir, "data"), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	resp, err := client.Get("https://" + a.Addr() + "/health")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("over TLS: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		text := pem.EncodeToMemory(block)
		if name == "cert.pem" {
			pool.AppendCertsFromPEM(text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]any{
		"":                      nil,
		"server.listen":         {"server", "listen"},
		"chains.main.links[2]":  {"chains", "main", "links", 2},
		"a[1][0].b":             {"a", 1, 0, "b"},
		"ingress_auth.calls[3]": {"ingress_auth", "calls", 3},
	} {
		if got := steps(path); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

// TestLastKeyStays: POST /config cannot open a running server to everybody, and leaves the file when it is refused.
func TestLastKeyStays(t *testing.T) {
	t.Parallel()
	const key = "the-only-key-of-this-test"
	r := startApp(t, testConfig+"auth: {keys: [{name: a, key: "+key+", scopes: [read, write, config:read, config:write]}]}\n", nil)
	file := filepath.Join(r.dir, "config.yml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	status, body := r.call("POST", "/config", `{"chains": {}}`, key)
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "last token") {
		t.Errorf("POST /config without keys: %d %s", status, body)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed (%v):\n%s", err, after)
	}
	if status, _ := r.call("GET", "/vcon", "", ""); status != http.StatusForbidden {
		t.Errorf("GET /vcon without a key: %d", status)
	}
}

func TestDataFolderTooLongForASocket(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), strings.Repeat("x", socketPath))
	a, err := New(t.Context(), Options{Data: data, Listen: "127.0.0.1:0", Getenv: func(string) string { return "" }})
	if a != nil || err == nil || !strings.Contains(err.Error(), "shorter --data") {
		t.Errorf("%v, %v", a, err)
	}
}

// TestHealingDoesNotUndoAReload: a configuration that came while chains were being built again stays.
func TestHealingDoesNotUndoAReload(t *testing.T) {
	t.Parallel()
	r := startApp(t, `
storages: {lost: {module: storage.file, options: {path: "%DIR%/config.yml/no-folder"}}}
chains: {held: {ingress_lists: [calls], storages: [lost]}}
`, nil)
	old := r.current.Load()
	if !old.mayHeal(false) {
		t.Fatal("nothing to heal")
	}
	next := *old.cfg
	next.Server.RootPath = "/next"
	r.swap.Lock()
	healed := make(chan bool)
	go func() { healed <- r.heal(false) }()
	r.install(&next, 0)
	r.swap.Unlock()
	if !<-healed || r.current.Load().cfg != &next {
		t.Errorf("the configuration in force is %q", r.current.Load().cfg.Server.RootPath)
	}
}
