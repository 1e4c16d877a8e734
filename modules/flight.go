package modules

import (
	"context"
	"fmt"
)

// flight is one way of a digest through cache and network, shared by all who want it meanwhile.
type flight struct {
	ref    Ref // whose source is asked
	cancel context.CancelFunc
	done   chan struct{} // closed when wasm or err is there
	wasm   []byte
	err    error

	waiting int // under Store.mu
}

// share runs get once for all who want the digest at the same time. The flight ends when nobody waits for it any more.
// That another ref's source failed says nothing about ours.
func (s *Store) share(ctx context.Context, ref Ref, d Digest, get func(context.Context) ([]byte, error)) ([]byte, error) {
	for {
		f, err := s.board(ctx, ref, d, get)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", ref, err)
		}
		select {
		case <-f.done:
			if f.err == nil || f.ref == ref {
				return f.wasm, f.err
			}
		case <-ctx.Done():
			s.leave(d, f)
			return nil, fmt.Errorf("module %s: %w", ref, ctx.Err())
		}
	}
}

// board joins the flight of a digest, or starts one.
func (s *Store) board(ctx context.Context, ref Ref, d Digest, get func(context.Context) ([]byte, error)) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if f := s.flights[d]; f != nil {
		f.waiting++
		return f, nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // who started it may leave before the others
	f := &flight{ref: ref, cancel: cancel, done: make(chan struct{}), waiting: 1}
	s.flights[d] = f
	s.running.Go(func() {
		defer cancel()
		f.wasm, f.err = get(ctx)
		s.land(d, f)
		close(f.done)
	})
	return f, nil
}

// leave takes one waiter off; the last one ends the flight, and who comes now starts another.
func (s *Store) leave(d Digest, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		s.forget(d, f)
		f.cancel()
	}
}

// land makes room for the next flight of a digest.
func (s *Store) land(d Digest, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(d, f)
	if f.err != nil && s.closed {
		f.err = fmt.Errorf("module %s: %w", f.ref, ErrClosed)
	}
}

// forget takes a flight off the board; s.mu is held.
func (s *Store) forget(d Digest, f *flight) {
	if s.flights[d] == f {
		delete(s.flights, d)
	}
}
