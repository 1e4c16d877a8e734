package worker

import (
	"context"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
)

// finish ends a chain's lease with all that its run decided. debts are the storages that never got the vCon.
func (w *work) finish(debts []debt) {
	o, err := w.outcome(debts)
	if err != nil {
		w.fail(queue.Failure{Reason: reasonInternal, Detail: err.Error()})
		return
	}
	if err := w.call(func(ctx context.Context) error { return w.p.q.Finish(ctx, w.Lease, o) }); err != nil {
		w.refused(err)
		return
	}
	w.rep.Outcome = OutcomeDone
	if o.Halted {
		w.rep.Outcome = OutcomeHalted
	}
	for _, f := range o.StorageFailures {
		w.rep.Reason = reasonStorage
		w.dead(f)
	}
}

// outcome is what Finish applies.
func (w *work) outcome(debts []debt) (queue.Outcome, error) {
	halted := w.effects.Halted
	o := queue.Outcome{Halted: halted, Routes: w.effects.Routes, Expire: w.effects.Expire, StorageFailures: w.failures(debts)}
	all, err := w.created()
	if err != nil {
		return o, err
	}
	replaced := slices.ContainsFunc(all, func(m made) bool { return m.Current })
	if !halted && w.egressNow(debts, replaced) {
		o.Egress = w.chain.Egress
	}
	life := w.lifetime(halted, len(w.chain.Egress) > 0)
	for _, m := range all {
		s := queue.Submission{Doc: m.doc, Lists: m.Lists, Context: w.Context, Lifetime: w.unqueued()}
		if m.Current && !halted {
			o.Current, s.Lifetime = m.doc.ID(), life
		}
		o.Creates = append(o.Creates, s)
	}
	o.Lifetime, o.Archived = life, !halted && w.readable(w.chain.Storages)
	if replaced {
		o.Lifetime, o.Archived = w.lifetime(true, false), false // the vCon whose place was taken ends as if halted
	}
	return o, nil
}

// egressNow says whether the id goes to the egress lists with Finish: not when it went ahead in this lease or an earlier
// one, whatever the chain's mode was then. What took the vCon's place never goes ahead.
func (w *work) egressNow(debts []debt, replaced bool) bool {
	if !replaced && (w.forwarded || slices.Contains(w.Stored, egressFirst)) {
		return false
	}
	return w.chain.Mode != chain.SavedOnly || len(debts) == 0
}

func (w *work) failures(debts []debt) []queue.Failure {
	var fs []queue.Failure
	for _, d := range debts {
		if d.storage != egressFirst {
			fs = append(fs, queue.Failure{Reason: reasonStorage, Storage: d.storage, Detail: clip(d.err.Error()), Attempt: w.Attempt()})
		}
	}
	return fs
}

// lifetime is how long the finished document stays in the live store, if nothing else holds it.
func (w *work) lifetime(halted, egress bool) time.Duration {
	s := w.plan.Settings
	if halted {
		return s.Expiry
	}
	if w.readable(w.chain.Storages) {
		return s.Expiry
	}
	if s.KeepUnstored && !s.ExpirySet || s.Expiry == 0 {
		return 0
	}
	if egress {
		return max(s.Expiry, s.egressExpiry())
	}
	return s.Expiry
}

// unqueued is the lifetime of a vCon that is stored and never queued.
func (w *work) unqueued() time.Duration {
	if w.plan.Settings.ExpirySet {
		return w.plan.Settings.Expiry
	}
	return 0
}

// readable says whether one of these storages can give the vCon back.
func (w *work) readable(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		s := w.plan.storage(n)
		return s != nil && s.CanGet()
	})
}
