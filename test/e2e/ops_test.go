package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// holdConfig keeps vCons on their lists: one chain works and forgets nothing, one waits for a server that is not there.
const holdConfig = `
server: {drain: 5s, workers: 4}
ingress_auth: {calls: e2e-partner-key-0123456789, broken: e2e-partner-key-0123456789}
links:
  tag: {module: links.tag, options: {tags: [e2e]}}
  hook: {module: links.webhook, options: {webhook-urls: ["http://127.0.0.1:9/none"], timeout: 1s}, retry: {attempts: 1}}
storages: {files: {module: storage.file, options: {path: "%s/files"}}}
chains:
  main: {ingress_lists: [calls], links: [tag], storages: [files], egress_lists: [done]}
  never: {ingress_lists: [broken], links: [hook]}
`

// TestBackupUnderLoad takes backups while vCons come and go, and restores the last: each one that was acknowledged before
// it began is there, document and list entry, and goes its way to the end.
func TestBackupUnderLoad(t *testing.T) {
	n := newNode(t, holdConfig)
	n.start()
	dead := vcon.NewID("example.com")
	if !n.post("broken", document(dead, 100)) {
		t.Fatal("not taken")
	}
	n.eventually("dead letter", 10*time.Second, func() error { return n.isDead(dead) })

	l := &ledger{ack: map[vcon.ID]bool{}}
	stop := make(chan struct{})
	wg := load(n, l, stop)
	file := filepath.Join(t.TempDir(), "backup.tar.zst")
	var before []vcon.ID
	for range 3 {
		seen := len(l.ids())
		n.eventually("load", 20*time.Second, func() error {
			if len(l.ids()) < seen+60 {
				return fmt.Errorf("%d acknowledged", len(l.ids()))
			}
			return nil
		})
		before = l.ids()
		out, errs, code := run(t, n.dir, env(), "backup", file, "--data", n.data())
		if code != 0 || !strings.Contains(out, "vCons") {
			t.Fatalf("backup: exit code %d\n%s%s", code, out, errs)
		}
	}
	close(stop)
	wg.Wait()
	n.term()
	t.Logf("%d acknowledged before the last backup, %d in all", len(before), len(l.ids()))
	if left, err := filepath.Glob(file + ".partial-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	// The other machine has neither the store nor what the storage kept.
	m := newNode(t, holdConfig)
	if out, errs, code := run(t, m.dir, env(), "restore", file, "--data", m.data()); code != 0 {
		t.Fatalf("restore: exit code %d\n%s%s", code, out, errs)
	}
	m.start()
	if err := m.isDead(dead); err != nil {
		t.Error(err)
	}
	for _, id := range before {
		status, text, err := m.call(http.MethodGet, "/vcon/"+id.String(), nil, "")
		if err != nil || status != http.StatusOK || !bytes.Contains(text, []byte(id.String())) {
			t.Errorf("%s was acknowledged before the backup: %d, %v", id, status, err)
		}
	}
	m.forwarded(before...)
}

func (n *node) isDead(id vcon.ID) error {
	var dead []string
	if err := n.get("/dlq?ingress_list=broken", &dead); err != nil {
		return err
	}
	if len(dead) != 1 || dead[0] != id.String() {
		return fmt.Errorf("dead letters: %v", dead)
	}
	return nil
}

// TestRestoreRefuses: what is no backup, or would overwrite something, leaves everything as it is.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	n := newNode(t, holdConfig)
	n.start()
	id := vcon.NewID("example.com")
	if !n.post("broken", document(id, 300<<10)) {
		t.Fatal("not taken")
	}
	file := filepath.Join(n.dir, "b.tar.zst")
	if _, errs, code := run(t, n.dir, env(), "backup", file, "--data", n.data()); code != 0 {
		t.Fatal(errs)
	}
	refused := func(says string, args ...string) {
		t.Helper()
		out, errs, code := run(t, n.dir, env(), append([]string{"restore"}, args...)...)
		if code != 1 || !strings.Contains(errs, says) {
			t.Errorf("restore %v: exit code %d, want 1 and %q\n%s%s", args, code, says, out, errs)
		}
	}
	refused("stop the server", file, "--data", n.data(), "--force")
	n.term()
	refused("--force", file, "--data", n.data())

	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(n.dir, "fresh")
	for name, text := range map[string][]byte{"cut": whole[:len(whole)-20], "other": []byte("something else"), "empty": nil} {
		bad := filepath.Join(n.dir, name)
		if err := os.WriteFile(bad, text, 0o600); err != nil {
			t.Fatal(err)
		}
		refused("damaged", bad, "--data", fresh)
		if left, err := filepath.Glob(filepath.Join(fresh, "*")); err != nil || len(left) > 1 { // the lock
			t.Errorf("%s: the folder holds %v, %v", name, left, err)
		}
		refused("damaged", bad, "--data", n.data(), "--force")
	}
	n.start() // the store that was moved aside is back
	if status, _, err := n.call(http.MethodGet, "/vcon/"+id.String(), nil, ""); err != nil || status != http.StatusOK {
		t.Errorf("after restores that failed: %d, %v", status, err)
	}
	n.term()

	// No server: the store is opened for the backup alone. With --force what was there is kept.
	if _, errs, code := run(t, n.dir, env(), "backup", file, "--data", n.data()); code != 0 {
		t.Fatal(errs)
	}
	out, errs, code := run(t, n.dir, env(), "restore", file, "--data", n.data(), "--force")
	aside, err := filepath.Glob(filepath.Join(n.data(), "before-restore-*", "store.db"))
	if code != 0 || err != nil || len(aside) != 1 {
		t.Fatalf("restore --force: exit code %d, aside %v, %v\n%s%s", code, aside, err, out, errs)
	}
	n.start()
	if status, _, err := n.call(http.MethodGet, "/vcon/"+id.String(), nil, ""); err != nil || status != http.StatusOK {
		t.Errorf("restored: %d, %v", status, err)
	}
}

