package worker

import (
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Spans begins the span of a lease, for who follows a vCon over several systems. It returns fast, and is safe for
// concurrent use; nil is a lease that nobody follows.
type Spans interface{ Begin(Begun) Span }

// Begun is the beginning of one lease.
type Begun struct {
	ID          vcon.ID
	Chain       string // "" for deletes and repairs
	List        string
	Attempt     int
	TraceParent string // of who queued the vCon, in W3C form; "" = unknown
	Time        time.Time
}

// Span is told what happens in its lease, as an Observer is. Its methods are safe for concurrent use until End.
type Span interface {
	LinkDone(chain.LinkReport)
	StorageDone(StorageReport)
	End(Report)
}

// noSpan is the span of a lease that nobody follows.
type noSpan struct{}

func (noSpan) LinkDone(chain.LinkReport) {}

func (noSpan) StorageDone(StorageReport) {}

func (noSpan) End(Report) {}

// begin begins the lease's span.
func (w *work) begin() Span {
	if w.p.o.Spans == nil {
		return noSpan{}
	}
	s := w.p.o.Spans.Begin(Begun{ID: w.ID, Chain: w.rep.Chain, List: w.List, Attempt: w.Attempt(), TraceParent: traceParent(w.Context), Time: w.began})
	if s == nil {
		return noSpan{}
	}
	return s
}

// linkDone tells of a link that ran.
func (w *work) linkDone(r chain.LinkReport) {
	w.p.o.Observer.LinkDone(r)
	w.span.LinkDone(r)
}
