package embedded

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Bounds and defaults of queue.Want.
const (
	minTTL          = time.Second
	maxTTL          = time.Hour
	defaultMaxBytes = 256 << 20
)

// wanted is a queue.Want made ready.
type wanted struct {
	queue.Want
	lists []*list
}

func (s *Store) wanted(w queue.Want) *wanted {
	w.Max = max(w.Max, 1)
	w.TTL = min(max(w.TTL, minTTL), maxTTL)
	if w.MaxBytes <= 0 {
		w.MaxBytes = defaultMaxBytes
	}
	return &wanted{Want: w, lists: s.work(w.Lists)}
}

// work finds the lists to lease from, and notes that they are: what is pushed on them from now on holds its document.
func (s *Store) work(names []queue.Weighted) []*list {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists := make([]*list, len(names))
	for i, n := range names {
		lists[i] = s.listLocked(n.Name)
		lists[i].worked = true
	}
	return lists
}

// Lease takes up to want.Max waiting vCons, oldest first within a list, lists by smooth weighted round robin or in
// order. It blocks until one is there, ctx ends, or the store closes. A list that nobody has named is empty.
// Errors: queue.ErrClosed, queue.ErrUnavailable, ctx.Err().
func (s *Store) Lease(ctx context.Context, want queue.Want) ([]*queue.Lease, error) {
	w := s.wanted(want)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		wake, something := s.outlook(w)
		if !something {
			if err := s.wait(ctx, wake); err != nil {
				return nil, err
			}
			continue
		}
		leases, err := s.leaseNow(ctx, w)
		if err != nil || len(leases) > 0 {
			return leases, err
		}
	}
}

// leaseNow takes what is there, and reads the documents.
func (s *Store) leaseNow(ctx context.Context, w *wanted) ([]*queue.Lease, error) {
	var got []*grant
	var suspects bool
	err := s.later(ctx, 1<<10, func(t *tx) (err error) {
		got, err = t.lease(w)
		suspects = t.suspectsWait(w)
		return err
	})
	if err != nil {
		if errors.Is(err, ctx.Err()) {
			return nil, err
		}
		return nil, fmt.Errorf("lease: %w", err)
	}
	leases := make([]*queue.Lease, 0, len(got))
	for i, g := range got {
		l, err := s.deliver(ctx, g, w)
		if err != nil {
			s.giveBack(leases, got[i:])
			return nil, fmt.Errorf("lease vcon %s: %w", g.e.id, err)
		}
		if l != nil {
			l.SuspectsWait = suspects
			leases = append(leases, l)
		}
	}
	return leases, nil
}

// giveBack releases what a failed call of Lease had taken.
func (s *Store) giveBack(leases []*queue.Lease, rest []*grant) {
	for _, g := range rest {
		leases = append(leases, &queue.Lease{ID: g.e.id, Token: g.token})
	}
	for _, l := range leases {
		if err := s.Release(context.Background(), l, queue.Hold{}); err != nil {
			s.log.Warn("lease not given back; it runs out", "error", err)
		}
	}
}

// lease is one call of Lease within a transaction.
func (t *tx) lease(w *wanted) (got []*grant, err error) {
	if err := t.bringBack(); err != nil {
		return nil, err
	}
	if w.Solo && !(t.s.suspectLast && t.anyReady(w)) {
		if got, err := t.leaseSuspect(w); err != nil || got != nil {
			return got, err
		}
	}
	p := t.picker(w)
	var bytes int64
	for len(got) < w.Max {
		e, ok, err := p.next(t)
		if err != nil || !ok {
			return got, err
		}
		g, err := t.examine(e, w)
		if err != nil {
			return nil, err
		}
		if g == nil {
			continue // parked, or dropped
		}
		if bytes += g.size(); len(got) > 0 && bytes > w.MaxBytes {
			return got, nil
		}
		if err := t.take(g, false); err != nil {
			return nil, err
		}
		t.tookSuspect(false)
		got = append(got, g)
	}
	return got, nil
}

func (g *grant) size() int64 {
	if g.row == nil {
		return 0
	}
	return g.row.size
}

// tookSuspect notes what kind of entry was leased last: a worker that could take either gets them in turn.
func (t *tx) tookSuspect(is bool) {
	was := t.s.suspectLast
	if was == is {
		return
	}
	t.s.suspectLast = is
	t.undoing(func() { t.s.suspectLast = was })
}

func (t *tx) anyReady(w *wanted) bool {
	return slices.ContainsFunc(w.lists, func(l *list) bool { return l.cur.Ready > 0 })
}

// suspectsWait reports suspects that may be tried now.
func (t *tx) suspectsWait(w *wanted) bool {
	return slices.ContainsFunc(w.lists, func(l *list) bool { return l.cur.suspect != 0 && l.cur.suspect <= t.now })
}

