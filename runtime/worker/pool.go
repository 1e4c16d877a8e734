package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Store is what a Pool needs of the live store.
type Store interface {
	queue.Leaser
	// Restore puts back a document that only a storage still had.
	Restore(ctx context.Context, doc *vcon.VCon, lifetime time.Duration) error
	// Enqueue serves chains whose egress goes first.
	Enqueue(ctx context.Context, list string, ids []vcon.ID) (missing []vcon.ID, err error)
}

// Options make a Pool. Plan is required.
type Options struct {
	// Plan gives the current plan, never nil; it is asked often and must not call the Pool. Call PlanChanged when it gives
	// another one.
	Plan func() *Plan
	// Retired is told of a plan that is not the current one any more and that no lease uses: its links and storages can
	// be closed. It is told once per plan, from any goroutine; nil: nobody.
	Retired  func(*Plan)
	Workers  int           // vCons worked at once; default 2 x cores
	MaxBytes int64         // nothing more is leased while the documents in work have so many bytes; default 256 MiB
	TTL      time.Duration // of leases; default 30 s
	Grace    time.Duration // for what a shutdown cancelled to checkpoint and release; default 3 s
	Owner    string        // of leases, for operators: host:pid
	Observer Observer      // nil: nobody
	Spans    Spans         // nil: no lease is followed
	Log      *slog.Logger  // troubles with the store; nil: nowhere
}

// Pool works the lists of a plan. Use it once: New, then Run in a goroutine, then Drain or the end of Run's context.
type Pool struct {
	q Store
	o Options

	mu       sync.Mutex
	held     map[*held]struct{}
	users    map[*Plan]int // leases and lease calls per plan
	bytes    int64         // of documents in held
	alone    bool          // a suspect is running: nothing else may
	suspects time.Time     // since when suspects wait for an idle pool; zero: none do
	patience time.Duration
	stopping bool
	unblock  context.CancelFunc // ends the Lease call under way
	solo     bool               // that call was made as an idle worker

	changed chan struct{} // capacity 1: something above changed
	stop    chan struct{} // closed: lease no more
	end     sync.Once     // of over
	over    chan struct{} // closed: stopped, and nothing is held any more, or it was given up
}

// New makes a Pool over a store.
func New(q Store, o Options) *Pool {
	if o.Workers <= 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.TTL <= 0 {
		o.TTL = 30 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 3 * time.Second
	}
	if o.Observer == nil {
		o.Observer = NoObserver{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	users := map[*Plan]int{o.Plan(): 0} // known from now on: it may be replaced before any lease uses it
	return &Pool{q: q, o: o, patience: suspectPatience, held: map[*held]struct{}{}, users: users,
		changed: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{})}
}

// Run leases and works until Drain is called or ctx ends, and returns when nothing is in work any more, or Drain has given
// up. The end of ctx cancels what is running at once: it is checkpointed and put back; Drain lets it finish first. The
// error says how many vCons did not end in Options.Grace after the end of ctx; ErrClosed when the store was closed.
func (p *Pool) Run(ctx context.Context) error {
	beating := make(chan struct{})
	go func() { defer close(beating); p.heartbeat() }()
	err := p.leaseLoop(ctx)
	if ctx.Err() != nil || err != nil {
		err = errors.Join(err, p.Drain(canceled(ctx)))
	} else {
		err = p.waitIdle(0)
	}
	<-beating
	return err
}

// Drain stops leasing, lets what is running finish until ctx ends, then cancels it: what is done is checkpointed and
// the vCon goes back to the head of its list, no try counted. Drain returns when nothing is in work any more, or with
// an error Options.Grace after the cancelling. Safe to call more than once.
func (p *Pool) Drain(ctx context.Context) error {
	p.stopLeasing()
	select {
	case <-p.over:
		return nil
	case <-ctx.Done():
	}
	p.cancelAll(errStopping)
	return p.waitIdle(p.o.Grace)
}

// PlanChanged makes the pool ask for its plan again now, also when it waits for work.
func (p *Pool) PlanChanged() {
	p.mu.Lock()
	if p.unblock != nil {
		p.unblock()
	}
	p.users[p.o.Plan()] += 0 // known from now on, so that it is retired even if no lease ever uses it
	p.mu.Unlock()
	p.retire()
}

// waitIdle waits until nothing is held; limit > 0 bounds it.
func (p *Pool) waitIdle(limit time.Duration) error {
	var late <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-p.over:
		return nil
	case <-late:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.end.Do(func() { close(p.over) })
		return fmt.Errorf("drain: %d vCons did not stop within %v; their leases will run out", len(p.held), limit)
	}
}

func (p *Pool) stopLeasing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	p.stopping = true
	close(p.stop)
	if p.unblock != nil {
		p.unblock()
	}
	p.closeIfIdle()
}

