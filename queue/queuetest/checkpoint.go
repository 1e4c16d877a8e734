package queuetest

import (
	"bytes"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func checkpointCases() []kase {
	return []kase{
		{"LeavesTheDocumentAlone", 0, checkpointInvisible},
		{"IsAppliedOnRedelivery", needClock, checkpointRedelivered},
		{"GathersDoneAndEffects", needClock, checkpointGathers},
		{"IsThereAfterReopen", needClock, checkpointReopened},
		{"IsKeptByRelease", 0, checkpointReleased},
		{"IsDroppedByFinish", 0, checkpointFinished},
		{"RepeatedCountsOnce", needClock, checkpointRepeated},
		{"MemoIsKeptOverRedelivery", needClock, memoRedelivered},
		{"MemoIsThereAfterReopen", needClock, memoReopened},
		{"MemoEndsWithFinish", 0, memoFinished},
		{"MemoBelongsToItsRun", 0, memoOfRun},
		{"MemoHasALimit", 0, memoLimit},
	}
}

// Q16: GET during a run shows the last commit.
func checkpointInvisible(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.holds(d)
}

// Q15, Q16: a redelivery works on base and journal.
func checkpointRedelivered(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("first"))
	w.checkpoint(w.tagged("a", "1"))
	e.lapse()
	l := e.lease("in")
	e.hasAnalyses(l.Doc, "first")
	e.hasTags(l.Doc, "a:1")
	e.hasDone(l, "analyse-first#1", "tag-a#1")
	e.holds(d)
	next := e.work(l)
	got, rev := next.commit(next.analysed("second"))
	e.hasAnalyses(got, "first", "second")
	e.hasTags(got, "a:1")
	if rev <= l.Rev {
		e.Fatalf("rev %d after a commit over rev %d", rev, l.Rev)
	}
	e.holds(got)
	e.finish(l)
	e.holds(got)
}

func checkpointGathers(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	made := e.plain()
	first := queue.Progress{Done: []queue.Step{"one#1"}, Effects: queue.Effects{Routes: []string{"a"}}}
	second := queue.Progress{Done: []queue.Step{"two#1", "one#2"}, Effects: queue.Effects{
		Halted: true, Routes: []string{"b"}, Expire: new(ttl), Creates: []queue.Create{{Text: made.Bytes(), Lists: []string{"c"}, Current: true}}}}
	e.ok(e.q.Checkpoint(e.ctx(), l, first))
	e.ok(e.q.Checkpoint(e.ctx(), l, second))
	e.lapse()
	l = e.lease("in")
	e.hasDone(l, "one#1", "two#1", "one#2")
	x := l.Effects
	if !x.Halted || !slices.Equal(x.Routes, []string{"a", "b"}) || x.Expire == nil || *x.Expire != ttl {
		e.Fatalf("effects = %+v", x)
	}
	if len(x.Creates) != 1 || !x.Creates[0].Current || !bytes.Equal(x.Creates[0].Text, made.Bytes()) || !slices.Equal(x.Creates[0].Lists, []string{"c"}) {
		e.Fatalf("creates = %+v", x.Creates)
	}
	e.depth("a", 0, 0, 0, 0)
	if e.there(made.ID()) {
		e.Fatal("a created vCon is there before Finish")
	}
}

func checkpointReopened(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.reopen()
	e.lapse()
	l := e.lease("in")
	e.hasTags(l.Doc, "a:1")
	e.hasDone(l, "tag-a#1")
}

// Q30: a drain checkpoints what is done and releases.
func checkpointReleased(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{}))
	l := e.lease("in")
	e.hasTags(l.Doc, "a:1")
	e.hasDone(l, "tag-a#1")
	if l.Run != w.l.Run {
		e.Fatal("a release began another run")
	}
}

func checkpointFinished(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	got, _ := w.commit(queue.Progress{})
	e.finish(w.l)
	_, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	l := e.lease("in")
	e.hasDone(l)
	if l.Stage != queue.StageLinks || !bytes.Equal(l.Doc.Bytes(), got.Bytes()) {
		e.Fatal("the next run begins with the last one's journal")
	}
}

// Q9: a checkpoint whose answer was lost is sent again.
func checkpointRepeated(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	p := w.analysed("once")
	w.checkpoint(p)
	w.checkpoint(p)
	e.lapse()
	l := e.lease("in")
	e.hasAnalyses(l.Doc, "once")
	e.hasDone(l, "analyse-once#1")
}

// Q4: a paid call whose answer reached us is not repeated.
func memoRedelivered(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	k, other := queue.MemoKey{1}, queue.MemoKey{2}
	e.ok(e.q.Remember(e.ctx(), l, k, []byte("transcript")))
	e.remembers(l, k, "transcript")
	e.remembers(l, other, "")
	e.lapse()
	l = e.lease("in")
	e.remembers(l, k, "transcript")
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{CountTry: true}))
	e.remembers(e.lease("in"), k, "transcript")
}

func memoReopened(e *env) {
	e.put(e.plain(), "in")
	e.ok(e.q.Remember(e.ctx(), e.lease("in"), queue.MemoKey{1}, []byte("paid")))
	e.reopen()
	e.lapse()
	e.remembers(e.lease("in"), queue.MemoKey{1}, "paid")
}

func memoFinished(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.ok(e.q.Remember(e.ctx(), l, queue.MemoKey{1}, []byte("paid")))
	e.finish(l)
	_, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	e.remembers(e.lease("in"), queue.MemoKey{1}, "")
}

func memoOfRun(e *env) {
	e.put(e.plain(), "in")
	e.put(e.plain(), "in")
	one, two := e.lease("in"), e.lease("in")
	e.ok(e.q.Remember(e.ctx(), one, queue.MemoKey{1}, []byte("of one")))
	e.remembers(two, queue.MemoKey{1}, "")
	if one.Run == two.Run {
		e.Fatal("two runs have one name")
	}
}

func memoLimit(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	big := bytes.Repeat([]byte("x"), 1<<20)
	e.ok(e.q.Remember(e.ctx(), l, queue.MemoKey{1}, big))
	e.remembers(l, queue.MemoKey{1}, string(big))
	if err := e.q.Remember(e.ctx(), l, queue.MemoKey{2}, append(big, 'x')); err == nil {
		e.Fatal("an answer above 1 MiB was taken")
	}
	e.remembers(l, queue.MemoKey{2}, "")
}
