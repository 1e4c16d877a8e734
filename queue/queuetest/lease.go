package queuetest

import (
	"context"
	"errors"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func leaseCases() []kase {
	return []kase{
		{"BringsTheDocument", 0, leaseBrings},
		{"WakesWhenSomethingComes", 0, leaseWakes},
		{"EndsWithItsContext", 0, leaseContext},
		{"EndsWhenTheStoreCloses", 0, leaseClose},
		{"OldestFirst", 0, leaseOldest},
		{"TakesUpToMax", 0, leaseMax},
		{"TakesUpToMaxBytes", 0, leaseMaxBytes},
		{"OneHolderOverAllLists", needClock, leaseOneHolder},
		{"TwiceOnOneListIsWorkedInTurn", needClock, leaseTwiceOnOneList},
		{"WaitingBehindAHolderEndsWithHisLease", needClock, leaseBehind},
		{"RestoredBesideItsLease", needClock | needOutside, leaseRestored},
		{"OnlyOneOfManyWorkersGetsIt", 0, leaseRace},
		{"UnknownListIsEmpty", 0, leaseUnknown},
		{"NoDocumentIsStillALease", needClock | needOutside, leaseNoDocument},
		{"DeletedIsSkipped", 0, leaseSkipsDeleted},
		{"ListsAreNamed", 0, listNames},
		{"RunIsNewAfterFinish", 0, leaseNewRun},
	}
}

func leaseBrings(e *env) {
	d := e.plain()
	r := e.put(d, "in")
	before := time.Now()
	l := e.lease("in")
	switch {
	case l.ID != d.ID() || l.List != "in" || string(l.Doc.Bytes()) != string(d.Bytes()):
		e.Fatalf("lease = %+v", l)
	case l.Rev != r.Rev || l.Base.Gen != r.Gen || l.Base.Rev != r.Rev || l.Base.Hash != d.Hash():
		e.Fatalf("lease of rev %d, base %+v; submitted %+v", l.Rev, l.Base, r)
	case l.Tries != 0 || l.Crashes != 0 || l.Attempt() != 1 || l.Stage != queue.StageLinks:
		e.Fatalf("first lease says tries %d, crashes %d, stage %d", l.Tries, l.Crashes, l.Stage)
	case len(l.Done)+len(l.Left)+len(l.Stored) != 0 || l.Run == queue.RunID{}:
		e.Fatalf("first lease has a past: %+v", l)
	case l.Deadline.Before(before.Add(ttl-time.Second)) || !l.Alive():
		e.Fatalf("deadline %v after the call, ttl %v", l.Deadline.Sub(before), ttl)
	case l.Arrived.IsZero() || l.Arrived.After(time.Now().Add(time.Second)):
		e.Fatalf("arrived = %v", l.Arrived)
	}
	e.depth("in", 0, 0, 1, 0)
}

type leased struct {
	ls  []*queue.Lease
	err error
}

// waiting starts a worker that waits for one vCon.
func (e *env) waiting(ctx context.Context, lists ...string) <-chan leased {
	got := make(chan leased, 1)
	go func() {
		ls, err := e.q.Lease(ctx, want(1, lists...))
		got <- leased{ls, err}
	}()
	time.Sleep(blink) // it most likely waits by now; sooner is also right
	return got
}

// ended gives what a waiting worker got, and fails the case when it goes on waiting.
func (e *env) ended(got <-chan leased) leased {
	e.Helper()
	select {
	case g := <-got:
		return g
	case <-time.After(patience):
		e.Fatal("the worker goes on waiting")
		return leased{}
	}
}

func leaseWakes(e *env) {
	wake := []struct {
		name string
		do   func(d *vcon.VCon)
	}{
		{"submit", func(d *vcon.VCon) { e.put(d, "submit") }},
		{"enqueue", func(d *vcon.VCon) {
			e.put(d)
			_, err := e.q.Enqueue(e.ctx(), "enqueue", []vcon.ID{d.ID()})
			e.ok(err)
		}},
		{"route", func(d *vcon.VCon) {
			e.put(d, "before")
			e.ok(e.q.Finish(e.ctx(), e.lease("before"), queue.Outcome{Routes: []string{"route"}}))
		}},
	}
	for _, w := range wake {
		d := e.plain()
		got := e.waiting(e.ctx(), w.name)
		w.do(d)
		g := e.ended(got)
		e.ok(g.err)
		if len(g.ls) != 1 || g.ls[0].ID != d.ID() {
			e.Fatalf("after %s the worker got %v", w.name, g.ls)
		}
	}
}

func leaseContext(e *env) {
	ctx, cancel := context.WithCancel(e.ctx())
	got := e.waiting(ctx, "in")
	cancel()
	e.is(e.ended(got).err, context.Canceled)
	d := e.plain()
	e.put(d, "in")
	e.ids("after the cancelled call", []vcon.ID{e.lease("in").ID}, d.ID())
}

func leaseClose(e *env) {
	got := e.waiting(e.ctx(), "in")
	e.ok(e.q.Close())
	e.is(e.ended(got).err, queue.ErrClosed)
}

func leaseOldest(e *env) {
	var all []vcon.ID
	for range 5 {
		d := e.plain()
		e.put(d, "in")
		all = append(all, d.ID())
	}
	var got []vcon.ID
	for range 5 {
		got = append(got, e.lease("in").ID)
	}
	e.ids("order", got, all...)
}

func leaseMax(e *env) {
	for range 5 {
		e.put(e.plain(), "in")
	}
	e.leases(3, want(3, "in"))
	e.leases(2, want(3, "in"))
	e.depth("in", 0, 0, 5, 0)
}

// Q23: a batch of large documents does not fill the memory; one is always given.
func leaseMaxBytes(e *env) {
	for range 5 {
		e.put(e.doc(paper{size: 10_000}), "in")
	}
	w := want(5, "in")
	w.MaxBytes = 25_000
	e.leases(2, w)
	w.MaxBytes = 1
	e.leases(1, w)
	w.MaxBytes = 0
	e.leases(2, w)
}

// Q2: one lease per uuid, over all lists, and waiting for it costs no attempt.
func leaseOneHolder(e *env) {
	d := e.plain()
	e.put(d, "a", "b")
	l := e.lease("a")
	e.none("b")
	e.none("a", "b")
	e.finish(l)
	e.pass(parking)
	l = e.lease("a", "b")
	if l.List != "b" || l.Tries != 0 || l.Crashes != 0 {
		e.Fatalf("second chain's lease = %+v", l)
	}
	e.finish(l)
	e.none("a", "b")
}

func leaseTwiceOnOneList(e *env) {
	d := e.plain()
	e.put(d)
	_, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID(), d.ID()})
	e.ok(err)
	ls := e.leases(1, want(5, "in"))
	e.none("in")
	e.finish(ls[0])
	e.pass(parking)
	l := e.lease("in")
	if l.ID != d.ID() || l.Attempt() != 1 {
		e.Fatalf("second lease = %+v", l)
	}
	e.finish(l)
	e.none("in")
	e.depth("in", 0, 0, 0, 0)
}

