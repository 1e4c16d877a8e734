package embedded

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/vconduit/vconduit/queue"
)

// A group is at most this many operations and about this many bytes; the writer takes what waits and never waits for
// more.
const (
	groupItems = 256
	groupBytes = 4 << 20
)

// op is one operation on its way through the writer. run is called inside a transaction, and again in a later one when
// the first was rolled back: it changes memory only through t, and may set its caller's variables, which are read after
// a nil answer.
type op struct {
	run   func(t *tx) error
	size  int
	grows bool // refused while the disk is full
	async bool // its answer need not wait for the disk
	state atomic.Uint32
	done  chan error
	err   error
}

const (
	opWaiting uint32 = iota
	opTaken
	opAbandoned
)

// do runs f in a transaction and returns when it is durable. When ctx ends first, f was not run.
func (s *Store) do(ctx context.Context, size int, f func(t *tx) error) error {
	return s.send(ctx, &op{run: f, size: size})
}

// grow is do for what a full disk refuses.
func (s *Store) grow(ctx context.Context, size int, f func(t *tx) error) error {
	return s.send(ctx, &op{run: f, size: size, grows: true})
}

// later is do without waiting for the disk: should the machine (not the process) crash before the next operation that
// does wait, it is as if f, and all that came after it, had not happened. It is for the steps of a lease, which are then
// simply gone through again; nobody outside was told of them, as whatever tells somebody waits.
func (s *Store) later(ctx context.Context, size int, f func(t *tx) error) error {
	return s.send(ctx, &op{run: f, size: size, async: true})
}

func (s *Store) send(ctx context.Context, o *op) error {
	if s.closed() {
		return queue.ErrClosed
	}
	o.done = make(chan error, 1)
	select {
	case s.ops <- o:
	case <-s.closing:
		return queue.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-o.done:
		return err
	case <-s.wrote:
		return o.late()
	case <-ctx.Done():
	}
	if o.state.CompareAndSwap(opWaiting, opAbandoned) {
		return ctx.Err()
	}
	return <-o.done // the writer has it: its answer is a moment away, and the caller must know
}

// late is the answer to an operation when the writer has ended: the one it gave, or that it never saw it.
func (o *op) late() error {
	select {
	case err := <-o.done:
		return err
	default:
		return queue.ErrClosed
	}
}

// write is the writer's life.
func (s *Store) write() {
	defer close(s.wrote)
	for {
		select {
		case o := <-s.ops:
			s.group(s.gather(o))
		case <-s.closing:
			s.refuse()
			return
		}
	}
}

// gather takes what waits behind the first operation.
func (s *Store) gather(first *op) []*op {
	s.batch = append(s.batch[:0], first)
	size := first.size
	for len(s.batch) < groupItems && size < groupBytes {
		select {
		case o := <-s.ops:
			s.batch = append(s.batch, o)
			size += o.size
		default:
			return s.batch
		}
	}
	return s.batch
}

// refuse answers what still waits when the store closes.
func (s *Store) refuse() {
	for {
		select {
		case o := <-s.ops:
			o.done <- queue.ErrClosed
		default:
			return
		}
	}
}

// group runs operations in one transaction; when that fails, each in its own.
func (s *Store) group(ops []*op) {
	s.groups.Add(1)
	err := s.attempt(ops)
	switch {
	case err == nil:
	case len(ops) > 1:
		for _, o := range ops {
			s.group([]*op{o})
		}
		return
	case isFull(err) && s.makeRoom(ops[0].grows):
		s.group(ops)
		return
	default:
		ops[0].err = s.outward(err)
	}
	s.checkpointer.note(s.wal())
	for _, o := range ops {
		if o.state.Load() == opAbandoned {
			continue
		}
		if err := s.opt.Step("answer"); err != nil && o.err == nil {
			o.err = s.outward(err)
		}
		o.done <- o.err
	}
}

// errMidway says that an operation failed after it had written.
var errMidway = errors.New("an operation failed after it had written")

// attempt runs a transaction. Its error means that nothing of it was kept.
func (s *Store) attempt(ops []*op) (err error) {
	t := s.begin()
	defer func() {
		if err != nil {
			t.rollback()
		}
	}()
	if err := s.opt.Step("begin"); err != nil {
		return err
	}
	if err := s.syncing(ops); err != nil {
		return err
	}
	if _, err := t.c.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	for _, o := range ops {
		if !o.state.CompareAndSwap(opWaiting, opTaken) && o.state.Load() == opAbandoned {
			continue
		}
		if err := t.item(o); err != nil {
			return err
		}
	}
	return t.commit()
}

// Values of PRAGMA synchronous: with FULL a commit waits for the disk.
const levelNormal, levelFull = "NORMAL", "FULL"

// syncing sets whether the next commit waits for the disk: it does when any operation wants it to.
func (s *Store) syncing(ops []*op) error {
	level := levelNormal
	if slices.ContainsFunc(ops, func(o *op) bool { return !o.async }) {
		level = levelFull
	}
	if level == s.level {
		return nil
	}
	// A pragma acts while it is compiled: a kept statement would do nothing the second time.
	if err := s.writer.once("PRAGMA synchronous=" + level); err != nil {
		return err
	}
	s.level = level
	return nil
}

// item runs one operation and keeps its answer. Its own error is an error of the transaction when it left writes.
func (t *tx) item(o *op) error {
	if o.grows && t.s.full.Load() {
		o.err = queue.ErrFull
		return nil
	}
	before := t.touched
	err := t.s.opt.Step("item")
	if err == nil {
		err = o.run(t)
	}
	if err != nil && (t.touched != before || isFull(err)) {
		return errors.Join(errMidway, err)
	}
	o.err = t.s.outward(err)
	return nil
}
