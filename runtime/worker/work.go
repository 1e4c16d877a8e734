package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
)

// Reasons of dead letters and retries that arise here; those of links are in runtime/chain.
const (
	reasonConflict = "conflict"
	reasonCritical = "critical_extension"
	reasonMissing  = "document_missing"
	reasonStorage  = "storage_failed"
	reasonDelete   = "delete_failed"
	reasonInternal = "internal_error"
	reasonStore    = "store"
)

// work is one lease on its way to one of its ends: finish, release, fail or drop.
type work struct {
	*held
	p       *Pool
	chain   *chain.Chain // nil for deletes and repairs
	effects queue.Effects
	journal bool     // something may stand in the job's journal
	saving  []string // storages in which a save began
	// forwarded: the id went to the egress lists before the storages, in this lease.
	forwarded bool
	rep       Report
	span      Span
}

// work works a lease to its end and reports it.
func (p *Pool) work(h *held) {
	w := &work{held: h, p: p, effects: h.Effects, journal: len(h.Done) > 0}
	w.rep = Report{ID: h.ID, List: h.List, Attempt: h.Attempt()}
	if h.Stage == queue.StageLinks || h.Stage == queue.StageStorages {
		if w.chain = h.plan.chain(h.List); w.chain != nil {
			w.rep.Chain = w.chain.Name
		}
	}
	p.o.Observer.Received(w.rep.Chain, h.List)
	w.span = w.begin()
	w.dispatch()
	w.rep.Took = time.Since(h.began)
	p.o.Observer.Finished(w.rep)
	w.span.End(w.rep)
}

// dispatch does what the lease's stage asks for. A panic of our own code is a dead letter, not a crash.
func (w *work) dispatch() {
	defer func() {
		if r := recover(); r != nil {
			w.p.o.Log.Error("panic in worker", "list", w.List, "stack", string(debug.Stack()))
			w.fail(queue.Failure{Reason: reasonInternal, Detail: fmt.Sprintf("panic: %v", r)})
		}
	}()
	switch {
	case w.Stage == queue.StageDelete:
		w.deletes()
	case w.Stage == queue.StageResave:
		w.resave()
	case w.chain == nil:
		w.release(OutcomeRetry, "no_chain", queue.Hold{Delay: 30 * time.Second, Stage: w.Stage, Left: w.Left})
	case w.Doc == nil:
		w.missing()
	case w.Stage == queue.StageStorages:
		w.deliver(w.Doc, w.Rev, slices.DeleteFunc(slices.Clone(w.Left), func(s string) bool { return slices.Contains(w.Stored, s) }))
	default:
		w.links()
	}
}

// links runs the chain and goes on with what came of it.
func (w *work) links() {
	if name := w.unknownCritical(); name != "" {
		w.fail(queue.Failure{Reason: reasonCritical, Detail: fmt.Sprintf("the vCon needs the extension %q, which this server does not know", name)})
		return
	}
	job, err := w.job()
	if err != nil {
		w.fail(queue.Failure{Reason: reasonInternal, Detail: err.Error()})
		return
	}
	start := time.Now()
	done, err := chain.Run(w.ctx, w.chain, w.plan.Env, job)
	w.rep.Links = time.Since(start)
	if err != nil {
		w.stopped(done, err)
		return
	}
	w.commit(done)
}

// job is what the chain is run with.
func (w *work) job() (chain.Job, error) {
	current, err := w.current()
	return chain.Job{
		Doc: w.Doc, Current: current, List: w.List, Run: w.Run, Attempt: w.Attempt(), Tries: w.Tries, Age: w.age(),
		Done: stepNames(w.Done), Halted: w.Effects.Halted, TraceParent: traceParent(w.Context),
		Memo: memo{w}, Alive: w.alive, LinkDone: w.linkDone,
		Checkpoint: func(_ context.Context, p chain.Progress) error { return w.checkpoint(p) },
	}, err
}

func (w *work) age() time.Duration {
	if w.Arrived.IsZero() {
		return 0
	}
	return time.Since(w.Arrived)
}

// checkpoint hands finished steps to the store.
func (w *work) checkpoint(p chain.Progress) error {
	if p.Empty() {
		return nil
	}
	q := w.progress(p)
	w.journal = true
	return w.call(func(ctx context.Context) error { return w.p.q.Checkpoint(ctx, w.Lease, q) })
}

// stopped ends a run that did not reach the end of its chain: dropped, put back, or dead-lettered. What was done before
// is kept in each case but the first.
func (w *work) stopped(done chain.Progress, err error) {
	var link *chain.LinkError
	if errors.As(err, &link) {
		w.rep.Link = link.Link
	}
	if !w.alive() {
		w.drop(w.loss())
		return
	}
	if lost(err) {
		w.drop(err)
		return
	}
	if cerr := w.checkpoint(done); cerr != nil {
		w.refused(cerr)
		return
	}
	switch {
	case w.stopping():
		w.release(OutcomeReleased, "shutdown", queue.Hold{Stage: queue.StageLinks})
	case link != nil && link.Again != nil:
		w.release(OutcomeRetry, link.Reason, queue.Hold{Stage: queue.StageLinks, Delay: link.Again.Delay, CountTry: link.Again.Counted, Err: err.Error()})
	case link != nil:
		w.fail(queue.Failure{Reason: link.Reason, Link: link.Link, Detail: err.Error()})
	default:
		w.fail(queue.Failure{Reason: reasonInternal, Detail: err.Error()})
	}
}

