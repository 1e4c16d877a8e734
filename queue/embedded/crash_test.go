package embedded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// TestMain lets this binary be the process that crash tests kill.
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv("VCONDUIT_CRASH_CHILD"); ok {
		if err := child(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is the process: "script" dies at a step, "load" works until it is killed.
func child(role string, args []string) error {
	switch role {
	case "script":
		at, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return playUntil(args[0], int64(at))
	case "load":
		return load(args[0], args[1])
	}
	return fmt.Errorf("no such role: %s", role)
}

// command is this binary in a role.
func command(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "VCONDUIT_CRASH_CHILD="+role)
	return cmd
}

// start runs this binary as a child and gives what it printed, line by line, when it is gone.
func start(t *testing.T, role string, args ...string) (lines []string, state *os.ProcessState) {
	t.Helper()
	cmd := command(t, role, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() > 0 {
		t.Fatalf("child %s %v: %v\n%s", role, args, err, errs.String())
	}
	for in := bufio.NewScanner(&out); in.Scan(); {
		lines = append(lines, in.Text())
	}
	return lines, cmd.ProcessState
}

// playUntil plays the script and kills its own process at the n-th step; 0 = never, and it says how many there were.
func playUntil(dir string, n int64) error {
	var steps atomic.Int64
	o := quiet()
	o.Step = func(string) error {
		if steps.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
		return nil
	}
	s, err := Open(dir, o)
	if err != nil {
		return err
	}
	c := &scene{s: s, held: map[string]*queue.Lease{}}
	for i, a := range script() {
		if err := a.do(c); err != nil {
			return fmt.Errorf("act %d, %s: %w", i, a.name, err)
		}
		fmt.Println(i + 1)
	}
	fmt.Println("steps", steps.Load())
	return nil // and no Close: the process ends as a crash after the last act
}

// TestKilledAtEveryStep kills a process at every step of the script. On reopening, the store is what it was after the
// last answered call or after the one that was under way, whole, and its leases are back.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	images := rehearse(t)
	lines, _ := start(t, "script", swift(t), "0")
	steps, err := strconv.Atoi(strings.TrimPrefix(lines[len(lines)-1], "steps "))
	if err != nil || steps < 3*len(script()) {
		t.Fatalf("%d steps in %d acts, %v", steps, len(script()), err)
	}
	stride := 1
	if testing.Short() {
		stride = 9
	}
	for n := 1; n <= steps; n += stride {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			dir := swift(t)
			lines, state := start(t, "script", dir, strconv.Itoa(n))
			acts := min(len(lines), len(script()))
			if !state.Sys().(syscall.WaitStatus).Signaled() && acts < len(script()) {
				t.Fatalf("the child ended on its own after act %d", acts)
			}
			got := picture(t, dir)
			next := min(acts+1, len(images)-1)
			if got != images[acts] && got != images[next] {
				t.Errorf("killed after act %d, in %q: the store is\n%s\nbefore it was\n%s\nafter it\n%s",
					acts, script()[min(acts, len(script())-1)].name, got, images[acts], images[next])
			}
		})
	}
}

// rehearse plays the script in this process and takes a picture of the store after each act, as a crash would leave it.
func rehearse(t *testing.T) []string {
	t.Helper()
	dir := filepath.Join(swift(t), "store")
	s, err := Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &scene{s: s, held: map[string]*queue.Lease{}}
	images := []string{pictureNow(t, dir)}
	for i, a := range script() {
		if err := a.do(c); err != nil {
			t.Fatalf("act %d, %s: %v", i, a.name, err)
		}
		images = append(images, pictureNow(t, dir))
	}
	return images
}

// swift is a folder in memory where there is one: a process that is killed leaves there what it leaves on a disk, and
// hundreds of them need not wait for fsync.
func swift(t *testing.T) string {
	t.Helper()
	var room unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &room); err != nil || int64(room.Bavail)*room.Bsize < 256<<20 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "vconduit-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// pictureNow is the picture of a folder as a crash would leave it now; the script waits meanwhile.
