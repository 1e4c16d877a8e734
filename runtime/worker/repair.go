package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// missingDelays is how long a listed id may wait for its document: a producer may list it first.
var missingDelays = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// missing looks for a document that is on a list and not in the live store.
func (w *work) missing() {
	again := queue.Hold{Stage: w.Stage, Left: w.Left}
	doc, err := w.fromStorages(nil)
	if err == nil && doc != nil {
		if err = w.call(func(ctx context.Context) error { return w.p.q.Restore(ctx, doc, 0) }); err == nil {
			w.release(OutcomeRetry, "restored", again)
			return
		}
	}
	if !w.alive() {
		w.drop(w.loss())
		return
	}
	detail := "no document in the live store nor in a storage"
	if err != nil {
		detail += ": " + err.Error()
	}
	if w.stopping() {
		w.release(OutcomeReleased, "shutdown", again)
		return
	}
	if w.Tries >= len(missingDelays) {
		w.fail(queue.Failure{Reason: reasonMissing, Detail: detail})
		return
	}
	again.Delay, again.CountTry, again.Err = missingDelays[w.Tries], true, detail
	w.release(OutcomeRetry, reasonMissing, again)
}

// fromStorages asks the storages, in order, for the lease's document. nil, nil: none has it. The error tells of those
// that could not be asked when none has it.
func (w *work) fromStorages(except []string) (*vcon.VCon, error) {
	var errs []error
	for _, name := range w.plan.Unopened {
		errs = append(errs, fmt.Errorf("storage %q: %w", name, errUnopened))
	}
	for _, s := range w.plan.Storages {
		if !s.CanGet() || slices.Contains(except, s.Name()) {
			continue
		}
		start := time.Now()
		doc, err := s.Get(w.ctx, w.ID)
		switch {
		case errors.Is(err, chain.ErrNotStored):
			w.observe(s.Name(), "get", start, nil)
			continue
		case err == nil && doc.ID() != w.ID:
			err = fmt.Errorf("it gave the vCon %s", doc.ID())
		}
		w.observe(s.Name(), "get", start, err)
		if err == nil {
			return doc, nil
		}
		errs = append(errs, fmt.Errorf("storage %q: %w", s.Name(), err))
	}
	return nil, errors.Join(errs...)
}

// resave saves the current document in the storages that the job names: a late holder's repair, or a replay of what a
// storage owes.
func (w *work) resave() {
	doc, rev := w.Doc, w.Rev
	if doc == nil {
		var err error
		if doc, err = w.fromStorages(w.Left); doc == nil {
			w.resaveMissing(err)
			return
		}
	}
	start := time.Now()
	debts := w.save(doc, rev, w.Left, false)
	w.rep.Saves = time.Since(start)
	if w.owing(debts, w.Left, queue.StageResave) {
		return
	}
	w.resaved(w.failures(debts))
}

// resaveMissing: what cannot be saved stays owed.
func (w *work) resaveMissing(err error) {
	if w.stopping() {
		w.release(OutcomeReleased, "shutdown", queue.Hold{Stage: queue.StageResave, Left: w.Left})
		return
	}
	var fs []queue.Failure
	for _, s := range w.Left {
		f := queue.Failure{Reason: reasonMissing, Storage: s, Attempt: w.Attempt(), Detail: "no document in the live store nor in another storage"}
		if err != nil {
			f.Detail = clip(f.Detail + ": " + err.Error())
		}
		fs = append(fs, f)
	}
	w.resaved(fs)
}

func (w *work) resaved(fs []queue.Failure) {
	life := w.plan.Settings.Expiry
	if !w.readable(w.Left) {
		life = w.unqueued()
	}
	err := w.call(func(ctx context.Context) error {
		return w.p.q.Finish(ctx, w.Lease, queue.Outcome{StorageFailures: fs, Lifetime: life})
	})
	if err != nil {
		w.drop(err)
		return
	}
	w.rep.Outcome = OutcomeResaved
	for _, f := range fs {
		w.rep.Outcome, w.rep.Reason = OutcomeFailed, f.Reason
		w.dead(f)
	}
}

// deletes removes a deleted vCon from every storage that can.
func (w *work) deletes() {
	failed := w.deleteAll()
	switch {
	case !w.alive():
		w.drop(w.loss())
	case len(failed) == 0:
		if err := w.call(func(ctx context.Context) error { return w.p.q.Finish(ctx, w.Lease, queue.Outcome{}) }); err != nil {
			w.drop(err)
			return
		}
		w.rep.Outcome = OutcomeDeleted
	case w.stopping():
		w.release(OutcomeReleased, "shutdown", queue.Hold{Stage: queue.StageDelete})
	case slices.ContainsFunc(failed, func(d debt) bool { return w.again(d, w.Tries) }):
		w.release(OutcomeRetry, reasonDelete, queue.Hold{Stage: queue.StageDelete, Err: debtText(failed), CountTry: true,
			Delay: chain.Backoff(w.Tries, storageDelay, storageDelayMax)})
	default:
		w.fail(queue.Failure{Reason: reasonDelete, Storage: strings.Join(names(failed), ","), Detail: debtText(failed)})
	}
}

func (w *work) deleteAll() []debt {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed []debt
	for _, name := range w.plan.Unopened {
		failed = append(failed, debt{name, errUnopened})
	}
	for _, s := range w.plan.Storages {
		if !s.CanDelete() {
			continue
		}
		wg.Go(func() {
			start := time.Now()
			err := s.Delete(w.ctx, w.ID, w.alive)
			w.observe(s.Name(), "delete", start, err)
			if err != nil {
				mu.Lock()
				failed = append(failed, debt{s.Name(), err})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}
