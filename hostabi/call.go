// Package hostabi is what a link meets: the host functions of the guest ABI "vcon:link/v1" as methods of Call.
//
// A Call serves one run of one link over one vCon. Builtin links call its methods directly (they satisfy the Host
// interface of sdk/go), sandboxed guests through a binding in runtime/wasm; both under the same capabilities and
// quotas. No type of a WebAssembly runtime appears here.
//
// Guarantees: nothing is granted that Options do not grant; edits and effects are staged, and only the caller keeps
// them, after the run; memory of the guest is only touched during a call. Source: ABI.md.
package hostabi

import (
	"context"
	"encoding/json"
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/vcon"
)

// Verdict is what a link's run returned.
type Verdict int32

// The verdicts of the ABI; any other value is a failure. Edits and effects are kept on Done and Halt.
const (
	Done     Verdict = 0
	Halt     Verdict = 1
	Retry    Verdict = 2
	NoChange Verdict = 3
	Failed   Verdict = -1 // the value itself is free; this is the one that our own code uses
)

// Options make a Call. Doc is required; the zero value of everything else grants nothing.
type Options struct {
	Doc *vcon.Draft // handle 1; edits are staged here, the caller rolls back when the run fails

	Link, Chain, List string
	Attempt           int       // from 1
	Deadline          time.Time // zero: that of the context
	Run               [16]byte
	Step              string // "name#ordinal", for idempotency keys
	Digest            string // of the module; "" for a builtin
	TraceParent       string
	Config            json.RawMessage // the link's options, an object; nil = {}
	Domain            string          // for uuids of created vCons

	Grants Grants
	HTTP   outbound.Doer                                       // nil: no HTTP
	Alive  func() bool                                         // asked before each request that would leave; false refuses it; nil: always
	Memo   Memo                                                // nil: answers are not remembered
	KV     KV                                                  // nil: -10
	Exists func(ctx context.Context, id vcon.ID) (bool, error) // for vcon_create; nil: none exists
	Log    func(level int, line string)                        // nil: dropped
	Metric func(kind int, name string, value float64)          // nil: dropped
}

// Grants are the capabilities of one link.
type Grants struct {
	Read, Write     Paths           // JSON Pointer prefixes, "*" one step, "-" append
	Tags            bool            // the word "tags" in write
	HTTP            outbound.Policy // zero: nothing
	Queues          []string        // lists that route and vcon_create may name
	TTL, Create, KV bool
}

// Paths are granted pointer patterns. All grants everything; Not takes away.
type Paths struct {
	All   bool
	Allow []string
	Not   []string
}

// Memo keeps answers of paid calls over redelivery.
type Memo interface {
	Load(ctx context.Context, key [32]byte) (answer []byte, ok bool, err error)
	Save(ctx context.Context, key [32]byte, answer []byte) error
}

// KV is a link's small store, scoped to it by the caller.
type KV interface {
	Get(ctx context.Context, key string) ([]byte, bool, error)
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
	CAS(ctx context.Context, key string, old, value []byte, ttl time.Duration) (swapped bool, err error)
	Del(ctx context.Context, key string) (existed bool, err error)
}

// Effects are what the run asked for outside the document.
type Effects struct {
	Routes  []string
	Creates []Created
	Expire  *time.Duration
}

// Created is a vCon that the run made.
type Created struct {
	ID      vcon.ID
	Text    []byte
	Lists   []string
	Current bool
}

// Call is one run of one link. Not safe for concurrent use.
type Call struct {
	ctx context.Context
	o   Options
}

// New begins a run. ctx bounds every call that waits.
func New(ctx context.Context, o Options) *Call { return &Call{ctx: ctx, o: o} }

// Effects are those staged so far.
func (c *Call) Effects() Effects { panic("hostabi: next commit") }

// RetryDelay is the delay asked for with retry_after; ok false when none was.
func (c *Call) RetryDelay() (d time.Duration, ok bool) { panic("hostabi: next commit") }

// Failure is the text of error_set, "" when none.
func (c *Call) Failure() string { panic("hostabi: next commit") }

// Sent counts the HTTP requests of the run (not those answered from Memo).
func (c *Call) Sent() int { panic("hostabi: next commit") }

// Close ends the run: every handle is closed, temporary files are removed. No method may be called afterwards but the
// four above.
func (c *Call) Close() { panic("hostabi: next commit") }
