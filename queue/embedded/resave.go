package embedded

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Resave queues a job that saves the current document in the named storages; a job that waits already is given them
// too. A document that was deleted is deleted once more in the storages: the late save may have brought it back there.
func (s *Store) Resave(ctx context.Context, id vcon.ID, storages []string) error {
	if len(storages) == 0 {
		return s.openErr()
	}
	err := s.do(ctx, 1<<10, func(t *tx) error { return t.resave(id, storages) })
	if err != nil {
		return fmt.Errorf("resave vcon %s: %w", id, err)
	}
	return nil
}

func (t *tx) resave(id vcon.ID, storages []string) error {
	waiting, err := t.savesFor(id)
	if err != nil {
		return err
	}
	if waiting != nil {
		for _, storage := range storages {
			if !slices.Contains(waiting.job.Left, storage) {
				waiting.job.Left = append(waiting.job.Left, storage)
			}
		}
		return t.save(waiting)
	}
	r, err := t.exec(`UPDATE doc SET pend=pend+1, expires=NULL
		WHERE uuid=? AND size>0 AND (expires IS NULL OR expires>?)`, id[:], t.now)
	if err != nil {
		return err
	}
	if r.rows == 0 {
		if buried, err := t.deleted(id); err != nil || buried {
			if err == nil {
				err = t.delete(id)
			}
			return err
		}
	}
	return t.push(entry{list: t.list(queue.ResaveList), id: id, work: r.rows > 0, at: t.now, stage: queue.StageResave,
		job: job{Left: storages}})
}

// savesFor finds a save job of a uuid that nobody works yet; nil when there is none. One that is leased does not count:
// its holder may have read the document before it became what it is now. Nor does one that is parked: the grant that it
// waits for holds a copy of it.
func (t *tx) savesFor(id vcon.ID) (found *entry, err error) {
	l := t.list(queue.ResaveList)
	err = t.each(func(v []driver.Value) error {
		st := state(asInt(v[14]))
		if st == leased || st == parked || found != nil {
			return nil
		}
		e, err := scanEntry(l, st, v)
		found = &e
		return err
	}, `SELECT `+entryColumns+`, state FROM entry WHERE uuid=? AND stage=3 AND list=?`, id[:], l.id)
	return found, err
}
