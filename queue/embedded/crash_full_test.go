package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// disk is what a test of a full disk can do to it.
type disk interface {
	fill(t *testing.T)
	free(t *testing.T)
}

// outOfRoom fills the disk under a busy store. Submissions are refused and nothing of them stays; what is under way
// goes on to its end; when there is room again, so do submissions, and nothing is lost.
func outOfRoom(t *testing.T, s *Store, d disk) {
	var accepted []int
	submit := func(n, size int) error {
		_, err := s.Submit(background, queue.Submission{Doc: paperOf(n, 1, size), Lists: []string{"in"}})
		if err == nil {
			accepted = append(accepted, n)
		}
		return err
	}
	for n := range 10 {
		if err := submit(n, small); err != nil {
			t.Fatal(err)
		}
	}
	held := leaseAll(t, s, 6)
	d.fill(t)
	refused := 0
	for n := 10; n < 60; n++ {
		size := small
		if n%3 == 0 {
			size = large
		}
		switch err := submit(n, size); {
		case errors.Is(err, queue.ErrFull):
			refused++
			if _, _, err := s.Get(background, scriptID(n)); !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("a refused vCon: %v", err)
			}
		case err != nil:
			t.Fatalf("submit on a full disk: %v, want ErrFull", err)
		}
	}
	if refused == 0 {
		t.Fatal("the disk never was full")
	}
	endAll(t, s, held)
	if h := s.Ready(background); h.Detail == "" {
		t.Error("a store with a full disk has nothing to say")
	}
	d.free(t)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := submit(61, large)
		if err == nil {
			break
		}
		if !errors.Is(err, queue.ErrFull) || time.Now().After(deadline) {
			t.Fatalf("submit with room again: %v", err)
		}
	}
	checkStore(t, s)
	gone := held[2].ID
	for _, n := range accepted {
		if _, _, err := s.Get(background, scriptID(n)); err != nil && scriptID(n) != gone {
			t.Errorf("accepted vCon %d: %v", n, err)
		}
	}
	if d, err := s.Depth(background, "in"); err != nil || d.Ready != int64(len(accepted)-5) || d.Dead != 1 {
		t.Errorf("depth %+v after %d accepted, 4 finished or deleted, 1 dead-lettered, 1 released: %v", d, len(accepted), err)
	}
}

func leaseAll(t *testing.T, s *Store, n int) []*queue.Lease {
	t.Helper()
	ls, err := s.Lease(background, queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: n, TTL: time.Hour})
	if err != nil || len(ls) != n {
		t.Fatalf("leased %d: %v", len(ls), err)
	}
	return ls
}

// endAll ends six leases in all the ways there are; none needs room that the store has not kept back.
func endAll(t *testing.T, s *Store, held []*queue.Lease) {
	t.Helper()
	for i, call := range []func(l *queue.Lease) error{
		func(l *queue.Lease) error { return s.Finish(background, l, queue.Outcome{Egress: []string{"out"}}) },
		func(l *queue.Lease) error {
			if err := s.Checkpoint(background, l, tagging(l, "a")); err != nil {
				return err
			}
			if _, _, err := s.Commit(background, l, queue.Progress{}, []string{"pg"}); err != nil {
				return err
			}
			return s.Finish(background, l, queue.Outcome{Egress: []string{"out"}})
		},
		func(l *queue.Lease) error { return s.Delete(background, l.ID) },
		func(l *queue.Lease) error { return s.Fail(background, l, queue.Failure{Reason: "link_failed"}) },
		func(l *queue.Lease) error { return s.Release(background, l, queue.Hold{}) },
		func(l *queue.Lease) error { return s.Finish(background, l, queue.Outcome{}) },
	} {
		if err := call(held[i]); err != nil {
			t.Errorf("end %d of a lease on a full disk: %v", i, err)
		}
	}
	if err := s.Finish(background, held[2], queue.Outcome{}); !errors.Is(err, queue.ErrGone) {
		t.Errorf("holder of a deleted vCon: %v", err)
	}
}

// injected is a disk that says it is full while the ballast file is there.
type injected struct {
	full    atomic.Bool
	ballast string
}

func (d *injected) fill(*testing.T) { d.full.Store(true) }
func (d *injected) free(*testing.T) { d.full.Store(false) }

func (d *injected) step(name string) error {
	if name != "commit" && name != "blob.write" || !d.full.Load() {
		return nil
	}
	if _, err := os.Stat(d.ballast); err != nil {
		return nil
	}
	return fmt.Errorf("write: %w", unix.ENOSPC)
}

func TestRunsOutOfRoomAsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := &injected{ballast: filepath.Join(dir, "ballast")}
	s := openTest(t, dir, Options{Ballast: 1 << 20, Step: d.step, Logger: quiet().Logger})
	defer s.Close()
	outOfRoom(t, s, d)
}

// mounted is a small file system of its own.
type mounted struct{ dir string }

func (d mounted) fill(t *testing.T) {
	f, err := os.Create(filepath.Join(d.dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil || len(block) > 1; {
		if _, err = f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
}

func (d mounted) free(t *testing.T) {
	if err := os.Remove(filepath.Join(d.dir, "filler")); err != nil {
		t.Fatal(err)
	}
}

// TestRunsOutOfRoom runs itself again in a mount namespace of its own, where it may mount a file system of 24 MiB. On a
// machine that allows no such thing, what it would show is left to TestRunsOutOfRoomAsTold.
func TestRunsOutOfRoom(t *testing.T) {
	t.Parallel()
	if dir, ok := os.LookupEnv("VCONDUIT_FULL_DISK"); ok {
		fullDisk(t, dir)
		return
	}
	var out []byte
	var err error
	for _, flags := range []uintptr{syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, syscall.CLONE_NEWNS} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunsOutOfRoom$", "-test.v")
		cmd.Env = append(os.Environ(), "VCONDUIT_FULL_DISK="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		if out, err = cmd.CombinedOutput(); err == nil {
			return
		}
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() != noMount {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("no small file system here: %v", err)
}

// noMount is the exit code of a child that may not mount.
const noMount = 42

func fullDisk(t *testing.T, dir string) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		fmt.Fprintln(os.Stderr, "mount:", err)
		os.Exit(noMount)
	}
	s := openTest(t, filepath.Join(dir, "store"), Options{Ballast: 4 << 20, Logger: quiet().Logger})
	outOfRoom(t, s, mounted{dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, filepath.Join(dir, "store"), Options{Ballast: 4 << 20, Logger: quiet().Logger})
	checkStore(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
