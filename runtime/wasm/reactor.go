package wasm

import (
	"context"
	"fmt"

	"github.com/vconduit/vconduit/hostabi"
)

// The exports of a reactor.
const (
	exportInitialize = "_initialize"
	exportInit       = "vcon_link_init"
	exportRun        = "vcon_link_run"
)

// Levels of hostabi.Call.Log.
const levelInfo, levelWarn = 1, 2

// runReactor starts an instance and runs it over the call's vCon.
func (l *Link) runReactor(ctx context.Context, g *guest) (hostabi.Verdict, error) {
	inside := g.enter(ctx)
	if err := g.start(inside, l.module); err != nil {
		return hostabi.Failed, err
	}
	result, err := g.invoke(inside, exportRun, 1)
	g.flush()
	if err != nil {
		return hostabi.Failed, err
	}
	verdict := hostabi.Verdict(result)
	switch verdict {
	case hostabi.Done, hostabi.Halt, hostabi.Retry, hostabi.NoChange:
		return verdict, nil
	}
	return hostabi.Failed, g.failed(fmt.Sprintf("%s returned %d", exportRun, result))
}

// start makes the instance and runs everything that comes before the first vCon: the start function, _initialize, and
// vcon_link_init.
func (g *guest) start(ctx context.Context, m *Module) error {
	g.stdout = &logger{call: g.callOf, level: levelInfo}
	g.stderr = &logger{call: g.callOf, level: levelWarn}
	g.call.Starting(true)
	defer g.call.Starting(false)
	if err := g.instantiate(ctx, m); err != nil {
		return err
	}
	if _, err := g.invoke(ctx, exportInitialize); err != nil {
		return err
	}
	result, err := g.invoke(ctx, exportInit)
	if err != nil {
		return err
	}
	if result != 0 {
		return g.failed(fmt.Sprintf("%s returned %d", exportInit, result))
	}
	return nil
}

func (g *guest) callOf() *hostabi.Call { return g.call }

// failed is the end of a run that the guest itself says has failed: with its own words, else with otherwise.
func (g *guest) failed(otherwise string) *RunError {
	e := &RunError{Class: ClassFailed, Reason: g.call.Failure()}
	if g.call.LastError() == hostabi.Denied {
		e.Class = ClassDenied
	}
	if e.Reason == "" {
		e.Reason = otherwise
		if last := g.lastWords(); last != "" {
			e.Reason += ": " + last
		}
	}
	return e
}

// flush logs what was printed without a line's end.
func (g *guest) flush() {
	for _, w := range []writer{g.stdout, g.stderr} {
		if l, ok := w.(*logger); ok {
			l.flush()
		}
	}
}

// lastWords is the end of what was printed as an error.
func (g *guest) lastWords() string {
	if l, ok := g.stderr.(*logger); ok {
		return l.last()
	}
	return ""
}
