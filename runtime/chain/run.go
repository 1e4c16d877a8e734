package chain

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// Effects are what links ask for outside the document; Created is a vCon that a link made.
type (
	Effects = hostabi.Effects
	Created = hostabi.Created
)

// Job is one run of a chain over one leased vCon.
type Job struct {
	Doc     *vcon.VCon // with everything applied that earlier leases did
	Current *Created   // a vCon that took the place of Doc in an earlier lease; nil: none
	List    string
	Run     [16]byte
	Attempt int           // as shown to people, from 1
	Tries   int           // failed runs before this one
	Age     time.Duration // since the vCon arrived
	Done    []string      // steps ("name#ordinal") of earlier leases: not run again
	Halted  bool          // an earlier lease's link stopped the chain: nothing runs

	TraceParent string
	Memo        hostabi.Memo                                // nil: answers are not kept
	Alive       func() bool                                 // the lease; nil: always
	Checkpoint  func(ctx context.Context, p Progress) error // after links that sent HTTP; nil: none. Its error ends the run as it is
	LinkDone    func(LinkReport)                            // told of each link that ran; nil: nobody
}

// Progress is what happened since the last checkpoint. A created vCon that a later link changed comes again, with the
// same ID: the last one counts.
type Progress struct {
	Edits   []vcon.Edit // of Job.Doc
	Done    []string
	Halted  bool
	Effects Effects
}

// Empty reports that there is nothing to keep.
func (p Progress) Empty() bool {
	return len(p.Edits) == 0 && len(p.Done) == 0 && !p.Halted && !p.Lasting()
}

// Lasting reports that there are effects.
func (p Progress) Lasting() bool {
	return len(p.Effects.Routes) > 0 || len(p.Effects.Creates) > 0 || p.Effects.Expire != nil
}

// LinkReport says how one link's run ended.
type LinkReport struct {
	ID                          vcon.ID // of the leased vCon; never a metric label
	Chain, Link, Module, Digest string
	Index                       int    // among the chain's links, from 0
	Outcome                     string // done | halt | no_change | retry | failed | skipped
	Began                       time.Time
	Took                        time.Duration
	Used                        hostabi.Limits // what the run used of its quotas
	Memory                      int64          // most bytes of a guest's memory; 0 for builtin links
	Denied                      []string       // what the link asked for and was not granted; nothing of the vCon is in it
}

// Run runs the chain's links that are not done yet, in order, and returns what happened since the last checkpoint, also
// with an error: what was done before it stays done. A failed link leaves neither edits nor effects.
//
// A tracer that may fail the vCon and cannot keep what it was told takes back everything since the last checkpoint.
//
// Errors: *LinkError (Again says whether it is worth another attempt); the cause of ctx's end when that was not the
// chain's own timeout; Checkpoint's error as it came.
func Run(ctx context.Context, c *Chain, env Env, j Job) (Progress, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
		defer cancel()
	}
	r := &run{chain: c, env: env, job: j}
	if err := r.open(); err != nil {
		return Progress{}, err
	}
	err := r.steps(ctx)
	if flushErr := r.flush(context.WithoutCancel(ctx)); flushErr != nil {
		return Progress{}, cmpErr(err, flushErr) // what no tracer has for sure is not done: it runs again
	}
	p, takeErr := r.take()
	if err == nil {
		err = takeErr
	}
	return p, err
}

type run struct {
	chain *Chain
	env   Env
	job   Job
	state

	traced    seen // the document as tracers met it last
	unflushed bool // tracers were called since the last flush
	last      Step // that was begun
}

func (r *run) steps(ctx context.Context) error {
	seen := make(map[string]int, len(r.chain.Steps))
	done := make(map[string]bool, len(r.job.Done))
	for _, d := range r.job.Done {
		done[d] = true
	}
	if err := r.traceStart(ctx, len(done) > 0 || r.halted); err != nil {
		return err
	}
	for i, s := range r.chain.Steps {
		seen[s.Name]++
		id := fmt.Sprintf("%s#%d", s.Name, seen[s.Name])
		if done[id] {
			continue
		}
		if r.halted {
			return nil
		}
		if err := r.step(ctx, i, s, id); err != nil {
			return err
		}
	}
	return nil
}

// step runs one link and keeps or drops what it did.
func (r *run) step(ctx context.Context, i int, s Step, id string) error {
	if ctx.Err() != nil {
		return r.interrupted(ctx, s, context.Cause(ctx))
	}
	if wait, ok := s.Breaker.Allow(); !ok {
		return r.linkError(s, ReasonTries, errors.New("the link's breaker is open"), &Again{Delay: s.Retry.standBack(wait, r.job.Age)})
	}
	r.last = s
	mark, err := r.before()
	if err != nil {
		return r.linkError(s, ReasonFailed, err, nil)
	}
	start := time.Now()
	call := r.newCall(ctx, s, id)
	verdict, err := runLink(ctx, s.Link, call)
	call.Close()
	n := ran{index: i, step: s, id: id, mark: mark, call: call, verdict: verdict, began: start, took: time.Since(start)}
	if err = judge(verdict, err, call.Failure()); err == nil || retryable(err) {
		s.Breaker.Done(err != nil)
	}
	if err != nil {
		r.cur.Rollback(mark)
		n.class = classify(err, verdict)
		err = r.failure(ctx, s, err, call)
		r.traceFailure(ctx, n, err)
	} else if err = r.trace(ctx, n); err != nil {
		r.cur.Rollback(mark)
		err = r.tracerFailure(ctx, s, err)
	}
	if r.skips(s, err) {
		r.report(n, "skipped")
		r.pending.Done = append(r.pending.Done, id)
		return nil
	}
	r.report(n, outcome(verdict, err))
	if err != nil {
		return err
	}
	if err := r.keep(verdict, mark, id, call.Effects()); err != nil {
		return r.linkError(s, ReasonFailed, err, nil)
	}
	return r.checkpoint(ctx, call.Sent() > 0)
}

