package worker

import (
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Observer is told what happens, for metrics, log lines and people who watch. It never gets content: names, codes,
// times, and errors of our own words. Its methods return fast and are safe for concurrent use. Embed NoObserver to
// implement only some.
type Observer interface {
	Received(chain, list string)
	LinkDone(chain.LinkReport)
	StorageDone(StorageReport)
	DeadLettered(DeadReport)
	// Finished is told once per lease, whatever became of it.
	Finished(Report)
}

// Outcome says what became of a lease.
type Outcome string

// The outcomes.
const (
	OutcomeDone     Outcome = "done"     // the chain is through; storages have it or owe it
	OutcomeHalted   Outcome = "halted"   // a link stopped the chain
	OutcomeRetry    Outcome = "retry"    // back on its list, later again
	OutcomeFailed   Outcome = "failed"   // dead-lettered
	OutcomeLost     Outcome = "lost"     // the lease was lost, superseded or the vCon deleted: dropped
	OutcomeReleased Outcome = "released" // put back by a shutdown, no try counted
	OutcomeDeleted  Outcome = "deleted"  // a delete job: gone from every storage
	OutcomeResaved  Outcome = "resaved"  // a repair or replay: saved in the named storages
)

// Report is the end of one lease.
type Report struct {
	ID      vcon.ID
	Chain   string // "" for deletes and repairs
	List    string
	Outcome Outcome
	Reason  string // of retry, failed, lost: a short code, as in queue.Failure
	Link    string // where it stopped, if a link did
	Attempt int
	Took    time.Duration
	Links   time.Duration // of Took: running links
	Saves   time.Duration // of Took: saving to storages
}

// StorageReport is one operation on one storage, tries within the lease included.
type StorageReport struct {
	ID      vcon.ID // never a metric label
	Storage string
	Op      string // save | delete | get
	Outcome string // ok | error | open (breaker)
	Began   time.Time
	Took    time.Duration
	Err     error // nil when ok
}

// DeadReport is one new dead letter.
type DeadReport struct {
	ID            vcon.ID
	Chain, List   string
	Reason        string
	Link, Storage string
	Attempt       int
}

// NoObserver is an Observer that does nothing.
type NoObserver struct{}

// Received does nothing.
func (NoObserver) Received(chain, list string) {}

// LinkDone does nothing.
func (NoObserver) LinkDone(chain.LinkReport) {}

// StorageDone does nothing.
func (NoObserver) StorageDone(StorageReport) {}

// DeadLettered does nothing.
func (NoObserver) DeadLettered(DeadReport) {}

// Finished does nothing.
func (NoObserver) Finished(Report) {}