// closeIfIdle ends the pool once it stops and nothing is held or being leased. p.mu is held.
func (p *Pool) closeIfIdle() {
	if p.stopping && len(p.held) == 0 && p.unblock == nil {
		p.end.Do(func() { close(p.over) })
	}
}

func (p *Pool) cancelAll(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h := range p.held {
		h.cancel(cause)
	}
}

// leaseLoop leases as long as there is room. It returns nil when stopped, ctx ended, and the store's error when that
// was closed.
func (p *Pool) leaseLoop(ctx context.Context) error {
	for failures := 0; p.room(ctx); {
		plan, leases, err := p.lease(ctx)
		for _, l := range leases {
			p.start(ctx, plan, l)
		}
		p.leased(plan, leases)
		switch {
		case errors.Is(err, queue.ErrClosed):
			return err
		case err != nil && !errors.Is(err, context.Canceled):
			p.o.Log.Warn("lease", "error", err)
			p.pause(ctx, chain.Backoff(failures, 100*time.Millisecond, 5*time.Second))
			failures++
		default:
			failures = 0
		}
	}
	return nil
}

// room waits until another vCon can be taken; false: stop.
func (p *Pool) room(ctx context.Context) bool {
	for {
		p.mu.Lock()
		idling := p.idle()
		free := !p.alone && len(p.held) < p.o.Workers && (p.bytes < p.o.MaxBytes || len(p.held) == 0) && idling == 0
		stopping := p.stopping
		p.mu.Unlock()
		if stopping || ctx.Err() != nil {
			return false
		}
		if free {
			return true
		}
		p.await(ctx, idling)
	}
}

// await waits for a change, or, with limit > 0, no longer than that.
func (p *Pool) await(ctx context.Context, limit time.Duration) {
	var over <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-p.changed:
	case <-over:
	case <-p.stop:
	case <-ctx.Done():
	}
}

// lease makes one Lease call, which ends early when the plan changes, the pool becomes idle or it stops. Its plan
// counts as used until leased is called.
func (p *Pool) lease(ctx context.Context) (*Plan, []*queue.Lease, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	plan := p.o.Plan()
	if p.stopping {
		cancel()
	}
	p.unblock, p.solo = cancel, len(p.held) == 0
	p.users[plan]++
	want := queue.Want{Lists: plan.lists(), Strict: plan.Settings.Strict, TTL: p.o.TTL, Owner: p.o.Owner, Solo: p.solo,
		Max: p.o.Workers - len(p.held), MaxBytes: max(1, p.o.MaxBytes-p.bytes)}
	p.mu.Unlock()
	leases, err := p.q.Lease(ctx, want)
	return plan, leases, err
}

// leased ends a Lease call's books.
func (p *Pool) leased(plan *Plan, leases []*queue.Lease) {
	p.mu.Lock()
	p.unblock = nil
	p.noteSuspects(leases)
	p.closeIfIdle()
	p.mu.Unlock()
	p.unuse(plan)
}

// start works one lease in its own goroutine.
func (p *Pool) start(ctx context.Context, plan *Plan, l *queue.Lease) {
	h := p.hold(ctx, plan, l)
	p.mu.Lock()
	p.held[h] = struct{}{}
	p.users[plan]++
	p.bytes += h.size
	p.alone = p.alone || l.Suspect()
	stopping := p.stopping
	p.mu.Unlock()
	if stopping {
		h.cancel(errStopping)
	}
	go func() {
		defer p.drop(h)
		p.work(h)
	}()
}

// drop gives a lease's place free.
func (p *Pool) drop(h *held) {
	h.stop()
	p.mu.Lock()
	delete(p.held, h)
	p.bytes -= h.size
	if len(p.held) == 0 {
		p.alone = false
		if p.unblock != nil && !p.solo {
			p.unblock() // ask again as an idle worker, who may take suspects
		}
	}
	p.closeIfIdle()
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
	p.unuse(h.plan)
}

// unuse drops one use of a plan.
func (p *Pool) unuse(plan *Plan) {
	p.mu.Lock()
	p.users[plan]--
	p.mu.Unlock()
	p.retire()
}

// retire reports the plans that nobody needs any more.
func (p *Pool) retire() {
	var old []*Plan
	p.mu.Lock()
	current := p.o.Plan()
	for plan, n := range p.users {
		if n == 0 && plan != current {
			old = append(old, plan)
			delete(p.users, plan)
		}
	}
	p.mu.Unlock()
	for _, plan := range old {
		if p.o.Retired != nil {
			p.o.Retired(plan)
		}
	}
}

func (p *Pool) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.stop:
	case <-ctx.Done():
	}
}

// canceled is a context that has ended.
func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