func (r *run) newCall(ctx context.Context, s Step, id string) *hostabi.Call {
	o := r.env.Call
	o.Doc, o.Link, o.Chain, o.List, o.Step = r.cur, s.Name, r.chain.Name, r.job.List, id
	o.Attempt, o.Run, o.TraceParent, o.Alive = r.job.Attempt, r.job.Run, r.job.TraceParent, r.job.Alive
	o.Digest, o.Config, o.Grants, o.Limits = s.Digest, s.Options, s.Grants, s.Limits
	o.Deadline, _ = ctx.Deadline()
	if s.Memo {
		o.Memo = r.job.Memo
	}
	if s.Grants.KV && r.env.KV != nil {
		o.KV = r.env.KV(s.Name)
	}
	if log := r.env.Log; log != nil {
		o.Log = func(level int, line string) { log(r.chain.Name, s.Name, level, line) }
	}
	if metric := r.env.Metric; metric != nil {
		o.Metric = func(kind int, name string, v float64) { metric(r.chain.Name, s.Name, kind, name, v) }
	}
	return hostabi.New(ctx, o)
}

// runLink runs a link; its panic is its error.
func runLink(ctx context.Context, l Link, c *hostabi.Call) (v hostabi.Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = hostabi.Failed, &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return l.Run(ctx, c)
}

// judge turns a verdict and an error into one error: nil for Done, Halt and NoChange.
func judge(v hostabi.Verdict, err error, said string) error {
	switch {
	case err == nil && (v == hostabi.Done || v == hostabi.Halt || v == hostabi.NoChange):
		return nil
	case err == nil && said != "":
		err = errors.New(said)
	case err == nil && v == hostabi.Retry:
		err = errors.New("the link asks to be run again later")
	case err == nil:
		err = fmt.Errorf("the link returned %d", v)
	}
	if v == hostabi.Retry && !retryable(err) {
		err = &marked{err: err, again: true}
	}
	return err
}

// failure decides what a link's error means for the run.
func (r *run) failure(ctx context.Context, s Step, err error, call *hostabi.Call) error {
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); cause != ErrTimeout {
			return r.interrupted(ctx, s, cause)
		}
		err = fmt.Errorf("%w after %v: %w", ErrTimeout, r.chain.Timeout, err)
	} else if !retryable(err) {
		return r.linkError(s, ReasonFailed, err, nil)
	}
	asked, _ := call.RetryDelay()
	return r.again(s, err, asked)
}

// interrupted is the end of ctx at a link: the chain's own timeout is a retryable failure, another cause passes through.
func (r *run) interrupted(_ context.Context, s Step, cause error) error {
	if cause == ErrTimeout {
		return r.again(s, fmt.Errorf("%w after %v", ErrTimeout, r.chain.Timeout), 0)
	}
	return cause
}

func (r *run) again(s Step, err error, asked time.Duration) error {
	again, ok := s.Retry.After(r.job.Tries, r.job.Age, asked)
	if !ok {
		return r.linkError(s, ReasonTries, err, nil)
	}
	return r.linkError(s, ReasonTries, err, &again)
}

func (r *run) linkError(s Step, reason string, err error, again *Again) error {
	return &LinkError{Chain: r.chain.Name, Link: s.Name, Module: s.Module, Digest: s.Digest, Reason: reason, Again: again, Err: err}
}

// skips says whether on_error passes over this error: a link's own final failure. Nothing runs after the chain's timeout.
func (r *run) skips(s Step, err error) bool {
	var l *LinkError
	return s.OnError == SkipLink && errors.As(err, &l) && l.Again == nil && l.Reason != ReasonTracer && !errors.Is(err, ErrTimeout)
}

// report tells how a link's run ended.
func (r *run) report(n ran, outcome string) {
	if r.job.LinkDone == nil {
		return
	}
	denied, _ := n.call.Denied()
	r.job.LinkDone(LinkReport{ID: r.job.Doc.ID(), Chain: r.chain.Name, Link: n.step.Name, Module: n.step.Module, Digest: n.step.Digest, Index: n.index,
		Outcome: outcome, Began: n.began, Took: n.took, Used: n.call.Used(), Memory: n.call.Memory(), Denied: denied})
}

func outcome(v hostabi.Verdict, err error) string {
	switch {
	case err != nil && Retryable(err):
		return "retry"
	case err != nil:
		return "failed"
	case v == hostabi.Halt:
		return "halt"
	case v == hostabi.NoChange:
		return "no_change"
	}
	return "done"
}

// checkpoint hands over what was done so far when a request left the house.
func (r *run) checkpoint(ctx context.Context, paid bool) error {
	if !paid || r.job.Checkpoint == nil {
		return nil
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	p, err := r.take()
	if err != nil {
		return err
	}
	return r.job.Checkpoint(ctx, p)
}
