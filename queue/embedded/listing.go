package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// listBatch is how many ids List reads at a time: no reading transaction lasts long enough to keep the log from being
// emptied, and nothing is held while the caller thinks.
const listBatch = 500

// alive is the condition under which a document is listed: it did not expire, or its index entries outlive it.
const alive = `(kept=1 OR size>0 AND (expires IS NULL OR expires>?1))`

// List yields ids newest first, by created_at or else arrival, to the second, ties by id descending. It reads in
// batches: what comes or goes meanwhile may or may not be seen, what stays is seen once.
func (s *Store) List(ctx context.Context, r queue.Range) iter.Seq2[vcon.ID, error] {
	return func(yield func(vcon.ID, error) bool) {
		left := r.Limit
		if left < 0 {
			left = math.MaxInt
		}
		at := cursor{created: math.MaxInt64, skip: int64(max(r.Offset, 0))}
		for left > 0 {
			batch, err := s.page(ctx, r, &at, min(left, listBatch))
			if err != nil {
				yield(vcon.ID{}, fmt.Errorf("list vcons: %w", err))
				return
			}
			for _, id := range batch {
				if !yield(id, nil) {
					return
				}
			}
			if len(batch) < min(left, listBatch) {
				return
			}
			left -= len(batch)
		}
	}
}

// cursor is the place behind the last listed document.
type cursor struct {
	created int64
	id      vcon.ID
	skip    int64
}

func (s *Store) page(ctx context.Context, r queue.Range, at *cursor, n int) (ids []vcon.ID, err error) {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !r.Since.IsZero() {
		since = r.Since.Unix()
	}
	if !r.Until.IsZero() {
		until = r.Until.Unix()
	}
	next := *at
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			copy(next.id[:], asBlob(v[0]))
			next.created = asInt(v[1])
			ids = append(ids, next.id)
			return nil
		}, `SELECT uuid, created FROM doc WHERE `+alive+` AND created BETWEEN ?2 AND ?3 AND (created, uuid) < (?4, ?5)
			ORDER BY created DESC, uuid DESC LIMIT ?6 OFFSET ?7`,
			s.now(), since, min(until, at.created), at.created, at.id[:], int64(n), at.skip)
	})
	next.skip = 0
	*at = next
	return ids, err
}

// Reindex rebuilds the indexes of every document from its text and returns how many documents there are. What documents
// say is indexed anew afterwards, as after a Submit.
func (s *Store) Reindex(ctx context.Context) (n int, err error) {
	for after := int64(0); ; {
		ids, last, err := s.docsAfter(ctx, after)
		if err != nil {
			return n, fmt.Errorf("reindex: %w", err)
		}
		for _, id := range ids {
			found, err := s.reindex(ctx, id)
			if err != nil {
				return n, fmt.Errorf("reindex vcon %s: %w", id, err)
			}
			if found {
				n++
			}
		}
		if len(ids) < listBatch {
			return n, nil
		}
		after = last
	}
}

// docsAfter reads the uuids of the next documents in order of their rows.
func (s *Store) docsAfter(ctx context.Context, after int64) (ids []vcon.ID, last int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			var id vcon.ID
			copy(id[:], asBlob(v[0]))
			ids, last = append(ids, id), asInt(v[1])
			return nil
		}, `SELECT uuid, id FROM doc WHERE id>?2 AND size>0 AND (expires IS NULL OR expires>?1) ORDER BY id LIMIT ?3`,
			s.now(), after, int64(listBatch))
	})
	return ids, last, err
}

// reindex makes one document's index that of its text; false when the document went away meanwhile.
func (s *Store) reindex(ctx context.Context, id vcon.ID) (found bool, err error) {
	doc, rev, err := s.Get(ctx, id)
	if err != nil {
		if errors.Is(err, queue.ErrNotFound) {
			err = nil // gone meanwhile
		}
		return false, err
	}
	created, terms := indexed(doc)
	encoded := encodeTerms(terms)
	err = s.do(ctx, 1<<10, func(t *tx) error {
		found = true
		r, err := t.row(id)
		if err != nil || r == nil || queue.Rev(r.rev) != rev {
			return err // replaced meanwhile, and indexed then
		}
		if created == 0 {
			created = r.at / 1000
		}
		if err := t.unindex(r.id, r.terms); err != nil {
			return err
		}
		if err := t.index(r.id, terms); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE doc SET created=?, terms=? WHERE id=?`, created, orNull(encoded), r.id); err != nil {
			return err
		}
		return t.unread(r.id)
	})
	return found, err
}
