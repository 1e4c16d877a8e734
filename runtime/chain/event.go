package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// Tracer watches documents between links. Safe for concurrent use; the events of one vCon come one after the other.
type Tracer interface {
	// Trace is called before the first link (Index -1) and after each link that ran, in order, failed ones included, and
	// before anything that the link did is committed. Its error fails the vCon only when the tracer's config says so
	// (dlq_vcon_on_error); after a link that failed it is only told.
	Trace(ctx context.Context, e Event) error
	Close() error
}

// Flusher is a tracer whose events are not durable when Trace returns. Flush makes those durable that were traced before
// the call; it comes before each checkpoint and at the end of each run, and its error counts as one of Trace.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Event is what a Tracer sees. It holds the documents and the edits, and with them content; what a tracer writes down of
// them is its own choice. Nothing in it may be changed.
type Event struct {
	ID          vcon.ID // of the leased vCon
	List, Chain string
	Run         [16]byte
	Attempt     int      // from 1
	Links       []string // names, in order
	Index       int      // -1 before the first

	Step                 string // "name#ordinal"; "" before the first, as everything of the link
	Link, Module, Digest string // as in Step
	Grants               hostabi.Grants

	// In and Out are the document before and after; InSum and OutSum the SHA-256 of their bytes. After a link that failed
	// or changed nothing both are the same.
	In, Out       *vcon.VCon
	InSum, OutSum [sha256.Size]byte

	Edits    []vcon.Edit // that are kept
	Effects  Effects     // that are kept
	Requests []hostabi.Request
	Denied   []string // what was asked for and not granted; nothing of the vCon is in it

	Outcome Outcome
	Verdict hostabi.Verdict
	Reason  string // of Retry and Failed, as in LinkError
	Class   Class  // of the error; "" when there is none
	Began   time.Time
	Took    time.Duration
}

// Outcome says how a link's run ended.
type Outcome string

// The outcomes. Edits and effects are kept on done and halt.
const (
	OutcomeStart       Outcome = "start" // before the first link
	OutcomeDone        Outcome = "done"
	OutcomeHalt        Outcome = "halt"
	OutcomeNoChange    Outcome = "no_change"
	OutcomeRetry       Outcome = "retry"       // failed, and is run again later
	OutcomeFailed      Outcome = "failed"      // failed for good
	OutcomeSkipped     Outcome = "skipped"     // failed for good, and on_error passes over it
	OutcomeInterrupted Outcome = "interrupted" // called off: a shutdown, a lost lease
)

// Class says of what kind an error is, in one of a few words: what errors say is a link's, and may be content.
type Class string

// The classes of errors; an error with a method ErrorClass() string, as those of sandboxed links, has one of its own.
const (
	ClassTimeout   Class = "timeout"   // of the chain, the link or a request
	ClassNetwork   Class = "network"   // a peer was not reached, or broke off
	ClassPanic     Class = "panic"     // of a builtin link
	ClassAsked     Class = "asked"     // the link itself asks to be run again
	ClassRetryable Class = "retryable" // another error that may pass
	ClassFinal     Class = "final"     // an error that no repetition mends
)

// classify gives an error its class.
func classify(err error, v hostabi.Verdict) Class {
	var own interface{ ErrorClass() string }
	var n net.Error
	_, isPanic := errors.AsType[*panicError](err)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &own):
		return Class(own.ErrorClass())
	case isPanic:
		return ClassPanic
	case errors.Is(err, ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout():
		return ClassTimeout
	case errors.As(err, &n):
		return ClassNetwork
	case v == hostabi.Retry:
		return ClassAsked
	case retryable(err):
		return ClassRetryable
	}
	return ClassFinal
}