// Whatever ends the first list's lease lets the second list's entry go on.
func leaseBehind(e *env) {
	for name, end := range map[string]func(l *queue.Lease) error{
		"finish":  func(l *queue.Lease) error { return e.q.Finish(e.ctx(), l, queue.Outcome{}) },
		"release": func(l *queue.Lease) error { return e.q.Release(e.ctx(), l, queue.Hold{Delay: 24 * time.Hour}) },
		"fail":    func(l *queue.Lease) error { return e.q.Fail(e.ctx(), l, queue.Failure{Reason: "x"}) },
		"expiry":  func(*queue.Lease) error { e.lapse(); return nil },
	} {
		d := e.plain()
		e.put(d, name+"-a", name+"-b")
		l := e.lease(name + "-a")
		e.none(name + "-b")
		e.ok(end(l))
		e.pass(parking)
		next := e.lease(name + "-b")
		if next.ID != d.ID() || next.Attempt() != 1 {
			e.Fatalf("after %s: %+v", name, next)
		}
		e.finish(next)
	}
	d := e.plain()
	e.put(d, "del-a", "del-b")
	l := e.lease("del-a")
	e.none("del-b")
	e.remove(d.ID())
	e.is(e.q.Finish(e.ctx(), l, queue.Outcome{}), queue.ErrGone)
	e.none("del-a", "del-b")
	e.depth("del-b", 0, 0, 0, 0)
}

