package queuetest

import (
	"errors"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func expiryCases() []kase {
	return []kase{
		{"ReturnsToTheHead", needClock, expiryReturns},
		{"BeatProlongs", needClock, beatProlongs},
		{"OverdueButNotTakenIsRenewed", needClock, beatOverdue},
		{"BeatAnswersForEachLease", needClock, beatEach},
		{"LateHolderIsFencedOff", needClock, lateHolder},
		{"LateHolderIsFencedOffAfterTheSuccessorFinished", needClock, lateAfterFinish},
		{"ReleaseTakesTheCrashBack", needClock, releaseIsNoCrash},
		{"TriesAndCrashesApart", needClock, triesAndCrashes},
		{"SuspectWaitsForASoloWorker", needClock, suspectWaits},
		{"SuspectIsLeasedAlone", needClock, suspectAlone},
		{"KillerIsDeadLetteredItsNeighboursAreNot", needClock, killerAmongInnocents},
		{"ReopenReturnsLeases", needClock, reopenReturns},
	}
}

// D4: a lease that runs out returns its entry to the head of its list.
func expiryReturns(e *env) {
	a, b := e.plain(), e.plain()
	e.put(a, "in")
	e.put(b, "in")
	first := e.lease("in")
	e.pass(ttl - 2*time.Second)
	e.depth("in", 1, 0, 1, 0)
	e.pass(3 * time.Second)
	l := e.lease("in")
	if l.ID != a.ID() || l.Crashes != 1 || l.Tries != 0 || l.Attempt() != 2 || l.Run != first.Run || l.Token == first.Token {
		e.Fatalf("lease after expiry = %+v, first %+v", l, first)
	}
	e.depth("in", 1, 0, 1, 0)
	e.finish(l)
	e.finish(e.lease("in"))
	e.depth("in", 0, 0, 0, 0)
}

func beatProlongs(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	for range 4 {
		e.pass(ttl - 5*time.Second)
		lost, err := e.q.Beat(e.ctx(), ttl, []*queue.Lease{l})
		e.ok(err)
		if len(lost) != 0 {
			e.Fatalf("beat lost %v", lost)
		}
		e.none("in")
	}
	if _, _, err := e.q.Commit(e.ctx(), l, queue.Progress{}, nil); err != nil {
		e.Fatalf("commit by a beating holder: %v", err)
	}
	e.finish(l)
}

// Q22: after an outage longer than the ttl nothing runs again that nobody took.
func beatOverdue(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.lapse()
	lost, err := e.q.Beat(e.ctx(), ttl, []*queue.Lease{l})
	e.ok(err)
	if len(lost) != 0 {
		e.Fatalf("beat of an overdue lease that nobody took: %v", lost)
	}
	e.none("in")
	e.finish(l)
}

func beatEach(e *env) {
	kept, over, gone, lost := e.plain(), e.plain(), e.plain(), e.plain()
	e.put(lost, "in")
	late := e.lease("in")
	e.lapse()
	e.lease("in")
	for _, d := range []*vcon.VCon{kept, over, gone} {
		e.put(d, "in")
	}
	ls := append(e.leases(3, want(3, "in")), late)
	e.put(over)
	e.ok(e.q.Delete(e.ctx(), gone.ID()))
	got, err := e.q.Beat(e.ctx(), ttl, ls)
	e.ok(err)
	if len(got) != 3 {
		e.Fatalf("beat answers %v, want three errors", got)
	}
	e.is(got[over.ID()], queue.ErrSuperseded)
	e.is(got[gone.ID()], queue.ErrGone)
	e.is(got[lost.ID()], queue.ErrLeaseLost)
}

// calls are all calls of a holder.
func (e *env) calls(l *queue.Lease) map[string]func() error {
	var key queue.MemoKey
	return map[string]func() error{
		"Beat": func() error {
			lost, err := e.q.Beat(e.ctx(), ttl, []*queue.Lease{l})
			e.ok(err)
			return lost[l.ID]
		},
		"Remember":   func() error { return e.q.Remember(e.ctx(), l, key, []byte("answer")) },
		"Checkpoint": func() error { return e.q.Checkpoint(e.ctx(), l, queue.Progress{Done: []queue.Step{"late#1"}}) },
		"Commit": func() error {
			_, _, err := e.q.Commit(e.ctx(), l, queue.Progress{Done: []queue.Step{"late#1"}}, []string{"pg"})
			return err
		},
		"Stored": func() error { return e.q.Stored(e.ctx(), l, "pg", l.Rev) },
		"Finish": func() error {
			return e.q.Finish(e.ctx(), l, queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}})
		},
		"Release": func() error { return e.q.Release(e.ctx(), l, queue.Hold{CountTry: true}) },
		"Fail":    func() error { return e.q.Fail(e.ctx(), l, queue.Failure{Reason: "late"}) },
	}
}

// Q14: the token fences every call, and a fenced call changes nothing.
func lateHolder(e *env) {
	d := e.plain()
	e.put(d, "in")
	late := e.lease("in")
	e.lapse()
	now := e.lease("in")
	for name, call := range e.calls(late) {
		if err := call(); !errors.Is(err, queue.ErrLeaseLost) {
			e.Fatalf("%s of a late holder: %v, want ErrLeaseLost", name, err)
		}
	}
	e.untouched(d)
	e.depth("in", 0, 0, 1, 0)
	e.finish(now)
	e.none("in")
}

