package queuetest

import (
	"bytes"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func largeCases() []kase {
	return []kase{
		{"RoundTripOf300kB", 0, func(e *env) { largeRoundTrip(e, 300<<10) }},
		{"RoundTripOf20MB", 0, func(e *env) { largeRoundTrip(e, 20<<20) }},
		{"GrowsAndShrinks", 0, largeReplaced},
		{"EditedAndCommitted", needClock, largeEdited},
		{"DeletedWhileLeased", 0, largeDeleted},
		{"LifetimeEnds", needClock, largeEnds},
		{"BesideSmallOnes", 0, largeMixed},
	}
}

func largeRoundTrip(e *env, size int) {
	d := e.doc(paper{size: size, parties: []party{{Name: "Ann"}}})
	e.put(d, "in")
	e.same(d)
	e.reopen()
	e.same(d)
	l := e.lease("in")
	if !bytes.Equal(l.Doc.Bytes(), d.Bytes()) {
		e.Fatal("leased another text")
	}
	e.finish(l)
	e.search(queue.Terms{Name: "Ann"}, d.ID())
}

// same is holds without printing megabytes.
func (e *env) same(d *vcon.VCon) {
	e.Helper()
	if !bytes.Equal(e.stored(d.ID()).Bytes(), d.Bytes()) {
		e.Fatalf("stored text of %s differs from the %d bytes that were sent", d.ID(), len(d.Bytes()))
	}
}

func largeReplaced(e *env) {
	d := e.doc(paper{size: 300 << 10})
	for _, size := range []int{300 << 10, 100, 400 << 10, 256<<10 - 400, 256<<10 + 400, 5} {
		newer := e.as(d.ID(), paper{size: size})
		e.put(newer)
		e.same(newer)
		e.reopen()
		e.same(newer)
	}
}

func largeEdited(e *env) {
	d := e.doc(paper{size: 300 << 10})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	e.lapse()
	l := e.lease("in")
	e.hasTags(l.Doc, "a:1")
	next := e.work(l)
	got, _ := next.commit(next.analysed("x"), "pg")
	e.same(got)
	next.l = l
	again, _ := next.commit(next.tagged("b", "2"), "pg")
	e.same(again)
	e.finish(l)
	e.reopen()
	e.same(again)
	e.hasTags(e.stored(d.ID()), "a:1", "b:2")
}

func largeDeleted(e *env) {
	d := e.doc(paper{size: 300 << 10})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	e.remove(d.ID())
	_, _, err := e.q.Commit(e.ctx(), w.l, w.tagged("a", "1"), nil)
	e.is(err, queue.ErrGone)
	e.absent(d.ID())
	e.reopen()
	e.absent(d.ID())
}

func largeEnds(e *env) {
	d := e.doc(paper{size: 300 << 10})
	e.put(d, "in")
	e.ends(e.lease("in"), hour)
	e.livesFor(d.ID(), hour)
}

func largeMixed(e *env) {
	var docs []*vcon.VCon
	for _, size := range []int{10, 300 << 10, 20, 400 << 10, 30} {
		d := e.doc(paper{size: size})
		e.put(d, "in")
		docs = append(docs, d)
	}
	many, err := e.q.GetMany(e.ctx(), idsOf(docs, docID))
	e.ok(err)
	for i, d := range docs {
		if many[i] == nil || !bytes.Equal(many[i].Bytes(), d.Bytes()) {
			e.Fatalf("document %d differs", i)
		}
	}
	e.ids("leased", idsOf(e.leases(5, want(5, "in")), leaseID), idsOf(docs, docID)...)
}
