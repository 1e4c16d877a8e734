// Package queue is the contract of the live store: documents, lists, leases and dead letters in one place, so that one
// transaction covers them.
//
// What it guarantees: an accepted Submission is durable and on its lists, or the call failed; one holder per uuid over
// all lists, fenced by a random token; an entry leaves an ingress list only by being leased, and a lease that runs out
// returns it to the head; edits merge into whatever the document has become (Commit); what Finish does, it does
// together and once. Every call may be repeated after a lost reply: the same operation gives the same answer.
//
// Order of calls for one vCon: Lease, Checkpoint*, Commit, (the storages save), Finish; or Release or Fail at any point.
//
// Left to others: running links and saving to storages (runtime), HTTP (api), what a document means (vcon).
// Backends: queue/embedded; the suite that every backend passes: queue/queuetest.
package queue

import (
	"context"
	"iter"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// Queue is the whole store. Take the smallest of its parts in constructors.
type Queue interface {
	Submitter
	Documents
	Leaser
	Lists
	DeadLetters
	Accounts
	KV
	// Ready says whether the store can be used now, cheaply; it never blocks longer than ctx.
	Ready(ctx context.Context) Health
	// Close ends the store; calls under way finish or fail with ErrClosed.
	Close() error
}

// Health is the state of a store.
type Health struct {
	OK     bool   `json:"ok"`
	Store  string `json:"store"`            // embedded | redis
	Tier   string `json:"tier"`             // what an acknowledged write survives: "any one crash", ...
	Detail string `json:"detail,omitempty"` // why not OK, or what to know
}

// Rev counts our own writes of one document, from 1.
type Rev uint64

// Submitter takes documents in.
type Submitter interface {
	// Submit stores the document with its indexes and appends it to its lists, all or nothing, durable on return.
	// A uuid that exists is replaced: its generation goes up, older jobs and journals are dropped, a holder of the
	// older one gets ErrSuperseded. Errors: ErrIdempotency, ErrListName, ErrQuota, ErrFull, ErrUnavailable, ErrClosed.
	Submit(ctx context.Context, s Submission) (Receipt, error)
	// Enqueue appends existing documents to a list, in order, and returns the ids that no document has (those are not
	// appended). Errors: ErrListName, ErrFull, ErrUnavailable.
	Enqueue(ctx context.Context, list string, ids []vcon.ID) (missing []vcon.ID, err error)
}

// Submission is one document on its way in.
type Submission struct {
	Doc   *vcon.VCon
	Lists []string // empty: stored, not queued. The same name twice counts once
	// Principal names who submits (scope of IdempotencyKey, account of Usage): a key's name, never the key. "" = nobody in
	// particular, who is not counted.
	Principal string
	// Quota is how many vCons this Principal may have stored in one UTC day of the store's clock, over all lists; 0 = any number.
	// A retry that changes nothing costs nothing.
	Quota          int64
	IdempotencyKey string        // remembered 24 h with the body's hash; "" = none
	Dedupe         time.Duration // the same bytes for the same list within this time are a retry; 0 = off
	Lifetime       time.Duration // of a document that is never queued; 0 = for ever
	Context        []byte        // trace context handed to the lease; may be nil
}

// Receipt answers Submit.
type Receipt struct {
	Gen       uint64 // how often this uuid was submitted, from 1
	Rev       Rev
	Replaced  bool // the uuid existed
	Duplicate bool // a retry: nothing was changed, the other fields are the first answer's
}

// Documents reads and removes live documents.
type Documents interface {
	// Get is the document as of the last commit. Errors: ErrNotFound (none, or deleted), ErrUnavailable; never mixed up.
	Get(ctx context.Context, id vcon.ID) (*vcon.VCon, Rev, error)
	// GetMany is Get for many, nil where there is none.
	GetMany(ctx context.Context, ids []vcon.ID) ([]*vcon.VCon, error)
	// Restore puts a document back that a storage still had; it never replaces an existing or deleted one.
	// lifetime 0 = for ever.
	Restore(ctx context.Context, doc *vcon.VCon, lifetime time.Duration) error
	// Delete leaves a tombstone (30 d) and a durable job on DeleteList that deletes in the storages. The document,
	// its jobs, indexes and dead letters go in the same transaction. An unknown id is no error.
	Delete(ctx context.Context, id vcon.ID) error
	// List yields ids newest first (by created_at, else arrival, to the second), ties by id descending.
	List(ctx context.Context, r Range) iter.Seq2[vcon.ID, error]
	// Search gives the ids that match all terms; no hit for one term = none. Newest first, in the order of List. What was
	// stored before the call is found, what was replaced or deleted is not. Errors: *QueryError for Terms.Text; ErrBehind,
	// beside ids that are right, when documents that came lately are not among those a text can find yet.
	Search(ctx context.Context, t Terms) ([]vcon.ID, error)
	// Reindex rebuilds the indexes of every document and returns how many documents there are.
	Reindex(ctx context.Context) (int, error)
}

// Range selects a page of List. Zero times are open ends; Since and Until are inclusive, cut to whole seconds.
type Range struct {
	Since, Until time.Time
	Offset       int
	Limit        int // < 0 = all
}

// Terms say what Search looks for. Tel, Mailto and Name are exact, case-sensitive party fields; a tel or mailto matches
// with and without its URI scheme on either side. Text is a query in the language of ParseQuery over what the document
// says (vcon.VCon.Prose). Empty terms are not asked; with none of the four nothing is found.
type Terms struct {
	Tel, Mailto, Name string
	Text              string
	Since, Until      time.Time // of created_at, as in Range
	Offset, Limit     int       // a page of what is found; Limit <= 0 = all
}

// ProseLimit is how many bytes of a document's text a backend indexes.
const ProseLimit = 256 << 10

// Internal lists, leased like any other. User-chosen names never collide with them (CheckListName).
const (
	DeleteList = "vconduit:delete" // jobs of StageDelete
	ResaveList = "vconduit:resave" // jobs of StageResave: Left names the storages
)

// StoragePrefix marks the reserved list names under which storage dead letters are kept: "storage:<name>".
const StoragePrefix = "storage:"

// Weighted is a list to lease from; Weight < 1 counts as 1.
type Weighted struct {
	Name   string
	Weight int
}

// Want says what a worker can take.
type Want struct {
	Lists    []Weighted
	Strict   bool          // lists in the given order, as the Python server; default: smooth weighted round robin
	Max      int           // vCons, at least 1
	MaxBytes int64         // sum of document sizes, at least one vCon is given; 0 = 256 MiB
	TTL      time.Duration // 1 s to 1 h on the store's clock
	Owner    string        // for operators: host:pid
	Solo     bool          // the worker has nothing else in flight: it also takes suspects
}

// RunID names one run of a chain over a vCon: made at the first lease, kept over redelivery and reprocess from=failed.
type RunID [16]byte

// Stage says what is left to do for a lease.
type Stage uint8

// The stages of a job.
const (
	StageLinks    Stage = iota // run the chain
	StageStorages              // links are done and committed; Left names the storages that still owe a save
	StageDelete                // delete in every storage
	StageResave                // save the current document in the storages that Left names
)

// Step names one link of a chain run: "name#ordinal", ordinal counting the same name from 1.
type Step string

// Base is what a lease's document was read as. Opaque outside backends.
type Base struct {
	Hash [32]byte // SHA-256 of the text
	Gen  uint64
	Rev  Rev
}

// Lease is the right to work one vCon until its deadline.
type Lease struct {
	ID       vcon.ID
	List     string
	Token    [16]byte
	Deadline time.Time  // on this process's monotonic clock
	Doc      *vcon.VCon // base with the journal applied; nil: the id is listed, no document is there
	Base     Base
	Rev      Rev // of the stored document (without journal)
	Run      RunID
	Tries    int // holds with CountTry before this one, since the job's stage began: Commit starts again at 0
	Crashes  int // leases that ran out before this one
	Stage    Stage
	Done     []Step  // steps of earlier leases of this run
	Effects  Effects // what those steps asked for
	Left     []string
	Stored   []string   // storages that have saved already in this run
	Memo     MemoReader // never nil
	Context  []byte
	// SuspectsWait: on the lists that were asked for, suspects are due, which only a worker with nothing else in flight
	// gets. A worker that is never idle must make itself so now and then, or they wait for ever.
	SuspectsWait bool
	Arrived      time.Time // when the entry was put on its list, as far as known; a Release does not change it
}

// Attempt is the number of this attempt as shown to people, from 1.
func (l *Lease) Attempt() int { return 1 + l.Tries + l.Crashes }

// SuspectAfter crashes a vCon is leased only alone, by a worker that has nothing else in flight.
const SuspectAfter = 3

// Suspect reports that this vCon may be what kills its workers: nothing else is leased while it runs.
func (l *Lease) Suspect() bool { return l.Crashes >= SuspectAfter }

// Alive reports whether the deadline is ahead. A holder asks before each Save, HTTP call and store call.
func (l *Lease) Alive() bool { return time.Now().Before(l.Deadline) }

// MemoKey identifies a paid call within a run: a hash over run, step, ordinal, method, URL and body.
type MemoKey [32]byte

// MemoReader finds remembered answers of a run.
type MemoReader interface {
	Memo(ctx context.Context, k MemoKey) (answer []byte, ok bool, err error)
}

// Effects are what links asked for outside the document. They apply in Finish.
type Effects struct {
	Halted  bool           `json:"halted,omitempty"`
	Routes  []string       `json:"routes,omitempty"`
	Creates []Create       `json:"creates,omitempty"`
	Expire  *time.Duration `json:"expire,omitempty"` // nil = the rules decide; 0 = at the end of the chain
}

// Create is a vCon that a link made.
type Create struct {
	Text    []byte   `json:"text"`
	Lists   []string `json:"lists,omitempty"`
	Current bool     `json:"current,omitempty"` // takes the place of the leased one for storages and egress
}

// Progress is everything that happened since the last Checkpoint or Commit of a lease.
type Progress struct {
	Edits   []vcon.Edit
	Effects Effects // what was added since
	Done    []Step  // steps finished since
}

// Leaser works through lists. ErrLeaseLost, ErrSuperseded and ErrGone mean: stop, discard, Resave if a save had begun.
type Leaser interface {
	// Lease takes up to want.Max waiting vCons, oldest first within a list. It blocks until one is there or ctx ends.
	// First it returns due delayed entries to their lists and expired leases with Crashes+1. One uuid, one holder, over
	// all lists. Safe for concurrent use. Errors: ErrClosed, ErrUnavailable, ctx.Err().
	Lease(ctx context.Context, want Want) ([]*Lease, error)
	// Beat prolongs leases to ttl from now, all in one trip; per lease ErrLeaseLost, ErrSuperseded or ErrGone.
	Beat(ctx context.Context, ttl time.Duration, leases []*Lease) (map[vcon.ID]error, error)
	// Remember keeps a paid answer, durable on return; at most 1 MiB.
	Remember(ctx context.Context, l *Lease, k MemoKey, answer []byte) error
	// Checkpoint appends to the lease's journal; the document is not touched until Commit or Fail.
	Checkpoint(ctx context.Context, l *Lease, p Progress) error
	// Commit merges journal and p into the stored document and moves the job to StageStorages with left. It rebases
	// when the document changed meanwhile. The document and its revision are what every storage must save.
	// Without any edit the document stays as it is. Errors: ErrConflict (the links since the last commit must run
	// again; the journal is dropped), ErrLeaseLost, ErrSuperseded, ErrGone, ErrFull, ErrUnavailable.
	Commit(ctx context.Context, l *Lease, p Progress, left []string) (*vcon.VCon, Rev, error)
	// Stored marks one storage of the job as done.
	Stored(ctx context.Context, l *Lease, storage string, rev Rev) error
	// Finish ends the lease with everything the run decided, in one transaction.
	Finish(ctx context.Context, l *Lease, o Outcome) error
	// Release ends the lease and puts the entry back: at the head, or after a delay.
	Release(ctx context.Context, l *Lease, h Hold) error
	// Fail commits the journal into the document, writes the dead letter, ends the lease.
	Fail(ctx context.Context, l *Lease, f Failure) error
	// Resave queues a job that saves the current document in the named storages: a late holder's repair, a replay. For a
	// document that was deleted it is a delete job: the late save may have brought it back.
	Resave(ctx context.Context, id vcon.ID, storages []string) error
}

// Outcome is what Finish applies.
type Outcome struct {
	Halted  bool     // no egress
	Egress  []string // lists that get the id (of Current, if set)
	Routes  []string // lists that links chose; also when halted
	Creates []Submission
	Current vcon.ID        // a created vCon that took the place of the leased one; zero = none
	Expire  *time.Duration // a link's wish; applied when nothing else holds the document
	// Lifetime of the document when nothing else holds it (not pending elsewhere, not dead-lettered): 0 = for ever.
	Lifetime time.Duration
	// Archived: a storage that can give the document back has it. When the document ends it stays listed and searchable.
	Archived        bool
	StorageFailures []Failure // one dead letter each, on "storage:<name>", of Current if that is set
}

// Hold says how Release puts an entry back.
type Hold struct {
	Delay    time.Duration // 0 = at the head, now
	CountTry bool
	Stage    Stage
	Left     []string // storages that still owe a save (StageStorages, StageResave)
	Stored   []string // storages that saved during this lease
	Err      string   // why, for operators; no content
}

// Failure is why something became a dead letter.
type Failure struct {
	Reason  string // a short code: link_failed, storage_failed, document_missing, killed_worker, tries_used, loop, conflict ...
	Link    string
	Storage string
	Detail  string // the error's text, kept in the store, never logged
	Attempt int
}

// Lists are the queues by name.
type Lists interface {
	// Depth counts a list in O(1). An unknown list is empty.
	Depth(ctx context.Context, list string) (Depth, error)
	// Names are the lists that hold anything, or held it since the store was opened.
	Names(ctx context.Context) ([]string, error)
	// Pop takes up to n ids from the head (oldest first), at most once: what is not delivered is gone. "DLQ:<list>"
	// pops dead letters. n <= 0 gives none.
	Pop(ctx context.Context, list string, n int) ([]vcon.ID, error)
	// PopAck moves up to n ids to a lease; those not acknowledged within ttl return to the head.
	PopAck(ctx context.Context, list string, n int, ttl time.Duration) ([]Held, error)
	// Ack ends such leases and says how many were still held.
	Ack(ctx context.Context, held []Held) (int, error)
	// ToLists puts everything under way back where a program that knows lists and documents alone finds it: leased,
	// popped, delayed and suspect entries return to the head of their list, oldest first, and journals go into their
	// documents (a journal that does not fit any more is dropped). Holders get ErrLeaseLost. What a run has done is still
	// known: leased again here, it goes on from there. Dead letters stay. The caller has stopped leasing; safe to repeat.
	ToLists(ctx context.Context) error
}

// Depth counts one list.
type Depth struct {
	Ready   int64 `json:"ready"`
	Delayed int64 `json:"delayed"`
	Leased  int64 `json:"leased"`
	Dead    int64 `json:"dead"`
}

// Held is an id taken with PopAck.
type Held struct {
	ID    vcon.ID
	List  string
	Token [16]byte
}

// From says where a reprocessed vCon begins.
type From uint8

// Reprocess begins at the failed link (done steps, run and memo are kept) or at the start of the chain.
const (
	FromFailed From = iota
	FromStart
)

// Filter selects dead letters; zero fields match all.
type Filter struct {
	IDs    []vcon.ID
	Link   string
	Reason string
	Since  time.Time
}

// Page selects a part of a listing; Limit <= 0 = all.
type Page struct{ Offset, Limit int }

// DeadLetter is a failed vCon of one list.
type DeadLetter struct {
	ID    vcon.ID
	List  string // without "DLQ:"
	At    time.Time
	Count int // failures on this list so far
	Failure
	Run   RunID
	Done  []Step
	Stage Stage
}

// DeadLetters keeps what failed, with document, reason and position.
type DeadLetters interface {
	// Dead lists, oldest first. "storage:<name>" lists what that storage owes.
	Dead(ctx context.Context, list string, p Page) ([]DeadLetter, error)
	// Reprocess moves up to n (<= 0: all) matching dead letters back to the tail of their list, oldest first,
	// atomically. For "storage:<name>" it queues a save in that storage alone. It returns how many.
	Reprocess(ctx context.Context, list string, f Filter, from From, n int) (int, error)
	// Purge drops matching dead letters for good, with their documents where nothing else holds them.
	Purge(ctx context.Context, list string, f Filter) (int, error)
}

// Accounts tells what was submitted, by whom and where. The counts are made in Submit's transaction: they are exact.
type Accounts interface {
	// Usage gives the counts that fit, by day, principal and list. They are kept for UsageDays.
	Usage(ctx context.Context, f UsageFilter) ([]Usage, error)
}

// UsageDays is how many UTC days counts are kept, at least.
const UsageDays = 400

// UsageFilter selects counts; zero fields match all.
type UsageFilter struct {
	From, To        time.Time // UTC days, inclusive; the time of day does not count
	Principal, List string
}

// Usage is what one principal submitted to one list ("" = to none) on one UTC day.
type Usage struct {
	Day        time.Time // 00:00 UTC
	Principal  string
	List       string
	VCons      int64 // stored and queued; one that names two lists counts on both
	Bytes      int64 // of their documents
	Duplicates int64 // retries that changed nothing
}

// KV is a small store for links: immediate, not part of any commit, kept when a run fails. ttl 0 = for ever.
type KV interface {
	// KVGet: ErrNotFound when there is none or it expired.
	KVGet(ctx context.Context, link, key string) ([]byte, error)
	KVPut(ctx context.Context, link, key string, value []byte, ttl time.Duration) error
	// KVCAS replaces old (nil: must be absent) with value (nil: remove). ErrConflict when something else is there.
	KVCAS(ctx context.Context, link, key string, old, value []byte, ttl time.Duration) error
	// KVDel: ErrNotFound when there was none.
	KVDel(ctx context.Context, link, key string) error
}
