package api

import (
	"fmt"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/config"
)

// Many clients at once while the settings change: every answer is right, none is lost, none belongs to another.
func TestHammer(t *testing.T) {
	t.Parallel()
	settings := Settings{
		Keys:    []Key{{Name: "a", Hash: config.HashKey("key"), Scopes: []string{ScopeAll}}},
		Ingress: map[string]IngressList{"in": {Keys: []IngressKey{{Hash: config.HashKey("key")}}}},
		CORS:    []string{"*"},
	}
	s, client := serve(t, Options{Store: open(t), Settings: settings})
	const clients, each = 8, 25
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				n := 1000 + c*each + i
				text := fmt.Sprintf(`{"uuid":"%s","parties":[],"n":%d}`, id(n), n)
				if got := ask(t, client, "POST", "/vcon/external-ingress?ingress_list=in", text, "X-Conserver-Api-Token: key"); got.status != 204 {
					t.Errorf("%d: %d %s", n, got.status, got.body)
				}
				if got := ask(t, client, "GET", "/vcon/"+id(n), "", "X-Conserver-Api-Token: key"); got.body != text {
					t.Errorf("%d: %d %s", n, got.status, got.body)
				}
				if got := ask(t, client, "GET", "/vcon/"+id(n), "", "X-Conserver-Api-Token: other"); got.status != 403 {
					t.Errorf("%d: %d %s", n, got.status, got.body)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 50 {
			next := settings
			next.Connections = 100 + n
			s.Apply(next)
		}
	})
	wg.Wait()
	expectDepth(t, s, "in", clients*each)
	if n := s.inflight.Load(); n != 0 {
		t.Errorf("%d bytes still booked", n)
	}
}
