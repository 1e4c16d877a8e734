package queuetest

import (
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func egressCases() []kase {
	return []kase{
		{"PopOldestFirstAtMostOnce", 0, popOrder},
		{"PopOfNothing", 0, popNothing},
		{"PopIsThereAfterReopen", 0, popReopened},
		{"PopSkipsDeleted", 0, popDeleted},
		{"PopGivesWhatAHolderWorks", 0, popLeased},
		{"AckEndsTheLease", needClock, ackEnds},
		{"UnacknowledgedReturnsToTheHead", needClock, ackLate},
		{"UnacknowledgedReturnsAfterReopen", needClock, ackReopened},
		{"AckOfAnotherTokenIsNothing", needClock, ackForeign},
		{"FinishedLandsOnEgress", 0, egressFlow},
	}
}

// egressed puts n documents on a list and gives their ids in order.
func (e *env) egressed(n int) (ids []vcon.ID) {
	e.Helper()
	for range n {
		d := e.plain()
		e.put(d, "out")
		ids = append(ids, d.ID())
	}
	return ids
}

func (e *env) pop(n int, want ...vcon.ID) {
	e.Helper()
	got, err := e.q.Pop(e.ctx(), "out", n)
	e.ok(err)
	e.ids("popped", got, want...)
}

// Q29: plain egress pops oldest first, at most once.
func popOrder(e *env) {
	all := e.egressed(5)
	e.pop(2, all[:2]...)
	e.pop(10, all[2:]...)
	e.pop(10)
	e.depth("out", 0, 0, 0, 0)
	if !e.there(all[0]) {
		e.Fatal("a popped document is gone")
	}
}

func popNothing(e *env) {
	e.egressed(1)
	e.pop(0)
	e.pop(-3)
	got, err := e.q.Pop(e.ctx(), "never-named", 3)
	e.ok(err)
	e.ids("popped", got)
	e.depth("out", 1, 0, 0, 0)
}

func popReopened(e *env) {
	all := e.egressed(3)
	e.pop(1, all[0])
	e.reopen()
	e.pop(5, all[1:]...)
}

func popDeleted(e *env) {
	all := e.egressed(3)
	e.remove(all[0])
	e.remove(all[1])
	e.pop(1, all[2])
	e.depth("out", 0, 0, 0, 0)
}

// An egress list is no matter of leases: its ids may be worked by a chain meanwhile.
func popLeased(e *env) {
	d := e.plain()
	e.put(d, "in", "out")
	l := e.lease("in")
	e.pop(1, d.ID())
	e.finish(l)
}

func (e *env) popAck(n int, want ...vcon.ID) []queue.Held {
	e.Helper()
	held, err := e.q.PopAck(e.ctx(), "out", n, time.Minute)
	e.ok(err)
	e.ids("popped to be acknowledged", idsOf(held, func(h queue.Held) vcon.ID { return h.ID }), want...)
	return held
}

func (e *env) ack(held []queue.Held, want int) {
	e.Helper()
	n, err := e.q.Ack(e.ctx(), held)
	e.ok(err)
	if n != want {
		e.Fatalf("acknowledged %d, want %d", n, want)
	}
}

// L10: popped and undelivered is not lost.
func ackEnds(e *env) {
	all := e.egressed(3)
	held := e.popAck(2, all[:2]...)
	e.depth("out", 1, 0, 2, 0)
	e.pop(5, all[2])
	e.ack(held, 2)
	e.ack(held, 0)
	e.depth("out", 0, 0, 0, 0)
	e.pass(2 * time.Minute)
	e.settle()
	e.popAck(5)
}

func ackLate(e *env) {
	all := e.egressed(4)
	held := e.popAck(3, all[:3]...)
	e.ack(held[1:2], 1)
	e.pass(50 * time.Second)
	e.popAck(1, all[3])
	e.pass(15 * time.Second)
	again := e.popAck(2, all[0], all[2])
	e.ack(held, 0)
	e.ack(again, 2)
	e.pass(2 * time.Minute)
	e.pop(5, all[3])
}

func ackReopened(e *env) {
	all := e.egressed(2)
	e.popAck(2, all...)
	e.reopen()
	e.pass(2 * time.Minute)
	e.pop(5, all...)
	e.pop(5)
}

func ackForeign(e *env) {
	all := e.egressed(2)
	held := e.popAck(1, all[0])
	e.ack([]queue.Held{{ID: held[0].ID, List: "out", Token: [16]byte{7}}, {ID: all[1], List: "out", Token: held[0].Token}}, 0)
	e.ack(held, 1)
	e.pass(2 * time.Minute)
	e.pop(5, all[1])
}

func egressFlow(e *env) {
	a, b := e.plain(), e.plain()
	e.put(a, "in")
	e.put(b, "in")
	for range 2 {
		e.ok(e.q.Finish(e.ctx(), e.lease("in"), queue.Outcome{Egress: []string{"out"}}))
	}
	e.pop(5, a.ID(), b.ID())
	e.holds(a)
}
