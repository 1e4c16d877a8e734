package queuetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// The steps of a walk: each does one thing to the store and to the ledger.

func (w *walker) submitNew() {
	d := w.plain()
	a := &account{id: d.ID(), text: string(d.Bytes())}
	w.accounts = append(w.accounts, a)
	w.pushed(a, d, queue.Receipt{Gen: 1})
}

// pushed submits a document that is on no list, perhaps to one.
func (w *walker) pushed(a *account, d *vcon.VCon, want queue.Receipt) {
	w.Helper()
	var lists []string
	if w.pick(4) > 0 {
		lists = []string{w.list()}
	}
	w.say("submit %s to %v", a.id, lists)
	if r := w.put(d, lists...); r.Duplicate || r.Replaced != want.Replaced || want.Gen > 0 && r.Gen != want.Gen {
		w.Fatalf("receipt = %+v", r)
	}
	for _, list := range lists {
		w.tail(list, &entry{doc: a})
	}
}

// submitAgain re-POSTs a document that no list has.
func (w *walker) submitAgain() {
	a, ok := some(w, w.accounts, func(a *account) bool { return a.entry == nil && !(a.gone && w.lingers(a)) })
	if !ok {
		return
	}
	d := w.rewritten(a)
	want := queue.Receipt{Replaced: !a.gone}
	a.gone = false
	w.pushed(a, d, want)
}

// rewritten is another text of a document, the ledger told.
func (w *walker) rewritten(a *account) *vcon.VCon {
	d := w.as(a.id, paper{subject: fmt.Sprintf("take %d", w.nextBatch())})
	a.text, a.tags = string(d.Bytes()), nil
	return d
}

// submitLeased re-POSTs a document under its holder, who is told at its next call.
func (w *walker) submitLeased() {
	h, ok := some(w, w.holdings, func(*holding) bool { return true })
	if !ok {
		return
	}
	d, same := w.rewritten(h.doc), w.pick(2) == 0
	w.say("submit %s under its holder, same list: %v", h.doc.id, same)
	if same {
		w.put(d, h.list)
	} else {
		w.put(d)
	}
	w.is(w.q.Finish(w.ctx(), h.l, queue.Outcome{Egress: []string{"out"}}), queue.ErrSuperseded)
	w.release(h)
	fresh := &entry{doc: h.doc, list: h.list}
	h.doc.entry = fresh
	if same {
		w.tail(h.list, fresh)
	} else {
		w.head(w.nextBatch(), fresh)
	}
}

func (w *walker) enqueue() {
	a, ok := some(w, w.accounts, func(a *account) bool { return a.entry == nil && !a.gone })
	if !ok {
		return
	}
	list := w.list()
	w.say("enqueue %s to %s", a.id, list)
	missing, err := w.q.Enqueue(w.ctx(), list, []vcon.ID{nthID(1 << 20), a.id})
	w.ok(err)
	w.ids("missing", missing, nthID(1<<20))
	w.tail(list, &entry{doc: a})
}

func (w *walker) leaseSome() {
	list, n := w.list(), 1+w.pick(3)
	there := live(w.books[list].ready)
	ls := w.poll(want(n, list), blink)
	if int64(len(ls)) != min(there, int64(n)) {
		w.Fatalf("leased %d of %s, want %d", len(ls), list, min(there, int64(n)))
	}
	for _, l := range ls {
		w.say("lease %s from %s", l.ID, list)
		n, err := w.take(list, l.ID)
		w.ok(err)
		w.got(n, l)
	}
	if len(ls) < n {
		w.books[list].ready = nil // the stale ones were met
		w.settled()
	}
}

// got compares a lease with its entry.
func (w *walker) got(n *entry, l *queue.Lease) {
	w.Helper()
	if n.run == (queue.RunID{}) {
		n.run = l.Run
	}
	if l.Tries != n.tries || l.Crashes != n.crashes || l.Stage != n.stage || l.Run != n.run || !slices.Equal(l.Done, n.done) || !slices.Equal(l.Left, n.left) {
		w.Fatalf("lease = %+v, want %+v", l, n)
	}
	if len(n.journal) == 0 && string(l.Doc.Bytes()) != n.doc.text {
		w.Fatalf("leased text %s, want %s", l.Doc.Bytes(), n.doc.text)
	}
	w.hasTags(l.Doc, slices.Concat(n.doc.tags, n.journal)...)
	w.holdings = append(w.holdings, &holding{entry: n, l: l, until: time.Now().Add(ttl), w: w.work(l)})
}

func anyHolding(*holding) bool { return true }

// tagged runs a link on a held document and gives its progress and its tag.
func (w *walker) tagged(h *holding) (p queue.Progress, tag string) {
	n := w.nextBatch()
	name, value := fmt.Sprintf("t%d", n), "x"
	return h.w.tagged(name, value), name + ":" + value
}

func (w *walker) checkpointOne() {
	h, ok := some(w, w.holdings, func(h *holding) bool { return h.stage == queue.StageLinks })
	if !ok {
		return
	}
	p, tag := w.tagged(h)
	w.say("checkpoint %s with %s", h.doc.id, tag)
	h.w.checkpoint(p)
	h.journal, h.done = append(h.journal, tag), append(h.done, p.Done...)
}

