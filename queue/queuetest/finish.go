package queuetest

import (
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func finishCases() []kase {
	return []kase{
		{"AppliesEverythingTogether", 0, finishTogether},
		{"IsThereAfterReopen", 0, finishReopened},
		{"AllOrNothing", 0, finishAllOrNothing},
		{"HaltedSkipsEgressNotRoutes", 0, finishHalted},
		{"SameListTwiceCountsOnce", 0, finishOnce},
		{"CurrentTakesThePlace", 0, finishCurrent},
		{"StoragesOweTheCurrentOne", 0, finishCurrentOwed},
		{"CreatedIsMadeOnce", 0, finishCreatesOnce},
		{"CreatedIsJustStored", 0, finishCreatesStored},
		{"RepeatedAnswersTheSame", 0, finishRepeated},
		{"LoopEndsInTheDLQ", needClock, finishLoop},
		{"RouteToItsOwnListIsAnotherRun", needClock, finishOwnList},
	}
}

// committed submits a document to "in", leases it and commits one tag.
func (e *env) committed() *work {
	e.Helper()
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.commit(w.tagged("a", "1"), "pg")
	return w
}

// Q1, L13: egress, routes, created vCons, storage failures and the end of the lease are one step.
func finishTogether(e *env) {
	w := e.committed()
	made := e.plain()
	for _, list := range []string{"out", "next", "made"} {
		e.depth(list, 0, 0, 0, 0)
	}
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{
		Egress:          []string{"out"},
		Routes:          []string{"next"},
		Creates:         []queue.Submission{{Doc: made, Lists: []string{"made"}}},
		StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg", Detail: "connection refused", Attempt: 3}},
	}))
	e.depth("in", 0, 0, 0, 0)
	e.finished(w.l.ID, made)
}

// finished checks what finishTogether's outcome left.
func (e *env) finished(id vcon.ID, made *vcon.VCon) {
	e.Helper()
	for _, list := range []string{"out", "next", "made"} {
		e.depth(list, 1, 0, 0, 0)
	}
	e.depth(queue.StoragePrefix+"pg", 0, 0, 0, 1)
	e.holds(made)
	ds := e.dead(queue.StoragePrefix + "pg")
	if len(ds) != 1 || ds[0].ID != id || ds[0].Storage != "pg" || ds[0].Reason != "storage_failed" || ds[0].Detail != "connection refused" {
		e.Fatalf("storage dead letters = %+v", ds)
	}
}

func finishReopened(e *env) {
	w := e.committed()
	made := e.plain()
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{
		Egress: []string{"out"}, Routes: []string{"next"},
		Creates:         []queue.Submission{{Doc: made, Lists: []string{"made"}}},
		StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg", Detail: "connection refused"}},
	}))
	e.reopen()
	e.depth("in", 0, 0, 0, 0)
	e.finished(w.l.ID, made)
	e.none("in")
}

// An outcome that cannot be applied whole is not applied at all, and the holder keeps its lease.
func finishAllOrNothing(e *env) {
	w := e.committed()
	made := e.plain()
	for _, o := range []queue.Outcome{
		{Egress: []string{"out"}, Routes: []string{"vcons"}},
		{Egress: []string{"out", "tel:+1"}},
		{Egress: []string{"out"}, Creates: []queue.Submission{{Doc: made, Lists: []string{"ok", "DLQ:x"}}}},
	} {
		e.is(e.q.Finish(e.ctx(), w.l, o), queue.ErrListName)
		e.depth("out", 0, 0, 0, 0)
		e.depth("ok", 0, 0, 0, 0)
		e.depth("in", 0, 0, 1, 0)
		e.absent(made.ID())
	}
	e.finish(w.l)
}

