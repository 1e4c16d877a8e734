package queuetest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func commitCases() []kase {
	return []kase{
		{"MergesJournalAndRest", 0, commitMerges},
		{"WithoutEditsKeepsTheRevision", 0, commitNothing},
		{"TwiceInOneLease", 0, commitTwice},
		{"RepeatedAnswersTheSame", 0, commitRepeated},
		{"MovesTheJobToStorages", needClock, commitStage},
		{"IsThereAfterReopen", needClock, commitReopened},
		{"StoredMarksOneStorage", needClock, storedMarks},
		{"KeepsEffects", needClock, commitEffects},
		{"MergesAnOutsidersTags", needOutside, rebaseTags},
		{"MergesAnOutsidersMember", needOutside, rebaseMember},
		{"FindsAMovedElement", needOutside, rebaseShift},
		{"RefusesWhatDoesNotFit", needOutside, rebaseConflict},
		{"RedeliversTheJournalOverAnOutsidersText", needOutside | needClock, redeliverOutside},
		{"RedeliversWithoutAJournalThatDoesNotFit", needOutside | needClock, redeliverConflict},
		{"ChecksEditsAgainstADeletedDocument", needOutside, commitWithoutDocument},
	}
}

// Q1: what every storage saves is what is stored.
func commitMerges(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("a", "1"))
	w.checkpoint(w.analysed("x"))
	got, rev := w.commit(w.tagged("b", "2"), "pg")
	e.hasTags(got, "a:1", "b:2")
	e.hasAnalyses(got, "x")
	e.holds(got)
	stored, storedRev, err := e.q.Get(e.ctx(), d.ID())
	e.ok(err)
	if storedRev != rev || rev <= w.l.Rev {
		e.Fatalf("commit said rev %d, stored is %d, lease was %d", rev, storedRev, w.l.Rev)
	}
	if !bytes.Contains(stored.Bytes(), []byte(`"x_price": 1.0e2, "x_note": "caf\u00e9"`)) {
		e.Fatalf("untouched parts were rewritten: %s", stored.Bytes())
	}
	e.finish(w.l)
	e.holds(got)
}

func commitNothing(e *env) {
	d := e.plain()
	r := e.put(d, "in")
	w := e.work(e.lease("in"))
	got, rev := w.commit(w.progress("looked#1"), "pg")
	if rev != r.Rev || !bytes.Equal(got.Bytes(), d.Bytes()) {
		e.Fatalf("rev %d after a commit without edits, was %d", rev, r.Rev)
	}
	e.holds(d)
	e.finish(w.l)
}

func commitTwice(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	_, first := w.commit(w.analysed("x"))
	got, second := w.commit(w.analysed("y"))
	e.hasAnalyses(got, "x", "y")
	if second != first+1 {
		e.Fatalf("revs %d, %d", first, second)
	}
	e.finish(w.l)
	e.holds(got)
}

// Q9: the answer of the first one was lost.
func commitRepeated(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	p := w.analysed("once")
	first, rev := w.commit(p, "pg")
	second, again := w.commit(p, "pg")
	if rev != again || !bytes.Equal(first.Bytes(), second.Bytes()) {
		e.Fatalf("rev %d, then %d for the same commit: %s", rev, again, second.Bytes())
	}
	e.hasAnalyses(e.stored(w.l.ID), "once")
	e.finish(w.l)
}

// Q16: a crash before Finish repeats no link.
func commitStage(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	got, rev := w.commit(w.tagged("a", "1"), "pg", "s3")
	e.lapse()
	l := e.lease("in")
	if l.Stage != queue.StageStorages || !slices.Equal(l.Left, []string{"pg", "s3"}) || l.Rev != rev {
		e.Fatalf("lease after a commit: stage %d, left %v, rev %d (committed %d)", l.Stage, l.Left, l.Rev, rev)
	}
	if !bytes.Equal(l.Doc.Bytes(), got.Bytes()) {
		e.Fatal("the redelivered document is not the committed one")
	}
	e.finish(l)
	e.holds(got)
}

func commitReopened(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	got, rev := w.commit(w.tagged("a", "1"), "pg")
	e.reopen()
	e.holds(got)
	e.lapse()
	if l := e.lease("in"); l.Stage != queue.StageStorages || !slices.Equal(l.Left, []string{"pg"}) || l.Rev != rev {
		e.Fatalf("lease after reopening: stage %d, left %v, rev %d", l.Stage, l.Left, l.Rev)
	}
}

// Q17: a storage that only appends is not asked twice.
func storedMarks(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	_, rev := w.commit(w.tagged("a", "1"), "pg", "sftp", "s3")
	e.ok(e.q.Stored(e.ctx(), w.l, "sftp", rev))
	e.ok(e.q.Stored(e.ctx(), w.l, "sftp", rev))
	e.lapse()
	l := e.lease("in")
	if !slices.Equal(l.Left, []string{"pg", "s3"}) || !slices.Equal(l.Stored, []string{"sftp"}) {
		e.Fatalf("left %v, stored %v", l.Left, l.Stored)
	}
}

func commitEffects(e *env) {
	e.put(e.plain(), "in")
	w := e.work(e.lease("in"))
	p := w.progress("route#1")
	p.Effects = queue.Effects{Routes: []string{"next"}, Halted: true}
	w.commit(p, "pg")
	e.lapse()
	l := e.lease("in")
	if !l.Effects.Halted || !slices.Equal(l.Effects.Routes, []string{"next"}) {
		e.Fatalf("effects after commit and crash = %+v", l.Effects)
	}
}

