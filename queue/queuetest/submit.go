package queuetest

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func submitCases() []kase {
	return []kase{
		{"KeepsEveryByte", 0, submitKeepsEveryByte},
		{"IsThereAfterReopen", 0, submitIsThereAfterReopen},
		{"AnswersGenAndRev", 0, submitAnswersGenAndRev},
		{"ReplacesTheDocument", 0, submitReplaces},
		{"ListNamedTwiceCountsOnce", 0, submitListTwice},
		{"AllListsOrNone", 0, submitAllOrNothing},
		{"RefusesListNames", 0, submitRefusesNames},
		{"NeverQueuedLivesItsLifetime", needClock, submitNeverQueuedLifetime},
		{"QueuedOutlivesItsLifetime", needClock, submitQueuedOutlives},
		{"EnqueueEndsTheLifetime", needClock, enqueueEndsLifetime},
		{"NewSubmissionEndsTheOldLifetime", needClock, submitEndsOldLifetime},
		{"TraceContextReachesTheLease", needClock, submitContext},
		{"EnqueueKeepsOrderAndTellsMissing", 0, enqueueOrder},
		{"EnqueueRefusesListNames", 0, enqueueRefusesNames},
		{"ClosedStoreSaysSo", 0, closedStore},
		{"CallsDuringCloseEnd", 0, closeDuring},
	}
}

// Promise 3: what was sent is what is kept.
func submitKeepsEveryByte(e *env) {
	d := e.doc(paper{subject: "as sent", parties: []party{{Tel: "+15550001"}}})
	e.put(d)
	e.holds(d)
	many, err := e.q.GetMany(e.ctx(), []vcon.ID{nthID(77), d.ID(), nthID(78)})
	e.ok(err)
	if len(many) != 3 || many[0] != nil || many[1] == nil || many[2] != nil {
		e.Fatalf("GetMany = %v, want nil, document, nil", many)
	}
	if string(many[1].Bytes()) != string(d.Bytes()) {
		e.Fatal("GetMany gives another text")
	}
}

// Promise 1: accepted is durable and on its lists.
func submitIsThereAfterReopen(e *env) {
	d, two := e.plain(), e.plain()
	e.put(d, "in", "other")
	e.put(two)
	e.reopen()
	e.holds(d)
	e.holds(two)
	e.depth("in", 1, 0, 0, 0)
	e.depth("other", 1, 0, 0, 0)
	if l := e.lease("in"); l.ID != d.ID() || string(l.Doc.Bytes()) != string(d.Bytes()) {
		e.Fatalf("leased %s with another text", l.ID)
	}
}

func submitAnswersGenAndRev(e *env) {
	d := e.plain()
	r := e.put(d, "in")
	if r.Gen != 1 || r.Rev == 0 || r.Replaced || r.Duplicate {
		e.Fatalf("first answer = %+v", r)
	}
	_, rev, err := e.q.Get(e.ctx(), d.ID())
	e.ok(err)
	if rev != r.Rev {
		e.Fatalf("Get says rev %d, Submit said %d", rev, r.Rev)
	}
}

// Q12: the newest submission is the document.
func submitReplaces(e *env) {
	d := e.plain()
	first := e.put(d)
	newer := e.as(d.ID(), paper{subject: "newer"})
	r := e.put(newer, "in")
	if r.Gen != 2 || !r.Replaced || r.Duplicate || r.Rev <= first.Rev {
		e.Fatalf("answer to a re-POST = %+v after %+v", r, first)
	}
	e.holds(newer)
	if l := e.lease("in"); string(l.Doc.Bytes()) != string(newer.Bytes()) {
		e.Fatal("leased the older text")
	}
}

func submitListTwice(e *env) {
	e.put(e.plain(), "in", "other", "in")
	e.depth("in", 1, 0, 0, 0)
	e.depth("other", 1, 0, 0, 0)
}

// L12: stored, but not queued or on some lists only, must not happen.
func submitAllOrNothing(e *env) {
	d := e.plain()
	_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: d, Lists: []string{"in", "vcons"}})
	e.is(err, queue.ErrListName)
	e.absent(d.ID())
	e.depth("in", 0, 0, 0, 0)
}

func badNames() []string {
	return []string{"", "vcons", "vconduit:delete", "vcon:x", "context:x", "tel:+1", "mailto:a@b", "name:x", "storage:pg",
		"DLQ:in", "a\nb", "\xff", strings.Repeat("x", queue.MaxListName+1)}
}

// Q29: names that would collide with other keys of a shared store.
func submitRefusesNames(e *env) {
	for _, name := range badNames() {
		d := e.plain()
		_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: d, Lists: []string{name}})
		e.is(err, queue.ErrListName)
		e.absent(d.ID())
	}
}

