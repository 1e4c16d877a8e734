package embedded

import (
	"cmp"
	"context"
	"crypto/rand"

	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// loan is an id that was popped and is to be acknowledged.
type loan struct {
	e     entry
	until int64
}

// popName finds the list that Pop may take from; dlq: its dead letters.
func popName(name string) (list string, dlq bool, err error) {
	list, dlq = strings.CutPrefix(name, queue.DLQ(""))
	if dlq && (strings.HasPrefix(list, queue.StoragePrefix) || list == queue.DeleteList) {
		return list, dlq, nil
	}
	return list, dlq, queue.CheckListName(list)
}

// Pop takes up to n ids from the head of a list, at most once. Ids of deleted documents are dropped on the way.
func (s *Store) Pop(ctx context.Context, name string, n int) (ids []vcon.ID, err error) {
	of, dlq, err := popName(name)
	if err != nil {
		return nil, fmt.Errorf("pop: %w", err)
	}
	l := s.known(of)
	if l == nil || n <= 0 {
		return nil, s.openErr()
	}
	err = s.do(ctx, 64*n, func(t *tx) (err error) {
		ids = nil
		if dlq {
			ids, err = t.popDead(l, n)
			return err
		}
		return t.popping(l, n, func(e *entry) error {
			ids = append(ids, e.id)
			return errors.Join(t.dropRun(e), t.remove(e), t.letGo(e))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("pop from %q: %w", name, err)
	}
	return ids, nil
}

// popping calls take for up to n entries from the head whose documents were not deleted.
func (t *tx) popping(l *list, n int, take func(e *entry) error) error {
	if err := t.returnLoans(); err != nil {
		return err
	}
	for n > 0 && l.cur.Ready > 0 {
		es, err := t.entries(l, ready, n)
		if err != nil || len(es) == 0 {
			return err
		}
		for i := range es {
			e := &es[i]
			dead, err := t.deleted(e.id)
			if err != nil {
				return err
			}
			if dead {
				if err := errors.Join(t.dropRun(e), t.remove(e), t.letGo(e)); err != nil {
					return err
				}
				continue
			}
			if err := take(e); err != nil {
				return err
			}
			n--
		}
	}
	return nil
}

// deleted reports whether a uuid has a tombstone.
func (t *tx) deleted(id vcon.ID) (bool, error) {
	if !t.s.tombs {
		return false, nil
	}
	return t.one(nil, `SELECT 1 FROM tomb WHERE uuid=?`, id[:])
}

// popDead takes dead letters off a list; a document that they alone held begins its life.
func (t *tx) popDead(l *list, n int) (ids []vcon.ID, err error) {
	ds, err := t.matching(l, queue.Filter{}, n)
	if err != nil {
		return nil, err
	}
	for i := range ds {
		d := &ds[i]
		e := entry{id: d.ID, run: d.Run}
		if err := errors.Join(t.dropRun(&e), t.unletter(d)); err != nil {
			return nil, err
		}
		if _, err := t.exec(`UPDATE doc SET dead=max(dead-1, 0),
			expires=CASE WHEN pend=0 AND dead<=1 THEN ?1+coalesce(wish, nullif(life, 0)) END WHERE uuid=?2`, t.now, d.ID[:]); err != nil {
			return nil, err
		}
		ids = append(ids, d.ID)
	}
	return ids, nil
}

// PopAck moves up to n ids from the head to a loan of ttl (1 s to 1 h); those not acknowledged then, or when the store
// is opened again, return to the head.
func (s *Store) PopAck(ctx context.Context, name string, n int, ttl time.Duration) (out []queue.Held, err error) {
	of, dlq, err := popName(name)
	if err == nil && dlq {
		err = fmt.Errorf("%w: dead letters are popped without acknowledgement", queue.ErrListName)
	}
	if err != nil {
		return nil, fmt.Errorf("pop: %w", err)
	}
	l := s.known(of)
	if l == nil || n <= 0 {
		return nil, s.openErr()
	}
	ttl = min(max(ttl, minTTL), maxTTL)
	err = s.do(ctx, 64*n, func(t *tx) error {
		out = nil
		return t.popping(l, n, func(e *entry) error {
			if err := t.move(e, held); err != nil {
				return err
			}
			h := queue.Held{ID: e.id, List: name}
			_, _ = rand.Read(h.Token[:]) // never fails
			out = append(out, h)
			t.lend(h.Token, loan{*e, t.now + ttl.Milliseconds()})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("pop from %q: %w", name, err)
	}
	return out, nil
}

// lend takes note of a loan.
func (t *tx) lend(token [16]byte, l loan) {
	s := t.s
	was := s.repay
	s.loans[token], s.repay = l, sooner(was, l.until)
	t.undoing(func() { delete(s.loans, token); s.repay = was })
}

// unlend forgets a loan.
func (t *tx) unlend(token [16]byte, l loan) {
	s := t.s
	delete(s.loans, token)
	t.undoing(func() { s.loans[token] = l })
}

// returnLoans puts ids back whose time to be acknowledged is over, in their order.
func (t *tx) returnLoans() error {
	s := t.s
	if s.repay == 0 || s.repay > t.now {
		return nil
	}
	var late []loan
	next := int64(0)
	for token, l := range s.loans {
		if l.until > t.now {
			next = sooner(next, l.until)
			continue
		}
		late = append(late, l)
		t.unlend(token, l)
	}
	was := s.repay
	s.repay = next
	t.undoing(func() { s.repay = was })
	slices.SortFunc(late, func(a, b loan) int { return cmp.Compare(b.e.seq, a.e.seq) })
	for i := range late {
		if err := t.move(&late[i].e, ready); err != nil {
			return err
		}
	}
	return nil
}

// Ack ends loans and says how many were still held.
func (s *Store) Ack(ctx context.Context, hs []queue.Held) (n int, err error) {
	err = s.do(ctx, 64*len(hs), func(t *tx) error {
		n = 0
		if err := t.returnLoans(); err != nil {
			return err
		}
		for _, h := range hs {
			l, ok := s.loans[h.Token]
			if !ok || l.e.id != h.ID || l.e.list.name != h.List {
				continue
			}
			t.unlend(h.Token, l)
			if err := errors.Join(t.dropRun(&l.e), t.remove(&l.e), t.letGo(&l.e)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("acknowledge %d ids: %w", len(hs), err)
	}
	return n, nil
}