func pictureNow(t *testing.T, dir string) string {
	t.Helper()
	to, err := os.MkdirTemp(dir+"/..", "copy-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(to)
	if err := os.CopyFS(filepath.Join(to, "store"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return picture(t, filepath.Join(to, "store"))
}

// picture opens a crashed store, checks it, and tells all that can be seen of it and that is not chance.
func picture(t *testing.T, dir string) string {
	t.Helper()
	s, err := Open(dir, quiet())
	if err != nil {
		t.Fatalf("reopen: %v", err)
	}
	defer s.Close()
	checkStore(t, s)
	p := &painter{t: t, s: s}
	p.documents()
	p.lists()
	p.answers()
	p.work()
	checkStore(t, s)
	return p.b.String()
}

type painter struct {
	t *testing.T
	s *Store
	b strings.Builder
}

func (p *painter) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *painter) documents() {
	p.t.Helper()
	for id, err := range p.s.List(background, queue.Range{Limit: -1}) {
		p.ok(err)
		doc, rev, err := p.s.Get(background, id)
		p.ok(err)
		fmt.Fprintf(&p.b, "document %s rev %d, %d bytes, %.8x\n", id, rev, len(doc.Bytes()), sha256.Sum256(doc.Bytes()))
	}
	for take := range 4 {
		ids, err := p.s.Search(background, queue.Terms{Name: fmt.Sprint("p", take)})
		p.ok(err)
		fmt.Fprintf(&p.b, "of p%d: %v\n", take, ids)
	}
}

func (p *painter) lists() {
	p.t.Helper()
	names, err := p.s.Names(background)
	p.ok(err)
	for _, name := range names {
		d, err := p.s.Depth(background, name)
		p.ok(err)
		if d != (queue.Depth{}) {
			fmt.Fprintf(&p.b, "list %s %+v\n", name, d)
		}
		dead, err := p.s.Dead(background, name, queue.Page{})
		p.ok(err)
		for _, l := range dead {
			fmt.Fprintf(&p.b, "dead on %s: %s %d %+v done %v stage %d\n", name, l.ID, l.Count, l.Failure, l.Done, l.Stage)
		}
	}
}

// answers asks what an Idempotency-Key and a link's value give; neither may change the store.
func (p *painter) answers() {
	p.t.Helper()
	v, err := p.s.KVGet(background, "l", "k")
	fmt.Fprintf(&p.b, "value %q %v\n", v, errors.Is(err, queue.ErrNotFound))
}

// work leases all that is there and tells what a worker would see.
func (p *painter) work() {
	p.t.Helper()
	want := queue.Want{Strict: true, TTL: time.Hour}
	for _, list := range []string{"in", "other", "next", "made", "a", "b", queue.DeleteList, queue.ResaveList} {
		d, err := p.s.Depth(background, list)
		p.ok(err)
		want.Max += int(d.Ready)
		want.Lists = append(want.Lists, queue.Weighted{Name: list})
	}
	if want.Max == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	ls, err := p.s.Lease(ctx, want)
	p.ok(err)
	for _, l := range ls {
		p.lease(l)
	}
}

func (p *painter) lease(l *queue.Lease) {
	p.t.Helper()
	text := "none"
	if l.Doc != nil {
		text = fmt.Sprintf("%.8x", sha256.Sum256(l.Doc.Bytes()))
	}
	paid, _, err := l.Memo.Memo(background, queue.MemoKey{1})
	p.ok(err)
	fmt.Fprintf(&p.b, "lease %s from %s: tries %d crashes %d stage %d left %v stored %v done %v effects %+v text %s memo %q context %q\n",
		l.ID, l.List, l.Tries, l.Crashes, l.Stage, l.Left, slices.Sorted(slices.Values(l.Stored)), l.Done, l.Effects, text, paid, l.Context)
}
