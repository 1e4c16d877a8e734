package api

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
)

// described sends requests and holds every answer against the server's own description.
type described struct {
	t          *testing.T
	client     *http.Client
	paths      map[string]any
	components map[string]any
	seen       map[string]bool // "get /vcon 200"
}

// send checks one answer and returns it. at is the path as the description has it.
func (d *described) send(method, at, query, body string, status int, headers ...string) answer {
	d.t.Helper()
	path := strings.ReplaceAll(at, "{vcon_uuid}", id(1))
	if rest, found := strings.CutPrefix(query, "/"); found {
		path = strings.ReplaceAll(at, "{vcon_uuid}", rest)
		query = ""
	}
	got := ask(d.t, d.client, method, path+query, body, headers...)
	name := fmt.Sprintf("%s %s %d", strings.ToLower(method), at, got.status)
	if got.status != status {
		d.t.Errorf("%s%s: %d %s, want %d", name, query, got.status, got.body, status)
		return got
	}
	d.seen[name] = true
	responses := asObject(asObject(asObject(d.paths[at])[strings.ToLower(method)])["responses"])
	described, ok := responses[fmt.Sprint(status)].(map[string]any)
	if !ok {
		d.t.Errorf("%s: the description does not have this status", name)
		return got
	}
	d.body(name, asObject(described["content"]), got)
	return got
}

func (d *described) body(name string, content map[string]any, got answer) {
	d.t.Helper()
	if len(content) == 0 {
		if got.body != "" {
			d.t.Errorf("%s: a body, none is described: %s", name, got.body)
		}
		return
	}
	media, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	described, ok := content[media].(map[string]any)
	if !ok {
		d.t.Errorf("%s: content type %s is not described", name, media)
		return
	}
	var value any = got.body
	if media == "application/json" {
		value = parseJSON(d.t, got.body)
	}
	if why := (checker{d.components}).check(asObject(described["schema"]), value, ""); why != "" {
		d.t.Errorf("%s: %s\n%s", name, why, got.body)
	}
}

