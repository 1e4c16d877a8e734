package worker

import (
	"context"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// heartbeat prolongs every lease each third of its ttl, all in one call, until the pool is over. A lease that the store
// does not know any more ends its run.
func (p *Pool) heartbeat() {
	t := time.NewTicker(p.o.TTL / 3)
	defer t.Stop()
	for {
		select {
		case <-p.over:
			return
		case <-t.C:
			p.beat()
		}
	}
}

// beat is one heartbeat. When the store does not answer, nothing is prolonged and the leases' own clocks decide.
func (p *Pool) beat() {
	held := p.holding()
	if len(held) == 0 {
		return
	}
	leases := make([]*queue.Lease, len(held))
	for i, h := range held {
		leases[i] = h.Lease
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.o.TTL/3)
	defer cancel()
	sent := time.Now()
	errs, err := p.q.Beat(ctx, p.o.TTL, leases)
	if err != nil {
		p.o.Log.Warn("heartbeat", "leases", len(leases), "error", err)
		return
	}
	for _, h := range held {
		switch err := errs[h.ID]; {
		case err == nil:
			h.prolong(sent)
		case lost(err):
			h.cancel(err)
		}
	}
}

func (p *Pool) holding() []*held {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*held, 0, len(p.held))
	for h := range p.held {
		all = append(all, h)
	}
	return all
}