func (e *env) untouched(d *vcon.VCon) {
	e.Helper()
	e.holds(d)
	for _, list := range []string{"out", "next"} {
		e.depth(list, 0, 0, 0, 0)
	}
	if ds := e.dead("in"); len(ds) != 0 {
		e.Fatalf("dead letters = %+v", ds)
	}
}

func lateAfterFinish(e *env) {
	d := e.plain()
	e.put(d, "in")
	late := e.lease("in")
	e.lapse()
	e.finish(e.lease("in"))
	for name, call := range e.calls(late) {
		if err := call(); !errors.Is(err, queue.ErrLeaseLost) {
			e.Fatalf("%s of a late holder: %v, want ErrLeaseLost", name, err)
		}
	}
	e.untouched(d)
	e.depth("in", 0, 0, 0, 0)
}

// Q11: a deploy that releases what it holds makes nobody suspect.
func releaseIsNoCrash(e *env) {
	e.put(e.plain(), "in")
	for range 6 {
		l := e.lease("in")
		if l.Attempt() != 1 {
			e.Fatalf("attempt %d after graceful releases", l.Attempt())
		}
		e.ok(e.q.Release(e.ctx(), l, queue.Hold{}))
	}
}

func triesAndCrashes(e *env) {
	e.put(e.plain(), "in")
	e.ok(e.q.Release(e.ctx(), e.lease("in"), queue.Hold{CountTry: true}))
	e.lease("in")
	e.lapse()
	l := e.lease("in")
	if l.Tries != 1 || l.Crashes != 1 || l.Attempt() != 3 {
		e.Fatalf("tries %d, crashes %d, attempt %d", l.Tries, l.Crashes, l.Attempt())
	}
	e.ok(e.q.Release(e.ctx(), l, queue.Hold{CountTry: true}))
	if l = e.lease("in"); l.Tries != 2 || l.Crashes != 1 {
		e.Fatalf("tries %d, crashes %d", l.Tries, l.Crashes)
	}
}

// crash leases what there is n times and lets it run out.
func (e *env) crash(n, max int, list string) {
	e.Helper()
	for range n {
		e.leases(max, want(max, list))
		e.lapse()
	}
}

// Q11: three crashes make a suspect: 30 s delay, then only for a worker with nothing else in flight.
func suspectWaits(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.crash(3, 1, "in")
	e.none("in")
	e.pass(time.Minute)
	e.none("in")
	l := e.solo("in")
	if l.ID != d.ID() || l.Crashes < 3 {
		e.Fatalf("solo lease = %+v", l)
	}
	e.finish(l)
	e.none("in")
	e.depth("in", 0, 0, 0, 0)
}

func suspectAlone(e *env) {
	e.put(e.plain(), "in")
	e.put(e.plain(), "in")
	e.crash(3, 2, "in")
	e.settle()
	e.pass(time.Minute)
	e.put(e.plain(), "in")
	w := want(5, "in")
	w.Solo = true
	for range 3 {
		ls := e.poll(w, patience)
		suspects := slices.ContainsFunc(ls, func(l *queue.Lease) bool { return l.Crashes >= 3 })
		if len(ls) == 0 || suspects && len(ls) > 1 {
			e.Fatalf("a solo worker got %d vCons with a suspect among them", len(ls))
		}
		for _, l := range ls {
			e.finish(l)
		}
	}
	e.depth("in", 0, 0, 0, 0)
}

// Q11: one poison vCon kills its process, five times; 15 neighbours are finished, it alone is dead-lettered.
func killerAmongInnocents(e *env) {
	var all []*vcon.VCon
	for range 16 {
		all = append(all, e.plain())
		e.put(all[len(all)-1], "in")
	}
	poison := all[8].ID()
	e.crash(3, 16, "in")
	for range 200 {
		if e.workSolo(poison) == 16 {
			break
		}
	}
	ds := e.dead("in")
	if len(ds) != 1 || ds[0].ID != poison || ds[0].Reason != "killed_worker" {
		e.Fatalf("dead letters = %+v, want %s alone, killed_worker", ds, poison)
	}
	e.depth("in", 0, 0, 0, 1)
	e.holds(all[8])
}

// workSolo is one turn of a worker that works one vCon at a time and dies of poison; it counts what is settled.
func (e *env) workSolo(poison vcon.ID) int {
	e.Helper()
	w := want(1, "in")
	w.Solo = true
	for _, l := range e.poll(w, 40*time.Second) {
		if l.ID == poison {
			e.lapse()
			continue
		}
		e.finish(l)
	}
	d, err := e.q.Depth(e.ctx(), "in")
	e.ok(err)
	return 16 - int(d.Ready+d.Delayed+d.Leased)
}

// D1: whoever held it, after the process is gone it is worked again.
func reopenReturns(e *env) {
	d := e.plain()
	e.put(d, "in")
	e.lease("in")
	e.reopen()
	e.lapse()
	if l := e.lease("in"); l.ID != d.ID() {
		e.Fatalf("leased %s", l.ID)
	}
	e.depth("in", 0, 0, 1, 0)
}
