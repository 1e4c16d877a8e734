package queuetest

import (
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func deadCases() []kase {
	return []kase{
		{"KeepsWhatIsKnown", 0, deadKeeps},
		{"CommitsTheJournal", 0, deadCommitsJournal},
		{"JournalThatDoesNotFitIsDropped", needOutside, deadConflict},
		{"OldestFirstAndPaged", 0, deadOrder},
		{"TwiceKeepsItsPlace", 0, deadTwice},
		{"RepeatedAnswersTheSame", 0, deadRepeated},
		{"IsThereAfterReopen", needClock, deadReopened},
		{"ReprocessFromTheFailedLink", 0, reprocessFailed},
		{"ReprocessFromTheStart", 0, reprocessStart},
		{"ReprocessGoesToTheTailInOrder", 0, reprocessOrder},
		{"ReprocessSelects", needClock, reprocessSelects},
		{"ReprocessWakesAWorker", 0, reprocessWakes},
		{"ReprocessGivesFreshTries", 0, reprocessTries},
		{"PurgeDropsTheDocument", 0, purgeDrops},
		{"PurgeLeavesWhatOthersHold", needClock, purgeLeaves},
		{"PurgeSelects", 0, purgeSelects},
		{"PopTakesDeadLetters", 0, popDead},
		{"NamesShowTheList", 0, deadNames},
	}
}

// deadLetter puts a new document on a list and dead-letters it.
func (e *env) deadLetter(list, link, reason string) *vcon.VCon {
	e.Helper()
	d := e.plain()
	e.put(d, list)
	e.ok(e.q.Fail(e.ctx(), e.lease(list), queue.Failure{Reason: reason, Link: link}))
	return d
}

// D1: the DLQ has the reason, the document and the position in the chain.
func deadKeeps(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	f := queue.Failure{Reason: "link_failed", Link: "summary", Detail: "status 500 from example.com", Attempt: 5}
	before := time.Now().Add(-time.Second)
	e.ok(e.q.Fail(e.ctx(), w.l, f))
	ds := e.dead("in")
	if len(ds) != 1 {
		e.Fatalf("dead letters = %+v", ds)
	}
	got := ds[0]
	switch {
	case got.ID != d.ID() || got.List != "in" || got.Failure != f || got.Count != 1:
		e.Fatalf("dead letter = %+v", got)
	case got.Run != w.l.Run || !slices.Equal(got.Done, []queue.Step{"tag-a#1"}) || got.Stage != queue.StageLinks:
		e.Fatalf("position of the dead letter = %+v", got)
	case got.At.Before(before) || got.At.After(time.Now().Add(time.Second)):
		e.Fatalf("dead-lettered at %v", got.At)
	}
	e.depth("in", 0, 0, 0, 1)
	e.none("in")
}

// Q27: GET shows the paid transcript.
func deadCommitsJournal(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("paid transcript"))
	e.fail(w.l, "link_failed")
	e.hasAnalyses(e.stored(d.ID()), "paid transcript")
}

// An entry must reach the DLQ whatever happened to its document.
func deadConflict(e *env) {
	d := e.doc(paper{subject: "as sent"})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.set("/subject", `"ours"`))
	theirs := e.edited(d.ID(), func(o *vcon.Draft) error { return o.Set("/subject", []byte(`"theirs"`)) })
	e.outside(d.ID(), theirs)
	e.fail(w.l, "link_failed")
	if got := e.text(d.ID()); got != theirs {
		e.Fatalf("text = %s", got)
	}
	e.depth("in", 0, 0, 0, 1)
}

func deadOrder(e *env) {
	var all []vcon.ID
	for range 5 {
		all = append(all, e.deadLetter("in", "tag", "x").ID())
	}
	e.ids("dead letters", idsOf(e.dead("in"), deadID), all...)
	page, err := e.q.Dead(e.ctx(), "in", queue.Page{Offset: 1, Limit: 2})
	e.ok(err)
	e.ids("second page", idsOf(page, deadID), all[1:3]...)
	page, err = e.q.Dead(e.ctx(), "in", queue.Page{Offset: 5, Limit: 2})
	e.ok(err)
	e.ids("past the end", idsOf(page, deadID))
}