// Q25: routes, creates and expire apply on a halt, egress does not.
func finishHalted(e *env) {
	w := e.committed()
	made := e.plain()
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{
		Halted: true, Egress: []string{"out"}, Routes: []string{"next"},
		Creates: []queue.Submission{{Doc: made, Lists: []string{"made"}}},
	}))
	e.depth("out", 0, 0, 0, 0)
	e.depth("next", 1, 0, 0, 0)
	e.depth("made", 1, 0, 0, 0)
}

func finishOnce(e *env) {
	w := e.committed()
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{Egress: []string{"out", "both", "out"}, Routes: []string{"next", "both", "next"}}))
	for _, list := range []string{"out", "both", "next"} {
		e.depth(list, 1, 0, 0, 0)
	}
}

// Q25: "instead": egress gets the created vCon, the old one ends as if halted.
func finishCurrent(e *env) {
	w := e.committed()
	made := e.plain()
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{
		Egress: []string{"out"}, Creates: []queue.Submission{{Doc: made}}, Current: made.ID(),
	}))
	got, err := e.q.Pop(e.ctx(), "out", 5)
	e.ok(err)
	e.ids("egress", got, made.ID())
	e.holds(made)
}

// Q25: what took the place is what the storages should have saved.
func finishCurrentOwed(e *env) {
	w := e.committed()
	made := e.plain()
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{
		Creates: []queue.Submission{{Doc: made}}, Current: made.ID(),
		StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg"}},
	}))
	e.ids("owed", idsOf(e.dead(owedTo), deadID), made.ID())
	e.reprocess(owedTo, queue.FromFailed, 1)
	if l := e.lease(queue.ResaveList); l.ID != made.ID() || string(l.Doc.Bytes()) != string(made.Bytes()) {
		e.Fatalf("replay saves %s", l.ID)
	}
}

// Q25: the same create after a redelivery does not make it twice, nor run it twice.
func finishCreatesOnce(e *env) {
	made := e.plain()
	o := queue.Outcome{Creates: []queue.Submission{{Doc: made, Lists: []string{"made"}}, {Doc: made, Lists: []string{"made"}}}}
	w := e.committed()
	e.ok(e.q.Finish(e.ctx(), w.l, o))
	e.depth("made", 1, 0, 0, 0)
	e.holds(made)
}

func finishCreatesStored(e *env) {
	w := e.committed()
	made := e.doc(paper{parties: []party{{Tel: "+15550123"}}})
	e.ok(e.q.Finish(e.ctx(), w.l, queue.Outcome{Creates: []queue.Submission{{Doc: made}}}))
	e.holds(made)
	found, err := e.q.Search(e.ctx(), queue.Terms{Tel: "+15550123"})
	e.ok(err)
	e.ids("search", found, made.ID())
}

// Q9: the answer was lost; the same call again answers the same and pushes nothing.
func finishRepeated(e *env) {
	w := e.committed()
	o := queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}}
	e.ok(e.q.Finish(e.ctx(), w.l, o))
	e.ok(e.q.Finish(e.ctx(), w.l, o))
	e.depth("out", 1, 0, 0, 0)
	e.depth("next", 1, 0, 0, 0)
}

// Q25: more than 32 pushes by chains end in the DLQ.
func finishLoop(e *env) {
	d := e.plain()
	e.put(d, "in")
	runs := 0
	for len(e.dead("in")) == 0 {
		if runs++; runs > 40 {
			e.Fatal("a vCon goes round for ever")
		}
		e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Routes: []string{"in"}}))
	}
	if runs < 33 {
		e.Fatalf("dead-lettered after %d pushes", runs)
	}
	if ds := e.dead("in"); ds[0].ID != d.ID() || ds[0].Reason != "loop" {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.depth("in", 0, 0, 0, 1)
	e.holds(d)
}

func finishOwnList(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{Routes: []string{"in"}}))
	next := e.lease("in")
	if next.ID != d.ID() || next.Run == l.Run || next.Attempt() != 1 {
		e.Fatalf("second run = %+v", next)
	}
	e.finish(next)
	e.none("in")
}
