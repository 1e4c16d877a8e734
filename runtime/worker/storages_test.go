package worker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

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
			r.wantSortedOutcomes("done, retry restored")
			r.wantSaved(m, doc.ID(), "by:x")
			if len(h.restored) != 1 || h.restored[0] != doc.ID() {
				r.Errorf("restored %v", h.restored)
			}
		})
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
