package embedded

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// ToLists makes every entry a ready one, and merges the journals. It takes one transaction for the entries, and one for
// each journal.
func (s *Store) ToLists(ctx context.Context) error {
	err := s.do(ctx, 1<<10, func(t *tx) error { return errors.Join(t.endLeases(), t.repayAll(), t.allReady()) })
	if err != nil {
		return fmt.Errorf("put all entries back on their lists: %w", err)
	}
	journals, err := s.journals(ctx)
	if err != nil {
		return fmt.Errorf("list the journals: %w", err)
	}
	for _, e := range journals {
		if err := s.mergeJournal(ctx, e); err != nil {
			return fmt.Errorf("merge the journal of vcon %s: %w", e.id, err)
		}
	}
	return nil
}

// endLeases takes every lease away; no crash is counted, as nobody crashed.
func (t *tx) endLeases() error {
	t.s.mu.Lock()
	gs := make([]*grant, 0, len(t.s.grants))
	for _, g := range t.s.grants {
		gs = append(gs, g)
	}
	t.s.mu.Unlock()
	slices.SortFunc(gs, func(a, b *grant) int { return cmp.Compare(b.e.seq, a.e.seq) }) // the oldest goes to the head last
	for _, g := range gs {
		if g.fate != nil {
			if err := t.settle(g); err != nil {
				return err
			}
			continue
		}
		if err := t.revoke(g, ending{why: queue.ErrLeaseLost}); err != nil {
			return err
		}
		e := g.e
		e.uncrash()
		if err := t.move(&e, ready); err != nil {
			return err
		}
	}
	return nil
}

// repayAll ends every loan: what was popped and not acknowledged is on its list again.
func (t *tx) repayAll() error {
	loans := make([]loan, 0, len(t.s.loans))
	for token, l := range t.s.loans {
		loans = append(loans, l)
		t.unlend(token, l)
	}
	slices.SortFunc(loans, func(a, b loan) int { return cmp.Compare(b.e.seq, a.e.seq) })
	for i := range loans {
		if err := t.move(&loans[i].e, ready); err != nil {
			return err
		}
	}
	return nil
}

// allReady moves what waits for a time or for somebody to the heads of the lists, what came first in front.
func (t *tx) allReady() error {
	t.s.mu.Lock()
	lists := make([]*list, 0, len(t.s.byID))
	for _, l := range t.s.byID {
		lists = append(lists, l)
	}
	t.s.mu.Unlock()
	for _, l := range lists {
		var all []entry
		for _, st := range [...]state{delayed, suspect, parked} {
			es, err := t.entries(l, st, math.MaxInt32)
			if err != nil {
				return err
			}
			all = append(all, es...)
		}
		slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(b.at, a.at) })
		for i := range all {
			if err := t.move(&all[i], ready); err != nil {
				return err
			}
		}
		if l.cur.suspect != 0 {
			if err := t.nextSuspect(l); err != nil {
				return err
			}
		}
	}
	return t.findDue()
}

// journals are the entries whose run has a journal, last on its list first: each is put back at the head.
func (s *Store) journals(ctx context.Context) (es []entry, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(row []driver.Value) error {
			e := entry{list: s.listByID(asInt(row[0])), seq: asInt(row[1])}
			copy(e.id[:], asBlob(row[2]))
			es = append(es, e)
			return nil
		}, `SELECT DISTINCT e.list, e.seq, e.uuid FROM journal j JOIN entry e ON e.uuid=j.uuid AND e.run=j.run
			WHERE e.state=0 ORDER BY e.list, e.seq DESC`)
	})
	return es, err
}

// mergeTTL bounds how long an entry is leased for the sake of its journal.
const mergeTTL = time.Minute

// mergeJournal leases an entry, writes its journal into the document and puts it back, with what its run has done.
func (s *Store) mergeJournal(ctx context.Context, at entry) error {
	var g *grant
	err := s.do(ctx, 1<<10, func(t *tx) error {
		g = nil
		es, err := t.entry(at)
		if err != nil || len(es) == 0 {
			return err
		}
		if g, err = t.examine(es[0], &wanted{Want: queue.Want{TTL: mergeTTL}}); err != nil || g == nil {
			return err
		}
		return t.take(g, false)
	})
	if err != nil || g == nil {
		return err
	}
	l, err := s.deliver(ctx, g, nil)
	if err != nil || l == nil {
		return err // not readable: what deliver made of it is said there
	}
	return s.settleJournal(ctx, l)
}

// entry reads the ready entry at a place again, if it is still of the same uuid.
func (t *tx) entry(at entry) (es []entry, err error) {
	err = t.each(func(row []driver.Value) error {
		e, err := scanEntry(at.list, ready, row)
		es = append(es, e)
		return err
	}, `SELECT `+entryColumns+` FROM entry WHERE list=? AND state=0 AND seq=? AND uuid=?`, at.list.id, at.seq, at.id[:])
	return es, err
}

// settleJournal commits the journal of a lease and ends it, as Fail does, but the entry stays.
func (s *Store) settleJournal(ctx context.Context, l *queue.Lease) error {
	g := s.holding(l)
	if g == nil {
		return nil // replaced or deleted meanwhile
	}
	g.calls.Lock()
	defer g.calls.Unlock()
	for range rebases {
		c, err := s.merged(g, queue.Progress{})
		if errors.Is(err, vcon.ErrConflict) {
			c, err = &change{}, nil
		}
		if err != nil {
			return err
		}
		fits := false
		err = s.fenced(ctx, l, "", c.cost(), func(t *tx, g *grant) (err error) {
			fits, err = t.settleJournal(g, c)
			return err
		})
		c.settle(s)
		if err != nil || fits {
			return ignoreStopped(err)
		}
		if err := s.reload(ctx, l, g); err != nil {
			return ignoreStopped(err)
		}
	}
	return queue.ErrConflict
}

// ignoreStopped: a document that was replaced or deleted meanwhile has no journal any more.
func ignoreStopped(err error) error {
	if stopped(err) {
		return nil
	}
	return err
}

func (t *tx) settleJournal(g *grant, c *change) (fits bool, err error) {
	if fits, err = t.rewrite(g, c); err != nil || !fits {
		return fits, err
	}
	if err := t.revoke(g, ending{why: queue.ErrLeaseLost}); err != nil {
		return false, err
	}
	e := g.e
	e.job.Done = slices.Concat(e.job.Done, c.done)
	e.job.Effects = merge(e.job.Effects, c.fx)
	e.uncrash()
	return true, errors.Join(t.dropJournal(e.id, e.run), t.move(&e, ready))
}
