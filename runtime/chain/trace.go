package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// seen is a document that tracers have met, with its hash: the next link's In is mostly the last one's Out.
type seen struct {
	doc *vcon.VCon
	sum [sha256.Size]byte
}

func see(doc *vcon.VCon) seen { return seen{doc, sha256.Sum256(doc.Bytes())} }

// ran is one run of a link that ended.
type ran struct {
	index   int
	step    Step
	id      string // "name#ordinal"
	mark    vcon.Mark
	call    *hostabi.Call
	verdict hostabi.Verdict
	class   Class
	began   time.Time
	took    time.Duration
}

// before remembers the state ahead of a link. The document is only spliced when somebody watches.
func (r *run) before() (vcon.Mark, error) {
	if len(r.chain.Tracers) > 0 && r.traced.doc == nil {
		doc, err := r.cur.VCon()
		if err != nil {
			return 0, err
		}
		r.traced = see(doc)
	}
	return r.cur.Mark(), nil
}

// traceStart calls the tracers with index -1, once per run of a chain that has links.
func (r *run) traceStart(ctx context.Context, resumed bool) error {
	if len(r.chain.Tracers) == 0 || len(r.chain.Steps) == 0 || resumed {
		return nil
	}
	if _, err := r.before(); err != nil {
		return err
	}
	e := Event{Index: -1, Outcome: OutcomeStart, Verdict: hostabi.NoChange, Began: time.Now()}
	if err := r.callTracers(ctx, r.traced, r.traced, e); err != nil {
		return r.tracerFailure(ctx, r.chain.Steps[0], err)
	}
	return nil
}

// trace calls the tracers after a link that succeeded.
func (r *run) trace(ctx context.Context, n ran) error {
	if len(r.chain.Tracers) == 0 {
		return nil
	}
	e, out := n.event(), r.traced
	e.Outcome = Outcome(outcome(n.verdict, nil))
	if n.verdict != hostabi.NoChange {
		e.Edits, e.Effects = r.cur.EditsSince(n.mark), n.call.Effects()
		doc, err := r.after(e.Effects, len(e.Edits) > 0)
		if err != nil {
			return err
		}
		if doc != nil {
			out = see(doc)
		}
	}
	in := r.traced
	if err := r.callTracers(ctx, in, out, e); err != nil {
		return err
	}
	r.traced = out
	return nil
}

// traceFailure calls the tracers after a link that failed with err. Their errors are told: the vCon fails already.
func (r *run) traceFailure(ctx context.Context, n ran, err error) {
	if len(r.chain.Tracers) == 0 {
		return
	}
	e := n.event()
	e.Outcome = OutcomeInterrupted
	if l, ok := errors.AsType[*LinkError](err); ok {
		e.Reason = l.Reason
		switch {
		case r.skips(n.step, err):
			e.Outcome = OutcomeSkipped
		case l.Again != nil:
			e.Outcome = OutcomeRetry
		default:
			e.Outcome = OutcomeFailed
		}
	}
	_ = r.callTracers(context.WithoutCancel(ctx), r.traced, r.traced, e) // told already
}

// event is what a run says of itself.
func (n ran) event() Event {
	denied, _ := n.call.Denied()
	return Event{Index: n.index, Step: n.id, Link: n.step.Name, Module: n.step.Module, Digest: n.step.Digest, Grants: n.step.Grants,
		Requests: n.call.Requests(), Denied: denied, Verdict: n.verdict, Class: n.class, Began: n.began, Took: n.took}
}

// after is the document that the next link would meet; nil: the same as before.
func (r *run) after(e Effects, edited bool) (*vcon.VCon, error) {
	for _, c := range slices.Backward(e.Creates) {
		if c.Current {
			return vcon.Parse(c.Text)
		}
	}
	if !edited {
		return nil, nil
	}
	return r.cur.VCon()
}

// callTracers calls each in order; the first error of one that may fail the vCon ends it. After a link that failed errors
// are only told.
func (r *run) callTracers(ctx context.Context, in, out seen, e Event) error {
	e.ID, e.List, e.Chain, e.Links = r.job.Doc.ID(), r.job.List, r.chain.Name, r.names()
	e.Run, e.Attempt = r.job.Run, r.job.Attempt
	e.In, e.InSum, e.Out, e.OutSum = in.doc, in.sum, out.doc, out.sum
	r.unflushed = true
	return r.eachTracer(e.Class == "", func(t Tracer) error { return t.Trace(ctx, e) })
}

// flush makes durable what was traced, before what it tells of is.
func (r *run) flush(ctx context.Context) error {
	if !r.unflushed {
		return nil
	}
	err := r.eachTracer(true, func(t Tracer) error {
		if f, ok := t.(Flusher); ok {
			return f.Flush(ctx)
		}
		return nil
	})
	if err != nil {
		return r.tracerFailure(ctx, r.last, err)
	}
	r.unflushed = false
	return nil
}

// eachTracer calls all, in order, up to the first that fails and may fail the vCon; none may unless fatal is set.
func (r *run) eachTracer(fatal bool, call func(Tracer) error) error {
	for _, t := range r.chain.Tracers {
		err := callTracer(t.Tracer, call)
		switch {
		case err == nil:
		case t.Fatal && fatal:
			return fmt.Errorf("tracer %q: %w", t.Name, err)
		case r.env.TracerFailed != nil:
			r.env.TracerFailed(r.chain.Name, t.Name, err)
		}
	}
	return nil
}

// callTracer calls a tracer; its panic is its error.
func callTracer(t Tracer, call func(Tracer) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return call(t)
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
