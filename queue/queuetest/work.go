package queuetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// work is a worker's run over one lease: a draft, and what happened since the last checkpoint.
type work struct {
	e    *env
	l    *queue.Lease
	d    *vcon.Draft
	mark vcon.Mark
}

func (e *env) work(l *queue.Lease) *work {
	e.Helper()
	if l.Doc == nil {
		e.Fatalf("lease of %s has no document", l.ID)
	}
	d := l.Doc.Draft()
	return &work{e: e, l: l, d: d, mark: d.Mark()}
}

// progress is what happened since the last call of progress.
func (w *work) progress(done ...queue.Step) queue.Progress {
	p := queue.Progress{Edits: w.d.EditsSince(w.mark), Done: done}
	w.mark = w.d.Mark()
	return p
}

// tagged runs a link that adds a tag.
func (w *work) tagged(name, value string) queue.Progress {
	w.e.Helper()
	w.e.ok(w.d.AddTag(name, value))
	return w.progress(queue.Step("tag-" + name + "#1"))
}

// analysed runs a link that appends an analysis.
func (w *work) analysed(body string) queue.Progress {
	w.e.Helper()
	w.e.ok(w.d.Append("/analysis", analysis(body)))
	return w.progress(queue.Step("analyse-" + body + "#1"))
}

// set runs a link that sets one value.
func (w *work) set(pointer, value string) queue.Progress {
	w.e.Helper()
	w.e.ok(w.d.Set(pointer, []byte(value)))
	return w.progress("set#1")
}

func analysis(body string) []byte {
	return fmt.Appendf(nil, `{"type":"summary","dialog":0,"vendor":"suite","encoding":"none","body":%q}`, body)
}

// checkpoint appends p to the lease's journal.
func (w *work) checkpoint(p queue.Progress) {
	w.e.Helper()
	w.e.ok(w.e.q.Checkpoint(w.e.ctx(), w.l, p))
}

// commit commits p.
func (w *work) commit(p queue.Progress, left ...string) (*vcon.VCon, queue.Rev) {
	w.e.Helper()
	d, rev, err := w.e.q.Commit(w.e.ctx(), w.l, p, left)
	w.e.ok(err)
	if d == nil {
		w.e.Fatal("commit gave no document")
	}
	return d, rev
}

// hasTags checks the tags of a document.
func (e *env) hasTags(d *vcon.VCon, want ...string) {
	e.Helper()
	if got := d.Draft().Tags(); !slices.Equal(got, want) {
		e.Fatalf("tags = %q, want %q in %s", got, want, d.Bytes())
	}
}

// analyses are the bodies of a document's analyses.
func (e *env) analyses(d *vcon.VCon) (bodies []string) {
	e.Helper()
	n, err := d.Draft().Count("/analysis")
	e.ok(err)
	for i := range n {
		v, err := d.Get(fmt.Sprintf("/analysis/%d/body", i))
		e.ok(err)
		text, _ := v.Text()
		bodies = append(bodies, text)
	}
	return bodies
}

// hasAnalyses checks the bodies of a document's analyses.
func (e *env) hasAnalyses(d *vcon.VCon, want ...string) {
	e.Helper()
	if got := e.analyses(d); !slices.Equal(got, want) {
		e.Fatalf("analyses = %q, want %q", got, want)
	}
}

// stored is the stored document.
func (e *env) stored(id vcon.ID) *vcon.VCon {
	e.Helper()
	d, _, err := e.q.Get(e.ctx(), id)
	e.ok(err)
	return d
}

// hasDone checks the done steps of a lease.
func (e *env) hasDone(l *queue.Lease, want ...queue.Step) {
	e.Helper()
	if !slices.Equal(l.Done, want) {
		e.Fatalf("done steps = %v, want %v", l.Done, want)
	}
}

// memo asks a lease for a remembered answer.
func (e *env) memo(l *queue.Lease, k queue.MemoKey) (string, bool) {
	e.Helper()
	answer, ok, err := l.Memo.Memo(context.WithoutCancel(e.ctx()), k)
	e.ok(err)
	return string(answer), ok
}

// remembers checks what a lease remembers under a key; "" = nothing.
func (e *env) remembers(l *queue.Lease, k queue.MemoKey, want string) {
	e.Helper()
	if got, ok := e.memo(l, k); got != want || ok != (want != "") {
		e.Fatalf("memo = %q, %v; want %q", got, ok, want)
	}
}
