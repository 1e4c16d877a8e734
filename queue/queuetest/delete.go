package queuetest

import (
	"errors"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func deleteCases() []kase {
	return []kase{
		{"BeforeTheLease", 0, deleteWaiting},
		{"WhileLeased", needClock, deleteLeased},
		{"AfterACheckpoint", needClock, deleteCheckpointed},
		{"AfterTheCommit", needClock, deleteCommitted},
		{"WhileDelayed", needClock, deleteDelayed},
		{"AfterAFailure", 0, deleteDead},
		{"HolderThatNeverComesBack", needClock, deleteAbandoned},
		{"UnknownIsNoError", 0, deleteUnknown},
		{"IsAJob", 0, deleteJob},
		{"JobIsThereAfterReopen", needClock, deleteJobReopened},
		{"JobIsRetried", needClock, deleteJobRetried},
		{"JobHasItsOwnDLQ", 0, deleteJobDead},
		{"JobWaitsForTheHolder", needClock, deleteJobWaits},
		{"SubmitLiftsTheTombstone", 0, submitAfterDelete},
		{"SubmitOverAJobThatRuns", needClock, submitDuringDelete},
		{"RestoreNeverOverATombstone", 0, restoreDeleted},
		{"RestoreNeverOverADocument", 0, restoreExisting},
		{"RestorePutsBack", needClock, restoreAbsent},
		{"TombstoneEnds", needClock, tombstoneEnds},
	}
}

func (e *env) remove(id vcon.ID) {
	e.Helper()
	e.ok(e.q.Delete(e.ctx(), id))
	e.absent(id)
}

// goneFor checks that every call of a holder says ErrGone or, once it was told, that its lease is lost.
func (e *env) goneFor(l *queue.Lease) {
	e.Helper()
	for i, call := range e.calls(l) {
		if err := call(); !errors.Is(err, queue.ErrGone) && !errors.Is(err, queue.ErrLeaseLost) {
			e.Fatalf("%s after DELETE: %v", i, err)
		}
	}
	e.absent(l.ID)
}

// Q13: DELETE before the vCon is worked.
func deleteWaiting(e *env) {
	d := e.doc(paper{parties: []party{{Name: "Ann"}}})
	e.put(d, "in", "other")
	e.remove(d.ID())
	e.none("in", "other")
	e.depth("in", 0, 0, 0, 0)
	found, err := e.q.Search(e.ctx(), queue.Terms{Name: "Ann"})
	e.ok(err)
	e.ids("search", found)
	e.reopen()
	e.absent(d.ID())
}

// L17: a holder does not bring it back, and is told.
func deleteLeased(e *env) {
	for _, name := range []string{"Beat", "Remember", "Checkpoint", "Commit", "Finish", "Release", "Fail", "Stored"} {
		e.put(e.plain(), "in")
		l := e.lease("in")
		e.remove(l.ID)
		e.is(e.calls(l)[name](), queue.ErrGone)
		e.goneFor(l)
		e.depth("out", 0, 0, 0, 0)
		e.depth("next", 0, 0, 0, 0)
		e.none("in")
		e.depth("in", 0, 0, 0, 0)
	}
}

func deleteCheckpointed(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.remove(d.ID())
	_, _, err := e.q.Commit(e.ctx(), w.l, w.tagged("b", "2"), nil)
	e.is(err, queue.ErrGone)
	e.absent(d.ID())
	e.put(d, "in")
	e.pass(parking)
	l := e.lease("in")
	e.hasDone(l)
	e.hasTags(l.Doc)
}

func deleteCommitted(e *env) {
	w := e.committed()
	e.remove(w.l.ID)
	e.is(e.q.Finish(e.ctx(), w.l, queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}}), queue.ErrGone)
	e.depth("out", 0, 0, 0, 0)
	e.depth("next", 0, 0, 0, 0)
	e.lapse()
	e.none("in")
	e.absent(w.l.ID)
}

func deleteDelayed(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{Delay: time.Minute}))
	e.remove(l.ID)
	e.pass(2 * time.Minute)
	e.none("in")
	e.depth("in", 0, 0, 0, 0)
}

func deleteDead(e *env) {
	d := e.deadLetter("in", "tag", "x")
	e.remove(d.ID())
	if ds := e.dead("in"); len(ds) != 0 {
		e.Fatalf("dead letters of a deleted vCon: %+v", ds)
	}
	e.reprocess("in", queue.FromStart, 0)
	e.none("in")
	e.depth("in", 0, 0, 0, 0)
}

func deleteAbandoned(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.remove(l.ID)
	e.lapse()
	e.none("in")
	e.depth("in", 0, 0, 0, 0)
	if j := e.lease(queue.DeleteList); j.ID != l.ID {
		e.Fatalf("delete job of %s", j.ID)
	}
}

