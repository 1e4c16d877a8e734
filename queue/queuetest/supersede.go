package queuetest

import (
	"errors"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func supersedeCases() []kase {
	return []kase{
		{"BeforeTheLease", needClock, supersedeWaiting},
		{"WhileLeased", needClock, supersedeLeased},
		{"AfterACheckpoint", needClock, supersedeCheckpointed},
		{"AfterTheCommit", needClock, supersedeCommitted},
		{"EntryReturnsWhenItsListWasNotNamed", needClock, supersedeOtherList},
		{"HolderThatNeverComesBack", needClock, supersedeAbandoned},
		{"AfterAFailure", needClock, supersedeDead},
		{"OldLetterBeginsAnew", needClock, supersedeLetter},
		{"TwiceWhileLeased", needClock, supersedeTwice},
	}
}

// newer re-submits a document with another text.
func (e *env) newer(id vcon.ID, lists ...string) *vcon.VCon {
	e.Helper()
	d := e.as(id, paper{subject: "newer"})
	if r := e.put(d, lists...); r.Gen < 2 || !r.Replaced {
		e.Fatalf("answer to a re-POST = %+v", r)
	}
	return d
}

// drained finishes everything a list has for a uuid, checks that it was the wanted text, and says how often.
func (e *env) drained(list string, d *vcon.VCon) (n int) {
	e.Helper()
	for range 10 {
		e.pass(parking)
		ls := e.poll(want(1, list), blink)
		if len(ls) == 0 {
			break
		}
		n++
		l := ls[0]
		if l.ID != d.ID() || string(l.Doc.Bytes()) != string(d.Bytes()) || l.Stage != queue.StageLinks || len(l.Done) != 0 || l.Attempt() != 1 {
			e.Fatalf("lease after a re-POST = %+v", l)
		}
		e.finish(l)
	}
	e.depth(list, 0, 0, 0, 0)
	e.holds(d)
	return n
}

// Q12: the older entry, if it is still there, meets the newer document.
func supersedeWaiting(e *env) {
	d := e.plain()
	e.put(d, "in")
	newer := e.newer(d.ID(), "in")
	if n := e.drained("in", newer); n < 1 || n > 2 {
		e.Fatalf("worked %d times", n)
	}
}

// Q12: the holder of the older one is told, by whatever it calls, and changes nothing.
func supersedeLeased(e *env) {
	for _, name := range []string{"Beat", "Remember", "Checkpoint", "Commit", "Stored", "Finish", "Release", "Fail"} {
		d := e.plain()
		e.put(d, "in")
		l := e.lease("in")
		newer := e.newer(d.ID(), "in")
		e.is(e.calls(l)[name](), queue.ErrSuperseded)
		for other, call := range e.calls(l) {
			if err := call(); !errors.Is(err, queue.ErrSuperseded) && !errors.Is(err, queue.ErrLeaseLost) {
				e.Fatalf("%s after %s told it: %v", other, name, err)
			}
		}
		e.untouched(newer)
		if n := e.drained("in", newer); n != 1 {
			e.Fatalf("after %s: worked %d times, want once", name, n)
		}
	}
}

func supersedeCheckpointed(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("old", "1"))
	e.ok(e.q.Remember(e.ctx(), w.l, queue.MemoKey{1}, []byte("paid")))
	newer := e.newer(d.ID(), "in")
	_, _, err := e.q.Commit(e.ctx(), w.l, w.tagged("late", "2"), nil)
	e.is(err, queue.ErrSuperseded)
	if n := e.drained("in", newer); n != 1 {
		e.Fatalf("worked %d times", n)
	}
}

func supersedeCommitted(e *env) {
	w := e.committed()
	newer := e.newer(w.l.ID, "in")
	e.holds(newer)
	e.is(e.q.Finish(e.ctx(), w.l, queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}}), queue.ErrSuperseded)
	e.untouched(newer)
	if n := e.drained("in", newer); n != 1 {
		e.Fatalf("worked %d times", n)
	}
}

// Q12: the holder's entry returns to the head iff the newer Submit did not name that list.
func supersedeOtherList(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.put(e.plain(), "in")
	newer := e.newer(d.ID(), "second")
	e.is(e.q.Finish(e.ctx(), l, queue.Outcome{Egress: []string{"out"}}), queue.ErrSuperseded)
	e.depth("out", 0, 0, 0, 0)
	first := e.lease("in")
	if first.ID != d.ID() || string(first.Doc.Bytes()) != string(newer.Bytes()) || first.Attempt() != 1 || len(first.Done) != 0 {
		e.Fatalf("head of the list = %+v", first)
	}
	e.finish(first)
	if n := e.drained("second", newer); n != 1 {
		e.Fatalf("worked %d times on the second list", n)
	}
}

func supersedeAbandoned(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.lease("in")
	newer := e.newer(d.ID(), "second")
	e.lapse()
	l := e.lease("in")
	if l.ID != d.ID() || string(l.Doc.Bytes()) != string(newer.Bytes()) || len(l.Done) != 0 {
		e.Fatalf("lease after an abandoned one = %+v", l)
	}
	e.finish(l)
	if n := e.drained("second", newer); n != 1 {
		e.Fatalf("worked %d times on the second list", n)
	}
}

// A re-POST after a failure is worked from the start, with no steps of the failed run.
func supersedeDead(e *env) {
	was := e.failedRun()
	newer := e.newer(was.ID, "in")
	l := e.lease("in")
	e.hasDone(l)
	if l.Run == was.Run || string(l.Doc.Bytes()) != string(newer.Bytes()) {
		e.Fatalf("lease = %+v", l)
	}
	e.remembers(l, queue.MemoKey{1}, "")
	e.finish(l)
	e.holds(newer)
}

func supersedeTwice(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.newer(d.ID(), "in")
	last := e.as(d.ID(), paper{subject: "newest"})
	e.put(last, "in")
	e.is(e.q.Finish(e.ctx(), l, queue.Outcome{}), queue.ErrSuperseded)
	if n := e.drained("in", last); n < 1 || n > 2 {
		e.Fatalf("worked %d times", n)
	}
}

// A letter of the older submission brings the newer document, from the start.
func supersedeLetter(e *env) {
	was := e.failedRun()
	newer := e.newer(was.ID, "in")
	e.finish(e.lease("in"))
	if len(e.dead("in")) == 0 {
		return // a store may also drop the letter with its generation
	}
	e.reprocess("in", queue.FromFailed, 1)
	l := e.lease("in")
	e.hasDone(l)
	if l.Run == was.Run || string(l.Doc.Bytes()) != string(newer.Bytes()) || l.Stage != queue.StageLinks {
		e.Fatalf("lease = %+v", l)
	}
	e.remembers(l, queue.MemoKey{1}, "")
	e.finish(l)
	e.holds(newer)
}