// commit merges the run's edits into the stored document and goes on to the storages. A chain that changed nothing and
// wants nothing needs no commit.
func (w *work) commit(done chain.Progress) {
	q := w.progress(done)
	var left []string
	if !w.effects.Halted {
		left = w.targets()
	}
	doc, rev := w.Doc, w.Rev
	if w.journal || len(done.Edits) > 0 || done.Lasting() {
		err := w.call(func(ctx context.Context) (err error) {
			doc, rev, err = w.p.q.Commit(ctx, w.Lease, q, left)
			return err
		})
		switch {
		case errors.Is(err, queue.ErrConflict):
			w.conflict(err)
			return
		case err != nil:
			w.refused(err)
			return
		}
	}
	if w.effects.Halted {
		w.finish(nil)
		return
	}
	w.deliver(doc, rev, left)
}

// conflict: somebody changed what the links changed. They run again on the new document, paid answers kept.
func (w *work) conflict(err error) {
	if w.Tries+1 >= w.plan.Settings.tries() {
		w.fail(queue.Failure{Reason: reasonConflict, Detail: err.Error()})
		return
	}
	w.release(OutcomeRetry, reasonConflict, queue.Hold{Stage: queue.StageLinks, CountTry: true, Err: err.Error(),
		Delay: chain.Backoff(w.Tries, 200*time.Millisecond, 10*time.Second)})
}

// refused ends work whose result the store does not take: dropped when it is not ours any more or the store is away,
// dead-lettered when it would refuse it every time.
func (w *work) refused(err error) {
	if lossCode(err) != reasonStore || away(err) || errors.Is(err, queue.ErrClosed) {
		w.drop(err)
		return
	}
	w.fail(queue.Failure{Reason: reasonInternal, Detail: err.Error()})
}

// targets are the storages that the chain still owes a save, and the egress that goes before them.
func (w *work) targets() []string {
	var left []string
	if w.chain.Mode == chain.First && len(w.chain.Egress) > 0 {
		left = append(left, egressFirst)
	}
	left = append(left, w.chain.Storages...)
	return slices.DeleteFunc(left, func(s string) bool { return slices.Contains(w.Stored, s) })
}

// release ends the lease and puts the vCon back.
func (w *work) release(o Outcome, reason string, h queue.Hold) {
	h.Err = clip(h.Err)
	if err := w.call(func(ctx context.Context) error { return w.p.q.Release(ctx, w.Lease, h) }); err != nil {
		w.drop(err)
		return
	}
	w.rep.Outcome, w.rep.Reason = o, reason
}

// fail ends the lease with a dead letter.
func (w *work) fail(f queue.Failure) {
	f.Attempt, f.Detail = w.Attempt(), clip(f.Detail)
	if err := w.call(func(ctx context.Context) error { return w.p.q.Fail(ctx, w.Lease, f) }); err != nil {
		w.drop(err)
		return
	}
	w.rep.Outcome, w.rep.Reason, w.rep.Link = OutcomeFailed, f.Reason, f.Link
	w.dead(f)
}

func (w *work) dead(f queue.Failure) {
	w.p.o.Observer.DeadLettered(DeadReport{ID: w.ID, Chain: w.rep.Chain, List: w.List, Reason: f.Reason, Link: f.Link, Storage: f.Storage, Attempt: f.Attempt})
}

// drop ends work whose lease is not ours any more, or that the store refuses: nothing more is told to the store, but
// storages that may hold our older document are saved again.
func (w *work) drop(err error) {
	w.rep.Outcome, w.rep.Reason = OutcomeLost, lossCode(err)
	if w.rep.Reason == reasonStore && !errors.Is(err, queue.ErrClosed) {
		w.p.o.Log.Error("store refuses", "list", w.List, "stage", int(w.Stage), "error", err)
	}
	if len(w.saving) == 0 {
		return
	}
	w.orderResave()
}

// orderResave repairs late writes. It belongs to no lease, so only time bounds it.
func (w *work) orderResave() {
	deadline := time.Now().Add(w.ttl)
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), w.ttl)
		err := w.p.q.Resave(ctx, w.ID, w.saving)
		cancel()
		if err == nil || errors.Is(err, queue.ErrClosed) {
			return
		}
		if !errors.Is(err, queue.ErrUnavailable) || time.Now().After(deadline) {
			w.p.o.Log.Error("resave", "storages", w.saving, "error", err)
			return
		}
		time.Sleep(chain.Backoff(n, 50*time.Millisecond, 2*time.Second))
	}
}

func lossCode(err error) string {
	switch {
	case errors.Is(err, queue.ErrSuperseded):
		return "superseded"
	case errors.Is(err, queue.ErrGone):
		return "deleted"
	case errors.Is(err, queue.ErrLeaseLost):
		return "lease_lost"
	}
	return reasonStore
}

// clip bounds a text that is kept in the store.
func clip(s string) string {
	const most = 4096
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