func deleteUnknown(e *env) {
	e.ok(e.q.Delete(e.ctx(), nthID(5)))
	e.absent(nthID(5))
}

// Q13: a durable job deletes in the storages.
func deleteJob(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	l := e.lease(queue.DeleteList)
	if l.ID != d.ID() || l.Stage != queue.StageDelete || l.Doc != nil {
		e.Fatalf("delete job = %+v", l)
	}
	e.finish(l)
	e.none(queue.DeleteList)
	e.depth(queue.DeleteList, 0, 0, 0, 0)
	e.absent(d.ID())
}

func deleteJobReopened(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	e.reopen()
	l := e.lease(queue.DeleteList)
	e.reopen()
	e.lapse()
	again := e.lease(queue.DeleteList)
	if l.ID != d.ID() || again.ID != d.ID() || again.Stage != queue.StageDelete {
		e.Fatalf("delete jobs = %+v, %+v", l, again)
	}
}

func deleteJobRetried(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	l := e.lease(queue.DeleteList)
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{Delay: time.Minute, CountTry: true, Stage: queue.StageDelete, Left: []string{"pg"}}))
	e.pass(2 * time.Minute)
	l = e.lease(queue.DeleteList)
	if l.Stage != queue.StageDelete || l.Tries != 1 || !slices.Equal(l.Left, []string{"pg"}) {
		e.Fatalf("delete job = %+v", l)
	}
	e.finish(l)
}

func deleteJobDead(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	e.ok(e.q.Fail(e.ctx(), e.lease(queue.DeleteList), queue.Failure{Reason: "storage_failed", Storage: "pg"}))
	ds := e.dead(queue.DeleteList)
	if len(ds) != 1 || ds[0].ID != d.ID() || ds[0].Storage != "pg" {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.reprocess(queue.DeleteList, queue.FromFailed, 1)
	if l := e.lease(queue.DeleteList); l.Stage != queue.StageDelete {
		e.Fatalf("reprocessed delete job = %+v", l)
	}
}

func deleteJobWaits(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.remove(l.ID)
	e.none(queue.DeleteList)
	e.is(e.q.Finish(e.ctx(), l, queue.Outcome{}), queue.ErrGone)
	e.pass(parking)
	e.finish(e.lease(queue.DeleteList))
}

// Q13: a Submit lifts the tombstone, and the old delete job must not delete the new document in the storages.
func submitAfterDelete(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	if r := e.put(d, "in"); r.Duplicate || r.Rev == 0 {
		e.Fatalf("answer after DELETE = %+v", r)
	}
	e.holds(d)
	e.none(queue.DeleteList)
	l := e.lease("in")
	e.finish(l)
	e.none(queue.DeleteList)
	e.holds(d)
}

func submitDuringDelete(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	l := e.lease(queue.DeleteList)
	e.put(d, "in")
	e.none("in")
	if err := e.q.Finish(e.ctx(), l, queue.Outcome{}); err != nil && !stopped(err) {
		e.Fatal(err)
	}
	e.pass(parking)
	next := e.lease("in")
	if next.Doc == nil || next.Stage != queue.StageLinks {
		e.Fatalf("lease after a deletion = %+v", next)
	}
	e.finish(next)
	e.none(queue.DeleteList)
	e.holds(d)
}

// restore puts a document back; whether a refusal is an error is the backend's business.
func (e *env) restore(d *vcon.VCon) {
	e.Helper()
	if err := e.q.Restore(e.ctx(), d, 0); err != nil && !errors.Is(err, queue.ErrConflict) && !errors.Is(err, queue.ErrGone) {
		e.Fatalf("restore: %v", err)
	}
}

func restoreDeleted(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	e.restore(d)
	e.absent(d.ID())
}

func restoreExisting(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	got, _ := w.commit(w.tagged("a", "1"))
	e.restore(d)
	e.holds(got)
	e.finish(w.l)
}

func restoreAbsent(e *env) {
	d := e.doc(paper{parties: []party{{Mailto: "a@example.com"}}})
	e.ok(e.q.Restore(e.ctx(), d, hour))
	e.holds(d)
	found, err := e.q.Search(e.ctx(), queue.Terms{Mailto: "a@example.com"})
	e.ok(err)
	e.ids("search", found, d.ID())
	e.ids("list", e.listed(queue.Range{Limit: -1}), d.ID())
	e.livesFor(d.ID(), hour)
}

func tombstoneEnds(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	e.finish(e.lease(queue.DeleteList))
	e.pass(31 * 24 * hour)
	e.ok(e.q.Restore(e.ctx(), d, 0))
	e.holds(d)
}
