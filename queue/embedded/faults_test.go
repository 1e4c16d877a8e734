package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

var errInjected = errors.New("injected")

// muted is a logger for tests in which the store has something to complain about.
func muted() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// submit stores a document and fails the test on an error.
func submit(t testing.TB, s *Store, doc *vcon.VCon, lists ...string) queue.Receipt {
	t.Helper()
	r, err := s.Submit(t.Context(), queue.Submission{Doc: doc, Lists: lists})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lease takes one vCon that must be there.
func lease(t testing.TB, s *Store, lists ...string) *queue.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w := queue.Want{Max: 1, TTL: 30 * time.Second, Solo: true}
	for _, name := range lists {
		w.Lists = append(w.Lists, queue.Weighted{Name: name})
	}
	ls, err := s.Lease(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	return ls[0]
}

// depth checks a list's figures: ready, delayed, leased, dead.
func depth(t testing.TB, s *Store, list string, want ...int64) {
	t.Helper()
	d, err := s.Depth(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.Ready, d.Delayed, d.Leased, d.Dead); got != strings.Trim(fmt.Sprint(want), "[]") {
		t.Fatalf("depth of %s = %s, want %v", list, got, want)
	}
}

// A transaction that fails at any step leaves nothing behind, in the database or in memory, and hurts no neighbour:
// many workers go on while one step in eight fails, and afterwards nothing contradicts itself or is stuck.
func TestFailedTransactionsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	s := openTest(t, dir, Options{Logger: muted(), SuspectDelay: time.Millisecond, Step: func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		after := step == "committed" || step == "unlink" || step == "answer" // nothing fails any more
		if on.Load() && !after && r.IntN(8) == 0 {
			return fmt.Errorf("%w at %s", errInjected, step)
		}
		return nil
	}})
	on.Store(true)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() { churn(t, s, rand.New(rand.NewPCG(uint64(w), 7)), w) })
	}
	all.Wait()
	on.Store(false)
	checkStore(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, Options{SuspectDelay: time.Millisecond})
	defer s.Close()
	checkStore(t, s)
	for _, list := range []string{"a", "b", "out", queue.DeleteList, queue.ResaveList} {
		drain(t, s, list)
	}
	checkStore(t, s)
}

