package queuetest

import (
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func lifetimeCases() []kase {
	return []kase{
		{"BeginsWithFinish", needClock, lifeBegins},
		{"ZeroIsForEver", needClock, lifeForEver},
		{"WaitsForOtherLists", needClock, lifePending},
		{"WaitsForOtherHolders", needClock, lifeDelayed},
		{"WaitsForRoutes", needClock, lifeRoutes},
		{"EgressDoesNotHold", needClock, lifeEgress},
		{"DeadLettersHold", needClock, lifeDead},
		{"StorageDeadLettersHold", needClock, lifeStorageDead},
		{"WishOfALinkWins", needClock, lifeWish},
		{"WishIsKeptForTheLastFinish", needClock, lifeWishKept},
		{"WishOfZeroEndsItAtOnce", needClock, lifeWishZero},
		{"SubmissionEndsIt", needClock, lifeSubmit},
		{"EnqueueEndsIt", needClock, lifeEnqueue},
		{"GoesOnAfterReopen", needClock, lifeReopen},
		{"ArchivedStaysListed", needClock, lifeArchived},
		{"ArchivedAndDeletedIsGone", needClock, lifeArchivedDeleted},
		{"ArchivedAndSubmittedAgain", needClock, lifeArchivedAgain},
		{"OfCreated", needClock, lifeCreated},
	}
}

const hour = time.Hour

// ends finishes a lease with a lifetime.
func (e *env) ends(l *queue.Lease, lifetime time.Duration) {
	e.Helper()
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{Lifetime: lifetime}))
}

// livesFor checks that a document ends d from now, with its index.
func (e *env) livesFor(id vcon.ID, d time.Duration) {
	e.Helper()
	e.pass(d - time.Minute)
	if !e.there(id) {
		e.Fatalf("%s ended too early", id)
	}
	e.pass(2 * time.Minute)
	e.absent(id)
}

// lives checks that a document has no end.
func (e *env) lives(id vcon.ID) {
	e.Helper()
	e.pass(10 * 24 * hour)
	if !e.there(id) {
		e.Fatalf("%s ended", id)
	}
}

// Q8: Finish sets the lifetime.
func lifeBegins(e *env) {
	d := e.doc(paper{parties: []party{{Name: "Ann"}}})
	e.put(d, "in")
	e.pass(5 * hour)
	e.ends(e.lease("in"), hour)
	e.livesFor(d.ID(), hour)
	found, err := e.q.Search(e.ctx(), queue.Terms{Name: "Ann"})
	e.ok(err)
	e.ids("search after the end", found)
}

// X15: without storage and operator's wish a vCon is kept for ever.
func lifeForEver(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ends(e.lease("in"), 0)
	e.lives(d.ID())
}

func lifePending(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	e.ends(e.lease("a"), hour)
	e.pass(5 * hour)
	l := e.lease("b")
	if l.Doc == nil {
		e.Fatal("the document ended while it waited in a second list")
	}
	e.ends(l, hour)
	e.livesFor(d.ID(), hour)
}

func lifeDelayed(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	e.ok(e.q.Release(e.ctx(), e.lease("b"), queue.Hold{Delay: 30 * time.Minute}))
	e.ends(e.lease("a"), time.Minute)
	e.pass(2 * hour)
	if l := e.lease("b"); l.Doc == nil {
		e.Fatal("the document ended while it was delayed in a second list")
	}
}

func lifeRoutes(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Routes: []string{"next"}, Lifetime: hour}))
	e.pass(5 * hour)
	if l := e.lease("next"); l.Doc == nil {
		e.Fatal("the document ended on its way to the next chain")
	}
}

// Q8: how long a vCon on an egress list lives, the caller says.
func lifeEgress(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Egress: []string{"out"}, Lifetime: hour}))
	e.livesFor(d.ID(), hour)
}

