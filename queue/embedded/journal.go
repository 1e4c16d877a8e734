package embedded

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// maxAnswer is the largest answer that Remember keeps.
const maxAnswer = 1 << 20

// Checkpoint appends to the lease's journal; the document is not touched. The same progress twice in a row is a
// repeated call.
func (s *Store) Checkpoint(ctx context.Context, l *queue.Lease, p queue.Progress) error {
	if err := s.checkpoint(ctx, l, p); err != nil {
		return fmt.Errorf("checkpoint vcon %s: %w", l.ID, err)
	}
	return nil
}

func (s *Store) checkpoint(ctx context.Context, l *queue.Lease, p queue.Progress) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	g := s.holding(l)
	if g == nil {
		return s.fenced(ctx, l, "", 0, nil)
	}
	g.calls.Lock()
	defer g.calls.Unlock()
	return s.fenced(ctx, l, "", len(text), func(t *tx, g *grant) error {
		if g.last == sum {
			return nil
		}
		_, err := t.exec(`INSERT INTO journal(uuid, run, n, progress) VALUES(?,?,?,?)`, g.e.id[:], g.e.run[:], int64(g.n), text)
		d := t.redraft(g)
		d.note(p)
		d.last = sum
		return err
	})
}

// Remember keeps a paid answer of the lease's run, durable on return. An answer above 1 MiB is refused.
func (s *Store) Remember(ctx context.Context, l *queue.Lease, k queue.MemoKey, answer []byte) error {
	if len(answer) > maxAnswer {
		return fmt.Errorf("remember an answer of vcon %s: %d bytes, at most %d", l.ID, len(answer), maxAnswer)
	}
	err := s.fenced(ctx, l, "", len(answer), func(t *tx, g *grant) error {
		_, err := t.exec(`INSERT OR REPLACE INTO memo(uuid, run, h, answer) VALUES(?,?,?,?)`, g.e.id[:], g.e.run[:], k[:], answer)
		g.marked = true
		return err
	})
	if err != nil {
		return fmt.Errorf("remember an answer of vcon %s: %w", l.ID, err)
	}
	return nil
}

// memo reads the remembered answers of one run.
type memo struct {
	s   *Store
	id  vcon.ID
	run queue.RunID
}

// Memo finds a remembered answer.
func (m memo) Memo(ctx context.Context, k queue.MemoKey) (answer []byte, ok bool, err error) {
	err = m.s.read(ctx, func(c *conn) (err error) {
		ok, err = c.one(func(v []driver.Value) { answer = append([]byte{}, asBlob(v[0])...) },
			`SELECT answer FROM memo WHERE uuid=? AND run=? AND h=?`, m.id[:], m.run[:], k[:])
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("look up an answer of vcon %s: %w", m.id, err)
	}
	return answer, ok, nil
}

// Beat prolongs leases to ttl from now. It costs no transaction: when this process ends, so do its leases. A lease that
// ran out and that nobody has taken since is prolonged too. It does not change the Lease values, which their holders
// may be reading.
func (s *Store) Beat(ctx context.Context, ttl time.Duration, leases []*queue.Lease) (map[vcon.ID]error, error) {
	if s.closed() {
		return nil, fmt.Errorf("beat: %w", queue.ErrClosed)
	}
	ttl = min(max(ttl, minTTL), maxTTL)
	lost := make(map[vcon.ID]error)
	for _, l := range leases {
		if s.prolong(l, ttl) {
			continue
		}
		if err := s.fenced(ctx, l, "", 0, func(*tx, *grant) error { return nil }); err != nil {
			lost[l.ID] = err
		}
	}
	return lost, nil
}

// prolong moves a deadline unless the holder must be told something.
func (s *Store) prolong(l *queue.Lease, ttl time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants[l.ID]
	if g == nil || g.token != l.Token || g.fate != nil {
		return false
	}
	g.deadline = time.Now().Add(ttl)
	return true
}
