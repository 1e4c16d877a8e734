package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// The janitor looks at least once an hour, at most once a minute; in between it sleeps until something is due. Readers
// do not wait for it: what is due is not there for them.
const (
	sweepLeast = time.Minute
	sweepMost  = time.Hour
	sweepBatch = 200
)

// janitor removes what has expired, until the store closes.
func (s *Store) janitor() {
	t := time.NewTimer(sweepLeast)
	defer t.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-t.C:
		}
		next, err := s.sweep(context.Background())
		if err != nil && !s.closed() {
			s.log.Warn("expired documents not removed", "error", err)
		}
		wait := min(max(next-s.now(), sweepLeast.Milliseconds()), sweepMost.Milliseconds())
		t.Reset(time.Duration(wait) * time.Millisecond)
	}
}

// sweep removes what is due now, in small transactions, and says when the next is due (0 in doubt: look again soon).
func (s *Store) sweep(ctx context.Context) (next int64, err error) {
	for {
		next, err = s.dueNext(ctx)
		if err != nil || next > s.now() {
			return next, err
		}
		if err := s.catchUp(ctx); err != nil && !errors.Is(err, queue.ErrBehind) {
			return 0, err // what stays searchable without its text must have been read
		}
		if err := s.do(ctx, 64<<10, (*tx).sweep); err != nil {
			return 0, err
		}
	}
}

// never is a time that does not come.
const never = 1 << 62

// dueNext is when the earliest of all that ends is due.
func (s *Store) dueNext(ctx context.Context) (next int64, err error) {
	next = never
	earliest := func(v []driver.Value) {
		if v[0] != nil {
			next = min(next, asInt(v[0]))
		}
	}
	err = s.read(ctx, func(c *conn) error {
		for _, query := range []string{
			`SELECT min(expires) FROM doc WHERE expires IS NOT NULL`, `SELECT min(until) FROM tomb`,
			`SELECT min(until) FROM idem`, `SELECT min(until) FROM kv WHERE until IS NOT NULL`,
		} {
			if _, err := c.one(earliest, query); err != nil {
				return err
			}
		}
		if s.opt.DeadExpiry <= 0 {
			return nil
		}
		_, err := c.one(func(v []driver.Value) {
			if v[0] != nil {
				next = min(next, asInt(v[0])+s.opt.DeadExpiry.Milliseconds())
			}
		}, `SELECT min(at) FROM dead`)
		return err
	})
	return next, err
}

// sweep is one transaction of the janitor.
func (t *tx) sweep() error {
	if err := t.sweepDocs(); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM tomb WHERE uuid IN (SELECT uuid FROM tomb WHERE until<=?1 LIMIT ?2)`,
		`DELETE FROM idem WHERE h IN (SELECT h FROM idem WHERE until<=?1 LIMIT ?2)`,
		`DELETE FROM kv WHERE (link, key) IN (SELECT link, key FROM kv WHERE until<=?1 LIMIT ?2)`,
	} {
		if _, err := t.exec(query, t.now, int64(sweepBatch)); err != nil {
			return err
		}
	}
	if t.s.opt.DeadExpiry <= 0 {
		return nil
	}
	return t.sweepDead()
}

// sweepDocs removes documents that have expired; what is held has no time to.
func (t *tx) sweepDocs() error {
	var rows []row
	err := t.each(func(v []driver.Value) error {
		rows = append(rows, scanRow(v))
		return nil
	}, `SELECT `+rowColumns+` FROM doc WHERE expires<=? LIMIT ?`, t.now, int64(sweepBatch))
	if err != nil {
		return err
	}
	for i := range rows {
		if err := t.sweepDoc(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// sweepDoc removes a document; one that a storage can give back leaves its row, by which it is listed and found.
func (t *tx) sweepDoc(r *row) error {
	if !r.kept {
		return t.dropRow(r)
	}
	if err := t.dropText(r); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE doc SET size=0, file=NULL, expires=NULL WHERE id=?`, r.id)
	return err
}

// sweepDead drops dead letters that are too old, with their documents.
func (t *tx) sweepDead() error {
	var ds []dead
	err := t.each(func(v []driver.Value) error {
		d, err := scanDead(t.s.listByID(asInt(v[14])), v)
		ds = append(ds, d)
		return err
	}, `SELECT `+deadColumns+`, list FROM dead WHERE at<=? LIMIT ?`, t.now-t.s.opt.DeadExpiry.Milliseconds(), int64(sweepBatch))
	if err != nil {
		return err
	}
	for i := range ds {
		if err := t.purge(&ds[i]); err != nil {
			return err
		}
	}
	if len(ds) > 0 {
		t.onCommit(func() { t.s.log.Info("dead letters expired", "count", len(ds)) })
	}
	return nil
}
