package embedded

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// grant is a lease as the store knows it: one per uuid, over all lists.
type grant struct {
	token  [16]byte
	e      entry   // the leased entry; changed by the writer alone
	row    *row    // the document's row as of the last call; nil: there was none. The writer's: it changes it by become, others ask current
	queue  []entry // entries of the same uuid that wait for this lease to end. The writer's
	fresh  bool    // the run began with this lease: it has no journal and no memo from before
	marked bool    // this lease remembered an answer. The writer's

	rowMu sync.Mutex // of row

	// Under Store.mu.
	deadline time.Time
	fate     error // ErrSuperseded or ErrGone: what the holder is told at its next call
	renamed  bool  // the newer submission named this list: the entry is not needed any more

	calls sync.Mutex // one call of the holder at a time
	draft            // under calls; the writer changes it for a call that waits
}

// become changes the row.
func (g *grant) become(r *row) {
	g.rowMu.Lock()
	defer g.rowMu.Unlock()
	g.row = r
}

// current is the row, for others than the writer: a push by another chain may change it at any time.
func (g *grant) current() *row {
	g.rowMu.Lock()
	defer g.rowMu.Unlock()
	return g.row
}

// draft is what a run did since the document was read or committed last.
type draft struct {
	base  *vcon.VCon // the stored document
	edits []vcon.Edit
	job   job      // Done and Effects
	n     int      // entries in the journal, ever
	last  [32]byte // names the last Checkpoint or Commit, so that its repetition is known
}

// redraft lets the draft be changed in this transaction.
func (t *tx) redraft(g *grant) *draft {
	was := g.draft
	t.undoing(func() { g.draft = was })
	return &g.draft
}

// ending is how a lease ended: by which call, or why.
type ending struct {
	by  string // finish, release, fail; "" = it was taken away
	why error
}

// endings remembers how the last leases ended, so that a call repeated after a lost answer gets the same one.
type endings struct {
	of   map[[16]byte]ending
	ring [4096][16]byte
	next int
}

func newEndings() *endings { return &endings{of: make(map[[16]byte]ending)} }

func (n *endings) add(token [16]byte, e ending) {
	if _, known := n.of[token]; !known {
		delete(n.of, n.ring[n.next])
		n.ring[n.next] = token
		n.next = (n.next + 1) % len(n.ring)
	}
	n.of[token] = e
}

// holding finds the grant of a lease without asking for its fate; nil when it ended.
func (s *Store) holding(l *queue.Lease) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grants[l.ID]; g != nil && g.token == l.Token {
		return g
	}
	return nil
}

// held is holding within a transaction, with what the holder must be told. by is the call that asks: if it ended this
// lease, it is answered as then.
func (t *tx) held(l *queue.Lease, by string) (g *grant, fate error, done bool) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grants[l.ID]; g != nil && g.token == l.Token {
		return g, g.fate, false
	}
	end, ok := s.ended.of[l.Token]
	switch {
	case ok && end.by == by && by != "":
		return nil, nil, true
	case ok && end.why != nil:
		return nil, end.why, false
	}
	return nil, queue.ErrLeaseLost, false
}

// fenced runs f in a transaction if the lease is held. Else it settles what the lease left and says why.
func (s *Store) fenced(ctx context.Context, l *queue.Lease, by string, size int, f func(t *tx, g *grant) error) error {
	return s.fence(ctx, s.do, l, by, size, f)
}

// sender is do or later.
type sender func(ctx context.Context, size int, f func(t *tx) error) error

// fence is fenced with a choice of how the transaction is sent.
func (s *Store) fence(ctx context.Context, send sender, l *queue.Lease, by string, size int,
	f func(t *tx, g *grant) error) error {
	var told error
	err := send(ctx, size, func(t *tx) error {
		g, fate, done := t.held(l, by)
		told = fate
		switch {
		case done || g == nil:
			return nil
		case fate != nil:
			return t.settle(g)
		}
		return f(t, g)
	})
	if err != nil {
		return err
	}
	return told
}