// Q27: the same uuid again updates its letter.
func deadTwice(e *env) {
	a := e.deadLetter("in", "tag", "first")
	b := e.deadLetter("in", "tag", "other")
	_, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{a.ID()})
	e.ok(err)
	e.fail(e.lease("in"), "second")
	ds := e.dead("in")
	e.ids("dead letters", idsOf(ds, deadID), a.ID(), b.ID())
	if ds[0].Count != 2 || ds[0].Reason != "second" || ds[1].Count != 1 {
		e.Fatalf("dead letters = %+v", ds)
	}
	e.depth("in", 0, 0, 0, 2)
}

func deadRepeated(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.fail(l, "link_failed")
	e.fail(l, "link_failed")
	if ds := e.dead("in"); len(ds) != 1 || ds[0].Count != 1 {
		e.Fatalf("dead letters = %+v", ds)
	}
}

func deadReopened(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.fail(w.l, "link_failed")
	before := e.dead("in")
	e.reopen()
	e.pass(10 * 24 * time.Hour)
	after := e.dead("in")
	if len(after) != 1 || !after[0].At.Equal(before[0].At) || after[0].Failure != before[0].Failure || after[0].Run != before[0].Run {
		e.Fatalf("dead letters = %+v, were %+v", after, before)
	}
	e.hasTags(e.stored(d.ID()), "a:1")
}

// reprocess moves all dead letters of a list and checks how many.
func (e *env) reprocess(list string, from queue.From, want int) {
	e.Helper()
	n, err := e.q.Reprocess(e.ctx(), list, queue.Filter{}, from, 0)
	e.ok(err)
	if n != want {
		e.Fatalf("reprocessed %d of %s, want %d", n, list, want)
	}
}

// failedRun dead-letters a document after one link and one paid call.
func (e *env) failedRun() *queue.Lease {
	e.Helper()
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.ok(e.q.Remember(e.ctx(), w.l, queue.MemoKey{1}, []byte("paid")))
	e.fail(w.l, "link_failed")
	return w.l
}

// Q4, Q27: what was done is not done again, what was paid is not paid again.
func reprocessFailed(e *env) {
	was := e.failedRun()
	e.reprocess("in", queue.FromFailed, 1)
	e.depth("in", 1, 0, 0, 0)
	l := e.lease("in")
	if l.ID != was.ID || l.Run != was.Run || l.Stage != queue.StageLinks {
		e.Fatalf("lease = %+v", l)
	}
	e.hasDone(l, "tag-a#1")
	e.hasTags(l.Doc, "a:1")
	e.remembers(l, queue.MemoKey{1}, "paid")
	e.finish(l)
	e.depth("in", 0, 0, 0, 0)
}

func reprocessStart(e *env) {
	was := e.failedRun()
	e.reprocess("in", queue.FromStart, 1)
	l := e.lease("in")
	if l.Run == was.Run {
		e.Fatal("from the start is another run")
	}
	e.hasDone(l)
	e.hasTags(l.Doc, "a:1")
	e.remembers(l, queue.MemoKey{1}, "")
	e.finish(l)
}

func reprocessOrder(e *env) {
	a := e.deadLetter("in", "tag", "x")
	b := e.deadLetter("in", "tag", "x")
	waits := e.plain()
	e.put(waits, "in")
	e.reprocess("in", queue.FromFailed, 2)
	e.depth("in", 3, 0, 0, 0)
	e.ids("order", idsOf(e.leases(3, want(3, "in")), leaseID), waits.ID(), a.ID(), b.ID())
}

