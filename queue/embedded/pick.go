package embedded

import "database/sql/driver"

// picker chooses the entries of one call of Lease, list by list.
type picker struct {
	w      *wanted
	heads  [][]entry // read and not yet given, per list of w
	total  int
	strict bool
}

func (t *tx) picker(w *wanted) *picker {
	p := &picker{w: w, heads: make([][]entry, len(w.lists)), strict: w.Strict}
	for i := range w.Lists {
		p.total += p.weight(i)
	}
	return p
}

func (p *picker) weight(i int) int { return max(p.w.Lists[i].Weight, 1) }

// next gives the next entry; false when no list has any.
func (p *picker) next(t *tx) (e entry, ok bool, err error) {
	i := p.list(t)
	if i < 0 {
		return entry{}, false, nil
	}
	if len(p.heads[i]) == 0 {
		if p.heads[i], err = t.entries(p.w.lists[i], ready, p.w.Max); err != nil || len(p.heads[i]) == 0 {
			return entry{}, false, err
		}
	}
	e, p.heads[i] = p.heads[i][0], p.heads[i][1:]
	return e, true, nil
}

// list chooses the list to take from: strict, the first that has something; else by smooth weighted round robin, in
// which every list with something gains its weight and the richest pays for all.
func (p *picker) list(t *tx) int {
	best, sum := -1, 0
	for i, l := range p.w.lists {
		if l.cur.Ready == 0 {
			delete(t.s.turns, l.name) // an empty list saves nothing up
			continue
		}
		if p.strict {
			return i
		}
		t.s.turns[l.name] += p.weight(i)
		sum += p.weight(i)
		if best < 0 || t.s.turns[l.name] > t.s.turns[p.w.lists[best].name] {
			best = i
		}
	}
	if best >= 0 {
		t.s.turns[p.w.lists[best].name] -= sum
	}
	return best
}

// bringBatch bounds what one call of Lease brings back.
const bringBatch = 64

// bringBack returns leases that ran out and delayed entries that are due to their lists.
func (t *tx) bringBack() error {
	for _, g := range t.lapsed() {
		if err := t.expire(g); err != nil {
			return err
		}
	}
	if err := t.returnLoans(); err != nil {
		return err
	}
	t.s.mu.Lock()
	due := t.s.nextDue
	t.s.mu.Unlock()
	if due == 0 || due > t.now {
		return nil
	}
	return t.bringDue()
}

// bringDue moves due entries to the heads of their lists, the one due first in front.
func (t *tx) bringDue() error {
	var es []entry
	err := t.each(func(row []driver.Value) error {
		e, err := scanEntry(t.s.listByID(asInt(row[14])), delayed, row)
		es = append([]entry{e}, es...)
		return err
	}, `SELECT `+entryColumns+`, list FROM entry WHERE state=1 AND due<=? ORDER BY due, seq LIMIT ?`, t.now, int64(bringBatch))
	if err != nil {
		return err
	}
	for i := range es {
		if err := t.move(&es[i], ready); err != nil {
			return err
		}
	}
	return t.findDue()
}

// findDue looks up when the next delayed entry is due.
func (t *tx) findDue() error {
	var next int64
	if _, err := t.one(func(row []driver.Value) { next = asInt(row[0]) }, `SELECT min(due) FROM entry WHERE state=1`); err != nil {
		return err
	}
	t.setDue(next)
	return nil
}

func (t *tx) setDue(next int64) {
	s := t.s
	s.mu.Lock()
	was := s.nextDue
	s.nextDue = next
	s.mu.Unlock()
	t.alarm = sooner(t.alarm, next)
	t.undoing(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.nextDue = was
	})
}

// delay sets an entry aside until its due time.
func (t *tx) delay(e *entry) error {
	if err := t.move(e, delayed); err != nil {
		return err
	}
	t.s.mu.Lock()
	next := sooner(t.s.nextDue, e.due)
	t.s.mu.Unlock()
	t.setDue(next)
	return nil
}

// dueSuspect is the suspect of a list that was due first; there must be one.
func (t *tx) dueSuspect(l *list) (e entry, err error) {
	err = t.each(func(row []driver.Value) (err error) {
		e, err = scanEntry(l, suspect, row)
		return err
	}, `SELECT `+entryColumns+` FROM entry WHERE list=? AND state=3 ORDER BY due, seq LIMIT 1`, l.id)
	return e, err
}

// nextSuspect looks up when the next suspect of a list may be tried.
func (t *tx) nextSuspect(l *list) error {
	var next int64
	if _, err := t.one(func(row []driver.Value) { next = asInt(row[0]) },
		`SELECT min(due) FROM entry WHERE list=? AND state=3`, l.id); err != nil {
		return err
	}
	t.change(l).suspect = next
	t.alarm = sooner(t.alarm, next)
	return nil
}
