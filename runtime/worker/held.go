package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
)

// errStopping is the cause of a run's end at shutdown.
var errStopping = errors.New("worker: shutting down")

// held is a lease in work: its plan, its context, and the deadline as the heartbeat moves it.
type held struct {
	*queue.Lease
	plan   *Plan
	size   int64
	ttl    time.Duration
	began  time.Time
	ctx    context.Context // ends with the lease, its cause says why
	cancel context.CancelCauseFunc

	deadline atomic.Pointer[time.Time]
	watch    *time.Timer // cancels at the deadline
}

// hold begins the work on a lease. The run's context does not end with ctx: only a cause from here ends it.
func (p *Pool) hold(ctx context.Context, plan *Plan, l *queue.Lease) *held {
	h := &held{Lease: l, plan: plan, ttl: p.o.TTL, began: time.Now()}
	if l.Doc != nil {
		h.size = int64(len(l.Doc.Bytes()))
	}
	h.ctx, h.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	d := l.Deadline
	h.deadline.Store(&d)
	h.watch = time.AfterFunc(time.Until(d), h.expired)
	return h
}

// expired ends the run unless a beat has moved the deadline meanwhile.
func (h *held) expired() {
	if left := time.Until(*h.deadline.Load()); left > 0 {
		h.watch.Reset(left)
		return
	}
	h.cancel(queue.ErrLeaseLost)
}

// prolong moves the deadline after a good beat that was sent at `sent`; expired looks at it.
func (h *held) prolong(sent time.Time) {
	d := sent.Add(h.ttl)
	h.deadline.Store(&d)
}

// alive reports whether the lease is still ours as far as this process can know. It holds also after the process was
// stopped for a while, when no timer has fired yet.
func (h *held) alive() bool {
	return time.Now().Before(*h.deadline.Load()) && !lost(context.Cause(h.ctx))
}

func (h *held) stop() {
	h.watch.Stop()
	h.cancel(nil)
}

// lost reports the errors after which a holder stops and discards.
func lost(err error) bool {
	return errors.Is(err, queue.ErrLeaseLost) || errors.Is(err, queue.ErrSuperseded) || errors.Is(err, queue.ErrGone)
}

// call makes one call of the store. It is repeated with backoff while the store is away or full and the lease is ours;
// a shutdown does not interrupt it, what the store was told must be known, but ends the repeating.
func (h *held) call(f func(ctx context.Context) error) error {
	for n := 0; ; n++ {
		if !h.alive() {
			return h.loss()
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), h.ttl)
		err := f(ctx)
		cancel()
		if !away(err) || n >= 2 && h.stopping() {
			return err
		}
		t := time.NewTimer(chain.Backoff(n, 50*time.Millisecond, 2*time.Second))
		<-t.C
	}
}

// away reports that the store could not do a call now: the same call again is safe.
func away(err error) bool {
	return errors.Is(err, queue.ErrUnavailable) || errors.Is(err, queue.ErrFull) || errors.Is(err, context.DeadlineExceeded)
}

// loss is why the lease is not ours any more.
func (h *held) loss() error {
	if cause := context.Cause(h.ctx); lost(cause) {
		return cause
	}
	return queue.ErrLeaseLost
}

// stopping reports that a shutdown has cancelled this run.
func (h *held) stopping() bool { return errors.Is(context.Cause(h.ctx), errStopping) }
