package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func accepted(t testing.TB, s *Store, n, size int) *vcon.VCon {
	t.Helper()
	doc := document(t, n, size)
	if _, err := s.Submit(context.Background(), queue.Submission{Doc: doc, Lists: []string{"in"}}); err != nil {
		t.Fatal(err)
	}
	return doc
}

// carry copies a snapshot into dir, as a backup and a restore do.
func carry(t testing.TB, n *Snapshot, dir string) {
	t.Helper()
	r, err := Receive(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for f, err := range n.Files() {
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(text)) != f.Size {
			t.Errorf("%s has %d bytes, not %d", f.Name, len(text), f.Size)
		}
		sum += f.Size
		put(t, r, f.Name, string(text))
	}
	if sum != n.Bytes() {
		t.Errorf("%d bytes in the files, Bytes says %d", sum, n.Bytes())
	}
	if err := r.Commit(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, r *Receiver, name, text string) {
	t.Helper()
	w, err := r.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSnapshotIsOneMoment: what was there before is in it, whatever happens afterwards; what came later is not, unless
// it came while the copy was made, and then it is whole.
func TestSnapshotIsOneMoment(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	const large = 300 << 10
	var before []*vcon.VCon
	for i := range 30 {
		before = append(before, accepted(t, s, i, []int{500, large}[i%2]))
	}
	leases, err := s.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: 3, TTL: time.Minute})
	if err != nil || len(leases) != 3 {
		t.Fatalf("%d leases, %v", len(leases), err)
	}
	if err := s.Fail(t.Context(), leases[0], queue.Failure{Reason: "x"}); err != nil {
		t.Fatal(err)
	}

	var load sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	load.Go(func() {
		for i := 1000; ctx.Err() == nil; i++ {
			accepted(t, s, i, []int{500, large}[i%2])
			if err := s.Delete(context.Background(), document(t, i-1, 0).ID()); err != nil {
				t.Error(err)
			}
		}
	})
	n, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range before {
		if err := s.Delete(t.Context(), doc.ID()); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "data")
	carry(t, n, dir)
	stop()
	load.Wait()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}

	again := openTest(t, dir, Options{})
	defer again.Close()
	for _, doc := range before {
		got, _, err := again.Get(t.Context(), doc.ID())
		if err != nil || string(got.Bytes()) != string(doc.Bytes()) {
			t.Errorf("%s, there before the snapshot: %v", doc.ID(), err)
		}
	}
	if damage, err := Verify(t.Context(), dir); err != nil || len(damage) > 0 {
		t.Errorf("verify: %v, %v", damage, err)
	}
	d, err := again.Depth(t.Context(), "in")
	if err != nil || d.Leased != 0 || d.Dead != 1 || d.Ready < 29 {
		t.Errorf("the list: %+v, %v; want no lease, one dead letter, the rest ready", d, err)
	}
	if blobs := blobsIn(t, s.dir); len(blobs) > 2 { // the load leaves at most one large document, and the one that is being deleted
		t.Errorf("after Close of the snapshot, files of deleted documents are left: %v", blobs)
	}
}

