// Package chain runs one chain over one vCon: its links in order, tracers between them; and it is the contract that
// links, storages and tracers fulfil.
//
// A link changes the document only through its hostabi.Call, and what it asks for outside the document is recorded
// there. A failed link leaves no trace in the document. Left to others: leases, commits, retries (runtime/worker).
package chain

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// Link is one step of a chain, builtin or module. Safe for concurrent use.
type Link interface {
	// Run works on the call's document. The error is why a Failed or Retry verdict came about; with Done, Halt and
	// NoChange it is nil. Retryable says which errors are worth another attempt.
	Run(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error)
	Close(ctx context.Context) error
}

// Storage keeps finished vCons. Safe for concurrent use. Whoever wraps it adds timeouts, retries and metrics.
type Storage interface {
	// Save keeps doc under its uuid, replacing an older revision; the same call again does no harm. rev is the
	// revision of the live store: a storage that can make its write conditional on it refuses older ones, but never an
	// equal one, as after a crash of the machine one number can name two texts, and the later one counts.
	Save(ctx context.Context, doc *vcon.VCon, rev uint64) error
	Close() error
}

// Reader is a storage that can give a vCon back. Errors: ErrNotStored.
type Reader interface {
	Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error)
}

// Deleter is a storage that can delete. An unknown id is no error.
type Deleter interface {
	Delete(ctx context.Context, id vcon.ID) error
}

// Appender is a storage in which the same Save twice is seen twice (a webhook, a ledger): its successes are marked in
// the job at once.
type Appender interface{ Appends() bool }

// ErrNotStored is a Reader's answer for an id that it does not hold.
var ErrNotStored = errors.New("chain: not in this storage")

// ErrClosed is the answer of a storage or tracer after Close.
var ErrClosed = errors.New("chain: closed")

// OpenStorage makes a storage from its options (a JSON object, nil = {}). It checks every option and reports all
// problems at once; it may connect. name is the storage's name in the config.
type OpenStorage func(ctx context.Context, name string, options json.RawMessage) (Storage, error)

// OpenTracer is OpenStorage for tracers.
type OpenTracer func(ctx context.Context, name string, options json.RawMessage) (Tracer, error)
