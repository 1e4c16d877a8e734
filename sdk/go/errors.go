package link

import (
	"fmt"
	"strings"
	"time"
)

// Code is why a host function failed. It is an error itself, so that errors.Is finds it:
//
//	if errors.Is(err, link.NotFound) { … }
type Code int32

// The codes of the ABI; later versions may add some.
const (
	NotFound    Code = -1  // nothing is there, or it may not be read
	WrongType   Code = -2  // a value of another type, or its encoding is broken
	BadPointer  Code = -3  // not RFC 6901
	BadMemory   Code = -4  // outside the guest's memory
	Denied      Code = -5  // the config does not grant it
	OverQuota   Code = -6  // a limit is used up
	TimedOut    Code = -7  // the call's or the run's time is over
	Network     Code = -8  // the peer could not be reached
	Conflict    Code = -9  // a test failed, a value differs, a uuid exists
	Unsupported Code = -10 // not on this host
	Invalid     Code = -11 // an argument makes no sense
	Cancelled   Code = -12 // the run was called off
)

var codeNames = [...]string{"ok", "not found", "wrong type", "bad pointer", "outside memory", "denied", "over quota", "timed out", "network",
	"conflict", "unsupported", "invalid argument", "cancelled"}

func (c Code) Error() string {
	if c > 0 || int(-c) >= len(codeNames) {
		return fmt.Sprintf("code %d", int32(c))
	}
	return codeNames[-c]
}

// Error is a host function that failed.
//
//	if failed, ok := errors.AsType[*link.Error](err); ok && failed.Op == "http_send" { … }
type Error struct {
	Op   string // "http_send"
	Code Code
	Text string // the host's words
}

func (e *Error) Error() string {
	switch {
	case e.Text == "":
		return e.Op + ": " + e.Code.Error()
	case strings.HasPrefix(e.Text, e.Op):
		return e.Text
	}
	return e.Op + ": " + e.Text
}

// Unwrap gives the Code, for errors.Is.
func (e *Error) Unwrap() error { return e.Code }

// Retryable reports what may pass: a network error or a time-out.
func (e *Error) Retryable() bool { return e.Code == Network || e.Code == TimedOut }

// StatusError is an HTTP answer that is not what was hoped for.
//
//	if status, ok := errors.AsType[*link.StatusError](err); ok && status.Status == 409 {
//		return link.NoChange() // they have it already
//	}
type StatusError struct {
	Status     int
	Origin     string        // scheme and host of the URL; the rest may be a secret
	RetryAfter time.Duration // what the peer asked for; 0 = nothing
}

func (e *StatusError) Error() string { return fmt.Sprintf("%s answered %d", e.Origin, e.Status) }

// Retryable reports 408, 425, 429 and 5xx.
func (e *StatusError) Retryable() bool {
	return e.Status == 408 || e.Status == 425 || e.Status == 429 || e.Status >= 500
}

// fail makes the error of a host function that gave a negative result.
func (c *Call) fail(op string, code int64) error {
	e := &Error{Op: op, Code: Code(code)}
	out := make([]byte, 2048)
	if n := c.Host.ErrorText(out); n > 0 && n <= int64(len(out)) {
		e.Text = string(out[:n])
	}
	return e
}
