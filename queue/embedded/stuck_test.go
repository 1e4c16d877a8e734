package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// alter runs a statement as a fault would have done it.
func alter(t *testing.T, s *Store, query string, args ...any) {
	t.Helper()
	err := s.do(t.Context(), 0, func(tx *tx) error {
		_, err := tx.exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A document that cannot be read is a dead letter, or waits while that may mend; the others of its list go on.
func TestUnreadableDocumentHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, s *Store)
		want  []int64
	}{
		{"broken text", func(t *testing.T, s *Store) { alter(t, s, `UPDATE body SET text=?`, []byte(`{"uuid":`)) }, []int64{0, 0, 0, 1}},
		{"text gone", func(t *testing.T, s *Store) { alter(t, s, `DELETE FROM body`) }, []int64{0, 0, 0, 1}},
		{"no such file", func(t *testing.T, s *Store) { alter(t, s, `UPDATE doc SET file='aa/gone'`) }, []int64{0, 0, 0, 1}},
		{"file not readable now", func(t *testing.T, s *Store) { alter(t, s, `UPDATE doc SET file='.'`) }, []int64{0, 1, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openTest(t, t.TempDir(), Options{Logger: muted()})
			defer s.Close()
			submit(t, s, document(t, 1, 500), "in")
			tt.spoil(t, s)
			good := document(t, 2, 500)
			submit(t, s, good, "in")
			if l := lease(t, s, "in"); l.ID != good.ID() {
				t.Fatalf("leased %s", l.ID)
			} else if err := s.Finish(t.Context(), l, queue.Outcome{}); err != nil {
				t.Fatal(err)
			}
			depth(t, s, "in", tt.want...)
			ds, err := s.Dead(t.Context(), "in", queue.Page{})
			if err != nil || len(ds) != int(tt.want[3]) || len(ds) == 1 && ds[0].Reason != "document_unreadable" {
				t.Fatalf("dead letters %+v, %v", ds, err)
			}
		})
	}
}

// suspectIn makes the vCons of a list suspects, n at once, and lets their rest pass.
func suspectIn(t *testing.T, s *Store, list string, n int) {
	t.Helper()
	for range crashLimit {
		w := queue.Want{Lists: []queue.Weighted{{Name: list}}, Max: n, TTL: time.Second}
		if ls, err := s.Lease(t.Context(), w); err != nil || len(ls) != n {
			t.Fatalf("leased %d, %v", len(ls), err)
		}
		time.Sleep(2 * time.Second)
	}
	if ls := tryLease(t, s, queue.Want{Lists: []queue.Weighted{{Name: list}}}); ls != nil {
		t.Fatalf("leased %v", ls)
	}
	time.Sleep(time.Minute)
}

// tryLease leases what is there now.
func tryLease(t *testing.T, s *Store, w queue.Want) []*queue.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	w.TTL = time.Hour
	ls, err := s.Lease(ctx, w)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return ls
}

// An orderly end does not clear a suspect: nobody works it beside others until it is finished, also after a restart.
func TestSuspectStaysSuspect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openTest(t, dir, Options{})
		submit(t, s, document(t, 1, 500), "in")
		suspectIn(t, s, "in", 1)
		beside := queue.Want{Lists: []queue.Weighted{{Name: "in"}}}
		for _, delay := range []time.Duration{0, time.Minute} {
			if err := s.Release(t.Context(), lease(t, s, "in"), queue.Hold{Delay: delay}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(delay)
			if ls := tryLease(t, s, beside); ls != nil {
				t.Fatalf("released for %v, then leased beside others: %+v", delay, ls[0])
			}
		}
		s.Close()
		s = openTest(t, dir, Options{})
		defer s.Close()
		if ls := tryLease(t, s, beside); ls != nil {
			t.Fatalf("leased beside others after a restart: %+v", ls[0])
		}
		if l := lease(t, s, "in"); !l.Suspect() {
			t.Fatalf("%+v", l)
		}
		checkStore(t, s)
	})
}

