package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
)

const someConfig = `# the partners
ingress_auth:
  sales: "sales-secret-key-000"
storages:
  pg: {module: storage.postgres, options: {password: "${PG_PASSWORD:-none}", host: db}}
  files: {module: storage.file, options: {path: /tmp/x}}
links:
  tag: {module: links.tag, options: {tags: [vip]}}
chains:
  zebra: {links: [tag], storages: [files], ingress_lists: [sales]}
  ant: {links: [tag], storages: [files], ingress_lists: [other]}
`

func TestConfigRoutes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(someConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	reloads := 0
	file := onFile(path, config.Options{}, func() config.Report { reloads++; return config.Report{} })
	_, client := serve(t, Options{Store: store{}, Config: file, Settings: Settings{Keys: []Key{
		{Name: "all", Hash: config.HashKey("main"), Scopes: []string{ScopeAll}},
	}}})
	key := "X-Conserver-Api-Token: main"

	got := ask(t, client, "GET", "/config", "", key)
	etag := got.header.Get("Etag")
	if got.status != 200 || strings.Contains(got.body, "sales-secret-key") || !strings.Contains(got.body, `"***"`) || etag == "" {
		t.Fatalf("GET: %d %s, ETag %q", got.status, got.body, etag)
	}
	if strings.Index(got.body, "zebra") > strings.Index(got.body, `"ant"`) {
		t.Errorf("the order of chains is lost: %s", got.body)
	}
	if all := ask(t, client, "GET", "/config?secrets=1", "", key); !strings.Contains(all.body, "sales-secret-key-000") {
		t.Errorf("with secrets: %s", all.body)
	}

	// What GET gave may be posted: the file stays.
	if post := ask(t, client, "POST", "/config", got.body, key, "If-Match: "+etag); post.status != 204 || post.header.Get("Etag") != etag {
		t.Errorf("POST the same: %d %s, ETag %q", post.status, post.body, post.header.Get("Etag"))
	}
	expectFile(t, path, someConfig)

	// A change keeps secrets, variables and comments.
	changed := strings.Replace(got.body, `"vip"`, `"gold"`, 1)
	post := ask(t, client, "POST", "/config", changed, key, "If-Match: "+etag)
	if post.status != 204 || post.header.Get("Etag") == etag {
		t.Errorf("POST a change: %d %s", post.status, post.body)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# the partners", "sales-secret-key-000", "${PG_PASSWORD:-none}", "gold"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the file:\n%s", want, text)
		}
	}
	if reloads != 2 {
		t.Errorf("%d reloads, want 2", reloads)
	}

	// Refused: nothing is written.
	for _, tt := range []struct {
		name, body string
		headers    []string
		status     int
		want       string
	}{
		{"stale", changed, []string{"If-Match: " + etag}, 412, `{"detail":"Configuration changed meanwhile"}`},
		{"no object", `[1]`, nil, 422, `{"detail":[{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}]}`},
		{"nothing behind ***", `{"ingress_auth":{"new":"***"}}`, nil, 422, `"loc":["body","ingress_auth","new"]`},
		{"wrong type", `{"chains":{"a":{"timeout":"soon"}}}`, nil, 422, `"loc":["body","chains","a","timeout"]`},
	} {
		refused := ask(t, client, "POST", "/config", tt.body, append(tt.headers, key)...)
		if refused.status != tt.status || !strings.Contains(refused.body, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, refused.status, refused.body, tt.status, tt.want)
		}
		expectFile(t, path, string(text))
	}
}

func TestConfigWithoutFile(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]ConfigFile{"nothing": nil, "no path": onFile("", config.Options{}, nil)} {
		_, client := serve(t, Options{Store: store{}, Config: file})
		if got := ask(t, client, "GET", "/config", ""); got.status != 500 || got.body != `{"detail":"Failed to read configuration"}` {
			t.Errorf("%s: GET %d %s", name, got.status, got.body)
		}
		if got := ask(t, client, "POST", "/config", "{}"); got.status != 500 || got.body != `{"detail":"Failed to update configuration"}` {
			t.Errorf("%s: POST %d %s", name, got.status, got.body)
		}
	}
}

func expectFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("the file changed (%v):\n%s", err, got)
	}
}

func TestSettingsFrom(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CONSERVER_API_TOKEN": "main-token-0123456"}
	c, report := config.Parse("config.yml", []byte(someConfig+`
server: {body_limit: 1MiB, unknown_lists: reject, validation: strict}
auth: {keys: [{name: ui, key: reader-key-012345, scopes: [read]}]}
queue: {dedupe: 7s, expiry: 2h}
telemetry: {prometheus: {open: false}}
`), config.Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if c == nil {
		t.Fatal(report.Err())
	}
	set := SettingsFrom(c)
	if set.BodyLimit != 1<<20 || !set.RejectUnknownLists || set.Validation != modes["strict"] || set.Dedupe != 7e9 || !set.MetricsClosed ||
		set.Lifetime != c.Queue.Expiry || set.RootPath != "/api" || !set.Lists["sales"] || !set.Lists["other"] {
		t.Errorf("got %+v", set)
	}
	if k, _ := match(set.Keys, []byte("main-token-0123456")); k == nil || k.Scopes[0] != ScopeAll {
		t.Errorf("the token: %+v", k)
	}
	if k, _ := match(set.Keys, []byte("reader-key-012345")); k == nil || k.Name != "ui" || len(k.Scopes) != 1 {
		t.Errorf("the key: %+v", k)
	}
	if k, _ := match(set.Keys, []byte("sales-secret-key-000")); k != nil {
		t.Errorf("a partner's key opens the main routes: %+v", k)
	}
	if keys := set.Ingress["sales"].Keys; len(keys) != 1 || !keys[0].Hash.Matches("sales-secret-key-000") {
		t.Errorf("ingress: %+v", keys)
	}
}

// TestNoIngressKeys: a list without keys is a mistake in the configuration, not in the key that was sent.
func TestNoIngressKeys(t *testing.T) {
	t.Parallel()
	c, report := config.Parse("config.yml", []byte("ingress_auth: {sales: , calls: a-key-of-the-calls-list}"), config.Options{})
	if c == nil {
		t.Fatal(report.Err())
	}
	set := SettingsFrom(c)
	if !set.Ingress["sales"].Invalid || set.Ingress["calls"].Invalid {
		t.Errorf("%+v", set.Ingress)
	}
}
