package queuetest

import (
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Cutter is a Backend that can lose an answer: the next write is kept, and its caller gets an error.
type Cutter interface{ CutReply() }

func cutCases() []kase {
	return []kase{
		{"Submit", needCutter, cutSubmit},
		{"SubmitWithKey", needCutter, cutSubmitKeyed},
		{"Lease", needCutter | needClock, cutLease},
		{"Checkpoint", needCutter | needClock, cutCheckpoint},
		{"Remember", needCutter, cutRemember},
		{"Commit", needCutter, cutCommit},
		{"Stored", needCutter | needClock, cutStored},
		{"Finish", needCutter, cutFinish},
		{"Release", needCutter, cutRelease},
		{"Fail", needCutter, cutFail},
		{"Delete", needCutter, cutDelete},
		{"Resave", needCutter, cutResave},
		{"Reprocess", needCutter, cutReprocess},
	}
}

// cut makes a call whose answer is lost, and the same call again.
func (e *env) cut(call func() error) {
	e.Helper()
	e.b.(Cutter).CutReply()
	if err := call(); err == nil {
		e.Fatal("the answer was to be lost")
	}
	e.ok(call())
}

// Q9, Q12: who gets no answer sends again; within the window, or with a key, that is a retry.
func cutSubmit(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}})
	e.cut(func() error { _, err := e.q.Submit(e.ctx(), s); return err })
	e.depth("in", 1, 0, 0, 0)
	e.holds(s.Doc)
}

func cutSubmitKeyed(e *env) {
	s := keyed(e, "k")
	var r queue.Receipt
	e.cut(func() (err error) { r, err = e.q.Submit(e.ctx(), s); return err })
	if !r.Duplicate || r.Gen != 1 {
		e.Fatalf("answer to the second try = %+v", r)
	}
	e.depth("in", 1, 0, 0, 0)
}

// A lease that nobody was told about comes back.
func cutLease(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.b.(Cutter).CutReply()
	if ls, err := e.q.Lease(e.ctx(), want(1, "in")); err == nil {
		e.Fatalf("the answer was to be lost: %v", ls)
	}
	e.lapse()
	e.ids("leased", []vcon.ID{e.lease("in").ID}, d.ID())
}

func cutCheckpoint(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	p := w.analysed("once")
	e.cut(func() error { return e.q.Checkpoint(e.ctx(), w.l, p) })
	w.checkpoint(w.analysed("twice"))
	e.lapse()
	l := e.lease("in")
	e.hasAnalyses(l.Doc, "once", "twice")
	e.hasDone(l, "analyse-once#1", "analyse-twice#1")
}

func cutRemember(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.cut(func() error { return e.q.Remember(e.ctx(), l, queue.MemoKey{1}, []byte("paid")) })
	e.remembers(l, queue.MemoKey{1}, "paid")
}

func cutCommit(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("journal"))
	p := w.analysed("rest")
	var d *vcon.VCon
	var rev queue.Rev
	e.cut(func() (err error) { d, rev, err = e.q.Commit(e.ctx(), w.l, p, []string{"pg"}); return err })
	e.hasAnalyses(d, "journal", "rest")
	e.holds(d)
	if _, now, err := e.q.Get(e.ctx(), d.ID()); err != nil || now != rev || rev != w.l.Rev+1 {
		e.Fatalf("rev %d, committed %d over %d, %v", now, rev, w.l.Rev, err)
	}
	e.finish(w.l)
}

func cutStored(e *env) {
	w := e.committed()
	e.cut(func() error { return e.q.Stored(e.ctx(), w.l, "pg", 2) })
	e.lapse()
	if l := e.lease("in"); len(l.Left) != 0 || len(l.Stored) != 1 {
		e.Fatalf("left %v, stored %v", l.Left, l.Stored)
	}
}

func cutFinish(e *env) {
	w := e.committed()
	made := e.plain()
	o := queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}, Creates: []queue.Submission{{Doc: made, Lists: []string{"made"}}},
		StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg", Detail: "connection refused"}}}
	e.cut(func() error { return e.q.Finish(e.ctx(), w.l, o) })
	e.finished(w.l.ID, made)
	if ds := e.dead(owedTo); ds[0].Count != 1 {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.none("in")
}

func cutRelease(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.cut(func() error { return e.q.Release(e.ctx(), l, queue.Hold{CountTry: true, Delay: time.Minute}) })
	e.depth("in", 0, 1, 0, 0)
}

func cutFail(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("once"))
	e.cut(func() error { return e.q.Fail(e.ctx(), w.l, queue.Failure{Reason: "link_failed"}) })
	if ds := e.dead("in"); len(ds) != 1 || ds[0].Count != 1 {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.hasAnalyses(e.stored(w.l.ID), "once")
}

func cutDelete(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.cut(func() error { return e.q.Delete(e.ctx(), d.ID()) })
	e.absent(d.ID())
	e.finish(e.lease(queue.DeleteList))
	e.none(queue.DeleteList)
}

func cutResave(e *env) {
	d := e.plain()
	e.put(d)
	e.cut(func() error { return e.q.Resave(e.ctx(), d.ID(), []string{"pg"}) })
	e.finish(e.lease(queue.ResaveList))
	e.none(queue.ResaveList)
}

// The second call finds nothing left to move: nothing is lost, nothing is there twice.
func cutReprocess(e *env) {
	e.deadLetter("in", "tag", "x")
	e.cut(func() error { _, err := e.q.Reprocess(e.ctx(), "in", queue.Filter{}, queue.FromFailed, 0); return err })
	e.depth("in", 1, 0, 0, 0)
}
