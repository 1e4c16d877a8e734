package embedded

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/queue"
)

// list is one list's row, kept in memory: the writer changes cur and stores it once per transaction; pub is what was
// committed last, under Store.mu. Counting a list is reading pub.
type list struct {
	id       int64
	name     string
	cur, pub counts
	dirty    bool
	worked   bool // somebody leases from it: what is pushed on it holds its document
}

// counts are what a list holds, and the places that it gives out: head is the lowest place of a ready entry ever given,
// tail one above the highest place of any entry.
type counts struct {
	queue.Depth
	head, tail int64
	suspect    int64 // when the first suspect may be tried, Unix ms; 0 = there is none. Not in the row
}

// list finds a list by name and makes it when it is new; its row is written with its first counts.
func (t *tx) list(name string) *list {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.s.listLocked(name)
}

func (s *Store) listLocked(name string) *list {
	l, ok := s.lists[name]
	if !ok {
		s.lastList++
		l = &list{id: s.lastList, name: name}
		s.lists[name], s.byID[l.id] = l, l
	}
	return l
}

// change lends the counts of a list to be changed in this transaction.
func (t *tx) change(l *list) *counts {
	if !l.dirty {
		l.dirty = true
		t.dirty = append(t.dirty, l)
	}
	return &l.cur
}

// store writes the row.
func (l *list) store(t *tx) error {
	c := l.cur
	_, err := t.exec(`INSERT INTO list(id, name, ready, delayed, leased, dead, head, tail) VALUES(?,?,?,?,?,?,?,?)
		ON CONFLICT(id) DO UPDATE SET ready=excluded.ready, delayed=excluded.delayed, leased=excluded.leased,
		dead=excluded.dead, head=excluded.head, tail=excluded.tail`,
		l.id, l.name, c.Ready, c.Delayed, c.Leased, c.Dead, c.head, c.tail)
	return err
}

// loadLists reads every list at open.
func (s *Store) loadLists() error {
	return s.writer.query(func(row []driver.Value) error {
		l := &list{id: asInt(row[0]), name: asText(row[1])}
		l.cur.Depth = queue.Depth{Ready: asInt(row[2]), Delayed: asInt(row[3]), Leased: asInt(row[4]), Dead: asInt(row[5])}
		l.cur.head, l.cur.tail = asInt(row[6]), asInt(row[7])
		l.pub = l.cur
		s.lists[l.name], s.byID[l.id] = l, l
		s.lastList = max(s.lastList, l.id)
		return nil
	}, `SELECT id, name, ready, delayed, leased, dead, head, tail FROM list`)
}

// Depth counts a list from memory. "DLQ:<list>" counts the dead letters of list as Ready, for those who ask for the
// length of that name.
func (s *Store) Depth(_ context.Context, name string) (queue.Depth, error) {
	if s.closed() {
		return queue.Depth{}, queue.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.lists[name]; ok {
		return l.pub.Depth, nil
	}
	if of, ok := strings.CutPrefix(name, queue.DLQ("")); ok {
		if l, ok := s.lists[of]; ok {
			return queue.Depth{Ready: l.pub.Dead}, nil
		}
	}
	return queue.Depth{}, nil
}

// Names are the lists that hold anything, or held it since the store was opened; sorted.
func (s *Store) Names(context.Context) ([]string, error) {
	if s.closed() {
		return nil, queue.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.lists))
	for name, l := range s.lists {
		if l.pub.Depth != (queue.Depth{}) || l.pub.tail > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
