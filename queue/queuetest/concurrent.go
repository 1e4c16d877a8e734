package queuetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func concurrentCases() []kase {
	return []kase{
		{"SubmittersShareACommit", 0, manySubmit},
		{"BadOnesHurtNoNeighbour", 0, manySubmitSomeBad},
		{"CancelledIsWholeOrNotThere", 0, manyCancelled},
		{"Hammer", needClock, hammer},
		{"ReadersBesideWriters", 0, readersBeside},
	}
}

// each runs f n times at once and waits.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func (e *env) several(n int) (docs []*vcon.VCon) {
	for range n {
		docs = append(docs, e.plain())
	}
	return docs
}

func manySubmit(e *env) {
	docs := e.several(200)
	each(len(docs), func(i int) {
		if _, err := e.q.Submit(e.ctx(), queue.Submission{Doc: docs[i], Lists: []string{"in"}}); err != nil {
			e.Errorf("submit %d: %v", i, err)
		}
	})
	e.depth("in", 200, 0, 0, 0)
	e.reopen()
	for _, d := range docs {
		e.holds(d)
	}
}

// Q20: one bad item does not fail its group.
func manySubmitSomeBad(e *env) {
	docs := e.several(100)
	each(len(docs), func(i int) {
		list := "in"
		if i%10 == 0 {
			list = "vcons"
		}
		_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: docs[i], Lists: []string{list}})
		if (err == nil) != (list == "in") {
			e.Errorf("submit %d to %s: %v", i, list, err)
		}
	})
	e.depth("in", 90, 0, 0, 0)
	for i, d := range docs {
		if e.there(d.ID()) != (i%10 != 0) {
			e.Fatalf("document %d is there: %v", i, i%10 == 0)
		}
	}
}

// A caller that goes away leaves a whole submission or none; one that got its answer has it.
func manyCancelled(e *env) {
	docs := e.several(200)
	answered := make([]bool, len(docs))
	each(len(docs), func(i int) {
		ctx, cancel := context.WithCancel(e.ctx())
		go func() {
			for range i {
				runtime.Gosched()
			}
			cancel()
		}()
		_, err := e.q.Submit(ctx, queue.Submission{Doc: docs[i], Lists: []string{"in"}})
		if answered[i] = err == nil; err != nil && !errors.Is(err, context.Canceled) {
			e.Errorf("submit: %v", err)
		}
	})
	there := 0
	for i, d := range docs {
		if e.there(d.ID()) {
			there++
		} else if answered[i] {
			e.Errorf("document %d was accepted and is not there", i)
		}
	}
	e.depth("in", int64(there), 0, 0, 0)
}

func readersBeside(e *env) {
	docs := e.several(60)
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !done.Load() {
				for id, err := range e.q.List(e.ctx(), queue.Range{Limit: -1}) {
					if err != nil {
						e.Errorf("list: %v", err)
						return
					}
					if _, _, err := e.q.Get(e.ctx(), id); err != nil {
						e.Errorf("listed and not readable: %v", err)
						return
					}
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	each(4, func(i int) {
		for n := i; n < len(docs); n += 4 {
			if _, err := e.q.Submit(e.ctx(), queue.Submission{Doc: docs[n], Lists: []string{"in"}}); err != nil {
				e.Errorf("submit: %v", err)
			}
		}
	})
	done.Store(true)
	readers.Wait()
}

// arena is a hammer's shared state: what submitters were promised and what workers were told.
type arena struct {
	e        *env
	mu       sync.Mutex
	working  map[vcon.ID]*queue.Lease // given out, no call made yet
	finished map[vcon.ID]map[uint64]int
	egress   map[vcon.ID]int
	deleted  map[vcon.ID]bool
	late     []*queue.Lease // abandoned by their workers
	over     atomic.Bool
}

// promise is the last thing that a submitter did to a document.
type promise struct {
	doc   *vcon.VCon
	gen   uint64
	lists []string // nil: deleted
}

// hammer lets submitters, workers that crash, re-POSTs and deletions loose on two lists. Afterwards each accepted vCon
// is finished, dead-lettered or deleted, and nobody shared a vCon or got past a fence.
func hammer(e *env) {
	a := &arena{e: e, working: map[vcon.ID]*queue.Lease{}, finished: map[vcon.ID]map[uint64]int{}, egress: map[vcon.ID]int{}, deleted: map[vcon.ID]bool{}}
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() { a.worker(rand.New(rand.NewPCG(uint64(i), 3))) })
	}
	promises := make([][]promise, 16)
	for i := range promises {
		docs := e.several(12)
		for _, d := range docs {
			promises[i] = append(promises[i], promise{doc: d})
		}
	}
	each(len(promises), func(i int) { a.submitter(rand.New(rand.NewPCG(uint64(i), 4)), promises[i]) })
	a.over.Store(true)
	workers.Wait()
	a.drain()
	for _, ps := range promises {
		for _, p := range ps {
			a.kept(p)
		}
	}
	a.popAll()
}

