// Package hostabi is what a link meets: the host functions of the guest ABI "vcon:link/v1" as methods of Call.
//
// A Call serves one run of one link over one vCon. Builtin links call its methods directly (they satisfy the Host
// interface of sdk/go), sandboxed guests through a binding in runtime/wasm; both under the same capabilities and
// quotas. No type of a WebAssembly runtime appears here.
//
// Each method is one row of the ABI: a []byte stands for pointer and length, results are the ABI's integers, below zero
// an Errno whose reason ErrorText tells. A method that fills an out buffer gives the full length and writes nothing
// when that exceeds len(out); an empty out asks for the size. Checks come in this order: handle, syntax, grant, quota,
// then the work.
//
// Guarantees: nothing is granted that Options do not grant; edits and effects are staged, and only the caller keeps
// them, after the run; memory of the guest is only touched during a call; the value of a Secret is in nothing that a link
// gets or prints, but for an access key id in a presigned URL. Left to others: binding guests (memory, fuel), committing
// what was staged. Source: vcon:link/v1, version 1.0; docs/rationale.md says what was decided beyond its text.
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

// Options make a Call. The zero value of everything but Doc grants nothing.
type Options struct {
	// Doc is handle 1; edits are staged here, the caller rolls back when the run fails. nil: this Call serves the
	// start of a module (init), where only abi_info, config_read, log, error_set and error_text work.
	Doc *vcon.Draft

	Link, Chain, List string
	Attempt           int       // from 1; 0 = 1
	Deadline          time.Time // zero: that of the context
	Run               [16]byte
	Step              string // "name#ordinal", for idempotency keys
	Digest            string // of the module; "" for a builtin
	TraceParent       string
	Config            json.RawMessage // the link's options, an object; nil = {}
	Domain            string          // for uuids of created vCons
	Format            string          // format version that doc_read as=3 gives the whole document in, "" = as stored; an option format_version of the link wins

	Grants  Grants
	Limits  Limits
	HTTP    outbound.Doer                                       // nil: no HTTP
	Alive   func() bool                                         // asked before each request that would leave; false refuses it; nil: always
	Memo    Memo                                                // nil: answers are not remembered
	KV      KV                                                  // nil: -10
	Exists  func(ctx context.Context, id vcon.ID) (bool, error) // for vcon_create; nil: none exists
	ListErr func(name string) error                             // refuses illegal list names; nil: only "" and control characters are
	Log     func(level int, line string)                        // nil: dropped
	Metric  func(kind int, name string, value float64)          // nil: dropped
	TempDir string                                              // for streams above 1 MiB; "" = os.TempDir
}

// Grants are the capabilities of one link.
type Grants struct {
	Read, Write     Paths           // JSON Pointer prefixes, "*" one step, "-" append
	Tags            bool            // the word "tags" in write
	HTTP            outbound.Policy // zero: nothing
	Fetch           Fetch           // zero: nothing
	Secrets         []Secret        // of two with one name the first counts
	Queues          []string        // lists that route and vcon_create may name
	TTL, Create, KV bool
}

// Memo keeps answers of paid calls over redelivery.
type Memo interface {
	Load(ctx context.Context, key [32]byte) (answer []byte, ok bool, err error)
	Save(ctx context.Context, key [32]byte, answer []byte) error
}

// KV is a link's small store, scoped to it by the caller. A nil old means "must be absent", a nil value "remove".
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
	Expire  *time.Duration // 0 = at the end of the chain
}

// Created is a vCon that the run made.
type Created struct {
	ID      vcon.ID
	Text    []byte
	Lists   []string
	Current bool // it becomes the chain's vCon
}

