package queuetest

import (
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func releaseCases() []kase {
	return []kase{
		{"PutsBackAtTheHead", 0, releaseHead},
		{"WaitsItsDelay", needClock, releaseDelay},
		{"DelayedReturnsToTheHead", needClock, releaseDelayedHead},
		{"DelayedIsThereAfterReopen", needClock, releaseReopened},
		{"CountsATry", 0, releaseCounts},
		{"TriesCountWithinAStage", 0, releaseTriesOfStage},
		{"ArrivalStays", needClock, releaseArrival},
		{"KeepsStageLeftAndStored", 0, releaseKeeps},
		{"RepeatedAnswersTheSame", 0, releaseRepeated},
		{"DelayedWakesAWaitingWorker", needClock, releaseWakes},
		{"ManyDelaysComeInOrder", needClock, releaseOrder},
	}
}

func releaseHead(e *env) {
	a, b := e.plain(), e.plain()
	e.put(a, "in")
	e.put(b, "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Err: "drain"}))
	e.depth("in", 2, 0, 0, 0)
	e.ids("order", idsOf(e.leases(2, want(2, "in")), leaseID), a.ID(), b.ID())
}

func releaseDelay(e *env) {
	e.put(e.plain(), "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: time.Minute}))
	e.depth("in", 0, 1, 0, 0)
	e.pass(50 * time.Second)
	e.none("in")
	e.depth("in", 0, 1, 0, 0)
	e.pass(11 * time.Second)
	if l := e.lease("in"); l.Attempt() != 1 {
		e.Fatalf("attempt %d", l.Attempt())
	}
	e.depth("in", 0, 0, 1, 0)
}

func releaseDelayedHead(e *env) {
	a, b := e.plain(), e.plain()
	e.put(a, "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: time.Minute}))
	e.put(b, "in")
	e.pass(time.Minute + time.Second)
	e.ids("order", idsOf(e.leases(2, want(2, "in")), leaseID), a.ID(), b.ID())
}

func releaseReopened(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: time.Hour, CountTry: true}))
	e.reopen()
	e.none("in")
	e.depth("in", 0, 1, 0, 0)
	e.pass(time.Hour)
	if l := e.lease("in"); l.ID != d.ID() || l.Tries != 1 || l.Crashes != 0 {
		e.Fatalf("lease = %+v", l)
	}
}

// Q11: a try is a run that reported an error.
func releaseCounts(e *env) {
	e.put(e.plain(), "in")
	for i := range 4 {
		l := e.lease("in")
		if l.Tries != i || l.Crashes != 0 || l.Attempt() != i+1 {
			e.Fatalf("lease %d: tries %d, crashes %d", i, l.Tries, l.Crashes)
		}
		e.ok(e.q.Release(e.ctx(), l, queue.Hold{CountTry: true}))
	}
}

// The retries of links must not shorten how long a storage is tried.
func releaseTriesOfStage(e *env) {
	e.put(e.plain(), "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{CountTry: true}))
	w := e.work(e.lease("in"))
	w.commit(w.tagged("a", "1"), "pg")
	for want := range 3 {
		e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{CountTry: want > 0, Stage: queue.StageStorages, Left: []string{"pg"}}))
		if w.l = e.lease("in"); w.l.Tries != want || w.l.Stage != queue.StageStorages {
			e.Fatalf("tries %d in stage %d, want %d", w.l.Tries, w.l.Stage, want)
		}
	}
}

func releaseArrival(e *env) {
	e.put(e.plain(), "in")
	first := e.lease("in")
	e.pass(time.Second)
	e.ok(e.q.Release(e.ctx(), first, queue.Hold{Delay: time.Minute}))
	e.pass(2 * time.Minute)
	if l := e.lease("in"); !l.Arrived.Equal(first.Arrived) {
		e.Fatalf("arrived %v, then %v", first.Arrived, l.Arrived)
	}
}

// Q17: a dead storage frees the slot, and the others are not asked again.
func releaseKeeps(e *env) {
	w := e.committed()
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{Stage: queue.StageStorages, Left: []string{"pg"}, Stored: []string{"s3", "file"}}))
	l := e.lease("in")
	if l.Stage != queue.StageStorages || !slices.Equal(l.Left, []string{"pg"}) || !slices.Equal(l.Stored, []string{"s3", "file"}) {
		e.Fatalf("stage %d, left %v, stored %v", l.Stage, l.Left, l.Stored)
	}
	if l.Run != w.l.Run {
		e.Fatal("a release began another run")
	}
	e.finish(l)
}

func releaseRepeated(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	h := queue.Hold{CountTry: true}
	e.ok(e.q.Release(e.ctx(), l, h))
	e.ok(e.q.Release(e.ctx(), l, h))
	e.depth("in", 1, 0, 0, 0)
	if l = e.lease("in"); l.Tries != 1 {
		e.Fatalf("tries = %d", l.Tries)
	}
}

func releaseWakes(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: 3 * time.Second}))
	g := e.ended(e.waiting(e.ctx(), "in"))
	e.ok(g.err)
	e.ids("woken", idsOf(g.ls, leaseID), d.ID())
}

func releaseOrder(e *env) {
	var all []vcon.ID
	for range 20 {
		e.put(e.plain(), "in")
	}
	for i, l := range e.leases(20, want(20, "in")) {
		all = append(all, l.ID)
		e.ok(e.q.Release(e.ctx(), l, queue.Hold{Delay: time.Duration(i+1) * time.Minute}))
	}
	e.depth("in", 0, 20, 0, 0)
	for i, id := range all {
		e.pass(time.Minute)
		l := e.lease("in")
		if l.ID != id {
			e.Fatalf("after %d minutes leased %s, want %s", i+1, l.ID, id)
		}
		e.finish(l)
	}
	e.depth("in", 0, 0, 0, 0)
}
