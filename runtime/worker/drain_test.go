package worker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

func TestDrainLetsShortChainsFinish(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", takes(5*time.Second))}}, nil, func(r *rig) {
		for range 3 {
			r.post()
		}
		r.start(nil)
		r.pass(time.Second)
		ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
		defer cancel()
		if err := r.pool.Drain(ctx); err != nil {
			r.Error(err)
		}
		<-r.ended
		r.pool = nil
		r.wantOutcomes("done, done, done")
	})
}

// What does not finish in time is checkpointed and put back: no try, no crash, no link run twice.
func TestDrainPutsLongChainsBack(t *testing.T) {
	var long flag
	long.Store(true)
	y := tagging("y", func(ctx context.Context, c *hostabi.Call) error {
		if long.Load() {
			return takes(time.Hour)(ctx, c)
		}
		return nil
	})
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil), y}}, nil, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		later := r.post()
		r.pass(time.Second)
		ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
		defer cancel()
		start := time.Now()
		if err := r.pool.Drain(ctx); err != nil {
			r.Error(err)
		}
		if took := time.Since(start); took < 8*time.Second || took > 9*time.Second {
			r.Errorf("drained in %v", took)
		}
		<-r.ended
		r.pool = nil
		r.wantOutcomes("released shutdown, released shutdown")
		r.q.Close()
		r.open()
		long.Store(false)
		r.start(nil)
		r.pass(time.Second)
		r.wantTags(doc.ID(), "by:x by:y")
		r.wantTags(later.ID(), "by:x by:y")
		for _, end := range r.watch.reports()[2:] {
			if end.Attempt != 1 || end.Outcome != worker.OutcomeDone {
				r.Errorf("after the restart: %+v, want attempt 1", end)
			}
		}
		if n := strings.Count(r.watch.ran(), "x done"); n != 2 {
			r.Errorf("x ran %d times for two vCons", n)
		}
	})
}

// A link that hears nothing does not hold the shutdown up for ever.
func TestDrainGivesUpOnTheDeaf(t *testing.T) {
	var deaf chan struct{} // made in the bubble
	y := tagging("y", func(context.Context, *hostabi.Call) error { <-deaf; return nil })
	bubble(t, chain.Chain{Steps: []chain.Step{y}}, nil, func(r *rig) {
		deaf = make(chan struct{})
		r.post()
		r.start(nil)
		r.pass(time.Second)
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := r.pool.Drain(ctx); err == nil || !strings.Contains(err.Error(), "1 vCons") {
			r.Errorf("drain = %v", err)
		}
		if err := <-r.ended; err != nil {
			r.Errorf("run = %v", err)
		}
		r.pool = nil
		close(deaf)
		synctest.Wait()
	})
}

func TestEndOfContextStopsAtOnce(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", takes(time.Hour))}}, nil, func(r *rig) {
		r.post()
		ctx, cancel := context.WithCancel(r.Context())
		pool := worker.New(r.q, worker.Options{Plan: r.plan.Load, Observer: r.watch})
		ended := make(chan error)
		go func() { ended <- pool.Run(ctx) }()
		r.pass(time.Second)
		cancel()
		if err := <-ended; err != nil {
			r.Error(err)
		}
		r.wantOutcomes("released shutdown")
	})
}

// The heartbeat keeps a lease for as long as its chain takes.
func TestLongChainKeepsItsLease(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", takes(10*time.Minute))}}, nil, func(r *rig) {
		doc := r.post()
		r.start(nil)
		second := worker.New(r.q, worker.Options{Plan: r.plan.Load, Observer: r.watch})
		ended := make(chan error)
		go func() { ended <- second.Run(context.Background()) }()
		r.pass(11 * time.Minute)
		r.wantOutcomes("done")
		r.wantTags(doc.ID(), "by:x")
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		second.Drain(canceled)
		<-ended
	})
}

// A suspect runs alone, and nothing else is leased meanwhile.
func TestSuspectRunsAlone(t *testing.T) {
	var crash flag
	crash.Store(true)
	var suspect vcon.ID
	var running, beside atomic.Int32
	x := tagging("x", func(ctx context.Context, c *hostabi.Call) error {
		running.Add(1)
		defer running.Add(-1)
		out := make([]byte, 64)
		n := c.DocRead(1, []byte("/uuid"), 1, 0, out)
		if !strings.Contains(string(out[:n]), suspect.String()) {
			return takes(time.Second)(ctx, c)
		}
		if crash.Load() {
			return takes(time.Hour)(ctx, c)
		}
		err := takes(5*time.Second)(ctx, c)
		beside.Store(max(beside.Load(), running.Load()-1))
		return err
	})
	bubble(t, chain.Chain{Steps: []chain.Step{x}}, nil, func(r *rig) {
		suspect = r.post().ID()
		for range queue.SuspectAfter {
			f := &faulty{Store: r.q}
			fails(&f.beat, queue.ErrUnavailable, 1<<30)
			r.start(f)
			r.pass(5 * time.Second)
			r.q.Close() // the process dies
			r.halt()
			r.open()
		}
		crash.Store(false)
		r.start(nil)
		for range 80 { // before, while and after the suspect runs
			r.post()
			r.pass(time.Second)
		}
		r.pass(time.Minute)
		r.wantTags(suspect, "by:x")
		if beside.Load() != 0 {
			r.Errorf("%d others ran beside the suspect", beside.Load())
		}
		if n := strings.Count(r.watch.outcomes(), "done"); n != 81 {
			r.Errorf("%d done, want all 81: %s", n, r.watch.outcomes())
		}
	})
}

// A vCon that waits for its retry is taken in time while another one runs.
func TestRetryWhileAnotherRuns(t *testing.T) {
	var runs atomic.Int32
	long := chain.Chain{Name: "long", Steps: []chain.Step{tagging("long", takes(time.Hour))}}
	bubble(t, chain.Chain{Steps: []chain.Step{step("x", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) {
		if runs.Add(1) == 1 {
			return hostabi.Retry, nil
		}
		return hostabi.Done, nil
	})}}, nil, func(r *rig) {
		p := r.plan.Load()
		p.Lists = append(p.Lists, worker.Route{List: "long", Chain: &long})
		r.put(chaintest.Document(r, ""), "long")
		r.start(nil)
		r.pass(time.Second)
		r.post()
		r.pass(20 * time.Second)
		r.wantOutcomes("retry tries_used, done")
	})
}
