package app

import (
	"context"
	"net/http"

	"github.com/vconduit/vconduit/queue"
)

// readiness is the body of /ready.
type readiness struct {
	Status string              `json:"status"` // ready | not ready | drained
	Store  queue.Health        `json:"store"`
	Chains int                 `json:"chains"`         // that run
	Held   map[string][]string `json:"held,omitempty"` // chain -> why
}

// ready is 503 only when the store cannot be used, every chain is held, or the server was drained: then nothing that is
// posted moves.
func (a *App) ready(ctx context.Context) (int, any) {
	b := a.current.Load()
	r := readiness{Status: "ready", Store: a.store.Ready(ctx), Chains: len(b.chains), Held: b.held}
	if a.drained.Load() {
		r.Status = "drained"
		return http.StatusServiceUnavailable, r
	}
	if !r.Store.OK || len(b.held) > 0 && len(b.chains) == 0 {
		r.Status = "not ready"
		return http.StatusServiceUnavailable, r
	}
	return http.StatusOK, r
}
