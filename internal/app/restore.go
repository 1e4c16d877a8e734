package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/internal/backup"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
)

// RestoreOptions say where a backup goes.
type RestoreOptions struct {
	Data  string // the data folder
	Force bool   // what it holds is moved aside, inside of it
	// Progress is told how many of the bytes came; nil = nobody.
	Progress func(done, total int64)
}

// Restored says what a restore did.
type Restored struct {
	Data  string          `json:"data"`
	Aside string          `json:"aside,omitempty"` // folder with what was there before
	Head  backup.Head     `json:"backup"`
	Held  embedded.Counts `json:"-"` // what the store holds now
}

// Restore makes the data folder the store that the backup at r is. All is checked before: digests, the database's pages,
// that each large document is there, and that all counts are those of the backup. An error leaves the folder as it was, but for its lock.
// A crash leaves a folder restore-partial in it, with which no server starts.
// Errors: backup.ErrDamaged, backup.ErrNewer, embedded.ErrNotEmpty, queue.ErrLocked, queue.ErrFormat, queue.ErrFull;
// ctx.Err().
func Restore(ctx context.Context, r io.Reader, o RestoreOptions) (done Restored, err error) {
	archive, err := backup.NewReader(ctx, r)
	if err != nil {
		return done, cause(ctx, err)
	}
	defer archive.Close()
	into, err := embedded.Receive(o.Data, o.Force)
	switch {
	case errors.Is(err, embedded.ErrNotEmpty) && !o.Force:
		return done, fmt.Errorf("%w (--force moves it aside; nothing is deleted)", err)
	case errors.Is(err, queue.ErrLocked):
		return done, fmt.Errorf("%w (stop the server first, or choose another folder with --data)", err)
	case err != nil:
		return done, fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	done = Restored{Data: o.Data, Aside: into.Aside, Head: archive.Head()}
	if done.Held, err = receive(ctx, archive, into, o); err != nil {
		return done, errors.Join(cause(ctx, err), into.Discard())
	}
	if err := into.Commit(); err != nil {
		return done, fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	return done, nil
}

// cause is the end of ctx where that is why: a reader only knows that something was missing.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// receive writes the files and checks them.
func receive(ctx context.Context, archive *backup.Reader, into *embedded.Receiver, o RestoreOptions) (held embedded.Counts, err error) {
	head := archive.Head()
	if err := into.Room(head.Bytes); err != nil {
		return held, err
	}
	var came int64
	err = archive.Extract(func(name string, _ int64) (io.WriteCloser, error) {
		if !isPart(name) {
			return nil, errors.New("it is no part of a store")
		}
		w, err := into.Create(name)
		if err != nil || o.Progress == nil {
			return w, err
		}
		return &counting{w, func(n int) {
			came += int64(n)
			o.Progress(came, head.Bytes)
		}}, nil
	})
	if err != nil {
		return held, err
	}
	return checkRestored(ctx, into.Dir(), head)
}

// isPart reports whether a restore has a place for a member.
func isPart(name string) bool {
	folder, _, inside := strings.Cut(name, "/")
	return name == "store.db" || inside && (folder == "blobs" || slices.Contains(besides(), folder))
}

// checkRestored wants the store in dir to be whole, and the one that the head speaks of.
func checkRestored(ctx context.Context, dir string, head backup.Head) (embedded.Counts, error) {
	var announced embedded.Counts
	if err := json.Unmarshal(head.Counts, &announced); err != nil {
		return announced, fmt.Errorf("%w: its counts: %w", backup.ErrDamaged, err)
	}
	report, err := embedded.Inspect(ctx, dir)
	if err != nil {
		return report.Counts, err
	}
	if report.Counts != announced {
		return report.Counts, fmt.Errorf("%w: the store holds %+v, announced are %+v", backup.ErrDamaged, report.Counts, announced)
	}
	damage, err := embedded.Verify(ctx, dir)
	if err == nil && len(damage) > 0 {
		err = fmt.Errorf("%w: %s", backup.ErrDamaged, strings.Join(damage, "; "))
	}
	return report.Counts, err
}

// counting tells how much is written.
type counting struct {
	io.WriteCloser
	wrote func(n int)
}

// Write implements io.Writer.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.WriteCloser.Write(p)
	c.wrote(n)
	return n, err
}
