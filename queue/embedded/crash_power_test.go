package embedded

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/queue"
)

// waits reports whether an act is answered only when it is on the disk: all but beginnings and ends of leases, which a
// machine that crashes may forget, latest first, and do again.
func (a act) waits() bool {
	return !slices.ContainsFunc([]string{"lease", "commit", "release", "finish", "told", "park"}, func(late string) bool {
		return strings.HasPrefix(a.name, late)
	})
}

// TestPowerCut plays the script and takes the power away after each act: of what was written since the last answer that
// waited for the disk, any end may be missing. The store is then whole, and what it was after some act since that one.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(swift(t), "store")
	s, err := Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &scene{s: s, held: map[string]*queue.Lease{}}
	images, sizes, safe := []string{pictureNow(t, dir)}, []int64{logSize(t, dir)}, 0
	for i, a := range script() {
		if err := a.do(c); err != nil {
			t.Fatalf("act %d, %s: %v", i, a.name, err)
		}
		images, sizes = append(images, pictureNow(t, dir)), append(sizes, logSize(t, dir))
		if a.waits() {
			safe = i + 1
		}
		for _, size := range cuts(sizes[safe:]) {
			if got := pictureCut(t, dir, size); !slices.Contains(images[safe:], got) {
				t.Errorf("power cut after %q, at byte %d of the log: the store is\n%s\nafter the last answer that was on the disk it was\n%s",
					a.name, size, got, images[safe])
			}
		}
	}
}

// cuts are the sizes and the middles between them: a transaction that was written in part.
func cuts(sizes []int64) []int64 {
	all := slices.Clone(sizes)
	for i := 1; i < len(sizes); i++ {
		all = append(all, (sizes[i-1]+sizes[i])/2)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func logSize(t *testing.T, dir string) int64 {
	t.Helper()
	st, err := os.Stat(filepath.Join(dir, "store.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

// pictureCut is the picture of a copy whose log ends early.
func pictureCut(t *testing.T, dir string, size int64) string {
	t.Helper()
	to, err := os.MkdirTemp(dir+"/..", "cut-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(to)
	if err := os.CopyFS(filepath.Join(to, "store"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(to, "store", "store.db-wal"), size); err != nil {
		t.Fatal(err)
	}
	return picture(t, filepath.Join(to, "store"))
}
