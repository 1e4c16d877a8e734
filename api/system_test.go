package api

import (
	"context"
	"testing"

	"github.com/vconduit/vconduit/queue"
)

// store is the part of a store that a test sets; any other call fails the test by a nil pointer.
type store struct {
	Store
	health queue.Health
}

func (s store) Ready(context.Context) queue.Health { return s.health }

func TestSystemRoutes(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{health: queue.Health{OK: true, Store: "embedded", Tier: "any one crash"}}, Build: Build{Version: "1.2.3"}, Settings: Settings{RootPath: "/api"}})
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/version", 200, `{"version":"1.2.3","git_commit":"unknown","build_time":"unknown"}`},
		{"GET", "/api/version", 200, `{"version":"1.2.3","git_commit":"unknown","build_time":"unknown"}`},
		{"GET", "/health", 200, `{"status":"healthy","version":{"version":"1.2.3","git_commit":"unknown","build_time":"unknown"}}`},
		{"GET", "/ready", 200, `{"ok":true,"store":"embedded","tier":"any one crash"}`},
		{"GET", "/api/api/version", 404, `{"detail":"Not Found"}`},
		{"GET", "/api", 404, `{"detail":"Not Found"}`},
		{"GET", "/nothing", 404, `{"detail":"Not Found"}`},
		{"PUT", "/vcon", 405, `{"detail":"Method Not Allowed"}`},
		{"HEAD", "/version", 405, ""},
	} {
		got := ask(t, client, tt.method, tt.path, "")
		if got.status != tt.status || got.body != tt.body {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, got.status, got.body, tt.status, tt.body)
		}
		if v := got.header.Get("X-Vcon-Server-Version"); v != "1.2.3" {
			t.Errorf("%s %s: version header %q", tt.method, tt.path, v)
		}
	}
}
