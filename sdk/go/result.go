package link

import (
	"errors"
	"time"
)

// Verdict is what a run ends with, as the ABI numbers it.
type Verdict int32

// The verdicts.
const (
	VerdictDone     Verdict = 0  // edits and effects are kept, the chain goes on
	VerdictHalt     Verdict = 1  // edits and effects are kept, the chain ends here
	VerdictRetry    Verdict = 2  // nothing is kept, the link runs again later
	VerdictNoChange Verdict = 3  // nothing is kept, the chain goes on
	VerdictFailed   Verdict = -1 // nothing is kept, the vCon goes to the dead letters or on_error decides
)

// maxRetryAfter is the longest delay that the host takes.
const maxRetryAfter = time.Hour

// Result is how a run ends. Make it with Done, Halt, NoChange, Fail or Retry.
type Result struct {
	Verdict Verdict
	Err     error         // why, for VerdictFailed and VerdictRetry
	After   time.Duration // with VerdictRetry: not before; 0 = as the link's config says
}

// Done keeps what was changed; the chain goes on.
//
//	return link.Done()
func Done() Result { return Result{Verdict: VerdictDone} }

// Halt keeps what was changed and ends the chain: later links, storages and egress lists do not get the vCon.
//
//	if spam {
//		return link.Halt()
//	}
func Halt() Result { return Result{Verdict: VerdictHalt} }

// NoChange drops whatever was changed; the chain goes on.
//
//	if !interesting {
//		return link.NoChange()
//	}
func NoChange() Result { return Result{Verdict: VerdictNoChange} }

// Fail ends the run with an error. When the error is of the kind that passes (a network error, a time-out, an HTTP
// status 408, 425, 429 or 5xx: anything with a method Retryable() bool that says so), the link runs again later, at
// the time that the peer asked for; otherwise the vCon goes to the dead letters.
//
//	response, err := c.Send(request)
//	if err != nil {
//		return link.Fail(err)
//	}
func Fail(err error) Result {
	if err == nil {
		err = errors.New("failed without saying why")
	}
	if !Retryable(err) {
		return Result{Verdict: VerdictFailed, Err: err}
	}
	r := Retry(err, 0)
	if status, ok := errors.AsType[*StatusError](err); ok {
		r.After = status.RetryAfter
	}
	return r
}

// Retry ends the run; the link runs again later, after at least the given time (0 = as the link's config says, at most
// an hour).
//
//	if job.Status == "running" {
//		return link.Retry(errors.New("the transcript is not ready"), 30*time.Second)
//	}
func Retry(why error, after time.Duration) Result {
	return Result{Verdict: VerdictRetry, Err: why, After: after}
}

// Retryable reports whether an error may pass: the first in its tree with a method Retryable() bool decides.
//
//	if err := c.PostJSON(o.URL, v, nil); link.Retryable(err) { … }
func Retryable(err error) bool {
	var r interface{ Retryable() bool }
	return errors.As(err, &r) && r.Retryable()
}
