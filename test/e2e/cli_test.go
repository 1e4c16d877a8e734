package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, t.TempDir(), env(), "demo")
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"support-call.vcon", "durable and queued", "403", "4 accepted, 4 saved, 4 on the egress list", "0 dead letters"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
}

func TestDemoKeepsItsFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	if out, errs, code := run(t, "", env(), "demo", "--keep", dir); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := run(t, "", env(), "check", "--config", filepath.Join(dir, "config.yml")); code != 0 {
		t.Errorf("its configuration: exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code := run(t, "", env(), "vcon", "list", "--data", filepath.Join(dir, "data"))
	if code != 0 || len(strings.Fields(out)) != 4 {
		t.Errorf("its store: exit code %d\n%s%s", code, out, errs)
	}
	if _, _, code := run(t, "", env(), "demo", "--keep", dir); code != 1 {
		t.Errorf("the demo worked in a folder that was there: exit code %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yml")
	if err := os.WriteFile(broken, []byte("chains:\n  main: {linkz: [tag]}\nserver: {wokers: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		says string
	}{
		{"help", nil, []string{"--help"}, 0, ""},
		{"no such command", nil, []string{"sevre"}, 2, "no command"},
		{"group", nil, []string{"dlq"}, 2, "dlq retry"},
		{"unknown flag", nil, []string{"serve", "--prot", "1"}, 2, "--help"},
		{"open address without a token", nil, []string{"serve", "--listen", "0.0.0.0:0"}, 2, "CONSERVER_API_TOKEN"},
		{"api alone without Redis", nil, []string{"serve", "--role", "api"}, 2, "REDIS_URL"},
		{"Redis is not built in", []string{"REDIS_URL=redis://localhost"}, []string{"serve"}, 2, "Redis"},
		{"broken config", nil, []string{"serve", "--config", broken}, 2, "workers"},
		{"broken config, check", nil, []string{"check", "--config", broken}, 2, "did you mean"},
		{"config is not there", nil, []string{"serve", "--config", "nowhere.yml"}, 2, "nowhere.yml"},
		{"no server, no store", nil, []string{"vcon", "list", "--data", filepath.Join(dir, "none")}, 1, "vconduit serve"},
		{"no file", nil, []string{"vcon", "validate"}, 2, "FILE"},
		{"version", nil, []string{"version"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := run(t, dir, env(c.env...), c.args...)
			if code != c.code || !strings.Contains(errs+out, c.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

// TestOperator walks through what an operator does from the command line, over the admin socket and without a server.
func TestOperator(t *testing.T) {
	t.Parallel()
	// Nothing listens on port 9: each vCon becomes a dead letter.
	n := newNode(t, `
ingress_auth: {calls: e2e-partner-key-0123456789}
links:
  hook: {module: links.webhook, options: {webhook-urls: ["http://127.0.0.1:9/none"], timeout: 1s}, retry: {attempts: 1}}
storages: {files: {module: storage.file, options: {path: "%s/files"}}}
chains: {main: {ingress_lists: [calls], links: [hook], storages: [files], egress_lists: [done]}}
`)
	n.start()
	file := filepath.Join(n.dir, "a.vcon")
	id := vcon.NewID("example.com")
	if err := os.WriteFile(file, document(id, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	cli := func(wantCode int, args ...string) string {
		t.Helper()
		out, errs, code := run(t, n.dir, env(), append(args, "--data", n.data())...)
		if code != wantCode {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
		return out + errs
	}
	cli(0, "vcon", "submit", file, "--list", "calls")
	n.eventually("dead letter", 10*time.Second, func() error {
		var dead []string
		if err := n.get("/dlq?ingress_list=calls", &dead); err != nil {
			return err
		}
		if len(dead) != 1 {
			return os.ErrNotExist
		}
		return nil
	})
	if got := cli(0, "vcon", "get", id.String()); !strings.Contains(got, string(document(id, 100))) {
		t.Errorf("get gives %s", got)
	}
	if got := cli(0, "vcon", "list"); !strings.Contains(got, id.String()) {
		t.Errorf("list gives %s", got)
	}
	if got := cli(0, "vcon", "search", "--tel", "+15550100", "15550100"); !strings.Contains(got, id.String()) {
		t.Errorf("search gives %s", got)
	}
	lines := filepath.Join(n.dir, "all.jsonl")
	exported := strings.TrimSuffix(cli(0, "vcon", "export"), "exported 1\n")
	if exported != string(document(id, 100))+"\n" {
		t.Errorf("export gives %s", exported)
	}
	if err := os.WriteFile(lines, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(0, "vcon", "import", lines) // what is stored is stored again: the dead letter stays
	got := cli(0, "dlq", "list", "--list", "calls", "--json")
	if !strings.Contains(got, id.String()) || !strings.Contains(got, "hook") {
		t.Errorf("dlq list gives %s", got)
	}
	cli(0, "dlq", "show", id.String())
	n.term()

	// Nobody holds the store now: the commands open it themselves.
	if got := cli(0, "dlq", "retry", id.String(), "--list", "calls"); !strings.Contains(got, "1") {
		t.Errorf("retry says %s", got)
	}
	if got := cli(0, "dlq", "list", "--list", "calls", "--json"); strings.Contains(got, id.String()) {
		t.Errorf("after the retry it is still dead: %s", got)
	}
	n.start()
	n.eventually("dead again", 10*time.Second, func() error {
		var dead []string
		if err := n.get("/dlq?ingress_list=calls", &dead); err != nil || len(dead) == 1 {
			return err
		}
		return os.ErrNotExist
	})
	cli(2, "dlq", "purge")
	cli(0, "dlq", "purge", "--list", "calls")
	if got := cli(0, "dlq", "list", "--list", "calls"); strings.Contains(got, id.String()) {
		t.Errorf("after the purge: %s", got)
	}
}

func TestSecondProcess(t *testing.T) {
	t.Parallel()
	n := newNode(t, baseConfig)
	n.start()
	_, errs, code := run(t, n.dir, env(), "serve", "--config", n.config(), "--data", n.data(), "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(errs, n.data()) || !strings.Contains(errs, "another process") {
		t.Errorf("a second server on the folder: exit code %d\n%s", code, errs)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.vcon"), filepath.Join(dir, "bad.vcon")
	text := document(vcon.NewID("example.com"), 10)
	for name, text := range map[string][]byte{good: text, bad: []byte(strings.Replace(string(text), `"parties":[0]`, `"parties":[5]`, 1))} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, _, code := run(t, dir, env(), "vcon", "validate", good); code != 0 {
		t.Errorf("a good one: exit code %d: %s", code, out)
	}
	out, _, code := run(t, dir, env(), "vcon", "validate", "--json", good, bad)
	if code != 1 {
		t.Errorf("a bad one: exit code %d", code)
	}
	var last struct {
		OK       bool
		Findings []struct{ Rule, Pointer string }
	}
	for line := range strings.Lines(out) {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatal(err)
		}
	}
	if last.OK || len(last.Findings) == 0 || last.Findings[0].Rule != "D05" {
		t.Errorf("findings: %+v", last)
	}
}
