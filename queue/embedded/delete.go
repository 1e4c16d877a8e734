package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// tombLife is how long a deleted uuid is remembered.
const tombLife = 30 * 24 * time.Hour

// Delete removes a document, its indexes, journals, remembered answers and dead letters, leaves a tombstone, and queues
// a job on queue.DeleteList that deletes in the storages; all in one transaction. Ids that still stand on lists are
// skipped when they are met. A second Delete while that job waits queues no other; one that is under way may have passed the
// storage that matters now.
func (s *Store) Delete(ctx context.Context, id vcon.ID) error {
	if err := s.do(ctx, 1<<10, func(t *tx) error { return t.delete(id) }); err != nil {
		return fmt.Errorf("delete vcon %s: %w", id, err)
	}
	return nil
}

func (t *tx) delete(id vcon.ID) error {
	r, err := t.row(id)
	if err != nil {
		return err
	}
	was, err := t.tomb(id)
	if err != nil {
		return err
	}
	if r != nil {
		was.gen, was.rev, was.pend = r.gen, r.rev, r.pend
		if err := t.erase(r); err != nil {
			return err
		}
	}
	if err := t.entomb(id, was); err != nil {
		return err
	}
	if was.job && !t.isLeased(id) {
		return nil
	}
	t.fate(id, queue.ErrGone, nil)
	return t.push(entry{list: t.list(queue.DeleteList), id: id, at: t.now, stage: queue.StageDelete})
}

// isLeased reports whether somebody works a uuid.
func (t *tx) isLeased(id vcon.ID) bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.s.grants[id] != nil
}

// erase removes all that is known of a document's content.
func (t *tx) erase(r *row) error {
	if err := t.dropRow(r); err != nil {
		return err
	}
	if r.dead > 0 {
		if err := t.dropLetters(r.uuid); err != nil {
			return err
		}
	}
	_, err := t.exec(`DELETE FROM journal WHERE uuid=?`, r.uuid[:])
	if err == nil {
		_, err = t.exec(`DELETE FROM memo WHERE uuid=?`, r.uuid[:])
	}
	return err
}

// dropLetters removes every dead letter of a uuid.
func (t *tx) dropLetters(id vcon.ID) error {
	err := t.each(func(v []driver.Value) error {
		t.change(t.s.listByID(asInt(v[0]))).Dead--
		return nil
	}, `SELECT list FROM dead WHERE uuid=?`, id[:])
	if err != nil {
		return err
	}
	_, err = t.exec(`DELETE FROM dead WHERE uuid=?`, id[:])
	return err
}

// tomb is what is remembered of a deleted document: its figures, so that a later submission goes on counting; how many
// entries of it still stand on lists; whether the job that deletes it in the storages waits.
type tomb struct {
	gen, rev uint64
	pend     int64
	job      bool
}

// tomb reads a tombstone; zero when there is none.
func (t *tx) tomb(id vcon.ID) (b tomb, err error) {
	if !t.s.tombs {
		return b, nil
	}
	_, err = t.one(func(v []driver.Value) {
		b = tomb{uint64(asInt(v[0])), uint64(asInt(v[1])), asInt(v[2]), asInt(v[3]) != 0}
	}, `SELECT gen, rev, pend, job FROM tomb WHERE uuid=?`, id[:])
	return b, err
}

// entomb leaves a tombstone for 30 days from now.
func (t *tx) entomb(id vcon.ID, b tomb) error {
	was := t.s.tombs
	t.s.tombs = true
	t.undoing(func() { t.s.tombs = was })
	_, err := t.exec(`INSERT OR REPLACE INTO tomb(uuid, until, gen, rev, pend, job) VALUES(?,?,?,?,?,1)`,
		id[:], t.now+tombLife.Milliseconds(), int64(b.gen), int64(b.rev), b.pend)
	return err
}

// liftTomb takes a tombstone away for a new submission. An order to delete that still waits finds the new document and
// is dropped.
func (t *tx) liftTomb(id vcon.ID) (tomb, error) {
	b, err := t.tomb(id)
	if err != nil || b == (tomb{}) {
		return b, err
	}
	_, err = t.exec(`DELETE FROM tomb WHERE uuid=?`, id[:])
	return b, err
}

// finishDelete ends a job that deleted in the storages.
func (t *tx) finishDelete(e *entry) error {
	_, err := t.exec(`UPDATE tomb SET job=0 WHERE uuid=?`, e.id[:])
	return errors.Join(err, t.remove(e), t.letGo(e))
}
