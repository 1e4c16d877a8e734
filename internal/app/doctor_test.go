package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/modules/examples/talkshare"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/vcon"
)

// patientDir is a folder with a configuration; %DIR% in it is the folder, %PIN% the digest of talkshare.wasm there.
func patientDir(t *testing.T, text string) (dir string, o DoctorOptions) {
	t.Helper()
	dir = t.TempDir()
	module := talkshare.Module()
	text = strings.NewReplacer("%DIR%", dir, "%PIN%", wasm.Digest(module),
		"%YESTERDAY%", time.Now().AddDate(0, 0, -1).Format(time.DateOnly), "%SOON%", time.Now().AddDate(0, 0, 5).Format(time.DateOnly)).Replace(text)
	for name, b := range map[string][]byte{"config.yml": []byte(text), "talkshare.wasm": module} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"CONSERVER_API_TOKEN": "doctor-token-0123456789"}
	o = DoctorOptions{Options: Options{Config: filepath.Join(dir, "config.yml"), Data: filepath.Join(dir, "data"),
		Getenv: func(k string) string { return env[k] }}, Within: time.Minute}
	return dir, o
}

// examined gives what the doctor finds.
func examined(t *testing.T, o DoctorOptions) (all []Finding) {
	t.Helper()
	o.Found = func(f Finding) { all = append(all, f) }
	Doctor(t.Context(), o)
	return all
}

func shown(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Status, f.Check, f.Message)
	}
	return b.String()
}