// Q8: what is never queued lives as long as its submission says.
func submitNeverQueuedLifetime(e *env) {
	brief, ever := e.plain(), e.plain()
	e.submit(queue.Submission{Doc: brief, Lifetime: time.Hour})
	e.submit(queue.Submission{Doc: ever})
	e.pass(50 * time.Minute)
	e.holds(brief)
	e.pass(11 * time.Minute)
	e.absent(brief.ID())
	e.reopen()
	e.absent(brief.ID())
	e.holds(ever)
}

// D4: nothing expires while it is queued.
func submitQueuedOutlives(e *env) {
	d := e.plain()
	e.submit(queue.Submission{Doc: d, Lists: []string{"in"}, Lifetime: time.Hour})
	e.pass(48 * time.Hour)
	e.holds(d)
	if l := e.lease("in"); l.Doc == nil {
		e.Fatal("the document died in its list")
	}
}

// D4, L6: a stored document that is queued later does not die in the backlog.
func enqueueEndsLifetime(e *env) {
	d := e.plain()
	e.submit(queue.Submission{Doc: d, Lifetime: time.Hour})
	missing, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	e.ids("missing", missing)
	e.pass(2 * time.Hour)
	if l := e.lease("in"); l.Doc == nil {
		e.Fatal("the document died in its list")
	}
}

func submitEndsOldLifetime(e *env) {
	d := e.plain()
	e.submit(queue.Submission{Doc: d, Lifetime: time.Hour})
	e.put(d)
	e.pass(2 * time.Hour)
	e.holds(d)
}

// The trace context comes with the lease, and again with the next one (Q, annex C).
func submitContext(e *env) {
	d := e.plain()
	e.submit(queue.Submission{Doc: d, Lists: []string{"in"}, Context: []byte("trace-1")})
	for range 2 {
		if l := e.lease("in"); string(l.Context) != "trace-1" {
			e.Fatalf("context = %q", l.Context)
		}
		e.lapse()
	}
}

func enqueueOrder(e *env) {
	a, b, c := e.plain(), e.plain(), e.plain()
	for _, d := range []*vcon.VCon{a, b, c} {
		e.put(d)
	}
	e.ok(e.q.Delete(e.ctx(), b.ID()))
	missing, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{c.ID(), nthID(900), b.ID(), a.ID()})
	e.ok(err)
	e.ids("missing", missing, nthID(900), b.ID())
	e.depth("in", 2, 0, 0, 0)
	e.reopen()
	e.ids("order", idsOf(e.leases(2, want(5, "in")), leaseID), c.ID(), a.ID())
}

func enqueueRefusesNames(e *env) {
	d := e.plain()
	e.put(d)
	for _, name := range badNames() {
		_, err := e.q.Enqueue(e.ctx(), name, []vcon.ID{d.ID()})
		e.is(err, queue.ErrListName)
	}
}

func closedStore(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Close())
	_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: d})
	e.is(err, queue.ErrClosed)
	_, _, err = e.q.Get(e.ctx(), d.ID())
	e.is(err, queue.ErrClosed)
	_, err = e.q.Lease(e.ctx(), want(1, "in"))
	e.is(err, queue.ErrClosed)
	for range 20 {
		e.is(e.q.Delete(e.ctx(), d.ID()), queue.ErrClosed)
		e.is(e.q.Resave(e.ctx(), d.ID(), []string{"pg"}), queue.ErrClosed)
		e.is(e.q.KVPut(e.ctx(), "l", "k", nil, 0), queue.ErrClosed)
		_, err = e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
		e.is(err, queue.ErrClosed)
		_, err = e.q.Pop(e.ctx(), "in", 1)
		e.is(err, queue.ErrClosed)
	}
	if h := e.q.Ready(e.ctx()); h.OK {
		e.Fatal("a closed store says it is ready")
	}
	e.reopen()
	e.holds(d)
	if h := e.q.Ready(e.ctx()); !h.OK || h.Store == "" || h.Tier == "" {
		e.Fatalf("health of an open store = %+v", h)
	}
}

// Close answers every call that is under way, and keeps what it has answered.
func closeDuring(e *env) {
	docs := e.several(64)
	answered := make([]bool, len(docs))
	var began atomic.Int32
	closed := make(chan struct{})
	go func() {
		for began.Load() < 8 {
			time.Sleep(time.Microsecond)
		}
		e.q.Close()
		close(closed)
	}()
	each(8, func(i int) {
		for n := i; n < len(docs); n += 8 {
			began.Add(1)
			_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: docs[n], Lists: []string{"in"}})
			if answered[n] = err == nil; err != nil && !errors.Is(err, queue.ErrClosed) {
				e.Errorf("submit during Close: %v", err)
			}
		}
	})
	<-closed
	e.reopen()
	for n, d := range docs {
		if answered[n] {
			e.holds(d)
		}
	}
}
