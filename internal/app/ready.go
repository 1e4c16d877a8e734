package app

import (
	"context"
	"net/http"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
)

// readiness is the body of /ready.
type readiness struct {
	Status string              `json:"status"` // ready | not ready | drained
	Store  queue.Health        `json:"store"`
	Chains int                 `json:"chains"`         // that run
	Held   map[string][]string `json:"held,omitempty"` // chain -> why
	// Storages are how each has answered of late. One that fails makes nobody unready: its saves wait and are tried again.
	Storages map[string]chain.Health `json:"storages,omitempty"`
}

// ready is 503 only when the store cannot be used, every chain is held, or the server was drained: then nothing that is
// posted moves.
func (a *App) ready(ctx context.Context) (int, any) {
	b := a.current.Load()
	r := readiness{Status: "ready", Store: a.store.Ready(ctx), Chains: len(b.chains), Held: b.held, Storages: b.storagesHealth()}
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

// storagesHealth is that of the storages in force, and of those that could not be opened.
func (b *built) storagesHealth() map[string]chain.Health {
	all := make(map[string]chain.Health, len(b.plan.Storages)+len(b.broken))
	for _, s := range b.plan.Storages {
		all[s.Name()] = s.Health()
	}
	for name, why := range b.broken {
		all[name] = chain.Health{Failures: 1, Error: why.Error()}
	}
	return all
}
