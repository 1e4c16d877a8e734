package queuetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Times that cases use. ttl is a lease's; patience bounds what must happen; blink is long enough for a wait that must
// not end, and shorter than the store's shortest delay.
const (
	ttl      = 30 * time.Second
	patience = 10 * time.Second
	blink    = 50 * time.Millisecond
	parking  = 6 * time.Second // every delay of an entry whose uuid is busy, or that waits for a solo worker, is below
)

// env is one case's store with the words that cases are written in.
type env struct {
	testing.TB
	b    Backend
	q    queue.Queue
	docs int // documents made so far
}

func newEnv(t testing.TB, b Backend) *env { return &env{TB: t, b: b, q: b.Queue()} }

func (e *env) ctx() context.Context { return e.Context() }

// check asks the store to compare itself with itself.
func (e *env) check() {
	e.Helper()
	if c, ok := e.b.(Checker); ok && !e.Failed() {
		c.Check(e)
	}
}

// reopen closes and opens the store.
func (e *env) reopen() {
	e.Helper()
	e.b.Reopen(e)
	e.q = e.b.Queue()
}

// pass lets time go by.
func (e *env) pass(d time.Duration) {
	if c, ok := e.b.(Clock); ok {
		c.Advance(d)
		return
	}
	time.Sleep(d) // a bubble's clock
}

// ok fails the case on an error.
func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("unexpected error: %v", err)
	}
}

// is fails the case unless err is the wanted one.
func (e *env) is(err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("error = %v, want %v", err, want)
	}
}

// stopped reports whether err tells a holder to stop.
func stopped(err error) bool {
	return errors.Is(err, queue.ErrLeaseLost) || errors.Is(err, queue.ErrSuperseded) || errors.Is(err, queue.ErrGone)
}

// put submits a document to lists.
func (e *env) put(d *vcon.VCon, lists ...string) queue.Receipt {
	e.Helper()
	return e.submit(queue.Submission{Doc: d, Lists: lists})
}

func (e *env) submit(s queue.Submission) queue.Receipt {
	e.Helper()
	r, err := e.q.Submit(e.ctx(), s)
	e.ok(err)
	return r
}

// leases asks for exactly n leases in one call.
func (e *env) leases(n int, w queue.Want) []*queue.Lease {
	e.Helper()
	ls := e.poll(w, patience)
	if len(ls) != n {
		e.Fatalf("lease of %v gave %d, want %d", names(w), len(ls), n)
	}
	return ls
}

// lease takes one vCon from one of the lists and fails the case when there is none.
func (e *env) lease(lists ...string) *queue.Lease {
	e.Helper()
	return e.leases(1, want(1, lists...))[0]
}

// solo takes one vCon as a worker that has nothing else in flight.
func (e *env) solo(list string) *queue.Lease {
	e.Helper()
	w := want(1, list)
	w.Solo = true
	return e.leases(1, w)[0]
}

// none fails the case when the lists have something to lease now.
func (e *env) none(lists ...string) {
	e.Helper()
	for _, l := range e.poll(want(1, lists...), blink) {
		e.Fatalf("leased %s from %s, want nothing", l.ID, l.List)
	}
}

// poll leases what is there before d has passed; none is no error.
func (e *env) poll(w queue.Want, d time.Duration) []*queue.Lease {
	e.Helper()
	ls, err := e.tryLease(w, d)
	if err != nil {
		e.Fatalf("lease of %v: %v", names(w), err)
	}
	for _, l := range ls {
		e.wellFormed(l, w)
	}
	return ls
}

// tryLease is poll for goroutines, which cannot end the case.
func (e *env) tryLease(w queue.Want, d time.Duration) ([]*queue.Lease, error) {
	ctx, cancel := context.WithTimeout(e.ctx(), d)
	defer cancel()
	ls, err := e.q.Lease(ctx, w)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return ls, err
}

// wellFormed checks what is true of every lease.
func (e *env) wellFormed(l *queue.Lease, w queue.Want) {
	e.Helper()
	switch {
	case l.Memo == nil:
		e.Fatal("lease without a memo")
	case l.Token == [16]byte{}:
		e.Fatal("lease without a token")
	case !slices.Contains(names(w), l.List):
		e.Fatalf("leased from %q, asked for %v", l.List, names(w))
	case l.Doc != nil && l.Doc.ID() != l.ID:
		e.Fatalf("lease of %s brings document %s", l.ID, l.Doc.ID())
	case time.Until(l.Deadline) > w.TTL:
		e.Fatalf("deadline %v ahead, ttl %v", time.Until(l.Deadline), w.TTL)
	}
}

