package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

		r.start(nil)
		r.put(chaintest.Text(r, doc.ID(), `,"subject":"newer"`), "in")
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
		if got := r.watch.outcomes(); got != "done, lost lease_lost, resaved" && got != "done, lost superseded, resaved" {
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

// A storage that is down for long: the vCon is retried there alone, then owed, and a replay saves nowhere else.
func TestStorageDown(t *testing.T) {
	var down flag
	down.Store(true)
	pg := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
		if down.Load() {
			return errDown
		}
		return nil
	}}
	s3 := &chaintest.Memory{}
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"pg": pg, "s3": s3}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(30 * time.Minute)
		r.wantRan("x done")
		r.wantList("out")
		r.wantDead("storage:pg", "", "")
		r.pass(90 * time.Minute)
		r.wantDead("storage:pg", "storage_failed", "down")
		r.wantList("out", doc.ID())
		r.wantRan("x done")
		if n := len(s3.Saves()); n != 1 {
			r.Errorf("the other storage was saved to %d times", n)
		}
		if n := len(r.watch.reports()); n < 6 || n > 12 {
			r.Errorf("%d leases in an hour of trying: %s", n, r.watch.outcomes())
		}

		down.Store(false)
		if n, err := r.q.Reprocess(r.Context(), "storage:pg", queue.Filter{}, queue.FromFailed, 0); n != 1 || err != nil {
			r.Fatalf("reprocess: %d, %v", n, err)
		}
		r.pass(time.Minute)
		r.wantSaved(pg, doc.ID(), "by:x")
		r.wantDead("storage:pg", "", "")
		r.wantRan("x done")
		r.wantList("out")
		if n := len(s3.Saves()); n != 1 {
			r.Errorf("the replay saved in the other storage: %d", n)
		}
	})
}

// Storages heal within the hour: nothing is owed, the egress comes after.
func TestStorageHeals(t *testing.T) {
	var down flag
	down.Store(true)
	pg := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
		if down.Load() {
			return errDown
		}
		return nil
	}}
	hook := &chaintest.Memory{Once: true}
	bubble(t, chain.Chain{Egress: []string{"out"}}, map[string]chain.Storage{"pg": pg, "hook": hook}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(15 * time.Second)
		r.wantOutcomes("retry storage_failed")
		r.halt() // also over a restart
		r.q.Close()
		r.open()
		down.Store(false)
		r.start(nil)
		r.pass(time.Minute)
		r.wantOutcomes("retry storage_failed, done")
		r.wantSaved(pg, doc.ID(), "")
		r.wantList("out", doc.ID())
		if n := len(hook.Saves()); n != 1 {
			r.Errorf("a storage that appends was saved to %d times", n)
		}
	})
}

// A success that must not be repeated is marked before the others are known, so that a crash does not repeat it.
func TestAppendingStorageIsMarkedAtOnce(t *testing.T) {
	hook := &chaintest.Memory{Once: true}
	var crash chan struct{} // made in the bubble
	var first flag
	first.Store(true)
	pg := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
		if first.Load() {
			<-crash
			return errDown
		}
		return nil
	}}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, map[string]chain.Storage{"pg": pg, "hook": hook}, func(r *rig) {
		crash = make(chan struct{})
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.q.Close()
		close(crash)
		<-r.ended
		r.pool = nil
		first.Store(false)
		r.open()
		r.start(nil)
		r.pass(time.Minute)
		r.wantSaved(pg, doc.ID(), "by:x")
		if n := len(hook.Saves()); n != 1 {
			r.Errorf("saved to %d times, want once", n)
		}
		r.wantRan("x done") // the commit was before it
	})
}

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
		close(deaf)
		synctest.Wait()
		r.pool = nil
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

func TestDeleteJobIsRetried(t *testing.T) {
	var n atomic.Int32
	m := &chaintest.Memory{OnDelete: func(context.Context, vcon.ID) error {
		if n.Add(1) < 5 {
			return errDown
		}
		return nil
	}}
	bubble(t, chain.Chain{}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.q.Delete(r.Context(), doc.ID())
		r.pass(10 * time.Second)
		r.wantOutcomes("done, retry delete_failed")
		r.wantSaved(m, doc.ID(), "")
		r.pass(time.Minute)
		r.wantOutcomes("done, retry delete_failed, deleted")
		r.wantSaved(m, doc.ID(), "-")
	})
}

func TestDeleteJobHasItsOwnDLQ(t *testing.T) {
	m := &chaintest.Memory{OnDelete: func(context.Context, vcon.ID) error { return errDown }}
	bubble(t, chain.Chain{}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.q.Delete(r.Context(), doc.ID())
		r.pass(3 * time.Hour)
		r.wantDead(queue.DeleteList, "delete_failed", "down")
	})
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

