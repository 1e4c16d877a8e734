package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// The store goes away in the middle of a link, as when the process dies: the next one does the work.
func TestCrashInTheMiddleOfALink(t *testing.T) {
	m := &chaintest.Memory{}
	var crash chan struct{} // made in the bubble
	var first flag
	first.Store(true)
	y := tagging("y", func(ctx context.Context, _ *hostabi.Call) error {
		if first.Load() {
			<-crash
		}
		return nil
	})
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil), y}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		crash = make(chan struct{})
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.q.Close()
		close(crash)
		if err := <-r.ended; !errors.Is(err, queue.ErrClosed) {
			r.Errorf("run ended with %v, want ErrClosed", err)
		}
		r.pool = nil
		first.Store(false)
		r.wantOutcomes("lost store")
		r.wantSaved(m, doc.ID(), "-")
		r.open()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("lost store, done")
		r.wantSaved(m, doc.ID(), "by:x by:y")
		r.wantList("out", doc.ID())
		if a := r.watch.reports()[1].Attempt; a != 2 {
			r.Errorf("attempt %d, want 2: the crash counts", a)
		}
	})
}

// A holder that lost its lease while it saved writes its older document over the newer one: it orders a repair.
func TestLateSaveIsRepaired(t *testing.T) {
	var late chan struct{} // made in the bubble
	m := &chaintest.Memory{}
	m.OnSave = func(_ context.Context, n int, _ *vcon.VCon, _ uint64) error {
		if n == 1 {
			<-late // deaf to its context, as a network call under way is
		}
		return nil
	}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		late = make(chan struct{})
		doc := r.post()
		cut := &faulty{Store: r.q}
		fails(&cut.beat, queue.ErrUnavailable, 1<<30)
		r.start(cut, func(o *worker.Options) { o.Workers = 1 })
		r.pass(31 * time.Second)
		stuck, ended := r.pool, r.ended

		r.put(chaintest.Text(r, doc.ID(), `,"subject":"newer"`), "in")
		r.start(nil) // after the put: else it may lease the older document first, and lose it
		r.pass(time.Second)
		r.wantOutcomes("done")
		if s := m.Saves(); len(s) != 1 || !strings.Contains(string(s[0].Doc.Bytes()), "newer") {
			r.Fatalf("saves before the late one: %d", len(s))
		}
		close(late)
		r.pass(time.Minute)
		last, err := m.Get(r.Context(), doc.ID())
		if err != nil || !strings.Contains(string(last.Bytes()), "newer") {
			r.Errorf("the storage ends with the older document: %v", err)
		}
		if got := r.watch.outcomes(); !strings.Contains(got, "resaved") || !strings.Contains(got, "lost") {
			r.Errorf("outcomes %q", got)
		}
		r.wantIdle()
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		if err := stuck.Drain(canceled); err != nil {
			r.Error(err)
		}
		<-ended
	})
}

// A vCon deleted while a deaf save is under way is deleted in the storage after it.
func TestLateSaveAfterDelete(t *testing.T) {
	var late chan struct{} // made in the bubble
	m := &chaintest.Memory{}
	m.OnSave = func(context.Context, int, *vcon.VCon, uint64) error { <-late; return nil }
	bubble(t, chain.Chain{}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		late = make(chan struct{})
		doc := r.post()
		cut := &faulty{Store: r.q}
		fails(&cut.beat, queue.ErrUnavailable, 1<<30)
		r.start(cut, func(o *worker.Options) { o.Workers = 1 })
		r.pass(31 * time.Second)
		stuck, ended := r.pool, r.ended
		r.start(nil)
		if err := r.q.Delete(r.Context(), doc.ID()); err != nil {
			r.Fatal(err)
		}
		r.pass(time.Minute)
		close(late)
		r.pass(time.Minute)
		r.wantSaved(m, doc.ID(), "-")
		r.wantIdle()
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		if err := stuck.Drain(canceled); err != nil {
			r.Error(err)
		}
		<-ended
	})
}

func TestDeleteAndRepostAtEachStage(t *testing.T) {
	for name, c := range map[string]struct {
		inLink, inSave time.Duration
		after          time.Duration
	}{
		"in a link": {10 * time.Second, 0, 5 * time.Second}, "in a save": {0, 10 * time.Second, 5 * time.Second}, "afterwards": {0, 0, 5 * time.Second},
	} {
		storage := func() *chaintest.Memory {
			return &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error { time.Sleep(c.inSave); return nil }}
		}
		ch := chain.Chain{Steps: []chain.Step{tagging("x", takes(c.inLink))}, Egress: []string{"out"}}
		t.Run("delete "+name, func(t *testing.T) {
			m := storage()
			bubble(t, ch, map[string]chain.Storage{"memory": m}, func(r *rig) {
				doc := r.post()
				r.start(nil)
				r.pass(c.after)
				if err := r.q.Delete(r.Context(), doc.ID()); err != nil {
					r.Fatal(err)
				}
				r.pass(5 * time.Minute)
				r.wantSaved(m, doc.ID(), "-")
				if _, _, err := r.q.Get(r.Context(), doc.ID()); !errors.Is(err, queue.ErrNotFound) {
					r.Errorf("get = %v", err)
				}
				r.wantIdle()
			})
		})
		t.Run("post again "+name, func(t *testing.T) {
			m := storage()
			bubble(t, ch, map[string]chain.Storage{"memory": m}, func(r *rig) {
				doc := r.post()
				r.start(nil)
				r.pass(c.after)
				r.put(chaintest.Text(r, doc.ID(), `,"subject":"again"`), "in")
				r.pass(5 * time.Minute)
				r.wantSaved(m, doc.ID(), "by:x")
				if got, err := m.Get(r.Context(), doc.ID()); err != nil || !strings.Contains(string(got.Bytes()), "again") {
					r.Errorf("the storage ends without the newer document: %v", err)
				}
				r.wantIdle()
			})
		})
	}
}

