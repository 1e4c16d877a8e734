package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// row is a document's row without its text.
type row struct {
	id      int64
	uuid    vcon.ID
	gen     uint64
	rev     uint64
	size    int64
	sha     [32]byte
	file    string
	at      int64 // of the last submission
	expires int64
	pend    int64
	dead    int64
	hops    int64
	kept    bool     // its index entries outlive it
	src     [32]byte // of the last submission
	srev    uint64
	again   bool // that one replaced a document
	lists   []string
	terms   string
}

const rowColumns = `id, uuid, gen, rev, size, sha, file, at, expires, pend, dead, hops, src, srev, lists, terms, kept, again`

func scanRow(v []driver.Value) (r row) {
	r = row{id: asInt(v[0]), gen: uint64(asInt(v[2])), rev: uint64(asInt(v[3])), size: asInt(v[4]), file: asText(v[6]),
		at: asInt(v[7]), expires: asInt(v[8]), pend: asInt(v[9]), dead: asInt(v[10]), hops: asInt(v[11]),
		srev: uint64(asInt(v[13])), terms: asText(v[15]), kept: asInt(v[16]) != 0, again: asInt(v[17]) != 0}
	copy(r.uuid[:], asBlob(v[1]))
	copy(r.sha[:], asBlob(v[5]))
	r.src = r.sha
	if src := asBlob(v[12]); src != nil {
		copy(r.src[:], src)
	}
	if lists := asText(v[14]); lists != "" {
		r.lists = strings.Split(lists, "\n") // list names hold no control characters
	}
	return r
}

// live reports whether the row has a document that has not expired.
func (r *row) live(now int64) bool { return r.size > 0 && (r.expires == 0 || r.expires > now) }

// row reads a document's row; nil when there is none.
func (t *tx) row(id vcon.ID) (found *row, err error) {
	_, err = t.one(func(v []driver.Value) {
		r := scanRow(v)
		found = &r
	}, `SELECT `+rowColumns+` FROM doc WHERE uuid=?`, id[:])
	return found, err
}

// dropRow removes a document with its text and index entries. Entries and dead letters are the caller's.
func (t *tx) dropRow(r *row) error {
	if err := t.dropText(r); err != nil {
		return err
	}
	if err := t.unindex(r.id, r.terms); err != nil {
		return err
	}
	if err := t.forget(r.id); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM doc WHERE id=?`, r.id)
	return err
}

// dropText removes the text of a document, wherever it is.
func (t *tx) dropText(r *row) error {
	if r.file != "" {
		t.unlink = append(t.unlink, r.file)
		return nil
	}
	if r.size == 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM body WHERE id=?`, r.id)
	return err
}

// letGo takes back an entry's hold on its document. The last hold starts the life that the last Finish gave it.
func (t *tx) letGo(e *entry) error {
	if !e.work {
		return nil
	}
	r, err := t.exec(`UPDATE doc SET pend=max(pend-1, 0),
		expires=CASE WHEN pend<=1 AND dead=0 THEN ?1+coalesce(wish, nullif(life, 0)) END WHERE uuid=?2`, t.now, e.id[:])
	if err != nil || r.rows > 0 || !t.s.tombs {
		return err
	}
	_, err = t.exec(`UPDATE tomb SET pend=max(pend-1, 0) WHERE uuid=?`, e.id[:])
	return err
}

// stored reads one document's text and revision; ErrNotFound when there is none that lives.
func (s *Store) stored(c *conn, id vcon.ID) (text []byte, rev queue.Rev, err error) {
	var file string
	found, err := c.one(func(v []driver.Value) {
		rev, file, text = queue.Rev(asInt(v[0])), asText(v[1]), asBlob(v[2])
	}, `SELECT d.rev, d.file, b.text FROM doc d LEFT JOIN body b ON b.id=d.id
		WHERE d.uuid=?1 AND d.size>0 AND (d.expires IS NULL OR d.expires>?2)`, id[:], s.now())
	switch {
	case err != nil:
		return nil, 0, err
	case !found:
		return nil, 0, queue.ErrNotFound
	case file != "":
		text, err = os.ReadFile(s.blobPath(file))
	}
	return text, rev, err
}

// parse reads a stored text. It was accepted once, under limits of the caller's: ours must not refuse it now.
func parse(text []byte) (*vcon.VCon, error) {
	return vcon.ParseWith(text, vcon.Limits{Bytes: math.MaxInt64, Elements: math.MaxInt, Number: math.MaxInt})
}

// load is the document behind Get. A file that went away between the row and its reading means that the document was
// replaced or deleted meanwhile: it is looked up again.
func (s *Store) load(c *conn, id vcon.ID) (*vcon.VCon, queue.Rev, error) {
	for range 8 {
		text, rev, err := s.stored(c, id)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		doc, err := parse(text)
		return doc, rev, err
	}
	return nil, 0, fmt.Errorf("%w: its file keeps going away", queue.ErrUnavailable)
}

// Get is the document as of the last commit. Errors: queue.ErrNotFound, queue.ErrClosed, queue.ErrUnavailable.
func (s *Store) Get(ctx context.Context, id vcon.ID) (doc *vcon.VCon, rev queue.Rev, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		doc, rev, err = s.load(c, id)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("get vcon %s: %w", id, err)
	}
	return doc, rev, nil
}

// GetMany is Get for many, in their order; nil where there is none.
func (s *Store) GetMany(ctx context.Context, ids []vcon.ID) ([]*vcon.VCon, error) {
	docs := make([]*vcon.VCon, len(ids))
	err := s.read(ctx, func(c *conn) error {
		for i, id := range ids {
			doc, _, err := s.load(c, id)
			if err != nil && !errors.Is(err, queue.ErrNotFound) {
				return err
			}
			docs[i] = doc
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("get %d vcons: %w", len(ids), err)
	}
	return docs, nil
}

// Restore puts a document back that a storage still had, to live for lifetime (0 = for ever). One that is there, or was
// deleted within the last 30 days, stays as it is.
func (s *Store) Restore(ctx context.Context, doc *vcon.VCon, lifetime time.Duration) error {
	p, err := s.prepare(queue.Submission{Doc: doc, Lifetime: lifetime})
	if err != nil {
		return fmt.Errorf("restore vcon %s: %w", doc.ID(), err)
	}
	err = s.grow(ctx, p.cost(), func(t *tx) error { return t.restore(p) })
	p.settle(s)
	if err != nil {
		return fmt.Errorf("restore vcon %s: %w", p.id, err)
	}
	return nil
}

func (t *tx) restore(p *paper) error {
	old, err := t.row(p.id)
	if err != nil || old != nil && old.live(t.now) {
		return err
	}
	if dead, err := t.deleted(p.id); err != nil || dead {
		return err
	}
	if old == nil {
		_, err = t.insert(p, 1, 1, t.holderOf(p.id))
		return err
	}
	if _, err := t.replace(p, old); err != nil || !old.kept {
		return err
	}
	_, err = t.exec(`UPDATE doc SET kept=1 WHERE id=?`, old.id)
	return err
}

// holderOf is 1 when a lease without document waits for this one: the lease holds it from now on.
func (t *tx) holderOf(id vcon.ID) int64 {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if g := t.s.grants[id]; g != nil && g.e.work {
		return 1
	}
	return 0
}