// Call is one run of one link. Not safe for concurrent use.
type Call struct {
	ctx    context.Context
	cancel context.CancelFunc
	o      Options
	limits Limits // filled in
	used   Limits
	memory int64 // most bytes of guest memory
	closed bool
	starts bool // the module starts: see Starting

	doc     *vcon.Draft // what handle 1 reads: Options.Doc, or the payload of a signed vCon
	sealed  string      // why nothing may be written, "" = it may
	handles handles
	body    bodyCache
	urls    map[string]bool // that StreamFetch may follow

	masker   *masker
	inputs   *Paths // what of the document a command was sent; nil: no command
	effects  Effects
	delay    *time.Duration
	failText string
	calling  string // name of the call that is going on
	errText  string
	lastErr  Errno
	denied   []string
	denials  int
	metrics  map[string]bool
	answered map[[32]byte]uint32 // requests by method, url and body, that had their answer in this run
	sent     int
	requests []Request
}

// New begins a run. ctx bounds every call that waits.
func New(ctx context.Context, o Options) *Call {
	c := &Call{o: o, limits: o.Limits.withDefaults(), cancel: func() {}, masker: newMasker(o.Grants.Secrets)}
	c.ctx = ctx
	if !o.Deadline.IsZero() {
		c.ctx, c.cancel = context.WithDeadline(ctx, o.Deadline)
	}
	if o.Doc != nil {
		c.openDocument()
		c.urls = c.givenURLs()
	}
	return c
}

// Staged is the document with the edits so far. Errors: *vcon.ParseError when they make it larger than it may be.
func (c *Call) Staged() (*vcon.VCon, error) { return c.o.Doc.VCon() }

// Effects are those staged so far.
func (c *Call) Effects() Effects { return c.effects }

// RetryDelay is the delay asked for with retry_after; ok false when none was.
func (c *Call) RetryDelay() (d time.Duration, ok bool) {
	if c.delay == nil {
		return 0, false
	}
	return *c.delay, true
}

// Failure is the text of error_set, "" when none.
func (c *Call) Failure() string { return c.failText }

// Sent counts the HTTP requests of the run, fetches too (not those answered from Memo).
func (c *Call) Sent() int { return c.sent }

// Close ends the run: every handle is closed, temporary files are removed. No method may be called afterwards but
// Staged, Effects, RetryDelay, Failure, Sent, Requests, Used, Denied, LastError and Mask. Closing twice does no harm.
func (c *Call) Close() {
	c.closed = true
	c.handles.closeAll()
	c.body = bodyCache{}
	c.cancel()
}

// Narrow bounds everything that still waits in this call by ctx, which must come from the one that New was given: the
// run's own limit of time, say.
func (c *Call) Narrow(ctx context.Context) { c.ctx = ctx }

// Starting says that the guest starts now, or has started. While it does, only abi_info, config_read, log, error_set and
// error_text work, and config_read tells nothing of this run, so that what a guest makes of its start is the same for
// every vCon.
func (c *Call) Starting(yes bool) { c.starts = yes }

// Exhausted reports that the run has used up its host calls: whoever binds guests ends it then.
func (c *Call) Exhausted() bool { return !fits(c.used.HostCalls, 1, c.limits.HostCalls) }

// Limits are the quotas of this run, defaults filled in.
func (c *Call) Limits() Limits { return c.limits }

// NoteMemory records the size of the guest's memory in bytes.
func (c *Call) NoteMemory(bytes int64) { c.memory = max(c.memory, bytes) }

// Memory is the most that the guest's memory had in bytes; 0 for builtin links.
func (c *Call) Memory() int64 { return c.memory }

// OutsideMemory answers a call of the named function whose bytes are not in the guest's memory.
func (c *Call) OutsideMemory(name string) Errno {
	c.used.HostCalls++
	return c.failf(BadMemory, "%s: a pointer and length reach outside the guest's memory", name)
}

// enter counts a call and refuses it outside a run; code is 0 when the call may go on.
func (c *Call) enter(name string) Errno {
	c.used.HostCalls++
	c.calling = name
	if c.closed {
		return Unsupported
	}
	if c.o.Doc == nil || c.starts {
		return c.failf(Unsupported, "%s: not while the module starts", name)
	}
	return 0
}

// give answers a call that has a byte string as its result.
func give(value, out []byte) int64 {
	if len(value) <= len(out) {
		copy(out, value)
	}
	return int64(len(value))
}
