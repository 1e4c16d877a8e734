package embedded

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// Whoever waits is woken by what was not to be foreseen when it began to wait.
func TestWaitingWorkerIsWoken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		solo  bool
		do    func(t *testing.T, s *Store, l *queue.Lease)
	}{
		{"by a delay that ends", 5 * time.Second, false, func(t *testing.T, s *Store, l *queue.Lease) {
			if err := s.Release(t.Context(), l, queue.Hold{Delay: 5 * time.Second}); err != nil {
				t.Error(err)
			}
		}},
		{"by a shorter delay", time.Second, false, func(t *testing.T, s *Store, l *queue.Lease) {
			submit(t, s, document(t, 2, 500), "other")
			for i, l := range []*queue.Lease{lease(t, s, "other"), l} {
				if err := s.Release(t.Context(), l, queue.Hold{Delay: time.Duration(9-8*i) * time.Second}); err != nil {
					t.Error(err)
				}
			}
		}},
		{"by a lease that runs out", 30 * time.Second, false, func(*testing.T, *Store, *queue.Lease) {}},
		{"by a suspect that may be tried", 3*30*time.Second + defaultSuspectDelay, true, func(t *testing.T, s *Store, _ *queue.Lease) {
			for range 2 {
				time.Sleep(30 * time.Second)
				lease(t, s, "in")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := openTest(t, t.TempDir(), Options{})
				defer s.Close()
				submit(t, s, document(t, 1, 500), "in")
				l := lease(t, s, "in")
				got := make(chan time.Time)
				began := time.Now()
				if !tt.solo {
					go waitFor(t, s, got, false)
					synctest.Wait()
				}
				tt.do(t, s, l)
				if tt.solo {
					go waitFor(t, s, got, true)
				}
				if took := (<-got).Sub(began); took < tt.after || took > tt.after+time.Second {
					t.Fatalf("woken after %v, want %v", took, tt.after)
				}
			})
		})
	}
}

// waitFor leases one vCon and says when it got it.
func waitFor(t *testing.T, s *Store, got chan<- time.Time, solo bool) {
	ls, err := s.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: "in"}}, TTL: time.Hour, Solo: solo})
	if err != nil || len(ls) != 1 {
		t.Errorf("leased %v, %v", ls, err)
	}
	got <- time.Now()
}