func (w *walker) commitOne() {
	h, ok := some(w, w.holdings, func(h *holding) bool { return h.stage == queue.StageLinks })
	if !ok {
		return
	}
	p, tag := w.tagged(h)
	w.say("commit %s with %s", h.doc.id, tag)
	d, _ := h.w.commit(p, "pg", "s3")
	h.doc.tags = slices.Concat(h.doc.tags, h.journal, []string{tag})
	w.hasTags(d, h.doc.tags...)
	h.doc.text = string(d.Bytes())
	h.tries = 0 // they count within a stage
	h.done, h.journal, h.stage, h.left = append(h.done, p.Done...), nil, queue.StageStorages, []string{"pg", "s3"}
}

func (w *walker) finishOne() {
	h, ok := some(w, w.holdings, func(h *holding) bool { return len(h.journal) == 0 })
	if !ok {
		return
	}
	var o queue.Outcome
	if w.pick(2) == 0 {
		o.Egress = []string{"out"}
	}
	if w.pick(4) == 0 && h.doc.hops < 25 {
		o.Routes = []string{w.list()}
	}
	w.say("finish %s with egress %v, routes %v", h.doc.id, o.Egress, o.Routes)
	w.ok(w.q.Finish(w.ctx(), h.l, o))
	w.release(h)
	h.doc.entry = nil
	h.doc.hops += len(o.Egress) + len(o.Routes)
	if h.doc.hops > 25 {
		w.over = true // what goes round more often is a loop, another case's business
	}
	for range o.Egress {
		w.out = append(w.out, item{id: h.doc.id})
	}
	for _, list := range o.Routes {
		w.tail(list, &entry{doc: h.doc})
	}
}

func (w *walker) releaseOne() {
	h, ok := some(w, w.holdings, anyHolding)
	if !ok {
		return
	}
	hold := queue.Hold{CountTry: w.pick(2) == 0, Stage: h.stage, Left: h.left}
	if w.clock && w.pick(2) == 0 {
		hold.Delay = time.Duration(5+w.pick(60)) * time.Second
	}
	w.say("release %s: %+v", h.doc.id, hold)
	w.ok(w.q.Release(w.ctx(), h.l, hold))
	w.release(h)
	if hold.CountTry {
		h.tries++
	}
	if hold.Delay > 0 {
		h.due = time.Now().Add(hold.Delay)
		w.books[h.list].delayed = append(w.books[h.list].delayed, h.entry)
		return
	}
	w.head(w.nextBatch(), h.entry)
}

func (w *walker) failOne() {
	h, ok := some(w, w.holdings, anyHolding)
	if !ok {
		return
	}
	w.say("fail %s", h.doc.id)
	w.fail(h.l, "link_failed")
	w.release(h)
	h.doc.dead = true
	h.doc.tags, h.journal = slices.Concat(h.doc.tags, h.journal), nil
	d := w.stored(h.doc.id)
	w.hasTags(d, h.doc.tags...)
	h.doc.text = string(d.Bytes())
	w.books[h.list].dead = append(w.books[h.list].dead, h.entry)
}

func (w *walker) reprocessSome() {
	list, from, n := w.list(), queue.From(w.pick(2)), 1+w.pick(2)
	b := w.books[list]
	n = min(n, len(b.dead))
	if n == 0 {
		return
	}
	w.say("reprocess %d of %s from %d", n, list, from)
	moved, err := w.q.Reprocess(w.ctx(), list, queue.Filter{}, from, n)
	w.ok(err)
	if moved != n {
		w.Fatalf("reprocessed %d, want %d", moved, n)
	}
	for _, dead := range b.dead[:n] {
		next := &entry{doc: dead.doc}
		if from == queue.FromFailed {
			next.run, next.done, next.stage, next.left = dead.run, dead.done, dead.stage, dead.left
		}
		dead.doc.dead = false
		w.tail(list, next)
	}
	b.dead = b.dead[n:]
}

func (w *walker) purgeOne() {
	list := w.list()
	b := w.books[list]
	if len(b.dead) == 0 || w.pick(3) > 0 {
		return
	}
	a := b.dead[0].doc
	held := slices.ContainsFunc(w.out, func(it item) bool { return it.id == a.id })
	if held {
		return // whether an egress list holds a document is the caller's lifetime's business
	}
	w.say("purge %s of %s", a.id, list)
	n, err := w.q.Purge(w.ctx(), list, queue.Filter{IDs: []vcon.ID{a.id}})
	w.ok(err)
	if n != 1 {
		w.Fatalf("purged %d", n)
	}
	w.bury(a)
}

func (w *walker) deleteOne() {
	a, ok := some(w, w.accounts, func(a *account) bool { return !a.gone && !w.isDelayed(a) })
	if !ok {
		return
	}
	w.say("delete %s", a.id)
	w.remove(a.id)
	for _, h := range slices.Clone(w.holdings) {
		if h.doc == a {
			w.is(w.q.Finish(w.ctx(), h.l, queue.Outcome{Egress: []string{"out"}}), queue.ErrGone)
			w.release(h)
		}
	}
	w.bury(a)
}

func (w *walker) popSome() {
	n := 1 + w.pick(3)
	got, err := w.q.Pop(w.ctx(), "out", n)
	w.ok(err)
	w.say("popped %v", got)
	for _, id := range got {
		for len(w.out) > 0 && w.out[0].stale {
			w.out = w.out[1:]
		}
		if len(w.out) == 0 || w.out[0].id != id {
			w.Fatalf("popped %s out of turn", id)
		}
		w.out = w.out[1:]
	}
	if len(got) < n {
		if live(w.out) > 0 {
			w.Fatalf("popped %d of %d", len(got), live(w.out))
		}
		w.out = nil
	}
}