func TestMissingDocument(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		r.plan.Load().Settings.Expiry = time.Second
		kept, gone := r.post(), r.post()
		r.start(nil)
		r.pass(2 * time.Second)
		r.wantOutcomes("done, done")
		r.halt()
		m.Delete(r.Context(), gone.ID())
		r.pass(3 * time.Hour) // the live store has forgotten both
		for _, doc := range []*vcon.VCon{kept, gone} {
			if err := r.q.Resave(r.Context(), doc.ID(), []string{"spare"}); err != nil {
				r.Fatal(err)
			}
		}
		spare := &chaintest.Memory{}
		r.use(chain.Chain{}, map[string]chain.Storage{"memory": m, "spare": spare})
		r.start(nil)
		r.pass(10 * time.Minute)
		r.wantSaved(spare, kept.ID(), "by:x")
		r.wantSaved(spare, gone.ID(), "-")
		r.wantDead("storage:spare", "document_missing", "no document")
	})
}

// hollow is a store that leases without documents, as one shared with other programs does.
type hollow struct {
	*faulty
	full     bool
	restored []vcon.ID
}

func (h *hollow) Lease(ctx context.Context, w queue.Want) ([]*queue.Lease, error) {
	leases, err := h.Store.Lease(ctx, w)
	for _, l := range leases {
		if !h.full {
			l.Doc = nil
		}
	}
	return leases, err
}

func (h *hollow) Restore(ctx context.Context, doc *vcon.VCon, life time.Duration) error {
	h.restored, h.full = append(h.restored, doc.ID()), true
	return h.Store.Restore(ctx, doc, life)
}

// A listed id without document: the storages are asked, a late producer is waited for, then it is a dead letter.
func TestListedWithoutDocument(t *testing.T) {
	t.Run("nowhere", func(t *testing.T) {
		bubble(t, chain.Chain{}, nil, func(r *rig) {
			r.post()
			r.start(&hollow{faulty: &faulty{Store: r.q}})
			r.pass(7 * time.Second)
			r.wantOutcomes("retry document_missing, retry document_missing, retry document_missing")
			r.pass(time.Minute)
			r.wantDead("in", "document_missing", "no document")
		})
	})
	t.Run("in a storage", func(t *testing.T) {
		m := &chaintest.Memory{}
		bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
			doc := r.post()
			m.Put(doc)
			h := &hollow{faulty: &faulty{Store: r.q}}
			r.start(h)
			r.pass(time.Second)
			r.wantOutcomes("retry restored, done")
			r.wantSaved(m, doc.ID(), "by:x")
			if len(h.restored) != 1 || h.restored[0] != doc.ID() {
				r.Errorf("restored %v", h.restored)
			}
		})
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

// Egress that goes first and cannot: nothing is saved before it, and nothing is forgotten.
func TestEgressFirstFails(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{Egress: []string{"out"}, Mode: chain.First}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		f := &faulty{Store: r.q}
		fails(&f.enqueue, errDown, 2)
		r.start(f)
		r.pass(time.Second)
		r.wantOutcomes("retry storage_failed")
		r.wantSaved(m, doc.ID(), "-")
		r.pass(5 * time.Minute)
		r.wantOutcomes("retry storage_failed, retry storage_failed, done")
		r.wantSaved(m, doc.ID(), "")
		r.wantList("out", doc.ID())
		fails(&f.enqueue, errDown, 1<<30)
		doc = r.post()
		r.pass(3 * time.Hour)
		r.wantDead("storage:memory", "storage_failed", "down")
		r.wantList("out", doc.ID()) // with the end of the lease after all
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

// The retries of links do not use up those of storages.
func TestStoragesBeginAfresh(t *testing.T) {
	for name, edits := range map[string]bool{"with a commit": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			var runs atomic.Int32
			x := step("x", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
				if runs.Add(1) < 5 {
					return hostabi.Retry, nil
				}
				if edits {
					c.TagAdd([]byte("by"), []byte("x"))
				}
				return hostabi.Done, nil
			})
			x.Retry.MaxDelay = time.Second
			m := &chaintest.Memory{OnSave: func(_ context.Context, n int, _ *vcon.VCon, _ uint64) error {
				if n <= 3 {
					return errDown
				}
				return nil
			}}
			bubble(t, chain.Chain{Steps: []chain.Step{x}}, map[string]chain.Storage{"memory": m}, func(r *rig) {
				r.post()
				r.start(nil)
				r.pass(time.Minute)
				if got := r.watch.outcomes(); !strings.HasSuffix(got, "retry storage_failed, done") {
					r.Errorf("outcomes %q: the storage waits as if it had failed before", got)
				}
			})
		})
	}
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