// submitter works on documents of its own, so that it knows what came last.
func (a *arena) submitter(r *rand.Rand, ps []promise) {
	for range 3 {
		for i := range ps {
			p := &ps[i]
			if p.gen > 0 && r.IntN(6) == 0 {
				if err := a.e.q.Delete(a.e.ctx(), p.doc.ID()); err != nil {
					a.e.Errorf("delete: %v", err)
				}
				p.lists = nil
				a.mu.Lock()
				a.deleted[p.doc.ID()] = true
				a.mu.Unlock()
				continue
			}
			if p.gen > 0 && r.IntN(2) == 0 {
				continue
			}
			a.post(r, p)
			time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		}
	}
}

func (a *arena) post(r *rand.Rand, p *promise) {
	lists := [][]string{{"a"}, {"b"}, {"a", "b"}}[r.IntN(3)]
	d, err := vcon.Parse(paper{subject: fmt.Sprintf("take %d", p.gen+1), size: 10 * r.IntN(3)}.text(p.doc.ID()))
	if err == nil {
		var got queue.Receipt
		if got, err = a.e.q.Submit(a.e.ctx(), queue.Submission{Doc: d, Lists: lists}); err == nil {
			*p = promise{d, got.Gen, lists}
			return
		}
	}
	a.e.Errorf("submit: %v", err)
}

func (a *arena) worker(r *rand.Rand) {
	for !a.over.Load() {
		w := queue.Want{Lists: []queue.Weighted{{Name: "a"}, {Name: "b", Weight: 2}}, Max: 1 + r.IntN(4), TTL: 2 * time.Second, Owner: "hammer"}
		w.Solo = r.IntN(4) == 0
		ls, err := a.e.tryLease(w, 200*time.Millisecond)
		if err != nil {
			a.e.Errorf("lease: %v", err)
			return
		}
		for _, l := range ls {
			a.given(l)
		}
		time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
		for _, l := range ls {
			a.work(r, l)
		}
		a.fence(r)
	}
}

// given notes a lease; while a holder is alive and has called nothing, nobody else may get the uuid.
func (a *arena) given(l *queue.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if other, ok := a.working[l.ID]; ok && other.Alive() {
		a.e.Errorf("%s has two holders, lists %s and %s", l.ID, other.List, l.List)
	}
	a.working[l.ID] = l
}

func (a *arena) calls(l *queue.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.working[l.ID] == l {
		delete(a.working, l.ID)
	}
}

// work does with a lease what workers do: most finish, some fail, some try again later, some die.
func (a *arena) work(r *rand.Rand, l *queue.Lease) {
	if r.IntN(8) == 0 {
		a.mu.Lock()
		a.late = append(a.late, l)
		a.mu.Unlock()
		return
	}
	a.calls(l)
	var err error
	switch r.IntN(8) {
	case 0:
		err = a.e.q.Release(a.e.ctx(), l, queue.Hold{CountTry: true, Delay: time.Duration(r.IntN(3)) * 500 * time.Millisecond})
	case 1:
		err = a.e.q.Fail(a.e.ctx(), l, queue.Failure{Reason: "link_failed"})
	default:
		err = a.run(l)
	}
	if err != nil && !stopped(err) {
		a.e.Errorf("worker: %v", err)
	}
}