// doer counts requests and answers them.
type doer struct{ n atomic.Int32 }

func (d *doer) Do(context.Context, outbound.Policy, *outbound.Request) (*outbound.Response, error) {
	d.n.Add(1)
	return &outbound.Response{Status: 200, Body: []byte(`{"n":1}`)}, nil
}

func paying(name string, after func() error) chain.Step {
	s := step(name, func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		if h := c.HTTPSend([]byte(`{"method":"POST","url":"https://api.example/v1"}`), 0); h < 0 {
			return hostabi.Failed, fmt.Errorf("http_send = %d", h)
		}
		c.TagAdd([]byte("by"), []byte(name))
		if after != nil {
			if err := after(); err != nil {
				return hostabi.Retry, err
			}
		}
		return hostabi.Done, nil
	})
	s.Grants.HTTP = outbound.Policy{Rules: []outbound.Rule{{Scheme: "https", Host: "api.example"}}}
	s.Memo = true
	return s
}

// Paid calls are made once: a link that paid is not run again after a later failure, and one that failed after it paid
// meets the answer that was kept.
func TestPaidOnce(t *testing.T) {
	var broken flag
	broken.Store(true)
	fail := func() error {
		if broken.Load() {
			return errDown
		}
		return nil
	}
	d := &doer{}
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil), paying("first", nil), paying("second", fail)}}
	bubble(t, c, nil, func(r *rig) {
		r.plan.Load().Env.Call.HTTP = d
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		if r.wantOutcomes("retry tries_used"); d.n.Load() != 2 {
			r.Fatalf("%d requests", d.n.Load())
		}
		r.halt()
		r.q.Close()
		r.open()
		broken.Store(false)
		r.start(nil)
		r.pass(time.Minute)
		r.wantOutcomes("retry tries_used, done")
		r.wantRan("x done, first done, second retry, second done")
		r.wantTags(doc.ID(), "by:x by:first by:second")
		if d.n.Load() != 2 {
			r.Errorf("%d requests, want each call paid once", d.n.Load())
		}
	})
}

func TestStoreAwayForAWhile(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		f := &faulty{Store: r.q}
		fails(&f.commit, queue.ErrUnavailable, 3)
		fails(&f.finish, fmt.Errorf("finish: %w", queue.ErrFull), 2)
		fails(&f.beat, queue.ErrUnavailable, 1)
		r.start(f)
		r.pass(time.Minute)
		r.wantOutcomes("done")
		r.wantRan("x done")
		if n := len(m.Saves()); n != 1 {
			r.Errorf("saved %d times", n)
		}
		r.wantTags(doc.ID(), "by:x")
	})
}

func TestConflict(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, nil, func(r *rig) {
		doc := r.post()
		f := &faulty{Store: r.q}
		fails(&f.commit, queue.ErrConflict, 2)
		r.start(f)
		r.pass(time.Minute)
		r.wantOutcomes("retry conflict, retry conflict, done")
		r.wantTags(doc.ID(), "by:x")
		fails(&f.commit, queue.ErrConflict, 1<<30)
		r.post()
		r.pass(5 * time.Minute)
		r.wantDead("in", "conflict", "conflict")
	})
}

// An error of the store that no waiting mends is a dead letter, not a loop.
func TestStoreRefuses(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, nil, func(r *rig) {
		r.post()
		f := &faulty{Store: r.q}
		fails(&f.commit, errors.New("cannot encode"), 1)
		r.start(f)
		r.pass(time.Minute)
		r.wantDead("in", "internal_error", "cannot encode")
	})
}

// A checkpoint that the store never takes is a dead letter, not a loop.
func TestCheckpointRefused(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{paying("paid", nil), tagging("y", nil)}}, nil, func(r *rig) {
		r.plan.Load().Env.Call.HTTP = &doer{}
		r.post()
		f := &faulty{Store: r.q}
		fails(&f.checkpoint, errors.New("cannot encode"), 1)
		r.start(f)
		r.pass(time.Minute)
		r.wantDead("in", "internal_error", "cannot encode")
		r.wantRan("paid done")
	})
}

// A run that ends with paid work, or without edits after it, still commits what it checkpointed.
func TestCheckpointedEditsAreCommitted(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{Steps: []chain.Step{paying("paid", nil)}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		r.plan.Load().Env.Call.HTTP = &doer{}
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantTags(doc.ID(), "by:paid")
		r.wantSaved(m, doc.ID(), "by:paid")
	})
}
