package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// Waking. Who finds nothing to lease waits on Store.wake, a channel that is closed and replaced when that may have
// changed: by a transaction that makes something ready, or by the alarm, which goes off when something is due: a delay
// or a lease ends, a suspect may be tried. While nobody waits nothing is armed.

// outlook says whether a lease now could give something, or has to bring something back first; else how to hear of it.
func (s *Store) outlook(w *wanted) (wake <-chan struct{}, something bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.nextDue
	for _, g := range s.grants {
		due = sooner(due, s.at(g.deadline))
	}
	for _, l := range w.lists {
		if l.pub.Ready > 0 {
			return nil, true
		}
		if w.Solo {
			due = sooner(due, l.pub.suspect)
		}
	}
	if due != 0 && due <= now {
		return nil, true
	}
	s.waiting++
	s.arm(due)
	return s.wake, false
}

// at is a time of this process on the store's clock, in Unix ms, rounded up; never 0.
func (s *Store) at(t time.Time) int64 {
	return s.epoch.Add(t.Sub(s.epoch) + time.Millisecond - 1).UnixMilli()
}

// sooner is the earlier of two times of which 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// wait blocks until something may have changed.
func (s *Store) wait(ctx context.Context, wake <-chan struct{}) error {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting--
	}()
	select {
	case <-wake:
		return nil
	case <-s.closing:
		return fmt.Errorf("lease: %w", queue.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// arm makes the alarm go off at a time (0: never), if it does not sooner. Under mu.
func (s *Store) arm(at int64) {
	if at == 0 || s.waiting == 0 || s.armed != 0 && s.armed <= at {
		return
	}
	s.armed = at
	s.alarm.Reset(max(time.Duration(at-s.now())*time.Millisecond, 0))
}

// ring is the alarm.
func (s *Store) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = 0
	s.wakeAll()
}

// wakeAll wakes whoever waits; each looks for itself. Under mu.
func (s *Store) wakeAll() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// tell wakes those who wait when a transaction made something ready, and sets the alarm for what it set a time.
func (t *tx) tell() {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == 0 {
		return
	}
	for _, l := range t.dirty {
		if l.pub.Ready > 0 {
			s.wakeAll()
			break
		}
	}
	s.arm(t.alarm)
}