// withStore opens the store of a patient for f.
func withStore(t *testing.T, o DoctorOptions, f func(s *embedded.Store)) {
	t.Helper()
	s, err := embedded.Open(o.Data, embedded.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s *embedded.Store, lists ...string) vcon.ID {
	t.Helper()
	id := vcon.NewID("example.com")
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":%q,"created_at":"2026-01-01T00:00:00Z","parties":[],"x":%q}`, id, strings.Repeat("x", 300<<10)))
	if err == nil {
		_, err = s.Submit(t.Context(), queue.Submission{Doc: doc, Lists: lists})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

const healthy = `
auth: {keys: [{name: ops, key: ops-key-0123456789, scopes: [read]}]}
ingress_auth: {calls: doctor-partner-key-0123}
links:
  tag: {module: links.tag, options: {tags: [x]}}
  share: {module: "file:%DIR%/talkshare.wasm", sha256: %PIN%}
storages: {files: {module: storage.file, options: {path: "%DIR%/files"}}}
chains: {main: {ingress_lists: [calls], links: [tag, share], storages: [files], egress_lists: [done]}}
`

func TestDoctorOfTheHealthy(t *testing.T) {
	t.Parallel()
	_, o := patientDir(t, healthy)
	withStore(t, o, func(s *embedded.Store) { put(t, s, "calls") })
	o.Ask = func(_ context.Context, path string, into any) error {
		v := Version(o.Getenv)
		text := fmt.Sprintf(`{"version":%q,"git_commit":%q}`, v.Version, v.GitCommit)
		if path == "/ready" {
			text = `{"status":"ready","store":{"ok":true},"chains":1}`
		}
		return json.Unmarshal([]byte(text), into)
	}
	seen := map[string]bool{}
	all := examined(t, o)
	for _, f := range all {
		seen[f.Check] = true
		if f.Status != StatusOK {
			t.Errorf("%+v", f)
		}
	}
	for _, check := range []string{"config", "data", "disk", "store", "integrity", "server", "chains", "lists", "storages", "modules", "keys", "limits", "clock"} {
		if !seen[check] {
			t.Errorf("nothing about %s:\n%s", check, shown(all))
		}
	}
}

// TestDoctorOfTheIll: each ailment is found, alone among its kind, with something to do.
func TestDoctorOfTheIll(t *testing.T) {
	t.Parallel()
	config := func(old, now string) string {
		if !strings.Contains(healthy, old) {
			t.Fatalf("the configuration has no %q", old)
		}
		return strings.Replace(healthy, old, now, 1)
	}
	dead := func(t *testing.T, o *DoctorOptions) {
		withStore(t, *o, func(s *embedded.Store) {
			put(t, s, "calls")
			ls, err := s.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: "calls"}}, Max: 1, TTL: time.Minute})
			if err == nil {
				err = s.Fail(t.Context(), ls[0], queue.Failure{Reason: "x"})
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	answer := func(version, ready string, err error) func(*testing.T, *DoctorOptions) {
		return func(t *testing.T, o *DoctorOptions) {
			o.Ask = func(_ context.Context, path string, into any) error {
				if path == "/version" {
					return json.Unmarshal([]byte(version), into)
				}
				return errors.Join(err, json.Unmarshal([]byte(ready), into))
			}
		}
	}
	for name, c := range map[string]struct {
		config string
		make   func(t *testing.T, o *DoctorOptions)
		status Status
		check  string
		says   string
	}{
		"configuration": {config("tags: [x]", "tags: [x], nonsense: 1"), nil, StatusWarn, "config", "nonsense"},
		"broken":        {config("egress_lists", "egres_lists"), nil, StatusFail, "config", "egres_lists"},
		"no YAML":       {"chains: [", nil, StatusFail, "config", ""},
		"no config":     {healthy, func(t *testing.T, o *DoctorOptions) { o.Config = filepath.Join(t.TempDir(), "none.yml") }, StatusFail, "config", "none.yml"},
		"no folder":     {healthy, nil, StatusWarn, "data", "no folder"},
		"rights": {healthy, func(t *testing.T, o *DoctorOptions) {
			withStore(t, *o, func(*embedded.Store) {})
			if err := os.Chmod(o.Data, 0o755); err != nil {
				t.Fatal(err)
			}
		}, StatusWarn, "data", "other users"},
		"no store": {healthy, func(t *testing.T, o *DoctorOptions) {
			if err := os.Mkdir(o.Data, 0o700); err != nil {
				t.Fatal(err)
			}
		}, StatusWarn, "store", "no store"},
		"not SQLite": {healthy, func(t *testing.T, o *DoctorOptions) {
			err := errors.Join(os.Mkdir(o.Data, 0o700), os.WriteFile(filepath.Join(o.Data, "store.db"), []byte(strings.Repeat("no ", 5000)), 0o600))
			if err != nil {
				t.Fatal(err)
			}
		}, StatusFail, "store", "not a database"},
		"growth": {healthy, func(t *testing.T, o *DoctorOptions) { withStore(t, *o, func(s *embedded.Store) { put(t, s) }) },
			StatusWarn, "growth", "1 finished vCons (300."},
		"lost blob": {healthy, func(t *testing.T, o *DoctorOptions) {
			withStore(t, *o, func(s *embedded.Store) { put(t, s, "calls") })
			if err := os.RemoveAll(filepath.Join(o.Data, "blobs")); err != nil {
				t.Fatal(err)
			}
		}, StatusFail, "integrity", "large document"},
		"no time":        {"ingress_auth: {calls: doctor-partner-key-0123}", func(t *testing.T, o *DoctorOptions) { dead(t, o); o.Within = time.Nanosecond }, StatusWarn, "store", "longer than 1ns"},
		"no server":      {healthy, nil, StatusWarn, "server", "no server runs"},
		"silent server":  {healthy, func(t *testing.T, o *DoctorOptions) { answer("", "", errors.New("gone"))(t, o) }, StatusFail, "server", "does not answer"},
		"another server": {healthy, answer(`{"version":"0.0.9"}`, `{"status":"ready","store":{"ok":true},"chains":1}`, nil), StatusWarn, "server", "0.0.9"},
		"not ready":      {healthy, answer(`{}`, `{"status":"not ready","store":{"ok":false}}`, nil), StatusFail, "server", "not ready"},
		"full":           {healthy, answer(`{}`, `{"status":"ready","store":{"ok":true,"detail":"disk full"}}`, nil), StatusWarn, "server", "disk full"},
		"held there":     {healthy, answer(`{}`, `{"status":"ready","store":{"ok":true},"held":{"main":["why"]}}`, nil), StatusFail, "chains", "main is held: why"},
		"held here":      {config("links.tag", "links.tagg"), nil, StatusFail, "chains", "main is held"},
		"dead letters":   {healthy, dead, StatusWarn, "lists", "1 dead letters of calls"},
		"nobody's list":  {healthy, func(t *testing.T, o *DoctorOptions) { withStore(t, *o, func(s *embedded.Store) { put(t, s, "typo") }) }, StatusWarn, "lists", "wait on typo"},
		"disabled": {config("ingress_lists: [calls]", "enabled: false, ingress_lists: [calls]"),
			func(t *testing.T, o *DoctorOptions) { withStore(t, *o, func(s *embedded.Store) { put(t, s, "calls") }) }, StatusWarn, "lists", "not enabled"},
		"partner's list": {config("ingress_auth: {calls:", "ingress_auth: {other:"), nil, StatusWarn, "lists", "partners may post to other"},
		"storage":        {config("%DIR%/files", "/dev/null/files"), nil, StatusFail, "storages", "files"},
		"module":         {config("sha256: %PIN%", "sha256: "+strings.Repeat("0", 64)), nil, StatusFail, "modules", "share"},
		"module is away": {config(`"file:%DIR%/talkshare.wasm"`, `"https://modules.example.com/share.wasm"`), nil, StatusWarn, "modules", "not in the cache"},
		"expired":        {config("scopes: [read]", "scopes: [read], expires: %YESTERDAY%"), nil, StatusWarn, "config", "has expired"},
		"expires":        {config("calls: doctor-partner-key-0123", "calls: [{name: acme, key: doctor-partner-key-0123, expires: %SOON%}]"), nil, StatusWarn, "keys", `"acme" of ingress_auth.calls expires`},
		"open here": {config("auth: {keys: [{name: ops, key: ops-key-0123456789, scopes: [read]}]}", "server: {listen: '127.0.0.1:80'}"),
			func(_ *testing.T, o *DoctorOptions) { o.Getenv = func(string) string { return "" } }, StatusWarn, "keys", "no token"},
		"open everywhere": {config("auth: {keys: [{name: ops, key: ops-key-0123456789, scopes: [read]}]}", "server: {listen: '0.0.0.0:80'}"),
			func(_ *testing.T, o *DoctorOptions) { o.Getenv, o.Insecure = func(string) string { return "" }, true }, StatusFail, "keys", "whoever reaches"},
		"files": {config("ingress_auth", "server: {connections: 1000000000}\ningress_auth"), nil, StatusWarn, "limits", "needs 1000000256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, o := patientDir(t, c.config)
			if c.make != nil {
				c.make(t, &o)
			}
			all := examined(t, o)
			found := false
			for _, f := range all {
				found = found || f.Check == c.check && f.Status == c.status && strings.Contains(f.Message, c.says)
				if f.Status == StatusFail && f.Check == c.check && c.status != StatusFail {
					t.Errorf("%+v is worse than it is", f)
				}
			}
			if !found {
				t.Errorf("no %s %s with %q:\n%s", c.status, c.check, c.says, shown(all))
			}
		})
	}
}

// TestDoctorHoldsItsTongue: no finding has a secret in it.
func TestDoctorHoldsItsTongue(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-do-not-show"
	_, o := patientDir(t, `
auth: {keys: [{name: a, key: `+secret+`-key, scopes: [read], expires: 2020-01-01}]}
ingress_auth: {calls: `+secret+`}
links:
  hook: {module: links.webhook, options: {webhook-urls: ["https://u:`+secret+`@127.0.0.1:1/x?key=`+secret+`"], headers: {authorization: `+secret+`}}}
  mod: {module: "https://127.0.0.1:1/`+secret+`.wasm?token=`+secret+`", sha256: %PIN%}
storages:
  r: {module: storage.redis_storage, options: {redis_url: "redis://:`+secret+`@127.0.0.1:1/0"}}
  s: {module: storage.s3, options: {aws_bucket: b, aws_access_key_id: id, aws_secret_access_key: `+secret+`, endpoint_url: "http://127.0.0.1:1"}}
chains: {main: {ingress_lists: [calls], links: [hook, mod], storages: [r, s]}}
`)
	o.Within = 5 * time.Second
	all := examined(t, o)
	failed := 0
	for _, f := range all {
		if f.Check == "storages" && f.Status == StatusFail {
			failed++
		}
		// The path of a module is no secret; what stands behind its "?" is.
		if text := strings.ReplaceAll(f.Message+f.Hint, "/"+secret+".wasm", ""); strings.Contains(text, secret) {
			t.Errorf("%+v", f)
		}
	}
	if failed != 2 {
		t.Errorf("storages that cannot be reached:\n%s", shown(all))
	}
}

func TestDoctorsClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		newest time.Duration
		built  string
		want   Status
	}{
		"right":        {-time.Hour, "", StatusOK},
		"a bit late":   {time.Minute, "", StatusOK},
		"behind":       {time.Hour, "", StatusFail},
		"before built": {-time.Hour, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), StatusFail},
	} {
		var got Finding
		d := &doctor{report: &embedded.Report{Newest: time.Now().Add(c.newest)}, DoctorOptions: DoctorOptions{Found: func(f Finding) { got = f }}}
		d.Getenv = func(k string) string {
			if k == "VCON_SERVER_BUILD_TIME" {
				return c.built
			}
			return ""
		}
		if d.checkClock(t.Context()); got.Status != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDoctorsDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r    embedded.Report
		want Status
	}{
		"room":       {embedded.Report{FreeBytes: 50 << 30, DatabaseBytes: 1 << 30}, StatusOK},
		"no backup":  {embedded.Report{FreeBytes: 50 << 30, DatabaseBytes: 60 << 30}, StatusWarn},
		"little":     {embedded.Report{FreeBytes: 600 << 20}, StatusWarn},
		"none":       {embedded.Report{FreeBytes: 6 << 20}, StatusFail},
		"no ballast": {embedded.Report{FreeBytes: 50 << 30, Holder: "1"}, StatusFail},
		"long log":   {embedded.Report{FreeBytes: 50 << 30, LogBytes: 1 << 30}, StatusWarn},
	} {
		worst := StatusOK
		d := &doctor{DoctorOptions: DoctorOptions{Found: func(f Finding) {
			if f.Status != StatusOK {
				worst = f.Status
			}
		}}}
		if d.checkDisk(c.r); worst != c.want {
			t.Errorf("%s: %s", name, worst)
		}
	}
}
