package chain

import (
	"sync"
	"time"
)

// Health is how a storage has answered of late.
type Health struct {
	OK       bool      `json:"ok"`                // the last operation worked, or there was none
	Failures int       `json:"failures,omitzero"` // in a row
	Since    time.Time `json:"since,omitzero"`    // of the first of them
	Error    string    `json:"error,omitempty"`   // of the last of them; storages put no content and no secret into errors
	LeftFor  string    `json:"left_alone_for,omitempty"`
}

// health is kept by what wraps a storage. What fails for the sake of one vCon says nothing about the storage.
type health struct {
	mu sync.Mutex
	h  Health
}

func (k *health) worked() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.h = Health{}
}

func (k *health) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.h.Failures == 0 {
		k.h.Since = time.Now().UTC().Truncate(time.Second)
	}
	k.h.Failures++
	k.h.Error = err.Error()
}

// Health says how the storage has answered of late, and whether its breaker is open.
func (g *Guarded) Health() Health {
	g.health.mu.Lock()
	h := g.health.h
	g.health.mu.Unlock()
	h.OK = h.Failures == 0
	if left := g.guard.Breaker.Left(); left > 0 {
		h.LeftFor = left.Round(time.Second).String()
	}
	return h
}
