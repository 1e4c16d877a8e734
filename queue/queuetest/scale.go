package queuetest

import (
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func scaleCases() []kase {
	return []kase{{"CostDoesNotGrowWithDepth", needMeter, scaleDepth}}
}

// deepList is how many entries the scale case puts on a list. Enough that anything that walks the list shows.
const deepList = 20_000

// Q23: no call on a list costs more the longer it is.
func scaleDepth(e *env) {
	shallow := e.costs(100)
	deep := e.costs(deepList)
	for name, was := range shallow {
		if now := deep[name]; now > 3*was+8 {
			e.Errorf("%s costs %d at depth %d, %d at depth 100", name, now, deepList, was)
		}
	}
}

// costs fills a list to a depth and measures the calls of a worker on it, the mean of some rounds.
func (e *env) costs(depth int) map[string]int64 {
	e.Helper()
	e.deepen("in", depth)
	const rounds = 10
	sum := map[string]int64{}
	for range rounds {
		e.round(func(name string, f func()) {
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