// want asks for up to n vCons from lists of equal weight.
func want(n int, lists ...string) queue.Want {
	w := queue.Want{Max: n, TTL: ttl, Owner: "suite:1"}
	for _, name := range lists {
		w.Lists = append(w.Lists, queue.Weighted{Name: name, Weight: 1})
	}
	return w
}

func names(w queue.Want) (ns []string) {
	for _, l := range w.Lists {
		ns = append(ns, l.Name)
	}
	return ns
}

// lapse lets every lease run out and waits for what was parked; nobody has taken them yet.
func (e *env) lapse() { e.pass(ttl + time.Second) }

// settle makes the store do what it does before a lease: return what is due or has run out.
func (e *env) settle() {
	e.Helper()
	for range 8 {
		e.none("nobody-submits-here")
	}
}

// finish ends a lease with no wishes.
func (e *env) finish(l *queue.Lease) {
	e.Helper()
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{}))
}

// fail dead-letters a lease with a reason.
func (e *env) fail(l *queue.Lease, reason string) {
	e.Helper()
	e.ok(e.q.Fail(e.ctx(), l, queue.Failure{Reason: reason, Link: "tag", Detail: "it broke", Attempt: l.Attempt()}))
}

// text is the stored text of a document.
func (e *env) text(id vcon.ID) string {
	e.Helper()
	d, _, err := e.q.Get(e.ctx(), id)
	e.ok(err)
	return string(d.Bytes())
}

// holds checks that a document is stored with exactly this text.
func (e *env) holds(d *vcon.VCon) {
	e.Helper()
	if got := e.text(d.ID()); got != string(d.Bytes()) {
		e.Fatalf("stored text of %s = %.300s, want %.300s", d.ID(), got, d.Bytes())
	}
}

// absent checks that nobody can read a document, by any way.
func (e *env) absent(id vcon.ID) {
	e.Helper()
	_, _, err := e.q.Get(e.ctx(), id)
	e.is(err, queue.ErrNotFound)
	many, err := e.q.GetMany(e.ctx(), []vcon.ID{id})
	e.ok(err)
	if len(many) != 1 || many[0] != nil {
		e.Fatalf("GetMany of an absent id = %v, want one nil", many)
	}
	if slices.Contains(e.listed(queue.Range{Limit: -1}), id) {
		e.Fatalf("%s is listed and cannot be read", id)
	}
}

// there reports whether a document can be read.
func (e *env) there(id vcon.ID) bool {
	e.Helper()
	_, _, err := e.q.Get(e.ctx(), id)
	if errors.Is(err, queue.ErrNotFound) {
		return false
	}
	e.ok(err)
	return true
}

// listed are the ids that List yields.
func (e *env) listed(r queue.Range) (ids []vcon.ID) {
	e.Helper()
	for id, err := range e.q.List(e.ctx(), r) {
		e.ok(err)
		ids = append(ids, id)
	}
	return ids
}

// depth checks the four counts of a list.
func (e *env) depth(list string, ready, delayed, leased, dead int64) {
	e.Helper()
	got, err := e.q.Depth(e.ctx(), list)
	e.ok(err)
	if w := (queue.Depth{Ready: ready, Delayed: delayed, Leased: leased, Dead: dead}); got != w {
		e.Fatalf("depth of %s = %+v, want %+v", list, got, w)
	}
}

// dead are the dead letters of a list, oldest first.
func (e *env) dead(list string) []queue.DeadLetter {
	e.Helper()
	ds, err := e.q.Dead(e.ctx(), list, queue.Page{})
	e.ok(err)
	return ds
}

// ids checks a sequence of ids.
func (e *env) ids(what string, got []vcon.ID, want ...vcon.ID) {
	e.Helper()
	if !slices.Equal(got, want) {
		e.Fatalf("%s = %v, want %v", what, got, want)
	}
}

func idsOf[T any](xs []T, id func(T) vcon.ID) (ids []vcon.ID) {
	for _, x := range xs {
		ids = append(ids, id(x))
	}
	return ids
}

func leaseID(l *queue.Lease) vcon.ID    { return l.ID }
func deadID(d queue.DeadLetter) vcon.ID { return d.ID }
func docID(d *vcon.VCon) vcon.ID        { return d.ID() }
