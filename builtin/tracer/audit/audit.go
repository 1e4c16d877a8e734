// Package audit is the tracer tracers.audit: an append-only log of what each link did to each vCon, in which a record that
// was changed, removed, inserted or moved is found.
//
// Threat: whoever can write the files later, and does not want it seen. Each record holds the SHA-256 of the one before it
// in the log, and of the one before it of the same vCon; Verify finds the first place where that is not so. Without a copy
// of an earlier head nobody can tell that the end of the log was cut off, or all of it from some record on written anew:
// note the head elsewhere, and Verify holds the log against it.
//
// Guarantees: a record lies on the disk before what it tells of is committed (Flush); after a crash there may be records
// of a run that was done again, told apart by run and attempt. A line that a crash tore is cut away when the log is opened,
// and a record says so. Nothing of what a vCon says is in a record: hashes, sizes, paths and names are. Files are the
// owner's alone. Left to others: who may read the log.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
)

// Config are the options.
type Config struct {
	Path    string        // folder of the log; default "audit" in the data folder
	Keep    time.Duration // records live at least so long, and go in whole files; default and 0: for ever
	MaxSize int64         // bytes of the log above which the oldest file goes; default and 0: no bound
}

// minSize is the least max_size: a few files, so that a bound never leaves next to nothing.
const minSize = 4 * fileSize

func read(options json.RawMessage, folder string) (Config, *chain.Options) {
	o := chain.ReadOptions(options)
	c := Config{
		Path:    o.Text("path", folder),
		Keep:    o.Duration("keep", 0, 0, 100*365*24*time.Hour),
		MaxSize: o.Int("max_size", 0, 0, 1<<50),
	}
	if c.MaxSize > 0 && c.MaxSize < minSize {
		o.Fail("max_size", "must be 0 or at least %d bytes", int64(minSize))
	}
	o.Bool("dlq_vcon_on_error", false) // the chain's to obey
	return c, o
}

// Check says everything that is wrong with options, and which of them do nothing. No file is looked at.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, o := read(options, "")
	return o.Unknown(), o.Err()
}

// Folder is where the log of a data folder is unless options say otherwise.
func Folder(data string) string { return filepath.Join(data, "audit") }

// FolderOf is the folder that options name, or folder.
func FolderOf(options json.RawMessage, folder string) string {
	c, _ := read(options, folder)
	return c.Path
}

// Tracer keeps events. Safe for concurrent use, as long as the events of one vCon come one after the other.
type Tracer struct{ log *log }

// Open opens the log, folder being the one where options name none. It reads the newest file whole, and cuts away what a
// crash tore. Errors: options that cannot be used, all at once; a folder that cannot be written; ErrInUse.
func Open(folder string) chain.OpenTracer {
	return func(_ context.Context, name string, options json.RawMessage) (chain.Tracer, error) {
		c, o := read(options, folder)
		if err := o.Err(); err != nil {
			return nil, fmt.Errorf("tracer %q: %w", name, err)
		}
		l, err := openLog(c, fileSize)
		if err != nil {
			return nil, fmt.Errorf("tracer %q: %w", name, err)
		}
		return &Tracer{l}, nil
	}
}

// Trace implements chain.Tracer: the record is written, not yet durable. Errors: chain.ErrClosed, and those of the disk,
// which are worth another attempt.
func (t *Tracer) Trace(_ context.Context, e chain.Event) error {
	return transient(t.log.append(e.ID, traceOf(e)))
}

// Flush implements chain.Flusher. Many vCons that flush at once share one wait for the disk.
func (t *Tracer) Flush(context.Context) error { return transient(t.log.flush()) }

// Close implements chain.Tracer; what was traced is durable then.
func (t *Tracer) Close() error { return t.log.close() }

// ErrInUse: another process, or another tracer of this one, writes this log.
var ErrInUse = errors.New("audit: another tracer writes this log")

// transientError is an error that may pass: a disk that is full gets room.
type transientError struct{ error }

func (e transientError) Unwrap() error   { return e.error }
func (e transientError) Retryable() bool { return true }

func transient(err error) error {
	if err == nil || errors.Is(err, chain.ErrClosed) {
		return err
	}
	return transientError{err}
}

var (
	_ chain.Tracer  = (*Tracer)(nil)
	_ chain.Flusher = (*Tracer)(nil)
)
