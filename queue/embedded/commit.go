package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// rebases is how often a Commit merges anew before it gives up.
const rebases = 8

// Commit merges the journal and p into the stored document and moves the job to its storages. While a lease is held
// only a submission or a deletion changes the document, and those end the lease; the merge is for a journal that an
// earlier lease of the run left, and for a row that changed in a way not foreseen. The same call twice in a row is a
// repeated call.
func (s *Store) Commit(ctx context.Context, l *queue.Lease, p queue.Progress, left []string) (*vcon.VCon, queue.Rev, error) {
	doc, rev, err := s.commit(ctx, l, p, left)
	if err != nil {
		return nil, 0, fmt.Errorf("commit vcon %s: %w", l.ID, err)
	}
	return doc, rev, nil
}

func (s *Store) commit(ctx context.Context, l *queue.Lease, p queue.Progress, left []string) (*vcon.VCon, queue.Rev, error) {
	text, err := json.Marshal(struct {
		P queue.Progress
		L []string
	}{p, left})
	if err != nil {
		return nil, 0, err
	}
	g := s.holding(l)
	if g == nil {
		return nil, 0, s.fenced(ctx, l, "", 0, nil)
	}
	g.calls.Lock()
	defer g.calls.Unlock()
	sum := sha256.Sum256(text)
	if g.last == sum {
		return g.base, g.rev(), s.fenced(ctx, l, "", 0, func(*tx, *grant) error { return nil })
	}
	for range rebases {
		c, err := s.merged(g, p)
		if errors.Is(err, vcon.ErrConflict) {
			return nil, 0, errors.Join(queue.ErrConflict, s.conflict(ctx, l, g))
		}
		if err != nil {
			return nil, 0, err
		}
		fits := false
		err = s.fence(ctx, s.later, l, "", c.cost(), func(t *tx, g *grant) (err error) {
			fits, err = t.commitRun(g, c, left, sum)
			return err
		})
		c.settle(s)
		if err != nil {
			return nil, 0, err
		}
		if fits {
			return g.base, g.rev(), nil
		}
		if err := s.reload(ctx, l, g); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, errors.Join(queue.ErrConflict, s.conflict(ctx, l, g))
}

func (g *grant) rev() queue.Rev {
	r := g.current()
	if r == nil {
		return 0
	}
	return queue.Rev(r.rev)
}

// change is what a Commit or Fail writes.
type change struct {
	paper // the new document; doc nil: it stays as it is
	doc   *vcon.VCon
	done  []queue.Step
	fx    queue.Effects
}

func (c *change) cost() int {
	if c.doc == nil {
		return 1 << 10
	}
	return c.paper.cost()
}

// merged applies the journal and p to the document as the grant knows it; a large result is on disk then.
func (s *Store) merged(g *grant, p queue.Progress) (*change, error) {
	c := &change{done: slices.Concat(g.job.Done, p.Done), fx: merge(g.job.Effects, p.Effects)}
	edits := slices.Concat(g.edits, p.Edits)
	switch {
	case len(edits) == 0:
		return c, nil
	case g.base == nil:
		return nil, vcon.ErrConflict // the document went away under its holder, and nobody deleted it
	}
	doc, err := g.base.Apply(edits)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(doc.Bytes(), g.base.Bytes()) {
		return c, nil
	}
	c.doc = doc
	c.paper = paper{id: g.e.id, text: doc.Bytes(), sha: doc.Hash()}
	c.created, c.terms = indexed(doc)
	if len(c.text) > inlineMax {
		if c.file, err = s.keepBlob(c.id, c.text, false); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// commitRun is Commit within a transaction; false when the document is not the one that was merged into.
func (t *tx) commitRun(g *grant, c *change, left []string, sum [32]byte) (fits bool, err error) {
	if fits, err = t.rewrite(g, c); err != nil || !fits {
		return fits, err
	}
	e := g.e
	e.job.Done = slices.Concat(e.job.Done, c.done)
	e.job.Effects = merge(e.job.Effects, c.fx)
	e.job.Left = left
	if e.stage == queue.StageLinks {
		e.stage, e.tries = queue.StageStorages, 0
	}
	if err := t.save(&e); err != nil {
		return false, err
	}
	t.setEntry(g, e)
	d := t.redraft(g)
	d.clear()
	d.last = sum
	if c.doc != nil {
		d.base = c.doc
	}
	if d.n == 0 {
		return true, nil
	}
	return true, t.dropJournal(e.id, e.run)
}

// setEntry changes what the grant knows of its entry.
func (t *tx) setEntry(g *grant, e entry) {
	was := g.e
	g.e = e
	t.undoing(func() { g.e = was })
}

// rewrite puts a merged text in the document's place, if it is still the one that was read.
func (t *tx) rewrite(g *grant, c *change) (fits bool, err error) {
	if c.doc == nil {
		return true, nil
	}
	old := g.row
	terms := encodeTerms(c.terms)
	created := c.created
	r, err := t.exec(`UPDATE doc SET rev=rev+1, size=?1, src=coalesce(src, sha), sha=?2, file=?3, terms=?4,
		created=CASE WHEN ?5=0 THEN created ELSE ?5 END WHERE id=?6 AND gen=?7 AND rev=?8`,
		int64(len(c.text)), c.sha[:], orNull(c.file), orNull(terms), created, old.id, int64(old.gen), int64(old.rev))
	if err != nil || r.rows == 0 {
		return false, err
	}
	if err := t.rewriteText(old, &c.paper); err != nil {
		return false, err
	}
	if err := t.unread(old.id); err != nil {
		return false, err
	}
	if terms != old.terms {
		if err := t.unindex(old.id, old.terms); err != nil {
			return false, err
		}
		if err := t.index(old.id, c.terms); err != nil {
			return false, err
		}
	}
	next := *old
	next.rev++
	next.size, next.sha, next.file, next.terms = int64(len(c.text)), c.sha, c.file, terms
	g.become(&next)
	t.undoing(func() { g.become(old) })
	return true, nil
}

// reload reads the document anew for another merge. The row is read in the writer, so that it is the last one.
func (s *Store) reload(ctx context.Context, l *queue.Lease, g *grant) error {
	err := s.fenced(ctx, l, "", 0, func(t *tx, g *grant) error {
		r, err := t.row(g.e.id)
		if err != nil {
			return err
		}
		g.become(r)
		return nil
	})
	if err != nil {
		return err
	}
	g.base = nil
	if g.current() == nil {
		return nil
	}
	text, _, err := s.leaseText(ctx, g)
	if err != nil {
		return err
	}
	g.base, err = parse(text)
	return err
}

// Stored marks one storage of the job as done.
func (s *Store) Stored(ctx context.Context, l *queue.Lease, storage string, _ queue.Rev) error {
	err := s.fenced(ctx, l, "", 0, func(t *tx, g *grant) error {
		e := g.e
		if !e.job.stored(storage) {
			return nil
		}
		if err := t.save(&e); err != nil {
			return err
		}
		t.setEntry(g, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark vcon %s as stored in %q: %w", l.ID, storage, err)
	}
	return nil
}

// stored moves a storage from those that owe a save to those that did; false when it is known already.
func (j *job) stored(storage string) bool {
	if slices.Contains(j.Stored, storage) {
		return false
	}
	j.Stored = append(j.Stored[:len(j.Stored):len(j.Stored)], storage)
	j.Left = slices.DeleteFunc(slices.Clone(j.Left), func(name string) bool { return name == storage })
	return true
}
