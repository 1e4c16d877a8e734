package embedded

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// recover puts the store of an earlier process in order, in one transaction: its leases are void, so each leased entry
// goes back with the crash that was counted when it was given; what was parked or popped without acknowledgement goes
// back as it was.
func (s *Store) recover() (err error) {
	t := s.begin()
	defer func() {
		if err != nil {
			t.rollback()
		}
	}()
	if _, err := t.c.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	for _, l := range s.byID {
		if err := errors.Join(t.notTooLate(l), t.recoverList(l)); err != nil {
			return err
		}
	}
	if s.tombs, err = t.one(nil, `SELECT 1 FROM tomb LIMIT 1`); err != nil {
		return err
	}
	if err := t.findDue(); err != nil {
		return err
	}
	return t.commit()
}

// longestDelay bounds what is left of a delay at open.
const longestDelay = 24 * time.Hour

// notTooLate brings delays back that end too far away: the machine's clock was ahead when they were set.
func (t *tx) notTooLate(l *list) error {
	_, err := t.exec(`UPDATE entry SET due=?1 WHERE list=?2 AND state IN (1,3) AND due>?1`, t.now+longestDelay.Milliseconds(), l.id)
	return err
}

func (t *tx) recoverList(l *list) error {
	for _, st := range [...]state{parked, held, leased} {
		es, err := t.entries(l, st, math.MaxInt32)
		if err != nil {
			return err
		}
		for i := range slices.Backward(es) {
			if err := t.recoverEntry(&es[i]); err != nil {
				return err
			}
		}
	}
	return t.nextSuspect(l)
}

func (t *tx) recoverEntry(e *entry) error {
	if e.state != leased {
		return t.back(e)
	}
	r, err := t.row(e.id)
	if err != nil {
		return err
	}
	if r == nil || r.gen == e.gen || e.gen == 0 || e.stage == queue.StageResave {
		return t.returnCrashed(e)
	}
	// Submitted again while it was leased: as settle does it.
	if err := t.dropRun(e); err != nil {
		return err
	}
	if slices.Contains(r.lists, e.list.name) {
		if err := t.remove(e); err != nil {
			return err
		}
		return t.letGo(e)
	}
	e.forget()
	return t.move(e, ready)
}

// listByID finds a list by the id that rows use.
func (s *Store) listByID(id int64) *list {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// lapsed are the leases that ran out.
func (t *tx) lapsed() (gs []*grant) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for _, g := range t.s.grants {
		if time.Until(g.deadline) <= 0 {
			gs = append(gs, g)
		}
	}
	slices.SortFunc(gs, func(a, b *grant) int { return int(b.e.seq - a.e.seq) }) // the oldest goes to the head last
	return gs
}
