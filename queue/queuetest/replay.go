package queuetest

import (
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func replayCases() []kase {
	return []kase{
		{"SavesTheCurrentDocument", 0, replaySaves},
		{"OncePerDocument", 0, replayOnce},
		{"EntryStaysUntilSaved", needClock, replayStays},
		{"EntryComesBackOnFailure", 0, replayFails},
		{"EntryComesBackAsStorageFailure", 0, replayFinishesWithFailure},
		{"OneStorageOfTwo", 0, replayOneOfTwo},
		{"DeletedIsDropped", 0, replayDeleted},
		{"LifetimeBeginsWhenSaved", needClock, replayLifetime},
		{"IsThereAfterReopen", needClock, replayReopened},
		{"ResaveIsAJob", 0, resaveJob},
		{"ResaveWaitsForTheHolder", needClock, resaveWaits},
		{"ResaveOfTwoIsOneJob", 0, resaveMerged},
		{"ResaveOfADeletedOneDeletesAgain", 0, resaveDeleted},
	}
}

const owedTo = queue.StoragePrefix + "pg"

// owed makes a finished document that storages still owe a save.
func (e *env) owed(storages ...string) *vcon.VCon {
	e.Helper()
	d := e.plain()
	e.put(d, "in")
	var fs []queue.Failure
	for _, s := range storages {
		fs = append(fs, queue.Failure{Reason: "storage_failed", Storage: s, Attempt: 3})
	}
	e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{StorageFailures: fs}))
	return d
}

// Q18: the replay of a storage saves what the document is now, in that storage alone.
func replaySaves(e *env) {
	d := e.owed("pg")
	newer := e.as(d.ID(), paper{subject: "newer"})
	e.put(newer)
	e.reprocess(owedTo, queue.FromFailed, 1)
	l := e.lease(queue.ResaveList)
	if l.Stage != queue.StageResave || !slices.Equal(l.Left, []string{"pg"}) || l.Doc == nil {
		e.Fatalf("replay's lease = %+v", l)
	}
	if string(l.Doc.Bytes()) != string(newer.Bytes()) {
		e.Fatalf("replay saves %s", l.Doc.Bytes())
	}
	e.finish(l)
	e.depth(owedTo, 0, 0, 0, 0)
	e.none(queue.ResaveList)
	e.holds(newer)
}

func replayOnce(e *env) {
	e.owed("pg")
	e.reprocess(owedTo, queue.FromFailed, 1)
	_, err := e.q.Reprocess(e.ctx(), owedTo, queue.Filter{}, queue.FromFailed, 0)
	e.ok(err)
	e.finish(e.lease(queue.ResaveList))
	e.none(queue.ResaveList)
	e.depth(owedTo, 0, 0, 0, 0)
}

func replayStays(e *env) {
	d := e.owed("pg")
	e.reprocess(owedTo, queue.FromFailed, 1)
	e.depth(owedTo, 0, 0, 0, 1)
	e.lease(queue.ResaveList)
	e.lapse()
	l := e.lease(queue.ResaveList)
	if l.ID != d.ID() || l.Crashes != 1 || !slices.Equal(l.Left, []string{"pg"}) {
		e.Fatalf("lease after a crash = %+v", l)
	}
	e.depth(owedTo, 0, 0, 0, 1)
	e.finish(l)
	e.depth(owedTo, 0, 0, 0, 0)
}