// D4: nothing expires while it is dead-lettered; when the letter goes, so does what only it held.
func lifeDead(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	e.fail(e.lease("a"), "link_failed")
	e.pass(parking)
	e.ends(e.lease("b"), hour)
	e.lives(d.ID())
	n, err := e.q.Purge(e.ctx(), "a", queue.Filter{})
	e.ok(err)
	if n != 1 {
		e.Fatalf("purged %d", n)
	}
	e.absent(d.ID())
}

// Q18: while a storage owes a save the document has no end.
func lifeStorageDead(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{
		Lifetime: hour, StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg"}},
	}))
	e.lives(d.ID())
}

// Q8: a link's expire() before the rules.
func lifeWish(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Expire: new(10 * time.Minute), Lifetime: 0}))
	e.livesFor(d.ID(), 10*time.Minute)
}

func lifeWishKept(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	e.ok(e.q.Finish(e.ctx(), e.lease("a"), queue.Outcome{Expire: new(10 * time.Minute)}))
	e.pass(5 * hour)
	e.ends(e.lease("b"), 0)
	e.livesFor(d.ID(), 10*time.Minute)
}

func lifeWishZero(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Expire: new(time.Duration(0)), Lifetime: hour}))
	e.pass(time.Second)
	e.absent(d.ID())
}

func lifeSubmit(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ends(e.lease("in"), hour)
	e.put(d)
	e.lives(d.ID())
}

func lifeEnqueue(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ends(e.lease("in"), hour)
	missing, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	e.ids("missing", missing)
	e.pass(5 * hour)
	if l := e.lease("in"); l.Doc == nil {
		e.Fatal("the document died in its list")
	}
}

func lifeReopen(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ends(e.lease("in"), hour)
	e.reopen()
	e.livesFor(d.ID(), hour)
	e.reopen()
	e.absent(d.ID())
}

func lifeCreated(e *env) {
	made := e.plain()
	e.put(e.plain(), "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Creates: []queue.Submission{{Doc: made, Lifetime: hour}}}))
	e.livesFor(made.ID(), hour)
}

// archived makes a document that a storage has and whose life here is over.
func (e *env) archived() *vcon.VCon {
	e.Helper()
	d := e.doc(paper{parties: []party{{Name: "Ann"}}})
	e.put(d, "in")
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Lifetime: hour, Archived: true}))
	e.pass(2 * hour)
	_, _, err := e.q.Get(e.ctx(), d.ID())
	e.is(err, queue.ErrNotFound)
	return d
}

// Q28: what a storage can give back stays listed, and comes back.
func lifeArchived(e *env) {
	d := e.archived()
	e.reopen()
	n, err := e.q.Reindex(e.ctx())
	e.ok(err)
	if n != 0 {
		e.Fatalf("reindexed %d documents, none is here", n)
	}
	e.ids("list", e.listed(queue.Range{Limit: -1}), d.ID())
	e.search(queue.Terms{Name: "Ann"}, d.ID())
	missing, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	e.ids("missing", missing, d.ID())
	e.ok(e.q.Restore(e.ctx(), d, hour))
	e.holds(d)
	e.ids("list", e.listed(queue.Range{Limit: -1}), d.ID())
}

func lifeArchivedDeleted(e *env) {
	d := e.archived()
	e.remove(d.ID())
	e.search(queue.Terms{Name: "Ann"})
	if l := e.lease(queue.DeleteList); l.ID != d.ID() {
		e.Fatalf("delete job = %+v", l)
	}
}

func lifeArchivedAgain(e *env) {
	d := e.archived()
	newer := e.as(d.ID(), paper{parties: []party{{Name: "Bob"}}})
	if r := e.submit(windowed(queue.Submission{Doc: newer, Lists: []string{"in"}})); r.Duplicate {
		e.Fatalf("answer = %+v", r)
	}
	e.holds(newer)
	e.search(queue.Terms{Name: "Ann"})
	e.ends(e.lease("in"), hour)
	e.livesFor(d.ID(), hour)
	e.search(queue.Terms{Name: "Bob"})
}
