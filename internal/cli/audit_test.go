package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/builtin/tracer/audit"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// auditCommand runs one command and gives what it printed.
func auditCommand(t *testing.T, want int, args ...string) string {
	t.Helper()
	io := quiet()
	code := Main(t.Context(), append([]string{"audit"}, args...), io)
	text := io.Out.(*bytes.Buffer).String() + io.Err.(*bytes.Buffer).String()
	if code != want {
		t.Errorf("%v: exit code %d, want %d: %s", args, code, want, text)
	}
	return text
}

// TestAudit: the commands read the log beside its writer, and tell the place where it is broken.
func TestAudit(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	log := filepath.Join(data, "audit")
	tracer, err := audit.Open(log)(t.Context(), "audit", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close()
	doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`))
	if err != nil {
		t.Fatal(err)
	}
	id := doc.ID().String()
	for i := range 3 {
		e := chain.Event{ID: doc.ID(), In: doc, Out: doc, Chain: "main", Index: i, Link: "l", Step: fmt.Sprintf("l#%d", i+1), Outcome: chain.OutcomeFailed, Class: chain.ClassPanic}
		if err := tracer.Trace(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(data, "config.yml")
	text := fmt.Sprintf("tracers: {a: {module: tracers.audit, options: {path: %q}}}\n", log)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, where := range [][]string{{"--data", data}, {"--path", log}, {"--config", config}} {
		if out := auditCommand(t, ExitOK, append([]string{"show", id}, where...)...); !strings.Contains(out, "l#3") || !strings.Contains(out, "failed (panic)") {
			t.Errorf("%v: %s", where, out)
		}
	}
	out := auditCommand(t, ExitOK, "verify", "--path", log)
	_, head, ok := strings.Cut(strings.TrimSpace(out), "head ")
	if !ok || !strings.HasPrefix(head, "3:") {
		t.Fatalf("no head: %s", out)
	}
	auditCommand(t, ExitOK, "verify", "--path", log, "--head", head)
	auditCommand(t, ExitOK, "verify", "--path", log, id)
	auditCommand(t, ExitFail, "show", "--path", log, "019394ef-7d0a-8c3e-8caa-f24ab1a0c334")
	for _, wrong := range [][]string{{"show"}, {"show", "x"}, {"verify", "--head", "3"}, {"verify", id, "--head", head}, {"verify", id, id}} {
		auditCommand(t, ExitUsage, append(wrong, "--path", log)...)
	}
	auditCommand(t, ExitFail, "verify", "--path", filepath.Join(data, "none"))

	file := filepath.Join(log, "00000000000000000001.jsonl")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	if err := os.WriteFile(file, bytes.Join(lines[:2], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	auditCommand(t, ExitOK, "verify", "--path", log)
	if out := auditCommand(t, ExitFail, "verify", "--path", log, "--head", head); !strings.Contains(out, "ends before record 3") {
		t.Error(out)
	}
	if err := os.WriteFile(file, bytes.Replace(whole, []byte(`"panic"`), []byte(`"final"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify"}, {"verify", id}, {"show", id}} {
		if out := auditCommand(t, ExitFail, append(args, "--path", log)...); !strings.Contains(out, "00000000000000000001.jsonl:1") {
			t.Errorf("%v: %s", args, out)
		}
	}
	var report struct{ Problems []audit.Problem }
	if err := json.Unmarshal([]byte(auditCommand(t, ExitFail, "verify", "--path", log, "--json")), &report); err != nil || len(report.Problems) == 0 || report.Problems[0].Line != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}