// grant takes note of a new lease.
func (t *tx) grant(g *grant) {
	s := t.s
	s.mu.Lock()
	s.grants[g.e.id] = g
	s.mu.Unlock()
	t.alarm = sooner(t.alarm, s.at(g.deadline))
	t.undoing(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.grants, g.e.id)
	})
}

// revoke ends a lease: the entry is the caller's. Entries that waited for this uuid come back to the head.
func (t *tx) revoke(g *grant, end ending) error {
	s := t.s
	s.mu.Lock()
	delete(s.grants, g.e.id)
	s.ended.add(g.token, end)
	s.mu.Unlock()
	was := g.e
	t.undoing(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		g.e = was
		s.grants[was.id] = g
		delete(s.ended.of, g.token)
	})
	for _, e := range slices.Backward(g.queue) {
		if err := t.back(&e); err != nil {
			return err
		}
	}
	return nil
}

// park lets an entry wait until the lease of its uuid ends; no attempt is counted.
func (t *tx) park(g *grant, e entry) error {
	if err := t.move(&e, parked); err != nil {
		return err
	}
	was := g.queue
	g.queue = append(was[:len(was):len(was)], e)
	t.undoing(func() { g.queue = was })
	return nil
}

// fate tells the holder of a uuid, if there is one, that its document was replaced or deleted. lists are those that the
// newer submission named. A deletion is not taken back by a submission after it. Who deletes it in the storages goes on.
func (t *tx) fate(id vcon.ID, why error, lists []string) {
	s := t.s
	s.mu.Lock()
	g := s.grants[id]
	if g == nil || g.e.stage == queue.StageDelete || errors.Is(g.fate, queue.ErrGone) {
		s.mu.Unlock()
		return
	}
	fate, renamed := g.fate, g.renamed
	g.fate, g.renamed = why, renamed || slices.Contains(lists, g.e.list.name)
	s.mu.Unlock()
	t.undoing(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		g.fate, g.renamed = fate, renamed
	})
}

// settle ends a lease whose document was replaced or deleted. Its entry goes when the document did, or when the newer
// submission stands on the same list; else it returns to the head, new.
func (t *tx) settle(g *grant) error {
	fate := g.fate
	if err := t.revoke(g, ending{why: fate}); err != nil {
		return err
	}
	e := g.e
	if err := t.dropRun(&e); err != nil {
		return err
	}
	if g.renamed || errors.Is(fate, queue.ErrGone) {
		return errors.Join(t.remove(&e), t.letGo(&e))
	}
	e.forget()
	return t.move(&e, ready)
}

// expire ends a lease that ran out. Its crash was counted when it was given.
func (t *tx) expire(g *grant) error {
	if g.fate != nil {
		return t.settle(g)
	}
	if err := t.revoke(g, ending{why: queue.ErrLeaseLost}); err != nil {
		return err
	}
	e := g.e
	return t.returnCrashed(&e)
}

// returnCrashed puts an entry back whose holder is gone: at the head, or, after too many crashes, aside for a worker
// with nothing else in flight, or, if it was alone when it crashed again, among the dead letters.
func (t *tx) returnCrashed(e *entry) error {
	switch {
	case e.solo >= soloLimit:
		return t.condemn(e, queue.Failure{Reason: "killed_worker", Attempt: 1 + int(e.tries+e.crashes),
			Detail: "twice in a row the lease ran out, or the process ended, while this vCon was worked alone"})
	case e.crashes >= crashLimit:
		e.due = t.now + t.s.opt.SuspectDelay.Milliseconds()
		return t.suspect(e)
	default:
		return t.move(e, ready)
	}
}

// back puts an entry that nobody holds any more back: at the head, or, if it crashed too often before, aside again.
func (t *tx) back(e *entry) error {
	if e.crashes < crashLimit {
		return t.move(e, ready)
	}
	e.due = t.now
	return t.suspect(e)
}

// suspect sets an entry aside until its due time.
func (t *tx) suspect(e *entry) error {
	if err := t.move(e, suspect); err != nil {
		return err
	}
	return t.nextSuspect(e.list)
}