func replayFails(e *env) {
	d := e.owed("pg")
	e.reprocess(owedTo, queue.FromFailed, 1)
	l := e.lease(queue.ResaveList)
	e.ok(e.q.Fail(e.ctx(), l, queue.Failure{Reason: "storage_failed", Storage: "pg", Detail: "still down"}))
	ds := e.dead(owedTo)
	if len(ds) != 1 || ds[0].ID != d.ID() || ds[0].Detail != "still down" {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.reprocess(owedTo, queue.FromFailed, 1)
	e.finish(e.lease(queue.ResaveList))
	e.depth(owedTo, 0, 0, 0, 0)
}

func replayFinishesWithFailure(e *env) {
	e.owed("pg")
	e.reprocess(owedTo, queue.FromFailed, 1)
	l := e.lease(queue.ResaveList)
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg", Detail: "still down"}}}))
	ds := e.dead(owedTo)
	if len(ds) != 1 || ds[0].Detail != "still down" || ds[0].Count != 2 {
		e.Fatalf("dead letters = %+v", ds)
	}
}

func replayOneOfTwo(e *env) {
	e.owed("pg", "s3")
	e.reprocess(owedTo, queue.FromFailed, 1)
	l := e.lease(queue.ResaveList)
	if !slices.Equal(l.Left, []string{"pg"}) {
		e.Fatalf("left = %v", l.Left)
	}
	e.finish(l)
	e.depth(owedTo, 0, 0, 0, 0)
	e.depth(queue.StoragePrefix+"s3", 0, 0, 0, 1)
}

func replayDeleted(e *env) {
	d := e.owed("pg")
	e.ok(e.q.Delete(e.ctx(), d.ID()))
	e.reprocess(owedTo, queue.FromFailed, 0)
	e.depth(owedTo, 0, 0, 0, 0)
	e.none(queue.ResaveList)
}

func replayLifetime(e *env) {
	d := e.owed("pg")
	e.lives(d.ID())
	e.reprocess(owedTo, queue.FromFailed, 1)
	l := e.lease(queue.ResaveList)
	e.pass(10 * time.Second)
	e.ends(l, hour)
	e.livesFor(d.ID(), hour)
}

func replayReopened(e *env) {
	d := e.owed("pg")
	e.reprocess(owedTo, queue.FromFailed, 1)
	e.reopen()
	e.depth(owedTo, 0, 0, 0, 1)
	l := e.lease(queue.ResaveList)
	if l.ID != d.ID() || !slices.Equal(l.Left, []string{"pg"}) {
		e.Fatalf("lease = %+v", l)
	}
	e.finish(l)
	e.depth(owedTo, 0, 0, 0, 0)
}

// Q14: a late holder's repair.
func resaveJob(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.finish(e.lease("in"))
	e.ok(e.q.Resave(e.ctx(), d.ID(), []string{"pg", "s3"}))
	l := e.lease(queue.ResaveList)
	if l.ID != d.ID() || l.Stage != queue.StageResave || !slices.Equal(l.Left, []string{"pg", "s3"}) {
		e.Fatalf("lease = %+v", l)
	}
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{Stage: queue.StageResave, Left: []string{"s3"}, Stored: []string{"pg"}}))
	l = e.lease(queue.ResaveList)
	if l.Stage != queue.StageResave || !slices.Equal(l.Left, []string{"s3"}) {
		e.Fatalf("lease = %+v", l)
	}
	e.finish(l)
	e.depth(queue.ResaveList, 0, 0, 0, 0)
	e.holds(d)
}

func resaveWaits(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.ok(e.q.Resave(e.ctx(), d.ID(), []string{"pg"}))
	e.none(queue.ResaveList)
	e.finish(l)
	e.pass(parking)
	e.finish(e.lease(queue.ResaveList))
}

func resaveMerged(e *env) {
	d := e.plain()
	e.put(d)
	e.ok(e.q.Resave(e.ctx(), d.ID(), []string{"pg"}))
	e.ok(e.q.Resave(e.ctx(), d.ID(), []string{"s3", "pg"}))
	l := e.lease(queue.ResaveList)
	left := slices.Sorted(slices.Values(l.Left))
	if !slices.Equal(left, []string{"pg", "s3"}) {
		e.Fatalf("left = %v, want both storages in one job", l.Left)
	}
	e.finish(l)
	e.none(queue.ResaveList)
}

// A late save may have brought a deleted document back in a storage.
func resaveDeleted(e *env) {
	d := e.plain()
	e.put(d)
	e.remove(d.ID())
	e.finish(e.lease(queue.DeleteList))
	e.ok(e.q.Resave(e.ctx(), d.ID(), []string{"pg"}))
	e.none(queue.ResaveList)
	l := e.lease(queue.DeleteList)
	if l.ID != d.ID() || l.Stage != queue.StageDelete {
		e.Fatalf("lease = %+v", l)
	}
	e.finish(l)
	e.none(queue.DeleteList)
}
