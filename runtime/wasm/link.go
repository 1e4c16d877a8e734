package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
)

// The limits of a run whose config names none.
const (
	DefaultMemory = 64 << 20
	DefaultTime   = 2 * time.Minute
)

// LinkOptions say how a module is run as a link.
type LinkOptions struct {
	Memory int64              // bytes of the guest's memory, rounded down to pages of 64 KiB; 0 = DefaultMemory
	Time   time.Duration      // of start, run, host calls and sleeps together; 0 = DefaultTime
	Input  hostabi.Input      // what a command gets on standard input
	Output hostabi.OutputMode // what a command's standard output is
}

// Link runs a module over vCons, each in a fresh instance. Safe for concurrent use.
type Link struct {
	module *Module
	o      LinkOptions
	runs   sync.WaitGroup
	going  atomic.Int64 // of runs
}

var _ chain.Link = (*Link)(nil)

// NewLink makes a link of a module. The Link owns the module: closing it closes the module. Errors: *RefusedError when
// the module needs more memory than it gets, or the options are for the other kind of module.
func NewLink(m *Module, o LinkOptions) (*Link, error) {
	if err := m.Info.Fits(o); err != nil {
		return nil, err
	}
	return &Link{module: m, o: o.withDefaults()}, nil
}

// Fits says whether a module can be run so. Errors: *RefusedError as NewLink.
func (i *Info) Fits(o LinkOptions) error {
	o = o.withDefaults()
	if least := i.MinMemory(); least > o.Memory {
		return refused("the module needs %d bytes of memory to begin with, its limit is %d", least, o.Memory)
	}
	if i.Kind == Reactor && (o.Output != "" || o.Input.Set()) {
		return refused("input and output are for commands; this module is a reactor, it reads and edits by host functions")
	}
	return nil
}

func (o LinkOptions) withDefaults() LinkOptions {
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Time == 0 {
		o.Time = DefaultTime
	}
	return o
}

// Info is what is known of the module.
func (l *Link) Info() Info { return l.module.Info }

// Close gives the module back once the runs that go on have ended. The error of ctx: they have not, and nothing is
// closed.
func (l *Link) Close(ctx context.Context) error {
	if l.going.Load() == 0 {
		return l.module.Close(ctx)
	}
	ended := make(chan struct{})
	go func() {
		l.runs.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return l.module.Close(ctx)
	case <-ctx.Done():
		return fmt.Errorf("runs of the module go on: %w", context.Cause(ctx))
	}
}

// Start starts the module once, for no vCon, and throws the instance away: it finds modules that do not start. call is
// one without document. Errors: *RefusedError, the error of ctx.
func (l *Link) Start(ctx context.Context, call *hostabi.Call) error {
	if l.module.Info.Kind == Command {
		return nil // it has no start of its own
	}
	run, cancel := context.WithTimeout(ctx, l.o.Time)
	defer cancel()
	g := l.newGuest(call)
	defer g.close()
	err := g.start(g.enter(run), l.module)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err = l.explain(g, run, err); err != nil {
		return refused("it does not start: %v", err)
	}
	return nil
}

// Run implements chain.Link. Errors: *RunError; the error of ctx when that ended first.
func (l *Link) Run(ctx context.Context, call *hostabi.Call) (hostabi.Verdict, error) {
	l.runs.Add(1)
	l.going.Add(1)
	defer l.runs.Done()
	defer l.going.Add(-1)
	run, cancel := context.WithTimeout(ctx, l.o.Time)
	defer cancel()
	call.Narrow(run)
	g := l.newGuest(call)
	defer g.close()
	var verdict hostabi.Verdict
	var err error
	if l.module.Info.Kind == Command {
		verdict, err = l.runCommand(run, g)
	} else {
		verdict, err = l.runReactor(run, g)
	}
	switch {
	case ctx.Err() != nil:
		return hostabi.Failed, context.Cause(ctx)
	case err == nil && verdict == hostabi.Retry:
		return verdict, asked(call)
	case err == nil:
		return verdict, nil
	}
	return hostabi.Failed, l.explain(g, run, err)
}

// asked is why a guest wants to be run again; nil when it did not say.
func asked(call *hostabi.Call) error {
	if text := call.Failure(); text != "" {
		return errors.New(text)
	}
	return nil
}

// newGuest is a guest without an instance yet.
func (l *Link) newGuest(call *hostabi.Call) *guest {
	return &guest{call: call, mem: allocator{limit: uint64(l.o.Memory) &^ (pageSize - 1)}}
}

// explain makes what ended a run a RunError, and says which limit was behind it.
func (l *Link) explain(g *guest, run context.Context, err error) error {
	if err == nil {
		return nil
	}
	e, said := errors.AsType[*RunError](err)
	if said && e.Class != ClassTrap && e.Class != ClassLimit {
		return e // the guest's own words, or ours about its answer
	}
	switch code, exited := exitCode(err); {
	case run.Err() != nil:
		e = limitError("time", l.o.Time)
	case exited:
		e = &RunError{Class: ClassFailed, Reason: fmt.Sprintf("the module ended itself with proc_exit(%d)", code)}
	default:
		e = trap(err)
	}
	if g.mem.memory != nil && g.mem.memory.refused && e.Class != ClassLimit {
		e.Class, e.Reason = ClassLimit, fmt.Sprintf("memory: more than %d bytes; %s", l.o.Memory, e.Reason)
	}
	if last := g.lastWords(); last != "" {
		e.Reason += ": " + last
	}
	return e
}