// outside writes a document past the contract.
func (e *env) outside(id vcon.ID, text string) {
	e.Helper()
	e.b.(Outsider).OutsideWrite(e, id, []byte(text))
}

// edited is the stored text with other edits, as an outsider would make it.
func (e *env) edited(id vcon.ID, edit func(*vcon.Draft) error) string {
	e.Helper()
	d := e.stored(id).Draft()
	e.ok(edit(d))
	v, err := d.VCon()
	e.ok(err)
	return string(v.Bytes())
}

// Q6: all tags live in one place; two that come together are both there.
func rebaseTags(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.tagged("ours", "1"))
	e.outside(d.ID(), e.edited(d.ID(), func(o *vcon.Draft) error { return o.AddTag("theirs", "2") }))
	got, _ := w.commit(w.tagged("also", "3"))
	e.hasTags(got, "theirs:2", "ours:1", "also:3")
	e.holds(got)
	e.finish(w.l)
}

// Q5: the base is the text read at lease.
func rebaseMember(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.set("/subject", `"ours"`))
	e.outside(d.ID(), e.edited(d.ID(), func(o *vcon.Draft) error { return o.Append("/parties", []byte(`{"name":"Theirs"}`)) }))
	got, _ := w.commit(w.analysed("ours"))
	e.hasAnalyses(got, "ours")
	if text := string(got.Bytes()); !strings.Contains(text, `"name":"Theirs"`) || !strings.Contains(text, `"subject": "ours"`) {
		e.Fatalf("merged text = %s", text)
	}
	e.finish(w.l)
}

// Q6: an element is found again by its hash when its index moved.
func rebaseShift(e *env) {
	d := e.doc(paper{analysis: []string{string(analysis("first")), string(analysis("second"))}})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	p := w.set("/analysis/1/x", "1")
	e.outside(d.ID(), e.edited(d.ID(), func(o *vcon.Draft) error { return o.Remove("/analysis/0") }))
	got, _ := w.commit(p)
	e.hasAnalyses(got, "second")
	if _, err := got.Get("/analysis/0/x"); err != nil {
		e.Fatalf("the edit did not follow its element: %s", got.Bytes())
	}
	e.finish(w.l)
}

// Q6: a conflict drops the journal and keeps what was paid for; the holder still has its lease.
func rebaseConflict(e *env) {
	d := e.doc(paper{subject: "as sent"})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	e.ok(e.q.Remember(e.ctx(), w.l, queue.MemoKey{1}, []byte("paid")))
	w.checkpoint(w.set("/subject", `"ours"`))
	theirs := e.edited(d.ID(), func(o *vcon.Draft) error { return o.Set("/subject", []byte(`"theirs"`)) })
	e.outside(d.ID(), theirs)
	_, _, err := e.q.Commit(e.ctx(), w.l, w.analysed("ours"), []string{"pg"})
	e.is(err, queue.ErrConflict)
	if got := e.text(d.ID()); got != theirs {
		e.Fatalf("text after a conflict = %s", got)
	}
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{}))
	l := e.lease("in")
	e.hasDone(l)
	e.remembers(l, queue.MemoKey{1}, "paid")
	if l.Stage != queue.StageLinks || l.Run != w.l.Run || string(l.Doc.Bytes()) != theirs {
		e.Fatalf("lease after a conflict: stage %d, text %s", l.Stage, l.Doc.Bytes())
	}
	next := e.work(l)
	next.commit(next.set("/subject", `"ours after all"`))
	e.finish(l)
}

func redeliverOutside(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.analysed("paid"))
	e.outside(d.ID(), e.edited(d.ID(), func(o *vcon.Draft) error { return o.AddTag("theirs", "2") }))
	e.lapse()
	l := e.lease("in")
	e.hasAnalyses(l.Doc, "paid")
	e.hasTags(l.Doc, "theirs:2")
	next := e.work(l)
	got, _ := next.commit(next.tagged("ours", "1"))
	e.hasTags(got, "theirs:2", "ours:1")
	e.hasAnalyses(got, "paid")
	e.finish(l)
}

func redeliverConflict(e *env) {
	d := e.doc(paper{subject: "as sent"})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	w.checkpoint(w.set("/subject", `"ours"`))
	theirs := e.edited(d.ID(), func(o *vcon.Draft) error { return o.Set("/subject", []byte(`"theirs"`)) })
	e.outside(d.ID(), theirs)
	e.lapse()
	l := e.lease("in")
	if e.hasDone(l); string(l.Doc.Bytes()) != theirs {
		e.Fatalf("redelivered text = %s", l.Doc.Bytes())
	}
	e.finish(l)
}

// A document that an outsider took away under a holder is no ErrGone (nobody deleted it): the edits do not fit.
func commitWithoutDocument(e *env) {
	d := e.plain()
	e.put(d, "in")
	w := e.work(e.lease("in"))
	e.b.(Outsider).OutsideRemove(e, d.ID())
	_, _, err := e.q.Commit(e.ctx(), w.l, w.tagged("a", "1"), nil)
	e.is(err, queue.ErrConflict)
	e.ok(e.q.Release(e.ctx(), w.l, queue.Hold{}))
	if l := e.lease("in"); l.Doc != nil {
		e.Fatal("a document out of nothing")
	}
}
