package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// TestReload breaks and repairs the configuration under a running server: it never changes to a worse one.
func TestReload(t *testing.T) {
	t.Parallel()
	n := newNode(t, baseConfig)
	n.start()
	good, err := os.ReadFile(n.config())
	if err != nil {
		t.Fatal(err)
	}
	n.write("chains: [this is no map")
	n.hup()
	n.eventually("complaint", 10*time.Second, func() error {
		if !strings.Contains(n.log.String(), "stays") {
			return fmt.Errorf("nothing in the log")
		}
		return nil
	})
	l := &ledger{ack: map[vcon.ID]bool{}}
	n.mustPost(l, "calls")
	n.account(l) // the old configuration works on

	n.write(strings.Replace(strings.Replace(string(good), "ingress_lists: [calls]", "ingress_lists: [calls, more]", 1),
		"ingress_auth: {calls: e2e-partner-key-0123456789}", "ingress_auth: {calls: e2e-partner-key-0123456789, more: e2e-partner-key-0123456789}", 1))
	id := vcon.NewID("example.com")
	n.eventually("the new list takes a vCon", 10*time.Second, func() error {
		if !n.post("more", document(id, 10)) {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	n.account(&ledger{ack: map[vcon.ID]bool{id: true}})
}

// TestHeldChain: a chain with a link that this build does not have is held; its list accepts and keeps, the rest runs.
func TestHeldChain(t *testing.T) {
	t.Parallel()
	n := newNode(t, `
ingress_auth: {calls: e2e-partner-key-0123456789, other: e2e-partner-key-0123456789}
links:
  tag: {module: links.tag, options: {tags: [e2e]}}
  old: {module: my_module, pip_name: "my-package==1.2.3"}
storages: {files: {module: storage.file, options: {path: "%s/files"}}}
chains:
  main: {ingress_lists: [calls], links: [tag], storages: [files], egress_lists: [done]}
  python: {ingress_lists: [other], links: [old], storages: [files]}
`)
	n.start()
	l := &ledger{ack: map[vcon.ID]bool{}}
	n.mustPost(l, "calls")
	n.account(l)
	if !n.post("other", document(vcon.NewID("example.com"), 10)) {
		t.Fatal("the held chain's list does not accept")
	}
	if d, err := n.depth("other"); err != nil || d != 1 {
		t.Errorf("the held chain's list has depth %d, %v", d, err)
	}
	status, body, err := n.call(http.MethodGet, "/ready", nil, "")
	if err != nil || status != http.StatusOK || !strings.Contains(string(body), "python") {
		t.Errorf("/ready: %d %s %v", status, body, err)
	}
	if _, _, code := run(t, n.dir, env(), "check", "--config", n.config()); code != 2 {
		t.Errorf("check: exit code %d, want 2", code)
	}
}

func (n *node) hup() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) mustPost(l *ledger, list string) {
	n.t.Helper()
	id := vcon.NewID("example.com")
	if !n.post(list, document(id, 100)) {
		n.t.Fatalf("%s: not taken\n%s", list, n.log)
	}
	l.add(id)
}
