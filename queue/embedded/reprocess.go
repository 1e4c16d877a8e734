package embedded

import (
	"bytes"
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Reprocess moves up to n (<= 0: all) matching dead letters back to the tail of their list, oldest first, in one
// transaction, with fresh tries. For "storage:<name>" it queues a save in that storage alone; the letter stays until
// that storage has saved, so that the document is held and the debt is seen.
func (s *Store) Reprocess(ctx context.Context, name string, f queue.Filter, from queue.From, n int) (moved int, err error) {
	moved, err = s.sift(ctx, name, f, n, func(t *tx, d *dead) error {
		if storage, ok := strings.CutPrefix(d.list.name, queue.StoragePrefix); ok {
			return t.resave(d.ID, []string{storage})
		}
		return t.raise(d, from)
	})
	if err != nil {
		return 0, fmt.Errorf("reprocess %q: %w", name, err)
	}
	return moved, nil
}

// Purge drops matching dead letters for good, with their documents where nothing else holds them.
func (s *Store) Purge(ctx context.Context, name string, f queue.Filter) (dropped int, err error) {
	dropped, err = s.sift(ctx, name, f, 0, func(t *tx, d *dead) error { return t.purge(d) })
	if err != nil {
		return 0, fmt.Errorf("purge %q: %w", name, err)
	}
	return dropped, nil
}

// sift runs do for up to n (<= 0: all) matching dead letters of a list, oldest first, in one transaction.
func (s *Store) sift(ctx context.Context, name string, f queue.Filter, n int, do func(t *tx, d *dead) error) (done int, err error) {
	l := s.known(name)
	if l == nil {
		return 0, s.openErr()
	}
	err = s.do(ctx, groupBytes, func(t *tx) error {
		done = 0
		ds, err := t.matching(l, f, n)
		if err != nil {
			return err
		}
		for i := range ds {
			if err := do(t, &ds[i]); err != nil {
				return err
			}
		}
		done = len(ds)
		return nil
	})
	return done, err
}

// errEnough ends a walk over dead letters.
var errEnough = errors.New("enough dead letters")

// matching are up to n (<= 0: all) dead letters of a list, oldest first. Those of known ids are looked up, others are
// walked no further than needed: a list may have a million, and the writer is busy meanwhile.
func (t *tx) matching(l *list, f queue.Filter, n int) (ds []dead, err error) {
	read := func(v []driver.Value) error {
		d, err := scanDead(l, v)
		if err == nil && matches(f, &d) {
			ds = append(ds, d)
		}
		if err == nil && n > 0 && len(ds) == n && len(f.IDs) == 0 {
			return errEnough
		}
		return err
	}
	if len(f.IDs) > 0 {
		return t.matchingIDs(&ds, read, l, f.IDs, n)
	}
	err = t.each(read, `SELECT `+deadColumns+` FROM dead WHERE list=? ORDER BY seq`, l.id)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ds, err
}

func (t *tx) matchingIDs(ds *[]dead, read func([]driver.Value) error, l *list, ids []vcon.ID, n int) ([]dead, error) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b vcon.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range slices.Compact(ids) {
		if err := t.each(read, `SELECT `+deadColumns+` FROM dead WHERE uuid=? AND list=?`, id[:], l.id); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(*ds, func(a, b dead) int { return cmp.Compare(a.seq, b.seq) })
	if n > 0 && len(*ds) > n {
		return (*ds)[:n], nil
	}
	return *ds, nil
}

func matches(f queue.Filter, d *dead) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, d.ID)) && (f.Link == "" || f.Link == d.Link) &&
		(f.Reason == "" || f.Reason == d.Reason) && (f.Since.IsZero() || !d.At.Before(f.Since))
}

// raise puts a dead letter back on its list.
func (t *tx) raise(d *dead, from queue.From) error {
	e := entry{list: d.list, id: d.ID, gen: d.gen, at: t.now, run: d.Run, stage: d.Stage, job: d.job, ctx: d.ctx}
	if from == queue.FromStart {
		if err := t.dropRun(&e); err != nil {
			return err
		}
		e.forget()
		e.run = newRun()
	}
	if err := t.unletter(d); err != nil {
		return err
	}
	r, err := t.exec(`UPDATE doc SET dead=max(dead-1, 0), pend=pend+1, hops=0, expires=NULL WHERE uuid=?`, d.ID[:])
	if err != nil {
		return err
	}
	e.work = r.rows > 0
	return t.push(e)
}

// unletter takes a dead letter off its list.
func (t *tx) unletter(d *dead) error {
	t.change(d.list).Dead--
	_, err := t.exec(`DELETE FROM dead WHERE list=? AND seq=?`, d.list.id, d.seq)
	return err
}

// purge drops a dead letter, what its run remembered, and the document if nothing else holds it.
func (t *tx) purge(d *dead) error {
	e := entry{id: d.ID, run: d.Run}
	if err := t.dropRun(&e); err != nil {
		return err
	}
	if err := t.unletter(d); err != nil {
		return err
	}
	if _, err := t.exec(`UPDATE doc SET dead=max(dead-1, 0) WHERE uuid=?`, d.ID[:]); err != nil {
		return err
	}
	r, err := t.row(d.ID)
	if err != nil || r == nil || r.pend > 0 || r.dead > 0 {
		return err
	}
	return t.dropRow(r)
}

// paid drops the dead letters of storages that have saved the document now.
func (t *tx) paid(e *entry, owing []queue.Failure) error {
	for _, storage := range slices.Concat(e.job.Left, e.job.Stored) {
		if slices.ContainsFunc(owing, func(f queue.Failure) bool { return f.Storage == storage }) {
			continue
		}
		if l := t.s.known(queue.StoragePrefix + storage); l != nil {
			if err := t.pay(l, e.id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) pay(l *list, id vcon.ID) error {
	r, err := t.exec(`DELETE FROM dead WHERE uuid=? AND list=?`, id[:], l.id)
	if err != nil || r.rows == 0 {
		return err
	}
	t.change(l).Dead--
	_, err = t.exec(`UPDATE doc SET dead=max(dead-1, 0) WHERE uuid=?`, id[:])
	return err
}
