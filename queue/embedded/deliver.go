package embedded

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// deliver makes a grant the lease that its holder sees. No lease: the document was replaced or deleted since.
func (s *Store) deliver(ctx context.Context, g *grant, w *wanted) (*queue.Lease, error) {
	e := &g.e
	l := &queue.Lease{ID: e.id, List: e.list.name, Token: g.token, Deadline: g.deadline, Run: e.run, Tries: int(e.tries),
		Crashes: int(e.crashes) - 1, Stage: e.stage, Left: e.job.Left, Stored: e.job.Stored, Context: e.ctx,
		Arrived: time.UnixMilli(e.at), Memo: memo{s, e.id, e.run}}
	r := g.current()
	if r == nil {
		l.Done, l.Effects = e.job.Done, e.job.Effects
		return l, nil
	}
	text, journal, err := s.leaseText(ctx, g)
	if err == nil {
		g.base, err = parse(text)
	}
	if err == nil {
		l.Doc, err = s.applyJournal(ctx, l, g, journal)
	}
	if err != nil {
		return nil, s.unread(ctx, l, err)
	}
	l.Rev = queue.Rev(r.rev)
	l.Base = queue.Base{Hash: r.sha, Gen: r.gen, Rev: l.Rev}
	l.Done = slices.Concat(e.job.Done, g.job.Done)
	l.Effects = merge(e.job.Effects, g.job.Effects)
	return l, nil
}

// unreadDelay is how long an entry rests whose file could not be read just now.
const unreadDelay = 30 * time.Second

// unread decides about a lease whose document could not be read. One document must not hold up its list: what is broken
// is a dead letter, what may be mended waits. An error that is the store's or the caller's concerns all and is passed on.
func (s *Store) unread(ctx context.Context, l *queue.Lease, cause error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // no time is left to find out why; the lease is given back
	case s.closed(), sqliteCode(cause) != 0, errors.Is(cause, queue.ErrUnavailable), errors.Is(cause, queue.ErrFull):
		return cause
	case stopped(cause):
		return nil // replaced or deleted meanwhile, and settled
	}
	var file *fs.PathError
	mends := errors.As(cause, &file) && !errors.Is(cause, fs.ErrNotExist)
	s.log.Error("document not readable", "uuid", l.ID.String(), "list", l.List, "again", mends)
	err := s.fenced(ctx, l, "", 0, func(t *tx, g *grant) error {
		if mends {
			return t.release(g, queue.Hold{Delay: unreadDelay, Err: cause.Error()})
		}
		if err := t.revoke(g, ending{why: queue.ErrLeaseLost}); err != nil {
			return err
		}
		e := g.e
		e.uncrash()
		return t.bury(&e, queue.Failure{Reason: "document_unreadable", Attempt: 1 + int(e.tries+e.crashes), Detail: cause.Error()})
	})
	if stopped(err) {
		return nil
	}
	return err
}

// stopped reports an answer to a holder whose lease is over.
func stopped(err error) bool {
	return errors.Is(err, queue.ErrLeaseLost) || errors.Is(err, queue.ErrSuperseded) || errors.Is(err, queue.ErrGone)
}

// leaseText reads the text and the journal of a leased document.
func (s *Store) leaseText(ctx context.Context, g *grant) (text []byte, journal []queue.Progress, err error) {
	r := g.current()
	err = s.read(ctx, func(c *conn) error {
		if r.file != "" {
			text, err = os.ReadFile(s.blobPath(r.file))
		} else {
			text, err = bodyText(c, r.id)
		}
		if err != nil || g.fresh {
			return err
		}
		journal, err = readJournal(c, g.e.id, g.e.run)
		return err
	})
	return text, journal, err
}

func bodyText(c *conn, id int64) (text []byte, err error) {
	found, err := c.one(func(v []driver.Value) { text = asBlob(v[0]) }, `SELECT text FROM body WHERE id=?`, id)
	if err == nil && !found {
		err = queue.ErrNotFound
	}
	return text, err
}

func readJournal(c *conn, id vcon.ID, run queue.RunID) (all []queue.Progress, err error) {
	err = c.query(func(v []driver.Value) error {
		var p queue.Progress
		if err := json.Unmarshal(asBlob(v[0]), &p); err != nil {
			return err
		}
		all = append(all, p)
		return nil
	}, `SELECT progress FROM journal WHERE uuid=? AND run=? ORDER BY n`, id[:], run[:])
	return all, err
}

// applyJournal gives the document with what earlier leases of the run did. When that does not fit the document any
// more, the journal is dropped and its steps run again.
func (s *Store) applyJournal(ctx context.Context, l *queue.Lease, g *grant, journal []queue.Progress) (*vcon.VCon, error) {
	if len(journal) == 0 {
		return g.base, nil
	}
	for _, p := range journal {
		g.note(p)
	}
	doc, err := g.base.Apply(g.edits)
	if errors.Is(err, vcon.ErrConflict) {
		return g.base, s.conflict(ctx, l, g)
	}
	return doc, err
}

// note adds an entry of the journal.
func (d *draft) note(p queue.Progress) {
	d.n++
	d.edits = slices.Concat(d.edits, p.Edits)
	d.job.Done = slices.Concat(d.job.Done, p.Done)
	d.job.Effects = merge(d.job.Effects, p.Effects)
}

// clear forgets the journal.
func (d *draft) clear() { d.edits, d.job = nil, job{} }

// conflict drops a journal that does not fit the document. The memo stays: nothing is paid again.
func (s *Store) conflict(ctx context.Context, l *queue.Lease, g *grant) error {
	return s.fenced(ctx, l, "", 0, func(t *tx, g *grant) error {
		t.redraft(g).clear()
		return t.dropJournal(g.e.id, g.e.run)
	})
}

// merge adds later effects to earlier ones.
func merge(a, b queue.Effects) queue.Effects {
	a.Halted = a.Halted || b.Halted
	a.Routes = slices.Concat(a.Routes, b.Routes)
	a.Creates = slices.Concat(a.Creates, b.Creates)
	if b.Expire != nil {
		a.Expire = b.Expire
	}
	return a
}
