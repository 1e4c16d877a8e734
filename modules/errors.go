package modules

import (
	"errors"
	"fmt"
)

// What can be wrong with a module. Each error of Get and ParseRef wraps exactly one of these, or the error of the
// caller's context.
var (
	// ErrRef: the text is no ref, or one that is never fetched.
	ErrRef = errors.New("bad module ref")
	// ErrUnsupported: the ref is right, but this server cannot get modules from there.
	ErrUnsupported = errors.New("not built into this server yet")
	// ErrNoPin: there is no digest to check against. See PinError.
	ErrNoPin = errors.New("not pinned")
	// ErrDigest: what is there has another digest. See DigestError.
	ErrDigest = errors.New("wrong digest")
	// ErrNotFound: there is no such file, or the server says so.
	ErrNotFound = errors.New("not found")
	// ErrTooLarge: it is larger than allowed, or unpacks out of all proportion.
	ErrTooLarge = errors.New("too large")
	// ErrDenied: we may not have it. The server refused (401, 403), its certificate or address is not one that we may
	// trust, or the token or CA that the source names cannot be read.
	ErrDenied = errors.New("denied")
	// ErrUnavailable: it could not be had now: the network, a time limit, a server in trouble. It may heal by itself.
	ErrUnavailable = errors.New("unavailable")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store of modules is closed")
)

// PinError says that a ref has no pin. It is an ErrNoPin.
type PinError struct {
	Ref Ref
	// Actual is the digest of what a file: ref names, to be written as its pin; zero for other kinds, and for a file that is
	// no module: digests of other files are nobody's business.
	Actual Digest
}

func (e *PinError) Error() string {
	switch {
	case !e.Actual.IsZero():
		return fmt.Sprintf("module %s: not pinned; pin it: sha256: %s", e.Ref, e.Actual.Hex())
	case e.Ref.kind == File:
		return fmt.Sprintf("module %s: not pinned, and no WebAssembly module", e.Ref)
	}
	return fmt.Sprintf("module %s: not pinned; pin it with the SHA-256 of its bytes: sha256: and 64 hex digits", e.Ref)
}

func (e *PinError) Unwrap() error { return ErrNoPin }

// DigestError says that what is at Ref is not what was pinned. It is an ErrDigest.
type DigestError struct {
	Ref       Ref
	Want, Got Digest
	// Wasm says that what is there begins like a module. Where it does not, the text leaves out Got, which would be the
	// digest of whatever file or page was named.
	Wasm bool
}

func (e *DigestError) Error() string {
	if !e.Wasm {
		return fmt.Sprintf("module %s: wrong digest: want %s, and what is there is no WebAssembly module", e.Ref, e.Want)
	}
	return fmt.Sprintf("module %s: wrong digest: want %s, got %s", e.Ref, e.Want, e.Got)
}

func (e *DigestError) Unwrap() error { return ErrDigest }

// verify says whether the bytes that ref gave are the pinned ones.
func verify(ref Ref, want Digest, wasm []byte) error {
	if got := DigestOf(wasm); got != want {
		return &DigestError{Ref: ref, Want: want, Got: got, Wasm: isWasm(wasm)}
	}
	return nil
}