// TestRestoreIsKilled: a restore that ends in the middle leaves a folder with which no server starts, until it is
// restored again.
func TestRestoreIsKilled(t *testing.T) {
	t.Parallel()
	n := newNode(t, holdConfig)
	n.start()
	for range 20 {
		if !n.post("calls", noisy()) { // what compresses well is written late
			t.Fatal("not taken")
		}
	}
	file := filepath.Join(n.dir, "b.tar.zst")
	if _, errs, code := run(t, n.dir, env(), "backup", file, "--data", n.data()); code != 0 {
		t.Fatal(errs)
	}
	n.term()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(n.dir, "fresh")
	cmd := exec.Command(binary, "restore", "-", "--data", fresh)
	cmd.Env, cmd.Dir, cmd.Stderr = env(), n.dir, n.log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(in, bytes.NewReader(whole[:len(whole)/2])); err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(fresh, "restore-partial")
	n.eventually("a part is there", 20*time.Second, func() error {
		_, err := os.Stat(filepath.Join(partial, "store.db"))
		return err
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: its status says so
	if _, err := os.Stat(filepath.Join(fresh, "store.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a database already: %v", err)
	}
	_, errs, code := run(t, n.dir, env(), "serve", "--config", n.config(), "--data", fresh, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(errs, "restore") {
		t.Errorf("serve on half a restore: exit code %d\n%s", code, errs)
	}
	if out, errs, code := run(t, n.dir, env(), "restore", file, "--data", fresh, "--force"); code != 0 {
		t.Fatalf("restore again: exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code := run(t, n.dir, env(), "vcon", "list", "--data", fresh)
	if code != 0 || len(strings.Fields(out)) != 20 {
		t.Errorf("%d vCons, exit code %d\n%s", len(strings.Fields(out)), code, errs)
	}
}

// noisy is a document of 400 kB that does not compress to less than half.
func noisy() []byte {
	noise := make([]byte, 200<<10)
	_, _ = rand.Read(noise)
	text := document(vcon.NewID("example.com"), 1)
	return bytes.Replace(text, []byte(`"x"`), fmt.Appendf(nil, "%q", hex.EncodeToString(noise)), 1)
}

// TestStopDuringABackup: a reader that takes its time keeps no server from stopping, and what it leaves is taken away.
func TestStopDuringABackup(t *testing.T) {
	t.Parallel()
	n := newNode(t, strings.Replace(holdConfig, "drain: 5s", "drain: 1s", 1))
	n.start()
	for range 60 {
		if !n.post("calls", noisy()) {
			t.Fatal("not taken")
		}
	}
	resp, err := http.Get("http://" + n.addr + "/backup")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 1000); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := run(t, n.dir, env(), "backup", filepath.Join(n.dir, "b"), "--data", n.data()); code != 1 || !strings.Contains(errs, "already") {
		t.Errorf("a second backup: exit code %d\n%s", code, errs)
	}
	n.term()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the backup that was cut ends like a whole one")
	}
	if _, err := os.Stat(filepath.Join(n.data(), "snapshot")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy of the database is left: %v", err)
	}
}

// TestDoctor: beside a server that works, one that does not answer, and none.
func TestDoctor(t *testing.T) {
	t.Parallel()
	n := newNode(t, baseConfig)
	n.start()
	doctor := func(code int, says ...string) {
		t.Helper()
		out, errs, got := run(t, n.dir, env(), "doctor", "--config", n.config(), "--data", n.data())
		if got != code {
			t.Errorf("exit code %d, want %d\n%s%s", got, code, out, errs)
		}
		for _, s := range says {
			if !strings.Contains(out, s) {
				t.Errorf("the doctor does not say %q:\n%s", s, out)
			}
		}
	}
	doctor(0, "runs and is ready", "0 failures", "none is held", "the server (process ")
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	doctor(1, "does not answer")
	if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	n.term()
	doctor(0, "no server runs")
}

// TestTop: one table of the running server.
func TestTop(t *testing.T) {
	t.Parallel()
	n := newNode(t, baseConfig)
	n.start()
	if !n.post("calls", document(vcon.NewID("example.com"), 100)) {
		t.Fatal("not taken")
	}
	n.eventually("in the table", 20*time.Second, func() error {
		out, errs, code := run(t, n.dir, env(), "top", "--once", "--interval", "200ms", "--data", n.data())
		for _, s := range []string{"ready, embedded store", "\ncalls ", "\nmain ", "\ntag ", "\nfiles "} {
			if code != 0 || !strings.Contains(out, s) {
				return fmt.Errorf("exit code %d, no %q:\n%s%s", code, s, out, errs)
			}
		}
		return nil
	})
}
