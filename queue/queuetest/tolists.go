package queuetest

import (
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func toListsCases() []kase {
	return []kase{
		{"PutsEverythingBackInOrder", needClock, toListsOrder},
		{"EndsLeases", 0, toListsLeases},
		{"MergesJournals", 0, toListsJournals},
		{"KeepsWhatARunHasDone", 0, toListsKeepsRun},
		{"DropsAJournalThatDoesNotFit", 0, toListsConflict},
		{"LeavesDeadLetters", 0, toListsDead},
		{"KeepsTheStageOfStorages", 0, toListsStage},
	}
}

func (e *env) toLists() {
	e.Helper()
	e.ok(e.q.ToLists(e.ctx()))
}

// Whatever waits for a time or for somebody stands before what has always waited, oldest first.
func toListsOrder(e *env) {
	docs := make([]*vcon.VCon, 5)
	for i := range docs {
		docs[i] = e.plain()
		e.put(docs[i], "in")
		e.pass(time.Second)
	}
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: 2 * time.Hour}))
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{Delay: time.Hour}))
	if held, err := e.q.PopAck(e.ctx(), "in", 1, time.Minute); err != nil || len(held) != 1 {
		e.Fatalf("popped %v, %v", held, err)
	}
	e.depth("in", 2, 2, 1, 0)
	for range 2 {
		e.toLists()
		e.depth("in", 5, 0, 0, 0)
	}
	got, err := e.q.Pop(e.ctx(), "in", 9)
	e.ok(err)
	e.ids("order", got, docs[0].ID(), docs[1].ID(), docs[2].ID(), docs[3].ID(), docs[4].ID())
}

func toListsLeases(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.toLists()
	e.depth("in", 1, 0, 0, 0)
	e.is(e.q.Finish(e.ctx(), l, queue.Outcome{}), queue.ErrLeaseLost)
	if l := e.lease("in"); l.Attempt() != 1 {
		e.Fatalf("attempt %d after nobody crashed", l.Attempt())
	}
}

func toListsJournals(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	w.checkpoint(w.analysed("first"))
	e.holds(d)
	e.toLists()
	e.hasTags(e.stored(d.ID()), "a:1")
	e.hasAnalyses(e.stored(d.ID()), "first")
	e.toLists()
	e.hasAnalyses(e.stored(d.ID()), "first")
}

// A drain may be thought better of: what was done is not done again.
func toListsKeepsRun(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("first"))
	e.ok(e.q.Checkpoint(e.ctx(), w.l, queue.Progress{Done: []queue.Step{"route#1"}, Effects: queue.Effects{Routes: []string{"out"}}}))
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{Delay: time.Hour, CountTry: true}))
	e.toLists()
	l := e.lease("in")
	e.hasDone(l, "analyse-first#1", "route#1")
	if l.Run != w.l.Run || l.Stage != queue.StageLinks || l.Tries != 1 || len(l.Effects.Routes) != 1 {
		e.Fatalf("lease = %+v", l)
	}
	e.hasAnalyses(l.Doc, "first")
	next := e.work(l)
	got, _ := next.commit(next.analysed("second"))
	e.hasAnalyses(got, "first", "second")
	e.finish(l)
}

func toListsConflict(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("first"))
	e.newer(d.ID(), "in")
	e.toLists()
	e.depth("in", 1, 0, 0, 0)
	e.hasAnalyses(e.stored(d.ID()))
	e.hasDone(e.lease("in"))
}

func toListsDead(e *env) {
	d := e.deadLetter("in", "link", "link_failed")
	e.toLists()
	e.depth("in", 0, 0, 0, 1)
	e.holds(d)
}

func toListsStage(e *env) {
	w := e.committed()
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{Delay: time.Hour, Stage: queue.StageStorages, Left: []string{"pg"}}))
	e.toLists()
	if l := e.lease("in"); l.Stage != queue.StageStorages || len(l.Left) != 1 {
		e.Fatalf("stage %d, left %v", l.Stage, l.Left)
	}
}
