package audit

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

// crashDir tells this program to be the one that is killed.
const crashDir = "AUDIT_CRASH_DIR"

// TestKilled: whatever was flushed before kill -9 is there, the log is whole after it is opened again, and goes on.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeForEver(t, dir)
	}
	t.Parallel()
	dir := t.TempDir()
	flushed := uint64(0)
	for range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 20 && lines.Scan(); n++ {
			if flushed, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
				t.Fatalf("the writer says %q", lines.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		open(t, Config{Path: dir}, 20_000).close()
		if r := checkWhole(t, dir); r.Head < flushed || flushed == 0 {
			t.Errorf("%d were flushed: %+v", flushed, r)
		}
	}
}

// writeForEver traces from four sides and tells after each flush up to which record the log is durable.
func writeForEver(t *testing.T, dir string) {
	l := open(t, Config{Path: dir}, 20_000)
	var say sync.Mutex
	for range 4 {
		doc := chaintest.Document(t, "")
		go func() {
			for i := 0; ; i++ {
				if l.append(doc.ID(), traceOf(event(doc, i))) != nil || l.flush() != nil {
					return
				}
				l.mu.Lock()
				synced := l.synced
				l.mu.Unlock()
				say.Lock()
				fmt.Println(synced)
				say.Unlock()
			}
		}()
	}
	select {}
}
