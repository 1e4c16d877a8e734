package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// told is a document with a subject.
func told(t testing.TB, n int, subject string) *vcon.VCon {
	t.Helper()
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":"01980000-0000-8000-8000-%012x","created_at":"2026-01-02T03:04:05Z","subject":%q}`, n, subject))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func submitTold(t testing.TB, s *Store, n int, subject string) {
	t.Helper()
	if _, err := s.Submit(context.Background(), queue.Submission{Doc: told(t, n, subject)}); err != nil {
		t.Fatal(err)
	}
}

// count is the answer of a query that counts.
func count(t testing.TB, s *Store, query string, args ...any) (n int64) {
	t.Helper()
	err := s.read(context.Background(), func(c *conn) error {
		_, err := c.one(func(v []driver.Value) { n = asInt(v[0]) }, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The words of new documents are written without anybody asking, after a rest.
func TestIndexerWorksUnasked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), quiet())
		defer s.Close()
		for n := range 300 {
			submitTold(t, s, n, "refund")
		}
		if n := count(t, s, `SELECT count(*) FROM unread`); n != 300 {
			t.Errorf("%d unread at once", n)
		}
		time.Sleep(indexRest + time.Minute)
		synctest.Wait()
		if n := count(t, s, `SELECT count(*) FROM unread`); n != 0 {
			t.Errorf("%d still unread", n)
		}
		if n := count(t, s, `SELECT count(*) FROM words WHERE words MATCH 'refund'`); n != 300 {
			t.Errorf("%d found", n)
		}
	})
}

// A store of the first format is searchable by text once it is open.
func TestTextOfAnOlderStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, quiet())
	submitTold(t, s, 1, "refund")
	if _, err := s.Search(t.Context(), queue.Terms{Text: "refund"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := openConn("file:" + filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`DROP TABLE words`, `DROP TABLE unread`, `DROP TABLE usage`, `PRAGMA user_version=1`} {
		if _, err := c.exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, quiet())
	defer s.Close()
	ids, err := s.Search(t.Context(), queue.Terms{Text: "refund"})
	if err != nil || !slices.Equal(ids, []vcon.ID{told(t, 1, "").ID()}) {
		t.Errorf("found %v, %v", ids, err)
	}
	checkStore(t, s)
}

// When the writer is busy for longer than a search waits, the answer is what is indexed and still true, and says so.
func TestSearchDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		o := quiet()
		o.Step = func(step string) error {
			if step == "item" && slow.Load() {
				time.Sleep(time.Minute)
			}
			return nil
		}
		s := openTest(t, t.TempDir(), o)
		defer s.Close()
		submitTold(t, s, 1, "refund")
		submitTold(t, s, 3, "refund")
		if _, err := s.Search(t.Context(), queue.Terms{Text: "refund"}); err != nil {
			t.Fatal(err)
		}
		submitTold(t, s, 2, "refund")
		submitTold(t, s, 3, "order") // the index has its earlier words
		slow.Store(true)
		began := time.Now()
		ids, err := s.Search(t.Context(), queue.Terms{Text: "refund"})
		if !errors.Is(err, queue.ErrBehind) || !slices.Equal(ids, []vcon.ID{told(t, 1, "").ID()}) {
			t.Errorf("found %v, %v", ids, err)
		}
		if took := time.Since(began); took != searchPatience {
			t.Errorf("waited %v", took)
		}
		slow.Store(false)
		time.Sleep(2 * time.Minute)
		if ids, err = s.Search(t.Context(), queue.Terms{Text: "refund"}); err != nil || len(ids) != 2 {
			t.Errorf("later found %v, %v", ids, err)
		}
	})
}

// The less of the store's time the indexer gets, the further it falls behind, the more it takes.
func TestIndexerPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Store{}
		x := &indexer{s: s, behind: time.Now()}
		turn := func() time.Duration {
			s.groups.Add(5)
			return x.pause(10 * time.Millisecond)
		}
		if got := turn(); got != indexLazy*10*time.Millisecond {
			t.Errorf("at first it pauses %v", got)
		}
		time.Sleep(indexLag / 2)
		if got := turn(); got != indexLazy*5*time.Millisecond {
			t.Errorf("half behind it pauses %v", got)
		}
		time.Sleep(indexLag)
		if got := turn(); got != 10*time.Millisecond {
			t.Errorf("far behind it pauses %v", got)
		}
		s.groups.Add(1)
		if got := x.pause(10 * time.Millisecond); got != 0 {
			t.Errorf("alone it pauses %v", got)
		}
	})
}

// A document that changes between its reading and its indexing is not indexed as it was.
func TestIndexerSkipsWhatChanged(t *testing.T) {
	t.Parallel()
	o := quiet()
	s := openTest(t, t.TempDir(), o)
	defer s.Close()
	submitTold(t, s, 1, "first")
	sheets, _, err := s.unreadAfter(0)
	if err != nil || len(sheets) != 1 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	if err := s.readSheet(&sheets[0]); err != nil {
		t.Fatal(err)
	}
	submitTold(t, s, 1, "second")
	if err := s.do(t.Context(), 0, func(t *tx) error { return t.indexSheet(&sheets[0]) }); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM words WHERE words MATCH 'first'`); n != 0 {
		t.Error("indexed as it was")
	}
	if n := count(t, s, `SELECT count(*) FROM unread`); n != 1 {
		t.Errorf("%d unread", n)
	}
}

// FuzzSearch: whatever is typed, SQLite takes what we make of it.
func FuzzSearch(f *testing.F) {
	s, err := Open(f.TempDir(), quiet())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	submitTold(f, s, 1, "refund of an order")
	for _, seed := range []string{"refund", `"of an"`, `ord* -x`, `" OR "`, "a\x00b*", "\u0301", "𝒜 ²", `-"a" NEAR(b)`, "\ue000 x", "\u0130*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := s.Search(context.Background(), queue.Terms{Text: text})
		if bad := (*queue.QueryError)(nil); err != nil && !errors.As(err, &bad) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