// leaseSuspect takes one entry that crashed too often, alone.
func (t *tx) leaseSuspect(w *wanted) ([]*grant, error) {
	for _, l := range w.lists {
		for l.cur.suspect != 0 && l.cur.suspect <= t.now {
			e, err := t.dueSuspect(l)
			if err != nil {
				return nil, err
			}
			g, err := t.examine(e, w)
			if err != nil {
				return nil, err
			}
			if g != nil {
				if err := t.take(g, true); err != nil {
					return nil, err
				}
				t.tookSuspect(true)
			}
			if err := t.nextSuspect(l); err != nil {
				return nil, err
			}
			if g != nil {
				return []*grant{g}, nil
			}
		}
	}
	return nil, nil
}

// examine looks at an entry that is to be leased. No grant: the entry was parked behind the holder of its uuid, or
// dropped because its document was deleted.
func (t *tx) examine(e entry, w *wanted) (*grant, error) {
	t.s.mu.Lock()
	holder := t.s.grants[e.id]
	t.s.mu.Unlock()
	if holder != nil {
		return nil, t.park(holder, e)
	}
	r, err := t.row(e.id)
	if err != nil {
		return nil, err
	}
	if r != nil && !r.live(t.now) {
		r = nil
	}
	stale, err := t.stale(&e, r)
	if err != nil {
		return nil, err
	}
	if stale {
		return nil, errors.Join(t.dropRun(&e), t.remove(&e), t.letGo(&e))
	}
	fresh, err := t.fit(&e, r)
	if err != nil {
		return nil, err
	}
	g := &grant{e: e, row: r, fresh: fresh, deadline: time.Now().Add(w.TTL)}
	_, _ = rand.Read(g.token[:]) // never fails
	return g, nil
}

// stale reports an entry that nobody wants any more: of a deleted document; or the order to delete one in its storages
// that was submitted again since, which would take the new one.
func (t *tx) stale(e *entry, r *row) (bool, error) {
	switch {
	case e.stage == queue.StageDelete:
		return r != nil, nil
	case r != nil:
		return false, nil
	}
	return t.deleted(e.id)
}

// fit makes an entry's history that of the document's present generation, and reports whether it begins a run.
func (t *tx) fit(e *entry, r *row) (fresh bool, err error) {
	var gen uint64
	if r != nil {
		gen = r.gen
	}
	if e.gen != 0 && gen != 0 && e.gen != gen {
		if err := t.dropRun(e); err != nil {
			return false, err
		}
		e.forget()
	}
	if gen != 0 {
		e.gen = gen
	}
	if e.run != (queue.RunID{}) {
		return false, nil
	}
	e.run = firstRun(e, r)
	return true, nil
}

// firstRun names the first run over an entry by what a crash of the machine cannot take back, while it may take back the
// lease: a request that was on its way then is sent again under the same Idempotency-Key. A run that is begun anew
// (reprocess from=start, Enqueue) has a random name, given by the transaction that orders it.
func firstRun(e *entry, r *row) (run queue.RunID) {
	h := sha256.New()
	h.Write(e.id[:])
	b := binary.BigEndian.AppendUint64(nil, e.gen)
	if r != nil {
		b = binary.BigEndian.AppendUint64(b, uint64(r.hops))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.at))
	h.Write(append(b, e.list.name...))
	copy(run[:], h.Sum(nil))
	return run
}

// newRun is a run like no other.
func newRun() (run queue.RunID) {
	_, _ = rand.Read(run[:]) // never fails
	return run
}

// take gives a lease: the entry is marked, with the crash that it will be if the holder never answers.
func (t *tx) take(g *grant, solo bool) error {
	g.e.crashes++
	if solo {
		g.e.solo++
	}
	if !g.e.work && g.row != nil {
		g.e.work = true // an egress entry that somebody works after all
		if _, err := t.exec(`UPDATE doc SET pend=pend+1, expires=NULL WHERE id=?`, g.row.id); err != nil {
			return err
		}
	}
	if err := t.move(&g.e, leased); err != nil {
		return err
	}
	t.grant(g)
	return nil
}

// uncrash takes the crash back that take counted.
func (e *entry) uncrash() {
	e.crashes = max(e.crashes-1, 0)
	e.solo = 0
}

// dropRun forgets what the runs of an entry journalled and remembered.
func (t *tx) dropRun(e *entry) error {
	if e.run == (queue.RunID{}) {
		return nil
	}
	if err := t.dropJournal(e.id, e.run); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM memo WHERE uuid=? AND run=?`, e.id[:], e.run[:])
	return err
}

func (t *tx) dropJournal(id vcon.ID, run queue.RunID) error {
	_, err := t.exec(`DELETE FROM journal WHERE uuid=? AND run=?`, id[:], run[:])
	return err
}
