package queuetest

import (
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func scaleCases() []kase {
	return []kase{
		{"CostDoesNotGrowWithDepth", needMeter, scaleDepth},
		{"CostDoesNotGrowWithDeadLetters", needMeter, scaleDead},
	}
}

// deepList is how many entries the scale case puts on a list. Enough that anything that walks the list shows.
const deepList = 20_000

// Q23: no call on a list costs more the longer it is.
func scaleDepth(e *env) {
	e.compare(100, deepList, func(depth int) { e.deepen("in", depth) }, e.round)
}

// The same for the calls on few of many dead letters.
func scaleDead(e *env) {
	e.compare(50, 3_000, e.failMany, e.deadRound)
}

// A round makes calls and has each measured.
type round func(measure func(name string, f func()))

// compare measures rounds at two depths.
func (e *env) compare(shallow, deep int, fill func(depth int), r round) {
	e.Helper()
	fill(shallow)
	before := e.costs(r)
	fill(deep)
	for name, now := range e.costs(r) {
		if was := before[name]; now > 2*was+5 {
			e.Errorf("%s costs %d at depth %d, %d at depth %d", name, now, deep, was, shallow)
		}
	}
}

// costs measures the calls of rounds, the mean of some.
func (e *env) costs(r round) map[string]int64 {
	e.Helper()
	const rounds = 10
	sum := map[string]int64{}
	for range rounds {
		r(func(name string, f func()) {
			before := e.b.(Meter).Work()
			f()
			sum[name] += e.b.(Meter).Work() - before
		})
	}
	for name := range sum {
		sum[name] /= rounds
	}
	return sum
}

// failMany dead-letters documents until a list has n dead letters.
func (e *env) failMany(n int) {
	e.Helper()
	at, err := e.q.Depth(e.ctx(), "in")
	e.ok(err)
	e.deepen("in", n-int(at.Dead))
	ls := e.leases(n-int(at.Dead), want(n, "in"))
	each(16, func(i int) {
		for j := i; j < len(ls); j += 16 {
			if err := e.q.Fail(e.ctx(), ls[j], queue.Failure{Reason: "x"}); err != nil {
				e.Errorf("fail: %v", err)
				return
			}
		}
	})
}

func (e *env) deadRound(measure func(name string, f func())) {
	e.Helper()
	var page []queue.DeadLetter
	var err error
	measure("Dead", func() { page, err = e.q.Dead(e.ctx(), "in", queue.Page{Offset: 10, Limit: 5}); e.ok(err) })
	measure("Reprocess of one", func() { e.moved(queue.Filter{}, 1) })
	measure("Fail", func() { e.fail(e.lease("in"), "x") })
	measure("Reprocess by id", func() { e.moved(queue.Filter{IDs: []vcon.ID{page[0].ID}}, 0) })
	measure("Fail again", func() { e.fail(e.lease("in"), "x") })
	measure("Purge by id", func() {
		n, err := e.q.Purge(e.ctx(), "in", queue.Filter{IDs: []vcon.ID{page[1].ID}})
		e.ok(err)
		if n != 1 {
			e.Fatalf("purged %d", n)
		}
	})
	measure("Pop", func() { _, err := e.q.Pop(e.ctx(), queue.DLQ("in"), 1); e.ok(err) })
}

// moved reprocesses one dead letter.
func (e *env) moved(f queue.Filter, n int) {
	e.Helper()
	moved, err := e.q.Reprocess(e.ctx(), "in", f, queue.FromFailed, n)
	e.ok(err)
	if moved != 1 {
		e.Fatalf("reprocessed %d", moved)
	}
}

// round is one call of each kind, measured.
func (e *env) round(measure func(name string, f func())) {
	e.Helper()
	d := e.plain()
	var l *queue.Lease
	measure("Submit", func() { e.put(d, "in") })
	measure("Depth", func() { _, err := e.q.Depth(e.ctx(), "in"); e.ok(err) })
	measure("Lease", func() { l = e.lease("in") })
	measure("Release", func() { e.ok(e.q.Release(e.ctx(), l, queue.Hold{})) })
	l = e.lease("in")
	measure("Commit", func() { w := e.work(l); w.commit(w.tagged("a", "1")) })
	measure("Finish", func() { e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{Egress: []string{"in"}})) })
	measure("Fail", func() { e.fail(e.lease("in"), "x") })
	measure("Reprocess", func() { e.reprocess("in", queue.FromFailed, 1) })
	measure("Pop", func() { _, err := e.q.Pop(e.ctx(), "in", 1); e.ok(err) })
	measure("Delete", func() { e.ok(e.q.Delete(e.ctx(), d.ID())) })
}

// deepen puts documents on a list until it has n.
func (e *env) deepen(list string, n int) {
	e.Helper()
	at, err := e.q.Depth(e.ctx(), list)
	e.ok(err)
	var docs []*vcon.VCon
	for range n - int(at.Ready) {
		docs = append(docs, e.plain())
	}
	const writers = 64
	each(writers, func(i int) {
		for j := i; j < len(docs); j += writers {
			if _, err := e.q.Submit(e.ctx(), queue.Submission{Doc: docs[j], Lists: []string{list}}); err != nil {
				e.Errorf("submit: %v", err)
				return
			}
		}
	})
}
