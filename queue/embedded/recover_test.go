package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Whoever submitted a vCon again while it was leased, and then the process ended before its holder was told: the entry
// goes when the newer submission stands on the same list, else it returns to the head, as new.
func TestOpenSettlesSupersededLeases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		list    string
		entries int64
	}{{"same list", "in", 1}, {"another list", "other", 1}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openTest(t, dir, Options{})
			submit(t, s, document(t, 1, 500), "in")
			l := lease(t, s, "in")
			if err := s.Checkpoint(t.Context(), l, queue.Progress{Done: []queue.Step{"a#1"}}); err != nil {
				t.Fatal(err)
			}
			submit(t, s, document(t, 1, 600), tt.list)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, dir, Options{})
			defer s.Close()
			depth(t, s, "in", tt.entries, 0, 0, 0)
			checkStore(t, s)
			got := lease(t, s, "in")
			if got.Attempt() != 1 || len(got.Done) != 0 || got.Run == l.Run || len(got.Doc.Bytes()) == len(l.Doc.Bytes()) {
				t.Fatalf("lease after reopening = %+v", got)
			}
		})
	}
}

// An entry that waited behind the holder of its uuid does not wait for a process that is gone.
func TestOpenReturnsParkedEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	submit(t, s, document(t, 1, 500), "a", "b")
	lease(t, s, "a")
	if _, err := s.Lease(cancelled(t), queue.Want{Lists: []queue.Weighted{{Name: "b"}}}); err == nil {
		t.Fatal("leased one vCon twice")
	}
	submit(t, s, document(t, 2, 500), "b") // wakes nobody; the first entry of b is met before it
	if l := lease(t, s, "b"); l.ID != document(t, 2, 500).ID() {
		t.Fatalf("leased %s", l.ID)
	}
	depth(t, s, "b", 0, 1, 1, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, Options{})
	defer s.Close()
	depth(t, s, "a", 1, 0, 0, 0)
	depth(t, s, "b", 2, 0, 0, 0)
	checkStore(t, s)
}

// Files that no row names are what a crash left between file and transaction; others are left alone.
func TestOpenSweepsOrphans(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	doc := document(t, 1, 300<<10)
	submit(t, s, doc)
	orphan, err := s.writeBlob(document(t, 2, 500).ID(), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := filepath.Join(dir, "blobs", "01", "README")
	if err := errors.Join(os.WriteFile(stranger, nil, 0o600), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, Options{})
	defer s.Close()
	if _, err := os.Stat(s.blobPath(orphan)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("orphan: %v, want it gone", err)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Errorf("a file that is not ours: %v", err)
	}
	got, _, err := s.Get(t.Context(), doc.ID())
	if err != nil || string(got.Bytes()) != string(doc.Bytes()) {
		t.Errorf("the named file's document: %v", err)
	}
}

// The operator may bound the life of dead letters: letter and document go together.
func TestDeadExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{Logger: muted(), DeadExpiry: 7 * 24 * time.Hour})
		defer s.Close()
		doc := document(t, 1, 500)
		submit(t, s, doc, "in")
		if err := s.Fail(t.Context(), lease(t, s, "in"), queue.Failure{Reason: "x"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * 24 * time.Hour)
		depth(t, s, "in", 0, 0, 0, 1)
		time.Sleep(25 * time.Hour)
		depth(t, s, "in", 0, 0, 0, 0)
		if _, _, err := s.Get(t.Context(), doc.ID()); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("document of an expired dead letter: %v", err)
		}
		checkStore(t, s)
	})
}

// What has expired is removed, not only hidden.
func TestJanitorRemoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{})
		defer s.Close()
		for n := range 450 { // more than one batch
			doc := document(t, n, 500)
			if n == 0 {
				doc = document(t, n, 300<<10)
			}
			if _, err := s.Submit(t.Context(), queue.Submission{Doc: doc, Lifetime: time.Hour, Principal: "p", IdempotencyKey: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.KVPut(t.Context(), "link", "k", []byte("v"), time.Hour), s.Delete(t.Context(), document(t, 9999, 500).ID())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * 24 * time.Hour)
		err := s.read(t.Context(), func(c *conn) error {
			for _, table := range []string{"doc", "body", "party", "idem", "kv", "tomb"} {
				if there, err := c.one(nil, `SELECT 1 FROM `+table+` LIMIT 1`); err != nil || there {
					t.Errorf("%s is not empty: %v", table, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checkStore(t, s)
	})
}

// The log is moved to the database when it has grown, and cut back when a reader had made it long.
func TestCheckpointer(t *testing.T) {
	t.Parallel()
	steps := make(chan string, 1)
	dir := t.TempDir()
	s := openTest(t, dir, Options{Step: func(step string) error {
		if step == "checkpoint" {
			select {
			case steps <- step:
			default:
			}
		}
		return nil
	}})
	defer s.Close()
	for n := 0; ; n++ {
		submit(t, s, document(t, n, 200_000))
		select {
		case <-steps:
			st, err := os.Stat(filepath.Join(dir, "store.db-wal"))
			if err != nil || st.Size() < passiveAt {
				t.Fatalf("checkpoint with a log of %v bytes, %v", st, err)
			}
			return
		default:
		}
		if n > 200 {
			t.Fatal("no checkpoint after 40 MB")
		}
	}
}

// A document that a storage can give back is listed and found after its life here, until it is deleted; and it can be
// put back, for another life.
func TestArchivedStaysListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{})
		defer s.Close()
		doc := document(t, 1, 300<<10)
		submit(t, s, doc, "in")
		if err := s.Finish(t.Context(), lease(t, s, "in"), queue.Outcome{Lifetime: time.Hour, Archived: true}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(3 * time.Hour)
			if _, _, err := s.Get(t.Context(), doc.ID()); !errors.Is(err, queue.ErrNotFound) {
				t.Fatalf("get after its life: %v", err)
			}
			found(t, s, doc, 1)
			checkStore(t, s)
			if err := s.Restore(t.Context(), doc, time.Hour); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Get(t.Context(), doc.ID()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete(t.Context(), doc.ID()); err != nil {
			t.Fatal(err)
		}
		found(t, s, doc, 0)
		checkStore(t, s)
	})
}

// found checks how often a document is listed and found by its party.
func found(t *testing.T, s *Store, doc *vcon.VCon, want int) {
	t.Helper()
	listed := 0
	for id, err := range s.List(t.Context(), queue.Range{Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		if id == doc.ID() {
			listed++
		}
	}
	ids, err := s.Search(t.Context(), queue.Terms{Name: "Ann"})
	if err != nil || len(ids) != want || listed != want {
		t.Fatalf("listed %d times, found %v, %v; want %d", listed, ids, err, want)
	}
}
