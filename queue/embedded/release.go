package embedded

import (
	"context"
	"fmt"

	"github.com/vconduit/vconduit/queue"
)

// Release ends the lease and puts the entry back: at the head, or after a delay; a suspect stays one. The journal stays. A stage that the
// hold does not name stays as it is.
func (s *Store) Release(ctx context.Context, l *queue.Lease, h queue.Hold) error {
	err := s.fence(ctx, s.later, l, "release", 1<<10, func(t *tx, g *grant) error { return t.release(g, h) })
	if err != nil {
		return fmt.Errorf("release vcon %s: %w", l.ID, err)
	}
	return nil
}

func (t *tx) release(g *grant, h queue.Hold) error {
	if err := t.revoke(g, ending{by: "release"}); err != nil {
		return err
	}
	e := g.e
	e.uncrash()
	e.err = h.Err
	if h.Stage != queue.StageLinks && h.Stage != e.stage {
		e.stage, e.tries = h.Stage, 0
	}
	if h.CountTry {
		e.tries++
	}
	if h.Left != nil {
		e.job.Left = h.Left
	}
	for _, storage := range h.Stored {
		e.job.stored(storage)
	}
	e.due = t.now + h.Delay.Milliseconds()
	switch {
	case e.crashes >= crashLimit: // an orderly end does not clear it
		return t.suspect(&e)
	case h.Delay <= 0:
		return t.move(&e, ready)
	}
	return t.delay(&e)
}
