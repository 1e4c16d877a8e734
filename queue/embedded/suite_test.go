package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/queuetest"
	"github.com/vconduit/vconduit/vcon"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	queuetest.Bubble(t, openSubject)
}

// FuzzWalk walks over a store as the fuzzer says, beside the suite's model.
func FuzzWalk(f *testing.F) { queuetest.Fuzz(f, openSubject) }

// subject is a store under the suite, with all that the suite can use.
type subject struct {
	*Store
	dir string
	cut atomic.Bool
	out [2]int32 // what dbStatus is answered: on the heap, which does not move
}

var (
	_ queuetest.Backend  = (*subject)(nil)
	_ queuetest.Outsider = (*subject)(nil)
	_ queuetest.Checker  = (*subject)(nil)
	_ queuetest.Meter    = (*subject)(nil)
	_ queuetest.Cutter   = (*subject)(nil)
)

func openSubject(t testing.TB) queuetest.Backend {
	b := &subject{dir: t.TempDir()}
	b.open(t)
	t.Cleanup(func() { b.Close() })
	return b
}

// quiet are options without a ballast file, which is large and another test's business.
func quiet() Options {
	return Options{Ballast: -1, Readers: 2, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func (b *subject) open(t testing.TB) {
	t.Helper()
	o := quiet()
	o.Step = b.step
	s, err := Open(b.dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b.Store = s
}

func (b *subject) Queue() queue.Queue { return b.Store }

func (b *subject) Reopen(t testing.TB) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	b.open(t)
}

// write runs statements in the writer, as another program's transaction between two of ours.
func (b *subject) write(t testing.TB, f func(t *tx) error) {
	t.Helper()
	if err := b.do(context.Background(), 0, f); err != nil {
		t.Fatalf("outside write: %v", err)
	}
}

// OutsideWrite replaces a document that is kept in a row, as a writer would that holds no lease.
func (b *subject) OutsideWrite(t testing.TB, id vcon.ID, text []byte) {
	t.Helper()
	sum := sha256.Sum256(text)
	b.write(t, func(t *tx) error {
		if _, err := t.exec(`UPDATE doc SET size=?, sha=?, rev=rev+1 WHERE uuid=?`, int64(len(text)), sum[:], id[:]); err != nil {
			return err
		}
		_, err := t.exec(`UPDATE body SET text=? WHERE id=(SELECT id FROM doc WHERE uuid=?)`, text, id[:])
		return err
	})
}

// OutsideRemove takes a document away and leaves its entries.
func (b *subject) OutsideRemove(t testing.TB, id vcon.ID) {
	t.Helper()
	b.write(t, func(t *tx) error {
		for _, q := range []string{
			`DELETE FROM party WHERE doc=(SELECT id FROM doc WHERE uuid=?)`,
			`DELETE FROM body WHERE id=(SELECT id FROM doc WHERE uuid=?)`,
			`DELETE FROM unread WHERE doc=(SELECT id FROM doc WHERE uuid=?)`,
			`DELETE FROM words WHERE rowid=(SELECT id FROM doc WHERE uuid=?)`,
			`DELETE FROM doc WHERE uuid=?`,
		} {
			if _, err := t.exec(q, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Work counts the pages that the writing connection has looked at.
func (b *subject) Work() (pages int64) {
	_ = b.do(context.Background(), 0, func(t *tx) error {
		for _, what := range []int32{sqlite3.SQLITE_DBSTATUS_CACHE_HIT, sqlite3.SQLITE_DBSTATUS_CACHE_MISS} {
			pages += b.dbStatus(t.c, what)
		}
		return nil
	})
	return pages
}

// dbStatus asks SQLite for one of its counters; the driver has no call for it.
func (b *subject) dbStatus(c *conn, what int32) int64 {
	raw := reflect.ValueOf(c.raw).Elem()
	tls := (*libc.TLS)(unsafe.Pointer(raw.FieldByName("tls").Pointer()))
	sqlite3.Xsqlite3_db_status(tls, uintptr(raw.FieldByName("db").Uint()), what,
		uintptr(unsafe.Pointer(&b.out[0])), uintptr(unsafe.Pointer(&b.out[1])), 0)
	return int64(b.out[0])
}

// CutReply loses the answer of the next write.
func (b *subject) CutReply() { b.cut.Store(true) }

var errCut = errors.New("the answer was cut")

// step is the store's fault hook.
func (b *subject) step(name string) error {
	if name == "answer" && b.cut.CompareAndSwap(true, false) {
		return errCut
	}
	return nil
}
