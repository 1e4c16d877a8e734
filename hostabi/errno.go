package hostabi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// Errno is a negative result of a host function.
type Errno int32

// The codes of the ABI. Minor versions may add codes; a guest treats an unknown one as a failure.
const (
	NotFound    Errno = -1  // nothing is there, or it may not be read
	WrongType   Errno = -2  // value of another type, or its encoding is broken
	BadPointer  Errno = -3  // not RFC 6901
	BadMemory   Errno = -4  // outside the guest's memory; given by the binding alone
	Denied      Errno = -5  // not granted
	OverQuota   Errno = -6  // a limit of the run is used up
	TimedOut    Errno = -7  // the call's or the run's time is over
	Network     Errno = -8  // the peer could not be reached, or broke off
	Conflict    Errno = -9  // a test failed, a value differs, a uuid exists
	Unsupported Errno = -10 // not here: another build, another version, outside a run
	Invalid     Errno = -11 // an argument makes no sense
	Cancelled   Errno = -12 // the run was called off
)

var errnoNames = [...]string{"ok", "not found", "wrong type", "bad pointer", "outside memory", "denied", "over quota", "timed out",
	"network", "conflict", "unsupported", "invalid argument", "cancelled"}

// String is the code's meaning in a word or two.
func (e Errno) String() string {
	if e > 0 || int(-e) >= len(errnoNames) {
		return fmt.Sprintf("error %d", int32(e))
	}
	return errnoNames[-e]
}

// callError is a failed call on its way to the guest: the code and the text of error_text.
type callError struct {
	code Errno
	text string
}

func (e *callError) Error() string { return e.text }

func failure(code Errno, format string, args ...any) *callError {
	return &callError{code, fmt.Sprintf(format, args...)}
}

// fail records why a call failed and gives its code. Only failures change error_text.
func (c *Call) fail(e *callError) Errno {
	c.errText, c.lastErr = c.masker.text(e.text), e.code
	if e.code == Denied {
		c.noteDenied()
	}
	return e.code
}

// maxDenials is how many different refusals a run remembers.
const maxDenials = 16

// noteDenied remembers the refusal that errText tells, with the name of the call that met it.
func (c *Call) noteDenied() {
	c.denials++
	text := c.errText
	if !strings.HasPrefix(text, c.calling+": ") {
		text = c.calling + ": " + text
	}
	text = escape(cutText([]byte(text), maxLine), "")
	if len(c.denied) < maxDenials && !slices.Contains(c.denied, text) {
		c.denied = append(c.denied, text)
	}
}

// Denied tells what the run was refused because nothing grants it: up to 16 different texts, in the order in which they
// came up, such as `http_send: GET https://a.example denied: ...`, and how often anything was refused.
func (c *Call) Denied() (texts []string, count int) { return c.denied, c.denials }

// LastError is the code of the last call that failed, 0 when none did. ErrorText tells why.
func (c *Call) LastError() Errno { return c.lastErr }

// failf is fail for a new failure.
func (c *Call) failf(code Errno, format string, args ...any) Errno {
	return c.fail(failure(code, format, args...))
}

// documentError gives an error of package vcon its code. What the document holds never gets into the text.
func documentError(pointer string, err error) *callError {
	switch {
	case errors.Is(err, vcon.ErrAbsent):
		return failure(NotFound, "%q: nothing is there", pointer)
	case errors.Is(err, vcon.ErrPointer):
		return failure(BadPointer, "%q is no JSON pointer", pointer)
	case errors.Is(err, vcon.ErrType):
		return failure(WrongType, "%q: the value there is of another type", pointer)
	case errors.Is(err, vcon.ErrReadOnly):
		return failure(Denied, "%q cannot be written", pointer)
	case errors.Is(err, vcon.ErrConflict):
		return failure(Conflict, "%q: the document has changed", pointer)
	default: // ErrValue, and what later versions of vcon refuse
		return failure(Invalid, "%q: %v", pointer, err)
	}
}

// waitError gives an error of a call that waits its code.
func waitError(what string, err error) *callError {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failure(TimedOut, "%s: timed out: %v", what, err)
	case errors.Is(err, context.Canceled):
		return failure(Cancelled, "%s: cancelled", what)
	default:
		return failure(Network, "%s: %v", what, err)
	}
}
