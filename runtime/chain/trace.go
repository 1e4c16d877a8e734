package chain

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// traceStart calls the tracers with index -1, once per run of a chain that has links.
func (r *run) traceStart(ctx context.Context, resumed bool) error {
	if len(r.chain.Tracers) == 0 || len(r.chain.Steps) == 0 || resumed {
		return nil
	}
	doc, err := r.cur.VCon()
	if err != nil {
		return err
	}
	if err := r.callTracers(ctx, Event{Index: -1, In: doc, Out: doc, Verdict: hostabi.NoChange}); err != nil {
		return r.tracerFailure(ctx, r.chain.Steps[0], err)
	}
	return nil
}

// trace calls the tracers after a link that succeeded.
func (r *run) trace(ctx context.Context, i int, in *vcon.VCon, v hostabi.Verdict, e Effects, took time.Duration) error {
	if len(r.chain.Tracers) == 0 {
		return nil
	}
	out := in
	if v != hostabi.NoChange {
		var err error
		if out, err = r.after(e); err != nil {
			return err
		}
	}
	return r.callTracers(ctx, Event{Index: i, In: in, Out: out, Verdict: v, Digest: r.chain.Steps[i].Digest, Took: took})
}

// after is the document that the next link would meet.
func (r *run) after(e Effects) (*vcon.VCon, error) {
	for _, c := range slices.Backward(e.Creates) {
		if c.Current {
			return vcon.Parse(c.Text)
		}
	}
	return r.cur.VCon()
}

// callTracers calls each in order; the first error of one that may fail the vCon ends it.
func (r *run) callTracers(ctx context.Context, e Event) error {
	e.Chain, e.Links = r.chain.Name, r.names()
	for _, t := range r.chain.Tracers {
		err := callTracer(ctx, t.Tracer, e)
		switch {
		case err == nil:
		case t.Fatal:
			return fmt.Errorf("tracer %q: %w", t.Name, err)
		case r.env.TracerFailed != nil:
			r.env.TracerFailed(r.chain.Name, t.Name, err)
		}
	}
	return nil
}

func callTracer(ctx context.Context, t Tracer, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return t.Trace(ctx, e)
}

func (r *run) names() []string {
	names := make([]string, len(r.chain.Steps))
	for i, s := range r.chain.Steps {
		names[i] = s.Name
	}
	return names
}

// tracerFailure is a failed trace at a link: retried like the link itself when the error is of that kind.
func (r *run) tracerFailure(ctx context.Context, s Step, err error) error {
	if ctx.Err() != nil && context.Cause(ctx) != ErrTimeout {
		return context.Cause(ctx)
	}
	if retryable(err) {
		if again, ok := s.Retry.After(r.job.Tries, r.job.Age, 0); ok {
			return r.linkError(s, ReasonTracer, err, &again)
		}
	}
	return r.linkError(s, ReasonTracer, err, nil)
}