// churn does what API and workers do, over few documents, and takes injected errors as they come.
func churn(t *testing.T, s *Store, r *rand.Rand, w int) {
	ctx := t.Context()
	for i := range 40 {
		doc := document(t, w*3+i%3, []int{400, 4000, 300 << 10}[r.IntN(3)])
		errs := []error{errOf(s.Submit(ctx, queue.Submission{Doc: doc, Lists: []string{"a", "b"}[:1+r.IntN(2)]}))}
		switch r.IntN(8) {
		case 0:
			errs = append(errs, s.Delete(ctx, doc.ID()))
		case 1:
			errs = append(errs, errOf(s.Enqueue(ctx, "b", []vcon.ID{doc.ID()})))
		case 2:
			hs, err := s.PopAck(ctx, "out", 3, time.Second)
			errs = append(errs, err, errOf(s.Ack(ctx, hs)))
		case 3:
			errs = append(errs, errOf(s.Reprocess(ctx, "a", queue.Filter{}, queue.From(r.IntN(2)), 2)), s.Resave(ctx, doc.ID(), []string{"pg"}))
		default:
			errs = append(errs, work(ctx, s, r))
		}
		for _, err := range errs {
			if err != nil && !errors.Is(err, errInjected) && !errors.Is(err, context.DeadlineExceeded) &&
				!errors.Is(err, queue.ErrSuperseded) && !errors.Is(err, queue.ErrGone) && !errors.Is(err, queue.ErrLeaseLost) {
				t.Error(err)
			}
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// work is one run of a worker, with a random end.
func work(ctx context.Context, s *Store, r *rand.Rand) error {
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	ls, err := s.Lease(short, queue.Want{Lists: []queue.Weighted{{Name: "a"}, {Name: "b"}}, Max: 2, TTL: time.Second})
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range ls {
		p := queue.Progress{Done: []queue.Step{"x#1"}}
		if l.Doc != nil {
			d := l.Doc.Draft()
			if err := d.Append("/analysis", []byte(`{"type":"x"}`)); err != nil {
				return err
			}
			p.Edits = d.Edits()
		}
		switch r.IntN(6) {
		case 0:
			errs = append(errs, s.Release(ctx, l, queue.Hold{CountTry: true, Delay: time.Duration(r.IntN(2)) * time.Millisecond}))
		case 1:
			errs = append(errs, s.Checkpoint(ctx, l, p), s.Fail(ctx, l, queue.Failure{Reason: "x"}))
		case 2: // the worker is gone
		default:
			errs = append(errs, errOf(onlyErr(s.Commit(ctx, l, p, []string{"pg"}))), s.Finish(ctx, l, queue.Outcome{Egress: []string{"out"}}))
		}
	}
	return errors.Join(errs...)
}

func onlyErr(_ *vcon.VCon, rev queue.Rev, err error) (queue.Rev, error) { return rev, err }

// drain works a list empty.
func drain(t *testing.T, s *Store, list string) {
	t.Helper()
	for range 10_000 {
		d, err := s.Depth(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		if d.Ready+d.Delayed+d.Leased == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		ls, err := s.Lease(ctx, queue.Want{Lists: []queue.Weighted{{Name: list}}, Max: 16, TTL: time.Minute, Solo: true})
		cancel()
		if err != nil {
			t.Fatalf("%s cannot be worked empty: %+v, %v", list, d, err)
		}
		for _, l := range ls {
			if err := s.Finish(t.Context(), l, queue.Outcome{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A full disk: Submit is refused and leaves nothing; ends of leases and deletions take the ballast's room; when there is
// room again the ballast is made anew, and Submit goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		dir := t.TempDir()
		var s *Store
		s = openTest(t, dir, Options{Logger: muted(), Ballast: 1 << 20, Step: func(step string) error {
			if step != "commit" && step != "blob.write" || !full.Load() {
				return nil
			}
			if _, err := os.Stat(s.ballast()); err == nil {
				return syscall.ENOSPC
			}
			return nil
		}})
		defer s.Close()
		kept, refused := document(t, 1, 1000), document(t, 2, 1000)
		submit(t, s, kept, "in")
		l := lease(t, s, "in")
		full.Store(true)
		for _, doc := range []*vcon.VCon{refused, document(t, 2, 300<<10)} {
			if _, err := s.Submit(t.Context(), queue.Submission{Doc: doc, Lists: []string{"in"}}); !errors.Is(err, queue.ErrFull) {
				t.Fatalf("submit on a full disk: %v, want ErrFull", err)
			}
		}
		if _, _, err := s.Get(t.Context(), refused.ID()); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("a refused document: %v", err)
		}
		if h := s.Ready(t.Context()); !h.OK || h.Detail == "" {
			t.Fatalf("health on a full disk = %+v", h)
		}
		if err := s.Finish(t.Context(), l, queue.Outcome{Egress: []string{"out"}}); err != nil {
			t.Fatalf("finish on a full disk: %v", err)
		}
		if err := s.Delete(t.Context(), kept.ID()); err != nil {
			t.Fatalf("delete on a full disk: %v", err)
		}
		checkStore(t, s)
		full.Store(false)
		time.Sleep(2 * recheckEvery)
		submit(t, s, refused, "in")
		if _, err := os.Stat(s.ballast()); err != nil || s.Ready(t.Context()).Detail != "" {
			t.Fatalf("with room again: ballast %v, health %+v", err, s.Ready(t.Context()))
		}
	})
}

// What waited for the writer when the disk filled up is refused too: the ballast's room is not for it.
func TestFullDiskRefusesWhatWaits(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{Logger: muted()})
	defer s.Close()
	s.full.Store(true)
	ran := false
	err := s.grow(t.Context(), 0, func(*tx) error { ran = true; return nil })
	if !errors.Is(err, queue.ErrFull) || ran {
		t.Fatalf("an operation that grows the store: %v, run: %v", err, ran)
	}
	if err := s.do(t.Context(), 0, func(*tx) error { return nil }); err != nil {
		t.Fatalf("one that does not: %v", err)
	}
}

// A full disk does not keep the server from starting, and so from emptying it.
func TestOpenOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{Ballast: 1 << 20})
	submit(t, s, document(t, 1, 1000), "in")
	lease(t, s, "in")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, Options{Logger: muted(), Ballast: 1 << 20, Step: func(step string) error {
		if _, err := os.Stat(filepath.Join(dir, "ballast")); err == nil && step == "commit" {
			return syscall.ENOSPC
		}
		return nil
	}})
	defer s.Close()
	depth(t, s, "in", 1, 0, 0, 0)
}

// SQLite's own word for a full disk means the same.
func TestFullDatabase(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{Logger: muted()})
	defer s.Close()
	limit := func(pages int64) {
		if err := s.do(t.Context(), 0, func(*tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := s.writer.once(fmt.Sprintf("PRAGMA max_page_count=%d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(40)
	var refused error
	n := 0
	for ; refused == nil && n < 100; n++ {
		_, refused = s.Submit(t.Context(), queue.Submission{Doc: document(t, n, 8000), Lists: []string{"in"}})
	}
	if !errors.Is(refused, queue.ErrFull) {
		t.Fatalf("submit into a full database: %v, want ErrFull", refused)
	}
	depth(t, s, "in", int64(n-1), 0, 0, 0)
	checkStore(t, s)
	limit(1 << 20)
	submit(t, s, document(t, n-1, 8000), "in")
}

// What the kernel failed to write back it has dropped: no later answer could be trusted.
func TestFailedFsyncIsFatal(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"commit", "blob.sync"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			var fatal atomic.Int32
			s := openTest(t, t.TempDir(), Options{Logger: muted(), Fatal: func(error) { fatal.Add(1) }, Step: func(at string) error {
				if on.Load() && at == step {
					return errFsync
				}
				return nil
			}})
			defer s.Close()
			on.Store(true)
			for n := range 2 {
				_, err := s.Submit(t.Context(), queue.Submission{Doc: document(t, n, 300<<10)})
				if !errors.Is(err, queue.ErrUnavailable) {
					t.Fatalf("submit: %v, want ErrUnavailable", err)
				}
			}
			if fatal.Load() != 1 {
				t.Fatalf("Fatal was called %d times, want once", fatal.Load())
			}
		})
	}
}

// A large document that cannot be read just now waits, no attempt counted, until it can.
func TestUnreadableDocumentIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, t.TempDir(), Options{Logger: muted()})
		defer s.Close()
		submit(t, s, document(t, 1, 300<<10), "in")
		var file string
		err := s.do(t.Context(), 0, func(t *tx) error {
			r, err := t.row(vcon.ID{1, 0x98, 0, 0, 0, 1, 0x80, 0, 0x80})
			file = r.file
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(s.blobPath(file), s.blobPath(file)+"x"), os.Mkdir(s.blobPath(file), 0o700)); err != nil {
			t.Fatal(err)
		}
		if ls := tryLease(t, s, queue.Want{Lists: []queue.Weighted{{Name: "in"}}}); ls != nil {
			t.Fatalf("leased %v", ls)
		}
		depth(t, s, "in", 0, 1, 0, 0)
		if err := errors.Join(os.Remove(s.blobPath(file)), os.Rename(s.blobPath(file)+"x", s.blobPath(file))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(unreadDelay)
		if l := lease(t, s, "in"); l.Attempt() != 1 {
			t.Fatalf("attempt %d after a lease that was given back", l.Attempt())
		}
	})
}

// Calls that meet Close are done and durable, or refused.
func TestCloseAnswersEveryCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	var mu sync.Mutex
	var kept []*vcon.VCon
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			doc := document(t, n, 500)
			_, err := s.Submit(t.Context(), queue.Submission{Doc: doc, Lists: []string{"in"}})
			switch {
			case err == nil:
				mu.Lock()
				kept = append(kept, doc)
				mu.Unlock()
			case !errors.Is(err, queue.ErrClosed):
				t.Error(err)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	s = openTest(t, dir, Options{})
	defer s.Close()
	depth(t, s, "in", int64(len(kept)), 0, 0, 0)
	for _, doc := range kept {
		if _, _, err := s.Get(t.Context(), doc.ID()); err != nil {
			t.Fatal(err)
		}
	}
}