func blobsIn(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, blobsFolder), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOneSnapshotAtATime(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	n, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(t.Context()); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a second one: %v", err)
	}
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	s.opt.Ballast = 1 << 60 // a reserve that no disk has beside the copy
	if _, err := s.Snapshot(t.Context()); !errors.Is(err, queue.ErrFull) {
		t.Errorf("no room: %v", err)
	}
	s.opt.Ballast = -1
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if n, err = s.Snapshot(t.Context()); err != nil {
		t.Fatalf("after one that failed: %v", err)
	}
	// A process that is killed leaves the copy; the next one takes it away.
	if err := errors.Join(n.Close(), os.Mkdir(s.snapshotPath(""), 0o700), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := openTest(t, s.dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(t.Context()); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := os.Stat(s.snapshotPath("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the copy is left: %v", err)
	}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	doc := accepted(t, s, 1, 500)
	if _, err := Receive(dir, true); !errors.Is(err, queue.ErrLocked) {
		t.Errorf("beside a server: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Receive(dir, false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a folder that holds something: %v", err)
	}

	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, aside := range []bool{false, true} {
		if _, err := Receive(other, aside); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("a folder that is no store's: %v", err)
		}
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 1 {
		t.Errorf("in it is now %v, %v", left, err)
	}

	// Nothing that a caller makes lies outside, and the store does not open meanwhile.
	r, err := Receive(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Room(1 << 60); !errors.Is(err, queue.ErrFull) {
		t.Errorf("no room: %v", err)
	}
	put(t, r, "blobs/01/a", "x")
	for _, name := range []string{"../outside", "/outside", "blobs/01/a", "blobs/../../outside"} {
		if w, err := r.Create(name); err == nil {
			t.Errorf("%s was made", name)
			w.Close()
		}
	}
	if err := r.lock.Close(); err != nil { // as if the process were killed
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Ballast: -1}); !errors.Is(err, ErrPartial) {
		t.Errorf("open during a restore: %v", err)
	}
	if _, err := Receive(dir, false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("restore after one that was killed, without aside: %v", err)
	}

	// What is moved aside comes back when the restore fails.
	aside := r.Aside
	if r, err = Receive(dir, true); err != nil {
		t.Fatal(err)
	}
	if err := r.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, partialFolder, "blobs/01/a")); err != nil {
		t.Errorf("discarded: what was there is not back: %v", err)
	}
	old := openTest(t, aside, Options{})
	if _, _, err := old.Get(t.Context(), doc.ID()); err != nil {
		t.Errorf("the store that was moved aside: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReceiveThatIsKilledAtOnce: with the old store moved aside and nothing of the new one there, no empty one is served.
func TestReceiveThatIsKilledAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := openTest(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Receive(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.lock.Close(); err != nil { // as if the process were killed
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Ballast: -1}); !errors.Is(err, ErrPartial) {
		t.Errorf("open: %v", err)
	}
	if r, err = Receive(dir, false); err != nil { // there is nothing to lose
		t.Fatal(err)
	}
	if err := r.Discard(); err != nil {
		t.Fatal(err)
	}
	if err := openTest(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReceiveIsAllOrNothing: whatever is done when Commit stops, the folder opens only if everything is in its place.
func TestReceiveIsAllOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := Receive(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, databaseFile, "x")
	put(t, r, "blobs/01/a", "x")
	if err := os.WriteFile(filepath.Join(dir, databaseFile), nil, 0o600); err != nil { // in the way of nothing: a rename takes its place
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, blobsFolder, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(); err == nil {
		t.Fatal("committed over a folder that was in the way")
	}
	if _, err := Open(dir, Options{Ballast: -1}); !errors.Is(err, ErrPartial) {
		t.Errorf("open after half a commit: %v", err)
	}
}

// TestInterrupted: whenever its time is up, a look at the store says so, and nothing of damage.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	defer s.Close()
	for i := range 100 {
		accepted(t, s, i, 20<<10)
	}
	for within := time.Microsecond; within < time.Second; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		damage, verified := Verify(ctx, dir)
		_, inspected := Inspect(ctx, dir)
		n, copied := s.Snapshot(ctx)
		cancel()
		if copied == nil {
			copied = n.Close()
		}
		for what, err := range map[string]error{"verify": verified, "inspect": inspected, "snapshot": copied} {
			if err != nil && !errors.Is(err, context.DeadlineExceeded) || len(damage) > 0 {
				t.Errorf("%s within %s: %v, %v", what, within, damage, err)
			}
		}
	}
}

// TestVerifyBesideAServer: a document that is deleted while it is looked for is no damage.
func TestVerifyBesideAServer(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for c := range 2 {
		load.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				doc := accepted(t, s, 1000*(c+1)+i%20, 300<<10)
				if err := s.Delete(context.Background(), doc.ID()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 40 {
		if damage, err := Verify(t.Context(), s.dir); err != nil || len(damage) > 0 {
			t.Errorf("%v, %v", damage, err)
			break
		}
	}
	stop()
	load.Wait()
}

func TestInspect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Inspect(t.Context(), dir); !errors.Is(err, ErrNoStore) {
		t.Errorf("an empty folder: %v", err)
	}
	s := openTest(t, dir, Options{})
	accepted(t, s, 1, 500)
	accepted(t, s, 2, 300<<10)
	if _, err := s.Submit(t.Context(), queue.Submission{Doc: document(t, 3, 500)}); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Documents != 3 || r.Files != 1 || r.Entries != 2 || r.Forever != 1 || r.ForeverNew != 1 || r.Format != len(formats) ||
		r.Holder != fmt.Sprint(os.Getpid()) || r.Newest.IsZero() || r.FreeBytes <= 0 {
		t.Errorf("report: %+v", r)
	}
	if i := slices.IndexFunc(r.Lists, func(l ListReport) bool { return l.Name == "in" }); i < 0 || r.Lists[i].Ready != 2 {
		t.Errorf("lists: %+v", r.Lists)
	}
	if damage, err := Verify(t.Context(), dir); err != nil || len(damage) > 0 {
		t.Errorf("verify: %v, %v", damage, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = Inspect(t.Context(), dir); err != nil || r.Holder != "" || r.Documents != 3 {
		t.Errorf("nobody has it open: %+v, %v", r, err)
	}

	blob := filepath.Join(dir, blobsFolder)
	if err := os.RemoveAll(blob); err != nil {
		t.Fatal(err)
	}
	if damage, err := Verify(t.Context(), dir); err != nil || len(damage) != 1 || !strings.Contains(damage[0], "large document") {
		t.Errorf("a file is gone: %v, %v", damage, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, databaseFile), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(slices.Repeat([]byte{0xff}, 4*pageSize), 3*pageSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if damage, err := Verify(t.Context(), dir); err == nil && len(damage) < 2 {
		t.Errorf("pages are overwritten: %v", damage)
	}
}
