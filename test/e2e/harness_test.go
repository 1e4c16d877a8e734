// Package e2e runs the real binary as its users do: start, post, kill, start again, and compare what was acknowledged
// with what was kept.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// binary is the server under test, built once; VCONDUIT_TEST_BUILDFLAGS are the flags of the tests themselves.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vconduit-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "vconduit")
	args := append([]string{"build"}, strings.Fields(os.Getenv("VCONDUIT_TEST_BUILDFLAGS"))...)
	build := exec.Command("go", append(args, "-o", binary, "github.com/vconduit/vconduit/cmd/vconduit")...)
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const partnerKey = "e2e-partner-key-0123456789"

// baseConfig: one chain, tag and file, with an egress list. The %s is the folder of the test.
const baseConfig = `
server: {drain: 5s, workers: 4}
ingress_auth: {calls: e2e-partner-key-0123456789}
links: {tag: {module: links.tag, options: {tags: [e2e]}}}
storages: {files: {module: storage.file, options: {path: "%s/files"}}}
chains: {main: {ingress_lists: [calls], links: [tag], storages: [files], egress_lists: [done]}}
`

// node is a folder with a configuration and a store, and the processes that run on it one after the other.
type node struct {
	t    *testing.T
	dir  string
	addr string
	log  *lines
	cmd  *exec.Cmd
}

func newNode(t *testing.T, config string) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), addr: freeAddr(t), log: &lines{}}
	n.write(strings.ReplaceAll(config, "%s", n.dir))
	t.Cleanup(func() {
		if n.cmd != nil {
			n.kill()
		}
		if t.Failed() {
			t.Logf("log of the server:\n%s", n.log)
		}
	})
	return n
}

func (n *node) write(config string) {
	n.t.Helper()
	if err := os.WriteFile(n.config(), []byte(config), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) config() string { return filepath.Join(n.dir, "config.yml") }
func (n *node) data() string   { return filepath.Join(n.dir, "data") }

// env is a clean environment with extras: what the tester's shell has set is not for the server.
func env(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GORACE=halt_on_error=1"}, extra...)
}

// start runs `serve` and waits until it is ready.
func (n *node) start(args ...string) {
	n.t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "--config", n.config(), "--data", n.data(), "--listen", n.addr}, args...)...)
	cmd.Env, cmd.Dir, cmd.Stderr = env(), n.dir, n.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.cmd = cmd
	n.eventually("ready", 20*time.Second, func() error {
		status, body, err := n.call(http.MethodGet, "/ready", nil, "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
}

func (n *node) kill() {
	n.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Fatal(err)
	}
	_ = n.cmd.Wait() // killed: its status says so
	n.cmd = nil
}

// term sends SIGTERM and expects a clean end.
func (n *node) term() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.cmd.Wait() }()
	select {
	case err := <-done:
		n.cmd = nil
		if err != nil {
			n.t.Fatalf("after SIGTERM: %v\n%s", err, n.log)
		}
	case <-time.After(20 * time.Second):
		n.t.Fatalf("the server did not end within 20 s of SIGTERM\n%s", n.log)
	}
}

// call sends one request. A key goes into the token header.
func (n *node) call(method, path string, body []byte, key string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+n.addr+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if key != "" {
		req.Header.Set("x-conserver-api-token", key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// post submits as the partner; only a 204 is an acknowledgement.
func (n *node) post(list string, text []byte) (acknowledged bool) {
	status, _, err := n.call(http.MethodPost, "/vcon/external-ingress?ingress_list="+url.QueryEscape(list), text, partnerKey)
	return err == nil && status == http.StatusNoContent
}

func (n *node) get(path string, into any) error {
	status, body, err := n.call(http.MethodGet, path, nil, "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, status, body)
	}
	return json.Unmarshal(body, into)
}

// eventually polls: there is no other way to see into another process.
func (n *node) eventually(what string, within time.Duration, check func() error) {
	n.t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: not within %s: %v\n%s", what, within, err, n.log)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (n *node) depth(list string) (int, error) {
	var d struct{ Depth int }
	err := n.get("/stats/queue?list_name="+url.QueryEscape(list), &d)
	return d.Depth, err
}

// run executes one command to its end.
func run(t *testing.T, dir string, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.Env = &out, &errs, dir, environ
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// document makes a vCon of about size bytes.
func document(id vcon.ID, size int) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","parties":[{"tel":"+15550100"}],"dialog":[{"type":"text","start":"2026-11-02T09:14:03Z","parties":[0],"mediatype":"text/plain","encoding":"none","body":%q}]}`,
		id.String(), strings.Repeat("x", size))
}

// lines collects what a process writes.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