// Q10: who holds an id without document finds it in a storage and puts it back; it must not end while it is listed.
func leaseRestored(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.b.(Outsider).OutsideRemove(e, d.ID())
	l := e.lease("in")
	e.ok(e.q.Restore(e.ctx(), d, time.Hour))
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{}))
	e.pass(5 * time.Hour)
	l = e.lease("in")
	if l.Doc == nil || string(l.Doc.Bytes()) != string(d.Bytes()) {
		e.Fatal("the restored document did not reach the lease")
	}
	w := e.work(l)
	got, _ := w.commit(w.tagged("a", "1"))
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{Lifetime: time.Hour}))
	e.holds(got)
	e.livesFor(d.ID(), time.Hour)
}

func leaseRace(e *env) {
	var waiters []<-chan leased
	ctx, cancel := context.WithCancel(e.ctx())
	for range 8 {
		waiters = append(waiters, e.waiting(ctx, "a", "b"))
	}
	e.put(e.plain(), "a", "b")
	time.Sleep(time.Second)
	cancel()
	winners := 0
	for _, w := range waiters {
		g := e.ended(w)
		if g.err != nil && !errors.Is(g.err, context.Canceled) {
			e.Fatal(g.err)
		}
		winners += len(g.ls)
	}
	if winners != 1 {
		e.Fatalf("%d workers hold one vCon", winners)
	}
}

func leaseUnknown(e *env) {
	e.none("never-named")
	e.depth("never-named", 0, 0, 0, 0)
}

// Q10: a listed id without document is handed out, so that the worker can look in the storages.
func leaseNoDocument(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.b.(Outsider).OutsideRemove(e, d.ID())
	l := e.lease("in")
	if l.ID != d.ID() || l.Doc != nil {
		e.Fatalf("lease = %+v, want one without document", l)
	}
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{Delay: time.Second, CountTry: true}))
	e.pass(2 * time.Second)
	l = e.lease("in")
	if l.Doc != nil || l.Tries != 1 {
		e.Fatalf("second lease: tries %d, document %v", l.Tries, l.Doc)
	}
	e.fail(l, "document_missing")
	if ds := e.dead("in"); len(ds) != 1 || ds[0].Reason != "document_missing" {
		e.Fatalf("dead letters = %+v", ds)
	}
}

// Q13: only a tombstone drops an id.
func leaseSkipsDeleted(e *env) {
	d, next := e.plain(), e.plain()
	e.put(d, "in")
	e.put(next, "in")
	e.ok(e.q.Delete(e.ctx(), d.ID()))
	e.ids("leased", []vcon.ID{e.lease("in").ID}, next.ID())
	e.none("in")
	e.depth("in", 0, 0, 1, 0)
}

func listNames(e *env) {
	e.put(e.plain(), "first", "second")
	e.lease("first")
	ns, err := e.q.Names(e.ctx())
	e.ok(err)
	seen := map[string]bool{}
	for _, n := range ns {
		seen[n] = true
	}
	if !seen["first"] || !seen["second"] {
		e.Fatalf("names = %v", ns)
	}
}

func leaseNewRun(e *env) {
	d := e.plain()
	e.put(d, "in")
	l := e.lease("in")
	e.finish(l)
	_, err := e.q.Enqueue(e.ctx(), "in", []vcon.ID{d.ID()})
	e.ok(err)
	if next := e.lease("in"); next.Run == l.Run || next.Token == l.Token {
		e.Fatal("a second run has the first one's name")
	}
}
