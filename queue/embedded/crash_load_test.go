package embedded

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// load submits and works vCons on many goroutines until its process is killed. It prints "in n" once a Submit was
// answered and "out n" once a Finish was. n goes on from where args say.
func load(dir, from string) error {
	first, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	s, err := Open(dir, quiet())
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := first + i; ; n += 4 {
				if _, err := s.Submit(background, queue.Submission{Doc: loadDoc(n), Lists: []string{"in"}}); err != nil {
					panic(err)
				}
				fmt.Fprintf(os.Stdout, "in %d\n", n) // one write, whole in the pipe
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for {
				if err := loadWork(s); err != nil {
					panic(err)
				}
			}
		})
	}
	all.Wait()
	return nil
}

func loadWork(s *Store) error {
	ls, err := s.Lease(background, queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: 3, TTL: time.Minute})
	if err != nil {
		return err
	}
	for _, l := range ls {
		if _, _, err := s.Commit(background, l, tagging(l, "seen"), nil); err != nil {
			return err
		}
		if err := s.Finish(background, l, queue.Outcome{Egress: []string{"out"}}); err != nil {
			return err
		}
		fmt.Fprintf(os.Stdout, "out %d\n", loadNumber(l.ID))
	}
	return nil
}

func loadDoc(n int) *vcon.VCon {
	size := small
	if n%20 == 7 {
		size = large
	}
	id := loadID(n)
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"dialog":[{"type":"text","encoding":"none","body":"%0*d"}]}`, id, size, n))
	if err != nil {
		panic(err) // the test's own text
	}
	return doc
}

func loadID(n int) vcon.ID {
	return vcon.ID{1, 0x98, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0x80, 0, 0x80}
}

func loadNumber(id vcon.ID) int { return int(id[2])<<24 | int(id[3])<<16 | int(id[4])<<8 | int(id[5]) }

// TestKilledUnderLoad kills a busy process, three times over on one folder. What it answered is there: each submitted
// vCon waits or is finished, never both, never neither.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	submitted, finished := map[int]bool{}, map[int]bool{}
	for round := range 3 {
		killLoad(t, dir, round*100_000, 40+120*round, submitted, finished)
		s := openTest(t, dir, Options{})
		checkStore(t, s)
		waits := leasedNow(t, s)
		left := popped(t, s)
		for n := range submitted {
			if waits[n] == (left[n] || finished[n]) {
				t.Errorf("vCon %d: waits %v, on the egress list %v, answered as finished %v", n, waits[n], left[n], finished[n])
			}
			if _, _, err := s.Get(background, loadID(n)); err != nil {
				t.Errorf("vCon %d: %v", n, err)
			}
		}
		for n := range left {
			finished[n] = true // popped now: for the next round it is done
		}
		checkStore(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killLoad runs a child until it has had so many answers, kills it, and notes all that it was answered.
func killLoad(t *testing.T, dir string, from, answers int, submitted, finished map[int]bool) {
	t.Helper()
	cmd := command(t, "load", dir, strconv.Itoa(from))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var what string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d\n", &what, &n); err != nil {
			t.Fatalf("child says %q: %v", line, err)
		}
		map[string]map[int]bool{"in": submitted, "out": finished}[what][n] = true
		if seen++; seen == answers {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if seen < answers {
		t.Fatalf("the child ended after %d answers: %s", seen, errs.String())
	}
}

// leasedNow leases everything that waits, and puts it back.
func leasedNow(t *testing.T, s *Store) map[int]bool {
	t.Helper()
	waits := map[int]bool{}
	d, err := s.Depth(background, "in")
	if err != nil {
		t.Fatal(err)
	}
	if d.Delayed+d.Leased+d.Dead != 0 {
		t.Errorf("after a crash: %+v", d)
	}
	if d.Ready == 0 {
		return waits
	}
	ls, err := s.Lease(background, queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: int(d.Ready), MaxBytes: 1 << 40, TTL: time.Hour})
	if err != nil || len(ls) != int(d.Ready) {
		t.Fatalf("leased %d of %d: %v", len(ls), d.Ready, err)
	}
	for _, l := range ls {
		waits[loadNumber(l.ID)] = true
		if l.Doc == nil {
			t.Errorf("vCon %s waits without its document", l.ID)
		}
		if err := s.Release(background, l, queue.Hold{}); err != nil {
			t.Fatal(err)
		}
	}
	return waits
}

func popped(t *testing.T, s *Store) map[int]bool {
	t.Helper()
	ids, err := s.Pop(background, "out", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]bool{}
	for _, id := range ids {
		if got[loadNumber(id)] {
			t.Errorf("%s is on the egress list twice", id)
		}
		got[loadNumber(id)] = true
	}
	return got
}
