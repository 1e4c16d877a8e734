package queuetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// ledger is a small model of the contract: what the store must say after each step of a walk. It holds every uuid on
// one list at most, so that no entry waits for another list's lease, and leaves lifetimes to their own cases.
type ledger struct {
	accounts []*account
	books    map[string]*book
	holdings []*holding
	out      []item // the egress list
	batch    int
}

// account is one document.
type account struct {
	id    vcon.ID
	text  string
	tags  []string
	gone  bool   // deleted
	hops  int    // pushes by chains
	entry *entry // on a list, or dead-lettered; nil: neither
	dead  bool   // entry is a dead letter
}

// entry is a place on an ingress list and what is known about working it.
type entry struct {
	doc            *account
	list           string
	tries, crashes int
	run            queue.RunID
	done           []queue.Step
	journal        []string // tags that checkpoints hold
	stage          queue.Stage
	left           []string
	due            time.Time // delayed until
}

// book is one ingress list. Entries that came back together are in one batch: their order is the store's business.
type book struct {
	ready   []item
	delayed []*entry
	dead    []*entry
}

// item is an entry in line; stale: its document was deleted, and the store may or may not count it still.
type item struct {
	*entry
	id    vcon.ID
	batch int
	stale bool
}

// holding is a lease.
type holding struct {
	*entry
	l     *queue.Lease
	until time.Time
	w     *work
}

func newLedger() *ledger {
	return &ledger{books: map[string]*book{"a": {}, "b": {}, "c": {}}}
}

func (m *ledger) nextBatch() int {
	m.batch++
	return m.batch
}

// tail puts a new entry at the end of a list.
func (m *ledger) tail(list string, n *entry) {
	n.list, n.doc.entry = list, n
	b := m.books[list]
	b.ready = append(b.ready, item{entry: n, id: n.doc.id, batch: m.nextBatch()})
}

// head puts entries back at the head of their list, all in one batch.
func (m *ledger) head(batch int, n *entry) {
	b := m.books[n.list]
	b.ready = slices.Insert(b.ready, 0, item{entry: n, id: n.doc.id, batch: batch})
}

// take removes what the store leased; it must be in the batch at the head.
func (m *ledger) take(list string, id vcon.ID) (*entry, error) {
	b := m.books[list]
	b.ready = b.ready[skipped(b.ready):]
	first := slices.IndexFunc(b.ready, func(it item) bool { return !it.stale })
	if first < 0 {
		return nil, fmt.Errorf("leased %s from %s, which is empty", id, list)
	}
	for i, it := range b.ready {
		if it.batch == b.ready[first].batch && it.id == id && !it.stale {
			b.ready = slices.Delete(b.ready, i, i+1)
			return it.entry, nil
		}
	}
	return nil, fmt.Errorf("leased %s from %s, the head is %s", id, list, b.ready[first].id)
}

// skipped counts the stale items that surely lie before the first live one: those of its own batch may lie behind.
func skipped(items []item) int {
	first := slices.IndexFunc(items, func(it item) bool { return !it.stale })
	if first < 0 {
		return 0
	}
	n := 0
	for n < first && items[n].batch != items[first].batch {
		n++
	}
	return n
}

// live counts the entries in line whose documents are there.
func live(items []item) (n int64) {
	for _, it := range items {
		if !it.stale {
			n++
		}
	}
	return n
}

// release ends a holding.
func (m *ledger) release(h *holding) {
	m.holdings = slices.DeleteFunc(m.holdings, func(o *holding) bool { return o == h })
}

// returned moves what is due or has run out back to the heads.
func (m *ledger) returned(now time.Time) {
	batch := m.nextBatch()
	for _, b := range m.books {
		b.delayed = slices.DeleteFunc(b.delayed, func(n *entry) bool {
			if n.due.After(now) {
				return false
			}
			m.head(batch, n)
			return true
		})
	}
	m.holdings = slices.DeleteFunc(m.holdings, func(h *holding) bool {
		if h.until.After(now) {
			return false
		}
		h.crashes++
		m.head(batch, h.entry)
		return true
	})
}

// near reports whether something is due so close to now that the store may see it either way.
func (m *ledger) near(now time.Time) bool {
	close := func(t time.Time) bool { return t.Sub(now).Abs() < 2*time.Second }
	for _, b := range m.books {
		if slices.ContainsFunc(b.delayed, func(n *entry) bool { return close(n.due) }) {
			return true
		}
	}
	return slices.ContainsFunc(m.holdings, func(h *holding) bool { return close(h.until) })
}

// bury marks a deleted document's places as stale and drops its dead letters and delays.
func (m *ledger) bury(a *account) {
	a.gone, a.entry, a.dead = true, nil, false
	for _, b := range m.books {
		for i := range b.ready {
			b.ready[i].stale = b.ready[i].stale || b.ready[i].id == a.id
		}
		b.delayed = slices.DeleteFunc(b.delayed, func(n *entry) bool { return n.doc == a })
		b.dead = slices.DeleteFunc(b.dead, func(n *entry) bool { return n.doc == a })
	}
	for i := range m.out {
		m.out[i].stale = m.out[i].stale || m.out[i].id == a.id
	}
}

// lingers reports whether stale places of a document may still be met.
func (m *ledger) lingers(a *account) bool {
	is := func(it item) bool { return it.id == a.id }
	for _, b := range m.books {
		if slices.ContainsFunc(b.ready, is) {
			return true
		}
	}
	return slices.ContainsFunc(m.out, is)
}

// leased counts the holdings of a list.
func (m *ledger) leased(list string) (n int64) {
	for _, h := range m.holdings {
		if h.list == list {
			n++
		}
	}
	return n
}

// isDelayed reports whether a document waits out a delay.
func (m *ledger) isDelayed(a *account) bool {
	for _, b := range m.books {
		if slices.ContainsFunc(b.delayed, func(n *entry) bool { return n.doc == a }) {
			return true
		}
	}
	return false
}
