package chain

import (
	"encoding/json"
	"time"

	"github.com/vconduit/vconduit/hostabi"
)

// Chain is one chain as configured, with everything it needs made. Immutable; safe for concurrent runs.
type Chain struct {
	Name     string
	Steps    []Step
	Tracers  []NamedTracer // in order; called before the first link and after each
	Storages []string      // names; saved in parallel
	Egress   []string      // lists that get the id
	Mode     EgressMode
	Timeout  time.Duration // all links of one run with their waits, not the storages; 0 = none
	Weight   int           // of its lists in fair leasing; < 1 counts as 1
}

// EgressMode says when the id goes to the egress lists.
type EgressMode uint8

// The egress modes.
const (
	AfterStorages EgressMode = iota // each storage has the vCon, or owes it in its DLQ
	SavedOnly                       // each storage has it
	First                           // before the storages, as the Python server does; a redelivery may repeat it
)

// Step is one link in its place in a chain. The zero Retry, OnError and Breaker are the defaults.
type Step struct {
	Name    string // of the link in the config
	Module  string // its ref, for people
	Digest  string // of the module's bytes; "" for a builtin
	Link    Link
	Options json.RawMessage // an object; nil = {}
	Grants  hostabi.Grants
	Limits  hostabi.Limits // zero fields are the defaults
	Memo    bool           // answers of its HTTP requests are kept over redelivery
	Retry   Retry
	OnError OnError
	Breaker *Breaker // shared by every chain that uses the link; nil: none
}

// OnError says what a failure does that no retry can mend.
type OnError uint8

// The choices of on_error.
const (
	FailChain OnError = iota // the vCon goes to the DLQ
	SkipLink                 // the link's edits are dropped, the next one runs
)

// NamedTracer is a tracer in its place in a chain.
type NamedTracer struct {
	Name   string
	Tracer Tracer
	Fatal  bool // its error fails the vCon (dlq_vcon_on_error); otherwise it is only told to Env.TracerFailed
}

// Env is what the process gives to every link. Everything may be nil or empty.
type Env struct {
	// Call is the pattern of every call's options: HTTP, Exists, Domain. What belongs to one run or one link is filled in.
	Call hostabi.Options
	// KV gives a link its own small store.
	KV func(link string) hostabi.KV
	// Log takes the lines that links write. Safe for concurrent use.
	Log func(chain, link string, level int, line string)
	// Metric takes the figures that links report. Safe for concurrent use.
	Metric func(chain, link string, kind int, name string, value float64)
	// TracerFailed is told of tracers whose error fails nothing. Safe for concurrent use.
	TracerFailed func(chain, tracer string, err error)
}