// Real answers of every route, good and bad, are as GET /openapi.json says.
func TestAnswersFitTheDescription(t *testing.T) {
	t.Parallel()
	q := open(t)
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(someConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	_, client := serve(t, Options{Store: q, Audit: ledger{id: id(1)}, Config: onFile(path, config.Options{}, nil), Backup: alternately(), Settings: Settings{
		Keys:      []Key{{Name: "all", Hash: config.HashKey("main"), Scopes: []string{ScopeAll}}},
		Ingress:   map[string]IngressList{"in": {Keys: []IngressKey{{Hash: config.HashKey("partner")}}}},
		BodyLimit: 100_000,
	}})
	d := &described{t: t, client: client, seen: map[string]bool{}}
	d.paths, d.components = describe(t, ask(t, client, "GET", "/openapi.json", "").body)
	key, partner := "X-Conserver-Api-Token: main", "X-Conserver-Api-Token: partner"

	for _, at := range []string{"/version", "/health", "/ready", "/metrics", "/openapi.json", "/docs", "/redoc"} {
		d.send("GET", at, "", "", 200)
	}
	d.send("POST", "/vcon", "?ingress_list=in", dated(1), 201, key)
	d.send("POST", "/vcon", "", dated(1), 403)
	d.send("POST", "/vcon", "", "{", 422, key)
	d.send("POST", "/vcon", "", "{}", 422, key)
	d.send("POST", "/vcon", "", "\xff", 400, key)
	d.send("POST", "/vcon", "", strings.Repeat(" ", 100_001), 413, key)
	d.send("POST", "/vcon", "", dated(1), 415, key, "Content-Encoding: br")
	d.send("POST", "/vcon/external-ingress", "?ingress_list=in", dated(2), 204, partner)
	d.send("POST", "/vcon/external-ingress", "?ingress_list=in", dated(2), 403, key)
	d.send("POST", "/vcon/external-ingress", "", dated(2), 422, partner)
	d.send("POST", "/vcons", "", "["+dated(3)+",{}]", 200, key)
	d.send("POST", "/vcons", "", "{}", 422, key)
	d.send("GET", "/vcon", "", "", 200, key)
	d.send("GET", "/vcon", "?size=-1", "", 200, key)
	d.send("GET", "/vcon", "?size=a", "", 422, key)
	d.send("GET", "/vcon", "", "", 403)
	d.send("GET", "/vcon/{vcon_uuid}", "", "", 200, key)
	d.send("GET", "/vcon/{vcon_uuid}", "/"+id(99), "", 404, key)
	d.send("GET", "/vcon/{vcon_uuid}", "/x", "", 422, key)
	d.send("GET", "/vcons", "?vcon_uuids="+id(1)+"&vcon_uuids="+id(99), "", 200, key)
	d.send("GET", "/vcons", "", "", 422, key)
	d.send("GET", "/vcons/search", "?name=Ann", "", 200, key)
	d.send("GET", "/vcons/search", "", "", 400, key)
	d.send("GET", "/index_vcons", "", "", 200, key)
	d.send("GET", "/stats/queue", "?list_name=in", "", 200)
	d.send("GET", "/stats/queue", "", "", 422)
	d.send("POST", "/vcon/ingress", "?ingress_list=out", list(1, 2, 99), 204, key)
	d.send("POST", "/vcon/ingress", "", "{}", 422, key)
	d.send("GET", "/vcon/count", "?egress_list=out", "", 200, key)
	d.send("GET", "/vcon/count", "", "", 422, key)
	d.send("GET", "/vcon/egress", "?egress_list=out", "", 200, key)
	held := d.send("GET", "/vcon/egress", "?egress_list=out&ack=true", "", 200, key)
	d.send("GET", "/vcon/egress", "", "", 422, key)
	d.send("POST", "/vcon/egress/ack", "?egress_list=out", held.body, 200, key)
	d.send("POST", "/vcon/egress/ack", "?egress_list=out", "[1]", 422, key)

	kill(t, q, "in", "link", "link_failed")
	d.send("GET", "/dlq", "?ingress_list=in", "", 200, key)
	d.send("GET", "/dlq", "", "", 422, key)
	d.send("GET", "/dlq/entries", "?ingress_list=in", "", 200, key)
	d.send("GET", "/dlq/entries", "?ingress_list=in&limit=0", "", 422, key)
	d.send("POST", "/dlq/reprocess", "?ingress_list=in&count=1", "", 200, key)
	d.send("POST", "/dlq/reprocess", "?ingress_list=in&count=0", "", 422, key)
	d.send("GET", "/dlq/storage", "", "", 200, key)
	d.send("GET", "/dlq/storage", "?limit=0", "", 422, key)
	d.send("POST", "/dlq/storage/reprocess", "?storage=pg", "", 200, key)
	d.send("POST", "/dlq/storage/reprocess", "", "", 422, key)
	d.send("POST", "/dlq/purge", "?ingress_list=in", "", 200, key)
	d.send("POST", "/dlq/purge", "", "", 422, key)

	d.send("POST", "/drain", "", "", 200, key)
	d.send("POST", "/drain", "", "", 403)
	d.send("GET", "/backup", "", "", 200, key)
	d.send("GET", "/backup", "", "", 409, key)
	d.send("GET", "/backup", "", "", 403, partner)
	conf := d.send("GET", "/config", "", "", 200, key)
	d.send("GET", "/config", "", "", 403)
	d.send("POST", "/config", "", conf.body, 204, key)
	d.send("POST", "/config", "", conf.body, 412, key, `If-Match: "old"`)
	d.send("POST", "/config", "", "[]", 422, key)
	d.send("GET", "/usage", "", "", 200, key)
	d.send("GET", "/usage", "?from=x", "", 422, key)
	d.send("GET", "/audit/{vcon_uuid}", "", "", 200, key)
	d.send("GET", "/audit/{vcon_uuid}", "/x", "", 422, key)
	d.send("DELETE", "/vcon/{vcon_uuid}", "", "", 204, key)
	d.send("DELETE", "/vcon/{vcon_uuid}", "/x", "", 422, key)

	for _, rt := range table() {
		success := fmt.Sprintf("%s %s %d", strings.ToLower(rt.method), rt.path, orDefault(rt.doc.status, 200))
		if !d.seen[success] {
			t.Errorf("no answer %s was held against the description", success)
		}
	}
}

// The answers of a store that cannot work are described too.
func TestFailuresFitTheDescription(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, client := serve(t, Options{Store: q})
	d := &described{t: t, client: client, seen: map[string]bool{}}
	d.paths, d.components = describe(t, ask(t, client, "GET", "/openapi.json", "").body)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ method, at, query, body string }{
		{"POST", "/vcon", "?ingress_list=a", dated(1)},
		{"GET", "/vcon", "", ""},
		{"GET", "/vcon", "?size=-1", ""},
		{"GET", "/vcon/{vcon_uuid}", "", ""},
		{"DELETE", "/vcon/{vcon_uuid}", "", ""},
		{"GET", "/vcons", "?vcon_uuids=" + id(1), ""},
		{"GET", "/vcons/search", "?name=a", ""},
		{"GET", "/index_vcons", "", ""},
		{"GET", "/stats/queue", "?list_name=a", ""},
		{"POST", "/vcon/ingress", "?ingress_list=a", list(1)},
		{"GET", "/vcon/count", "?egress_list=a", ""},
		{"GET", "/vcon/egress", "?egress_list=a", ""},
		{"GET", "/vcon/egress", "?egress_list=a&ack=1", ""},
		{"POST", "/vcon/egress/ack", "?egress_list=a", `[{"uuid":"` + id(1) + `","token":"` + strings.Repeat("0", 32) + `"}]`},
		{"GET", "/dlq", "?ingress_list=a", ""},
		{"GET", "/dlq/entries", "?ingress_list=a", ""},
		{"POST", "/dlq/reprocess", "?ingress_list=a", ""},
		{"GET", "/dlq/storage", "?storage=a", ""},
		{"POST", "/dlq/storage/reprocess", "?storage=a", ""},
		{"POST", "/dlq/purge", "?ingress_list=a", ""},
		{"POST", "/drain", "", ""},
		{"GET", "/usage", "", ""},
		{"GET", "/ready", "", ""},
	} {
		got := d.send(tt.method, tt.at, tt.query, tt.body, 503)
		if tt.at != "/ready" && got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: no Retry-After", tt.method, tt.at)
		}
	}
	if got := ask(t, client, "POST", "/vcons", "["+dated(1)+"]"); !strings.Contains(got.body, `"status":503,"detail":"Failed to store vCon"`) {
		t.Errorf("POST /vcons: %d %s", got.status, got.body)
	}
}