// run commits a tag and finishes.
func (a *arena) run(l *queue.Lease) error {
	if l.Doc != nil && l.Stage == queue.StageLinks {
		d := l.Doc.Draft()
		if err := d.AddTag("seen", "yes"); err != nil {
			return err
		}
		if _, _, err := a.e.q.Commit(a.e.ctx(), l, queue.Progress{Edits: d.Edits(), Done: []queue.Step{"tag#1"}}, nil); err != nil {
			return err
		}
	}
	return a.finish(l)
}

func (a *arena) finish(l *queue.Lease) error {
	err := a.e.q.Finish(a.e.ctx(), l, queue.Outcome{Egress: []string{"out"}})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.finished[l.ID] == nil {
		a.finished[l.ID] = map[uint64]int{}
	}
	a.finished[l.ID][l.Base.Gen]++
	a.egress[l.ID]++
	return nil
}

// fence lets a holder come back late. It may finish only when nobody took its vCon meanwhile.
func (a *arena) fence(r *rand.Rand) {
	a.mu.Lock()
	var l *queue.Lease
	if len(a.late) > 4 {
		i := r.IntN(len(a.late))
		l, a.late[i] = a.late[i], a.late[0]
		a.late = a.late[1:]
	}
	a.mu.Unlock()
	if l == nil {
		return
	}
	a.calls(l)
	if err := a.finish(l); err != nil && !stopped(err) {
		a.e.Errorf("late holder: %v", err)
	}
}

// drain works the lists empty, as a worker with nothing else in flight.
func (a *arena) drain() {
	e := a.e
	e.pass(time.Minute)
	for range 10_000 {
		w := want(1, "a", "b")
		w.Solo = true
		ls := e.poll(w, time.Minute)
		if len(ls) == 0 {
			break
		}
		if err := a.run(ls[0]); err != nil {
			e.Fatalf("drain: %v", err)
		}
	}
	for _, list := range []string{"a", "b"} {
		d, err := e.q.Depth(e.ctx(), list)
		e.ok(err)
		if d.Ready+d.Delayed+d.Leased != 0 {
			e.Fatalf("depth of %s after all is done = %+v", list, d)
		}
	}
}

// kept checks a promise.
func (a *arena) kept(p promise) {
	e := a.e
	if p.lists == nil {
		e.absent(p.doc.ID())
		return
	}
	text := e.text(p.doc.ID())
	if want := fmt.Sprintf("%q", subjectOf(string(p.doc.Bytes()))); !strings.Contains(text, want) {
		e.Fatalf("%s is not the last submission: %s", p.doc.ID(), text)
	}
	if a.finished[p.doc.ID()][p.gen] > 0 {
		return
	}
	for _, list := range p.lists {
		for _, d := range e.dead(list) {
			if d.ID == p.doc.ID() {
				return
			}
		}
	}
	e.Fatalf("%s, gen %d, to %v is neither finished nor dead-lettered", p.doc.ID(), p.gen, p.lists)
}

func subjectOf(text string) string {
	_, rest, _ := strings.Cut(text, `"subject": "`)
	subject, _, _ := strings.Cut(rest, `"`)
	return subject
}

// popAll checks that an egress list has what successful Finish calls put there, and no more.
func (a *arena) popAll() {
	got, err := a.e.q.Pop(a.e.ctx(), "out", 100_000)
	a.e.ok(err)
	for _, id := range got {
		a.egress[id]--
	}
	for id, n := range a.egress {
		if n != 0 && !a.deleted[id] {
			a.e.Fatalf("egress of %s differs from its finishes by %d", id, n)
		}
	}
}
