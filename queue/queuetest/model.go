package queuetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func modelCases() []kase {
	var ks []kase
	for seed := range uint64(6) {
		ks = append(ks,
			kase{fmt.Sprintf("Walk%d", seed), needClock, func(e *env) { walk(e, dice(seed, 400), true) }},
			kase{fmt.Sprintf("WalkWithoutClock%d", seed), 0, func(e *env) { walk(e, dice(seed+100, 200), false) }})
	}
	return ks
}

// Fuzz walks over the store as the fuzzer's bytes say, each walk in a bubble.
func Fuzz(f *testing.F, open Opener) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		steps := make([]byte, 300)
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		inBubble(t, true, func(t *testing.T) {
			e := newEnv(t, open(t))
			walk(e, bytesOf(steps), true)
			e.check()
		})
	})
}

// chooser gives a number below n, or false when the walk ends.
type chooser func(n int) (int, bool)

func dice(seed uint64, steps int) chooser {
	r := rand.New(rand.NewPCG(seed, 7))
	left := steps * 4
	return func(n int) (int, bool) {
		left--
		return r.IntN(n), left > 0
	}
}

func bytesOf(steps []byte) chooser {
	return func(n int) (int, bool) {
		if len(steps) == 0 {
			return 0, false
		}
		b := steps[0]
		steps = steps[1:]
		return int(b) % n, true
	}
}

// walker takes random steps on the store and on the ledger, and compares the two after each.
type walker struct {
	*env
	*ledger
	choose chooser
	over   bool
	log    []string
	clock  bool
}

func walk(e *env, c chooser, clock bool) {
	w := &walker{env: e, ledger: newLedger(), choose: c, clock: clock}
	defer func() {
		if e.Failed() {
			e.Logf("steps of the walk:\n%s", strings.Join(w.log, "\n"))
		}
	}()
	steps := w.steps()
	for n := 0; !w.over; n++ {
		steps[w.pick(len(steps))]()
		w.counts()
		if n%20 == 0 {
			w.contents()
		}
	}
	w.contents()
}

func (w *walker) steps() []func() {
	steps := []func(){
		w.submitNew, w.submitNew, w.submitAgain, w.submitLeased, w.enqueue, w.leaseSome, w.leaseSome, w.leaseSome,
		w.checkpointOne, w.commitOne, w.finishOne, w.finishOne, w.finishOne, w.releaseOne, w.failOne, w.reprocessSome, w.purgeOne,
		w.deleteOne, w.popSome, w.deleteJobs, w.reopenIdle,
	}
	if w.clock {
		steps = append(steps, w.letPass, w.letPass)
	}
	return steps
}

// pick chooses below n; after the last choice it is 0.
func (w *walker) pick(n int) int {
	i, ok := w.choose(n)
	w.over = w.over || !ok
	return i
}

func (w *walker) say(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *walker) list() string { return []string{"a", "b", "c"}[w.pick(3)] }

// some is a random one of those that fit.
func some[T any](w *walker, all []T, fits func(T) bool) (x T, ok bool) {
	var fit []T
	for _, x := range all {
		if fits(x) {
			fit = append(fit, x)
		}
	}
	if len(fit) == 0 {
		return x, false
	}
	return fit[w.pick(len(fit))], true
}

// counts compares the depths.
func (w *walker) counts() {
	w.Helper()
	for list, b := range w.books {
		got, err := w.q.Depth(w.ctx(), list)
		w.ok(err)
		least, most := live(b.ready), int64(len(b.ready))
		if got.Ready < least || got.Ready > most || got.Delayed != int64(len(b.delayed)) || got.Leased != w.leased(list) || got.Dead != int64(len(b.dead)) {
			w.Fatalf("depth of %s = %+v, want ready %d..%d, delayed %d, leased %d, dead %d", list, got, least, most, len(b.delayed), w.leased(list), len(b.dead))
		}
	}
	got, err := w.q.Depth(w.ctx(), "out")
	w.ok(err)
	if got.Ready < live(w.out) || got.Ready > int64(len(w.out)) || got.Delayed+got.Leased+got.Dead != 0 {
		w.Fatalf("depth of out = %+v, want ready %d..%d", got, live(w.out), len(w.out))
	}
}

// contents compares documents, listing and dead letters.
func (w *walker) contents() {
	w.Helper()
	var listed []vcon.ID
	for _, a := range w.accounts {
		if a.gone {
			_, _, err := w.q.Get(w.ctx(), a.id)
			w.is(err, queue.ErrNotFound)
			continue
		}
		listed = append(listed, a.id)
		if got := w.text(a.id); got != a.text {
			w.Fatalf("text of %s = %s, want %s", a.id, got, a.text)
		}
	}
	got := w.listed(queue.Range{Limit: -1})
	slices.SortFunc(got, func(x, y vcon.ID) int { return strings.Compare(x.String(), y.String()) })
	w.ids("listed", got, listed...)
	for list, b := range w.books {
		w.sameDead(list, w.dead(list), b.dead)
	}
}

func (w *walker) sameDead(list string, got []queue.DeadLetter, want []*entry) {
	w.Helper()
	if len(got) != len(want) {
		w.Fatalf("dead letters of %s = %+v, want %d", list, got, len(want))
	}
	for i, d := range got {
		if n := want[i]; d.ID != n.doc.id || !slices.Equal(d.Done, n.done) || d.Run != n.run {
			w.Fatalf("dead letter %d of %s = %+v, want %s, done %v", i, list, d, n.doc.id, n.done)
		}
	}
}

// settled lets what is due, or nearly, come back.
func (w *walker) settled() {
	w.Helper()
	if !w.clock {
		return
	}
	w.settle()
	for w.near(time.Now()) {
		w.pass(2 * time.Second)
		w.settle()
	}
	w.returned(time.Now())
}

func (w *walker) letPass() {
	d := []time.Duration{time.Second, 7 * time.Second, 20 * time.Second, 29 * time.Second}[w.pick(4)]
	w.say("pass %v", d)
	w.beat(func(h *holding) bool { return h.crashes >= 2 })
	w.pass(d)
	w.beat(func(h *holding) bool { return h.crashes >= 2 })
	w.settled()
}

// beat prolongs the leases that fit: a walk makes no suspects.
func (w *walker) beat(fits func(*holding) bool) {
	var ls []*queue.Lease
	for _, h := range w.holdings {
		if fits(h) {
			ls = append(ls, h.l)
			h.until = time.Now().Add(ttl)
		}
	}
	lost, err := w.q.Beat(w.ctx(), ttl, ls)
	w.ok(err)
	if len(lost) != 0 {
		w.Fatalf("beat lost %v", lost)
	}
}

func (w *walker) reopenIdle() {
	if len(w.holdings) == 0 && w.pick(4) == 0 {
		w.say("reopen")
		w.reopen()
	}
}

// jobs of deletions are worked one by one; nobody holds their uuids.
func (w *walker) deleteJobs() {
	for _, l := range w.poll(want(3, queue.DeleteList), blink) {
		w.say("delete job %s", l.ID)
		gone := slices.ContainsFunc(w.accounts, func(a *account) bool { return a.id == l.ID && a.gone })
		if l.Stage != queue.StageDelete || !gone {
			w.Fatalf("delete job = %+v", l)
		}
		w.finish(l)
	}
	w.settled()
}
