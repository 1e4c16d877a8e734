package chain

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// Guard says what goes around a storage. Zero fields take the defaults.
type Guard struct {
	Timeout  time.Duration // of one try; default 10 s
	Tries    int           // within one lease; default 3
	Within   time.Duration // all tries of one operation with their pauses; default 10 s
	RetryFor time.Duration // how long a save is repeated over leases before it becomes a dead letter; default 1 h
	Breaker  *Breaker      // default: 5 failed operations within a minute open it for 30 s
	// Convert makes what the storage gets from the document, such as an older format version; nil: the document itself.
	Convert func(*vcon.VCon) (*vcon.VCon, error)
}

// ErrOpen is the answer of an operation that the breaker did not let through.
var ErrOpen = errors.New("chain: the storage failed too often and is left alone for a while")

// Guarded is a storage with everything around it that no storage should have to care for: a timeout for each try, a few
// tries, a breaker, recovered panics. Safe for concurrent use.
type Guarded struct {
	name    string
	storage Storage
	guard   Guard
	health  health
}

// NewGuarded wraps a storage. name is that of the config.
func NewGuarded(name string, s Storage, g Guard) *Guarded {
	orDuration := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	orDuration(&g.Timeout, 10*time.Second)
	orDuration(&g.Within, 10*time.Second)
	orDuration(&g.RetryFor, time.Hour)
	if g.Tries <= 0 {
		g.Tries = 3
	}
	if g.Breaker == nil {
		g.Breaker = &Breaker{Failures: 5}
	}
	return &Guarded{name: name, storage: s, guard: g}
}

// Name is the storage's name in the config.
func (g *Guarded) Name() string { return g.name }

// RetryFor is how long saves are repeated over leases.
func (g *Guarded) RetryFor() time.Duration { return g.guard.RetryFor }

// CanGet reports whether the storage gives vCons back.
func (g *Guarded) CanGet() bool { _, ok := g.storage.(Reader); return ok }

// CanDelete reports whether the storage deletes.
func (g *Guarded) CanDelete() bool { _, ok := g.storage.(Deleter); return ok }

// Appends reports whether the same save twice is seen twice.
func (g *Guarded) Appends() bool { a, ok := g.storage.(Appender); return ok && a.Appends() }

// Save saves doc, alive being asked before each try; the storage is not touched once it says no. Errors: ErrOpen,
// context errors, those of the storage (IsPermanent tells which no repetition mends).
func (g *Guarded) Save(ctx context.Context, doc *vcon.VCon, rev uint64, alive func() bool) error {
	doc, err := g.convert(doc)
	if err != nil {
		return Permanent(fmt.Errorf("convert for storage %q: %w", g.name, err))
	}
	return g.try(ctx, alive, func(ctx context.Context) error { return g.storage.Save(ctx, doc, rev) })
}

// convert makes what the storage gets; a panic is an error, as one of the storage's own.
func (g *Guarded) convert(doc *vcon.VCon) (_ *vcon.VCon, err error) {
	if g.guard.Convert == nil {
		return doc, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return g.guard.Convert(doc)
}

// Get reads a vCon back. Errors: ErrNotStored, also when the storage cannot give any back; else as Save.
func (g *Guarded) Get(ctx context.Context, id vcon.ID) (doc *vcon.VCon, err error) {
	r, ok := g.storage.(Reader)
	if !ok {
		return nil, ErrNotStored
	}
	var absent bool
	err = g.try(ctx, nil, func(ctx context.Context) error {
		var err error
		doc, err = r.Get(ctx, id)
		if absent = errors.Is(err, ErrNotStored); absent {
			return nil
		}
		return err
	})
	if absent {
		return nil, ErrNotStored
	}
	return doc, err
}

// Delete deletes a vCon. A storage that cannot is no error.
func (g *Guarded) Delete(ctx context.Context, id vcon.ID, alive func() bool) error {
	d, ok := g.storage.(Deleter)
	if !ok {
		return nil
	}
	return g.try(ctx, alive, func(ctx context.Context) error { return d.Delete(ctx, id) })
}

// Close closes the storage.
func (g *Guarded) Close() error { return g.storage.Close() }

// try runs one operation up to Tries times within Within, under the breaker.
func (g *Guarded) try(ctx context.Context, alive func() bool, op func(context.Context) error) error {
	if _, ok := g.guard.Breaker.Allow(); !ok {
		return ErrOpen
	}
	deadline := time.Now().Add(g.guard.Within)
	for n := 0; ; n++ {
		if alive != nil && !alive() || ctx.Err() != nil {
			return cmpErr(context.Cause(ctx), context.Canceled)
		}
		err := g.once(ctx, op)
		if err == nil {
			g.guard.Breaker.Done(false)
			g.health.worked()
			return nil
		}
		pause := Backoff(n, 200*time.Millisecond, 3*time.Second)
		if IsPermanent(err) || ctx.Err() != nil {
			return err // says nothing about the storage's health
		}
		if n+1 >= g.guard.Tries || time.Now().Add(pause).After(deadline) {
			g.guard.Breaker.Done(true)
			g.health.failed(err)
			return err
		}
		sleep(ctx, pause)
	}
}

// once is one try.
func (g *Guarded) once(ctx context.Context, op func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, g.guard.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("storage %q: %w", g.name, &panicError{value: p, stack: debug.Stack()})
		}
	}()
	return op(ctx)
}

func cmpErr(err, or error) error {
	if err != nil {
		return err
	}
	return or
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
