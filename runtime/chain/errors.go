package chain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// ErrTimeout ends a run that took longer than its chain's timeout.
var ErrTimeout = errors.New("chain: timeout of the chain")

// Reasons of a LinkError, as they stand in a dead letter.
const (
	ReasonFailed = "link_failed"   // not retryable
	ReasonTries  = "tries_used"    // retryable, but every attempt failed
	ReasonTracer = "tracer_failed" // a tracer that may fail the vCon did
)

// LinkError is why a run stopped at a link.
type LinkError struct {
	Chain, Link    string
	Module, Digest string // as in Step
	Reason         string // of the dead letter, if it comes to one
	Again          *Again // another attempt; nil: none
	Err            error
}

// Error names link, module, digest and cause.
func (e *LinkError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "link %q", e.Link)
	switch {
	case e.Module != "" && e.Digest != "":
		fmt.Fprintf(&b, " (%s, %s)", e.Module, e.Digest)
	case e.Module != "":
		fmt.Fprintf(&b, " (%s)", e.Module)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *LinkError) Unwrap() error { return e.Err }

// Retryable reports whether the same operation may succeed later: a LinkError with another attempt ahead, an error that
// says so itself (a method Retryable() bool anywhere in its chain decides), a deadline, a network error.
func Retryable(err error) bool {
	var link *LinkError
	if errors.As(err, &link) {
		return link.Again != nil
	}
	return retryable(err)
}

func retryable(err error) bool {
	var r interface{ Retryable() bool }
	if errors.As(err, &r) {
		return r.Retryable()
	}
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) || errors.As(err, &n)
}

// Permanent marks an error that no repetition mends, such as a document larger than a storage takes. nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &marked{err: err}
}

// IsPermanent reports whether an error says of itself that no repetition mends it.
func IsPermanent(err error) bool {
	var r interface{ Retryable() bool }
	return errors.As(err, &r) && !r.Retryable()
}

type marked struct {
	err   error
	again bool
}

func (m *marked) Error() string   { return m.err.Error() }
func (m *marked) Unwrap() error   { return m.err }
func (m *marked) Retryable() bool { return m.again }

// panicError is a panic of a link, tracer or storage, as an error.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string {
	return fmt.Sprintf("panic: %v\n%s", p.value, firstLines(p.stack, 24))
}

// Retryable is false: what panicked on this document panics again.
func (p *panicError) Retryable() bool { return false }

func firstLines(b []byte, n int) []byte {
	for i, c := range b {
		if c == '\n' {
			if n--; n == 0 {
				return b[:i]
			}
		}
	}
	return b
}