func reprocessSelects(e *env) {
	a := e.deadLetter("in", "tag", "x")
	b := e.deadLetter("in", "tag", "y")
	c := e.deadLetter("in", "jq", "x")
	e.pass(time.Hour)
	since := time.Now().Add(-time.Minute)
	d := e.deadLetter("in", "jq", "y")
	f := e.deadLetter("in", "zz", "z")
	steps := []struct {
		f    queue.Filter
		n    int
		want []vcon.ID
	}{
		{queue.Filter{Since: since, Link: "tag"}, 0, nil},
		{queue.Filter{Link: "tag", Reason: "y"}, 0, []vcon.ID{b.ID()}},
		{queue.Filter{IDs: []vcon.ID{d.ID(), nthID(99)}}, 0, []vcon.ID{d.ID()}},
		{queue.Filter{Reason: "x"}, 1, []vcon.ID{a.ID()}},
		{queue.Filter{Since: since}, 0, []vcon.ID{f.ID()}},
		{queue.Filter{}, 0, []vcon.ID{c.ID()}},
	}
	var all []vcon.ID
	for i, s := range steps {
		n, err := e.q.Reprocess(e.ctx(), "in", s.f, queue.FromFailed, s.n)
		e.ok(err)
		if n != len(s.want) {
			e.Fatalf("step %d reprocessed %d, want %d", i, n, len(s.want))
		}
		all = append(all, s.want...)
	}
	e.depth("in", 5, 0, 0, 0)
	e.ids("order", idsOf(e.leases(5, want(5, "in")), leaseID), all...)
}

func reprocessWakes(e *env) {
	d := e.deadLetter("in", "tag", "x")
	got := e.waiting(e.ctx(), "in")
	e.reprocess("in", queue.FromStart, 1)
	g := e.ended(got)
	e.ok(g.err)
	e.ids("woken", idsOf(g.ls, leaseID), d.ID())
}

// An operator's retry is worth as many tries as a new vCon.
func reprocessTries(e *env) {
	e.put(e.plain(), "in")
	for range 4 {
		e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{CountTry: true}))
	}
	e.fail(e.lease("in"), "tries_used")
	e.reprocess("in", queue.FromFailed, 1)
	if l := e.lease("in"); l.Tries != 0 || l.Crashes != 0 {
		e.Fatalf("tries %d, crashes %d after reprocess", l.Tries, l.Crashes)
	}
}

func purgeDrops(e *env) {
	a := e.deadLetter("in", "tag", "x")
	n, err := e.q.Purge(e.ctx(), "in", queue.Filter{})
	e.ok(err)
	if n != 1 {
		e.Fatalf("purged %d", n)
	}
	e.depth("in", 0, 0, 0, 0)
	e.absent(a.ID())
}

func purgeLeaves(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	e.fail(e.lease("a"), "x")
	_, err := e.q.Purge(e.ctx(), "a", queue.Filter{})
	e.ok(err)
	e.holds(d)
	e.pass(parking)
	l := e.lease("b")
	e.fail(l, "y")
	_, err = e.q.Purge(e.ctx(), "b", queue.Filter{})
	e.ok(err)
	e.absent(d.ID())
}

func purgeSelects(e *env) {
	a := e.deadLetter("in", "tag", "x")
	b := e.deadLetter("in", "tag", "y")
	n, err := e.q.Purge(e.ctx(), "in", queue.Filter{Reason: "x"})
	e.ok(err)
	if n != 1 {
		e.Fatalf("purged %d", n)
	}
	e.absent(a.ID())
	e.ids("dead letters", idsOf(e.dead("in"), deadID), b.ID())
}

// Q29: DLQ: names are there to read and pop.
func popDead(e *env) {
	a := e.deadLetter("in", "tag", "x")
	b := e.deadLetter("in", "tag", "x")
	got, err := e.q.Pop(e.ctx(), queue.DLQ("in"), 1)
	e.ok(err)
	e.ids("popped", got, a.ID())
	e.ids("dead letters", idsOf(e.dead("in"), deadID), b.ID())
	e.depth("in", 0, 0, 0, 1)
	e.holds(a)
}

func deadNames(e *env) {
	e.deadLetter("in", "tag", "x")
	e.reopen()
	ns, err := e.q.Names(e.ctx())
	e.ok(err)
	if !slices.Contains(ns, "in") {
		e.Fatalf("names = %v", ns)
	}
}