// Suspects and the others take turns with a worker that could take either, and one that rests long keeps no other back;
// who leases beside others is told that suspects wait.
func TestSuspectsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{})
		defer s.Close()
		for i := range 3 {
			submit(t, s, document(t, i, 500), "in")
		}
		suspectIn(t, s, "in", 3)
		if err := s.Release(t.Context(), lease(t, s, "in"), queue.Hold{Delay: time.Hour}); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			submit(t, s, document(t, 10+i, 500), "in")
		}
		got := ""
		for range 6 {
			l := lease(t, s, "in")
			got += map[bool]string{true: "s", false: "o"}[l.Suspect()]
			if err := s.Finish(t.Context(), l, queue.Outcome{}); err != nil {
				t.Fatal(err)
			}
		}
		if got != "ososoo" {
			t.Fatalf("leased %q: suspects and others do not take turns", got)
		}
		submit(t, s, document(t, 20, 500), "in")
		submit(t, s, document(t, 21, 500), "in")
		for _, waits := range []bool{false, true} {
			if ls := tryLease(t, s, queue.Want{Lists: []queue.Weighted{{Name: "in"}}}); len(ls) != 1 || ls[0].SuspectsWait != waits {
				t.Fatalf("leased %+v, want SuspectsWait %v", ls, waits)
			}
			time.Sleep(time.Hour)
		}
	})
}

// A run keeps its name when a crash of the machine takes back the lease that began it, but nothing before it.
func TestRunSurvivesAForgottenLease(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), t.TempDir()
	s := openTest(t, dir, Options{})
	defer s.Close()
	submit(t, s, document(t, 1, 500), "in", "other")
	for _, name := range []string{"store.db", "store.db-wal"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	was := openTest(t, copied, Options{})
	defer was.Close()
	in := lease(t, s, "in")
	if l := lease(t, was, "in"); l.Run != in.Run {
		t.Fatalf("run %x, then %x", in.Run, l.Run)
	}
	if err := s.Fail(t.Context(), in, queue.Failure{Reason: "link_failed"}); err != nil {
		t.Fatal(err)
	}
	if l := lease(t, s, "other"); l.Run == in.Run {
		t.Fatal("two lists share a run")
	}
	if n, err := s.Reprocess(t.Context(), "in", queue.Filter{}, queue.FromStart, 0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

// A storage's debt is paid when the document came from another storage, too.
func TestDebtOfADocumentThatIsGoneIsPaid(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	id := document(t, 1, 500).ID()
	if err := s.Resave(t.Context(), id, []string{"pg"}); err != nil {
		t.Fatal(err)
	}
	l := lease(t, s, queue.ResaveList)
	debt := queue.Outcome{StorageFailures: []queue.Failure{{Reason: "storage_failed", Storage: "pg"}}}
	if err := s.Finish(t.Context(), l, debt); err != nil {
		t.Fatal(err)
	}
	depth(t, s, "storage:pg", 0, 0, 0, 1)
	if n, err := s.Reprocess(t.Context(), "storage:pg", queue.Filter{}, queue.FromFailed, 0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Finish(t.Context(), lease(t, s, queue.ResaveList), queue.Outcome{}); err != nil {
		t.Fatal(err)
	}
	depth(t, s, "storage:pg", 0, 0, 0, 0)
}

// A DELETE that a storage refused for too long can be ordered again.
func TestDeleteAgainAfterItsJobDied(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	doc := document(t, 1, 500)
	submit(t, s, doc)
	for n := range 2 {
		if err := s.Delete(t.Context(), doc.ID()); err != nil {
			t.Fatal(err)
		}
		depth(t, s, queue.DeleteList, 1, 0, 0, int64(n))
		if err := s.Fail(t.Context(), lease(t, s, queue.DeleteList), queue.Failure{Reason: "delete_failed"}); err != nil {
			t.Fatal(err)
		}
	}
}

// A delay that was set while the machine's clock was years ahead does not last for years.
func TestDelayOfAWrongClockEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openTest(t, dir, Options{})
		submit(t, s, document(t, 1, 500), "in")
		if err := s.Release(t.Context(), lease(t, s, "in"), queue.Hold{Delay: 4 * 365 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = openTest(t, dir, Options{})
		defer s.Close()
		time.Sleep(longestDelay)
		lease(t, s, "in")
	})
}
