package queuetest

import "github.com/vconduit/vconduit/queue"

func fairCases() []kase {
	return []kase{
		{"EqualWeightsTakeTurns", 0, fairTurns},
		{"WeightsAreShares", 0, fairShares},
		{"HeavyListDoesNotStarveALightOne", 0, fairSmooth},
		{"BatchIsSharedToo", 0, fairBatch},
		{"WeightBelowOneIsOne", 0, fairZero},
		{"StrictTakesListsInOrder", 0, fairStrict},
		{"EmptyListGivesItsTurnAway", 0, fairEmpty},
	}
}

func (e *env) fill(list string, n int) {
	e.Helper()
	for range n {
		e.put(e.plain(), list)
	}
}

// turns leases n times, one vCon each, and gives the lists in order.
func (e *env) turns(n int, w queue.Want) (lists []string) {
	e.Helper()
	w.Max = 1
	for range n {
		l := e.leases(1, w)[0]
		lists = append(lists, l.List)
		e.finish(l)
	}
	return lists
}

func count(lists []string, name string) (n int) {
	for _, l := range lists {
		if l == name {
			n++
		}
	}
	return n
}

func weighted(a, b int) queue.Want {
	w := want(1, "a", "b")
	w.Lists[0].Weight, w.Lists[1].Weight = a, b
	return w
}

// Q23: smooth weighted round robin between lists.
func fairTurns(e *env) {
	e.fill("a", 6)
	e.fill("b", 6)
	got := e.turns(6, weighted(1, 1))
	for i := 1; i < len(got); i++ {
		if got[i] == got[i-1] {
			e.Fatalf("turns = %v", got)
		}
	}
}

func fairShares(e *env) {
	e.fill("a", 12)
	e.fill("b", 12)
	got := e.turns(12, weighted(3, 1))
	if count(got, "a") != 9 || count(got, "b") != 3 {
		e.Fatalf("shares 3:1 gave %v", got)
	}
}

func fairSmooth(e *env) {
	e.fill("a", 15)
	e.fill("b", 15)
	got := e.turns(12, weighted(5, 1))
	run := 0
	for _, l := range got {
		if run++; l == "b" {
			run = 0
		}
		if run > 5 {
			e.Fatalf("six turns in a row for one list: %v", got)
		}
	}
}

func fairBatch(e *env) {
	e.fill("a", 8)
	e.fill("b", 8)
	w := weighted(1, 1)
	w.Max = 8
	var lists []string
	for _, l := range e.leases(8, w) {
		lists = append(lists, l.List)
	}
	if count(lists, "a") != 4 {
		e.Fatalf("a batch of 8 from two full lists: %v", lists)
	}
}

func fairZero(e *env) {
	e.fill("a", 6)
	e.fill("b", 6)
	got := e.turns(6, weighted(0, -3))
	if count(got, "a") != 3 {
		e.Fatalf("weights 0 and -3 gave %v", got)
	}
}

func fairStrict(e *env) {
	e.fill("b", 3)
	e.fill("a", 3)
	w := weighted(1, 9)
	w.Strict = true
	got := e.turns(6, w)
	if count(got[:3], "a") != 3 {
		e.Fatalf("strict order gave %v", got)
	}
	e.fill("b", 2)
	e.fill("a", 2)
	w.Max = 3
	for i, l := range e.leases(3, w) {
		if want := []string{"a", "a", "b"}[i]; l.List != want {
			e.Fatalf("lease %d of a strict batch comes from %s", i, l.List)
		}
	}
}

func fairEmpty(e *env) {
	e.fill("b", 5)
	if got := e.turns(5, weighted(9, 1)); count(got, "b") != 5 {
		e.Fatalf("turns = %v", got)
	}
}
