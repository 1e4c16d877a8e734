package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

const auditConfig = `
ingress_auth: {calls: app-test-key-0123456789}
links: {tag: {module: links.tag, options: {tags: [app]}}}
tracers:
  audit: {module: tracers.audit, options: {dlq_vcon_on_error: true, path: %DIR%/log}}
  lines: {module: tracers.log}
chains: {main: {ingress_lists: [calls], links: [tag], egress_lists: [done]}}
`

// TestAudit: what links do is in the log before the vCon is forwarded, and goes on over reloads that keep the log and ones
// that change it.
func TestAudit(t *testing.T) {
	t.Parallel()
	r := startApp(t, auditConfig, nil)
	folder := filepath.Join(r.dir, "log")
	through := func() vcon.ID {
		t.Helper()
		id := vcon.NewID("example.com")
		if status, body := r.call("POST", "/vcon/external-ingress?ingress_list=calls", document(id), "app-test-key-0123456789"); status != http.StatusNoContent {
			t.Fatal(status, body)
		}
		r.until("forwarded", func() error {
			if _, body := r.call("GET", "/vcon/egress?egress_list=done", "", ""); !strings.Contains(body, id.String()) {
				return fmt.Errorf("egress gave %s", body)
			}
			return nil
		})
		return id
	}
	check := func(id vcon.ID, outcomes string) {
		t.Helper()
		v, err := AuditOf(folder, id)
		entries, problems := v.Records, v.Problems
		var got []string
		for _, e := range entries {
			got = append(got, e.Step+" "+e.Outcome)
		}
		if err != nil || len(problems) > 0 || strings.Join(got, ", ") != outcomes {
			t.Errorf("%q, %v, %v", got, problems, err)
		}
		if n := len(entries); n > 1 && (len(entries[n-1].Edits) != 1 || entries[n-1].In.Sum == entries[n-1].Out.Sum || string(entries[n-1].Grants) != `{"tags":true}`) {
			t.Errorf("%+v", entries[n-1].Trace)
		}
	}
	check(through(), " start, tag#1 done")
	for _, change := range [][2]string{{"tags: [app]", "tags: [other]"}, {"dlq_vcon_on_error: true", "dlq_vcon_on_error: true, keep: 240h"}} {
		file := filepath.Join(r.dir, "config.yml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before := r.current.Load()
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		r.until("reloaded", func() error {
			if b := r.current.Load(); b == before || len(b.held) > 0 {
				return fmt.Errorf("held %v", b.held)
			}
			return nil
		})
		check(through(), " start, tag#1 done")
	}
	id := through()
	if status, body := r.call("GET", "/audit/"+id.String(), "", ""); status != http.StatusOK || !strings.Contains(body, `"outcome":"done"`) || !strings.Contains(body, `"problems":[]`) {
		t.Errorf("GET /audit: %d %s", status, body)
	}
	report, err := AuditVerify(folder, AuditHead{})
	if err != nil || len(report.Problems) > 0 || report.Records != 8 || report.VCons != 4 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestTracersHold: a tracer that cannot be opened, or that is not there, holds the chains that it would watch.
func TestTracersHold(t *testing.T) {
	t.Parallel()
	for tracer, why := range map[string]string{
		`{module: tracers.audit, options: {keep: soon}}`:         "keep",
		`{module: tracers.log, options: {level: loud}}`:          "level",
		`{module: tracers.jlinc}`:                                "this build has the tracers tracers.audit, tracers.log only",
		`{module: tracers.audit, options: {path: /dev/null/no}}`: "/dev/null",
	} {
		r := startApp(t, strings.ReplaceAll(`
links: {tag: {module: links.tag}}
tracers: {watch: %TRACER%}
chains:
  watched: {ingress_lists: [a], links: [tag]}
  free: {ingress_lists: [b], links: [tag], tracers: []}
`, "%TRACER%", tracer), nil)
		b := r.current.Load()
		if got := strings.Join(b.held["watched"], "; "); !strings.Contains(got, why) || len(b.held) != 1 || len(b.chains) != 1 {
			t.Errorf("%s: held %v, running %v", tracer, b.held, b.chains)
		}
	}
}
