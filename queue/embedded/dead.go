package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Fail commits the journal into the document, so that what was paid for can be read, writes the dead letter, and ends
// the lease. A journal that does not fit the document any more is dropped. A save job's letter goes to the storages that
// it was for.
func (s *Store) Fail(ctx context.Context, l *queue.Lease, f queue.Failure) error {
	if err := s.fail(ctx, l, f); err != nil {
		return fmt.Errorf("fail vcon %s: %w", l.ID, err)
	}
	return nil
}

func (s *Store) fail(ctx context.Context, l *queue.Lease, f queue.Failure) error {
	g := s.holding(l)
	if g == nil {
		return s.fenced(ctx, l, "fail", 0, nil)
	}
	g.calls.Lock()
	defer g.calls.Unlock()
	for range rebases {
		c, err := s.merged(g, queue.Progress{})
		if errors.Is(err, vcon.ErrConflict) {
			c, err = &change{}, nil
		}
		if err != nil {
			return err
		}
		fits := false
		err = s.fenced(ctx, l, "fail", c.cost(), func(t *tx, g *grant) (err error) {
			fits, err = t.fail(g, c, f)
			return err
		})
		c.settle(s)
		if err != nil || fits {
			return err
		}
		if err := s.reload(ctx, l, g); err != nil {
			return err
		}
	}
	return queue.ErrConflict
}

func (t *tx) fail(g *grant, c *change, f queue.Failure) (fits bool, err error) {
	if fits, err = t.rewrite(g, c); err != nil || !fits {
		return fits, err
	}
	if err := t.revoke(g, ending{by: "fail"}); err != nil {
		return false, err
	}
	e := g.e
	e.job.Done = slices.Concat(e.job.Done, c.done)
	e.job.Effects = merge(e.job.Effects, c.fx)
	if g.n > 0 {
		if err := t.dropJournal(e.id, e.run); err != nil {
			return false, err
		}
	}
	e.uncrash()
	return true, t.bury(&e, f)
}

// condemn is bury for what the store itself decides; nobody else would tell an operator of it.
func (t *tx) condemn(e *entry, f queue.Failure) error {
	id, list := e.id, e.list.name
	t.onCommit(func() {
		t.s.log.Warn("dead letter", "vcon", id, "list", list, "reason", f.Reason, "attempt", f.Attempt)
	})
	return t.bury(e, f)
}

// bury takes an entry off its list and makes it a dead letter, which holds the document instead.
func (t *tx) bury(e *entry, f queue.Failure) error {
	for _, l := range t.graves(e, f) {
		if err := t.letter(l, e, f); err != nil {
			return err
		}
		f.Storage = "" // of the next
	}
	if err := t.remove(e); err != nil {
		return err
	}
	if e.stage == queue.StageDelete { // another Delete orders it anew
		if _, err := t.exec(`UPDATE tomb SET job=0 WHERE uuid=?`, e.id[:]); err != nil {
			return err
		}
	}
	return t.letGo(e)
}

// graves are the lists on which an entry's dead letter stands: its own; of a save job, those of its storages.
func (t *tx) graves(e *entry, f queue.Failure) (lists []*list) {
	if e.stage != queue.StageResave {
		return []*list{e.list}
	}
	names := e.job.Left
	if f.Storage != "" {
		names = []string{f.Storage}
	}
	for _, name := range names {
		lists = append(lists, t.list(queue.StoragePrefix+name))
	}
	return lists
}

// letter writes a dead letter. The second one of a uuid on a list takes the place of the first.
func (t *tx) letter(l *list, e *entry, f queue.Failure) error {
	if name, ok := strings.CutPrefix(l.name, queue.StoragePrefix); ok && f.Storage == "" {
		f.Storage = name
	}
	text, err := e.job.encode()
	if err != nil {
		return err
	}
	var seq, count int64
	var run []byte
	known, err := t.one(func(v []driver.Value) { seq, count, run = asInt(v[0]), asInt(v[1]), asBlob(v[2]) },
		`SELECT seq, count, run FROM dead WHERE uuid=? AND list=?`, e.id[:], l.id)
	if err != nil {
		return err
	}
	c := t.change(l)
	switch {
	case !known:
		seq = c.place(false)
		c.Dead++
		if _, err := t.exec(`UPDATE doc SET dead=dead+1, expires=NULL WHERE uuid=?`, e.id[:]); err != nil {
			return err
		}
	case run != nil && string(run) != string(e.run[:]):
		if _, err := t.exec(`DELETE FROM memo WHERE uuid=? AND run=?`, e.id[:], run); err != nil {
			return err
		}
	}
	_, err = t.exec(`INSERT OR REPLACE INTO dead(list, seq, uuid, at, count, reason, link, storage, detail, attempt, gen,
		run, stage, job, ctx) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, l.id, seq, e.id[:], t.now, count+1, f.Reason, orNull(f.Link), orNull(f.Storage),
		orNull(f.Detail), int64(f.Attempt), int64(e.gen), runColumn(e.run), int64(e.stage), text, blobOrNull(e.ctx))
	return err
}

// dead is a dead letter with what is needed to put it back.
type dead struct {
	queue.DeadLetter
	list *list
	seq  int64
	gen  uint64
	job  job
	ctx  []byte
}

const deadColumns = `seq, uuid, at, count, reason, link, storage, detail, attempt, gen, run, stage, job, ctx`

func scanDead(l *list, v []driver.Value) (d dead, err error) {
	d = dead{list: l, seq: asInt(v[0]), gen: uint64(asInt(v[9])), ctx: asBlob(v[13])}
	d.DeadLetter = queue.DeadLetter{List: l.name, At: time.UnixMilli(asInt(v[2])), Count: int(asInt(v[3])),
		Failure: queue.Failure{Reason: asText(v[4]), Link: asText(v[5]), Storage: asText(v[6]), Detail: asText(v[7]),
			Attempt: int(asInt(v[8]))},
		Stage: queue.Stage(asInt(v[11]))}
	copy(d.ID[:], asBlob(v[1]))
	copy(d.Run[:], asBlob(v[10]))
	d.job, err = decodeJob(asText(v[12]))
	d.Done = d.job.Done
	return d, err
}

// Dead lists the dead letters of a list, oldest first; "DLQ:<list>" is taken for <list>.
func (s *Store) Dead(ctx context.Context, name string, p queue.Page) (ds []queue.DeadLetter, err error) {
	l := s.known(name)
	if l == nil {
		return nil, s.openErr()
	}
	limit := int64(math.MaxInt64)
	if p.Limit > 0 {
		limit = int64(p.Limit)
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			d, err := scanDead(l, v)
			ds = append(ds, d.DeadLetter)
			return err
		}, `SELECT `+deadColumns+` FROM dead WHERE list=? ORDER BY seq LIMIT ? OFFSET ?`, l.id, limit, int64(max(p.Offset, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters of %q: %w", name, err)
	}
	return ds, nil
}

// known finds a list by name without making it; nil when there is none.
func (s *Store) known(name string) *list {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.lists[name]; ok {
		return l
	}
	return s.lists[strings.TrimPrefix(name, queue.DLQ(""))]
}

// openErr is ErrClosed after Close.
func (s *Store) openErr() error {
	if s.closed() {
		return queue.ErrClosed
	}
	return nil
}
