package embedded

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// A retry known by its bytes spends its key too: sent again after the window, it is still a retry.
func TestRetryByBytesKeepsItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{})
		defer s.Close()
		sub := queue.Submission{Doc: document(t, 1, 500), Lists: []string{"in"}, Dedupe: time.Minute}
		first := submitted(t, s, sub)
		sub.Principal, sub.IdempotencyKey = "p", "k"
		for range 2 {
			if r := submitted(t, s, sub); !r.Duplicate || r.Gen != first.Gen {
				t.Fatalf("answer to a retry = %+v, first %+v", r, first)
			}
			time.Sleep(time.Hour)
		}
		depth(t, s, "in", 1, 0, 0, 0)
	})
}

// The answer to a retry is the first one, also when that had lifted a tombstone.
func TestRetryAfterDeleteSaysWhatTheFirstSaid(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	sub := queue.Submission{Doc: document(t, 1, 500), Lists: []string{"in"}, Dedupe: time.Minute}
	submitted(t, s, sub)
	if err := s.Delete(t.Context(), sub.Doc.ID()); err != nil {
		t.Fatal(err)
	}
	first, second := submitted(t, s, sub), submitted(t, s, sub)
	if first.Replaced || first.Gen != 2 || !second.Duplicate || second.Replaced || second.Gen != 2 || second.Rev != first.Rev {
		t.Fatalf("answers after a deletion = %+v, %+v", first, second)
	}
}

func submitted(t *testing.T, s *Store, sub queue.Submission) queue.Receipt {
	t.Helper()
	r, err := s.Submit(t.Context(), sub)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
