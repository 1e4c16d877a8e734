package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// ledger is what the server has acknowledged.
type ledger struct {
	mu  sync.Mutex
	ack map[vcon.ID]bool
}

func (l *ledger) add(id vcon.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ack[id] = true
}

func (l *ledger) ids() []vcon.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.ack))
}

// load posts documents over several connections until stop is closed; some are large enough to be files of the store.
func load(n *node, l *ledger, stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	for c := range 6 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				size := 2000
				if c == 0 && i%10 == 0 {
					size = 300 << 10
				}
				id := vcon.NewID("example.com")
				if n.post("calls", document(id, size)) {
					l.add(id)
				} else {
					time.Sleep(5 * time.Millisecond) // the server is down: it will be back
				}
			}
		})
	}
	return &wg
}

// TestNothingAcknowledgedIsLost kills the server under load, again and again: each acknowledged vCon must end in the
// storage with its tag and on the egress list, exactly the once.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	n := newNode(t, baseConfig)
	n.start()
	l := &ledger{ack: map[vcon.ID]bool{}}
	stop := make(chan struct{})
	wg := load(n, l, stop)
	for range 5 {
		before := len(l.ids())
		n.eventually("load", 20*time.Second, func() error {
			if len(l.ids()) < before+40 {
				return fmt.Errorf("%d acknowledged", len(l.ids()))
			}
			return nil
		})
		n.kill()
		n.start()
	}
	close(stop)
	wg.Wait()
	t.Logf("%d acknowledged, 5 kills", len(l.ids()))
	n.account(l)
}

// forwarded takes what comes out of the egress list until all of ids were there, and counts.
func (n *node) forwarded(ids ...vcon.ID) map[string]int {
	n.t.Helper()
	count := map[string]int{}
	n.eventually("worked off", 60*time.Second, func() error {
		var done []string
		if err := n.get("/vcon/egress?egress_list=done&limit=1000000", &done); err != nil {
			return err
		}
		for _, id := range done {
			count[id]++
		}
		missing := slices.DeleteFunc(slices.Clone(ids), func(id vcon.ID) bool { return count[id.String()] > 0 })
		if len(missing) > 0 {
			return fmt.Errorf("%d of %d are not on the egress list, %s for one", len(missing), len(ids), missing[0])
		}
		return nil
	})
	return count
}

// account compares the ledger with the egress list and the storage.
func (n *node) account(l *ledger) {
	n.t.Helper()
	count := n.forwarded(l.ids()...)
	files := n.files()
	for _, id := range l.ids() {
		s := id.String()
		if count[s] != 1 {
			n.t.Errorf("%s is %d times on the egress list", s, count[s])
		}
		if text, ok := files[s]; !ok {
			n.t.Errorf("%s was acknowledged and is in no file", s)
		} else if bytes.Count(text, []byte("e2e:e2e")) != 1 {
			n.t.Errorf("%s: its file has the tag %d times", s, bytes.Count(text, []byte("e2e:e2e")))
		}
	}
	var dead []string
	if err := n.get("/dlq?ingress_list=calls", &dead); err != nil {
		n.t.Fatal(err)
	}
	if len(dead) > 0 {
		n.t.Errorf("dead letters: %v", dead)
	}
}

// files are the saved documents by uuid.
func (n *node) files() map[string][]byte {
	n.t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(n.dir, "files"), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".json") {
			return err
		}
		text, err := os.ReadFile(p)
		if err == nil && !json.Valid(text) {
			err = fmt.Errorf("%s is no JSON", p)
		}
		out[strings.TrimSuffix(filepath.Base(p), ".json")] = text
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// TestDrain stops the server with SIGTERM under load: chains that are shorter than the drain see no retry.
func TestDrain(t *testing.T) {
	n := newNode(t, baseConfig)
	l := &ledger{ack: map[vcon.ID]bool{}}
	stop := make(chan struct{})
	n.start()
	wg := load(n, l, stop)
	for range 2 {
		before := len(l.ids())
		n.eventually("load", 20*time.Second, func() error {
			if len(l.ids()) < before+60 {
				return fmt.Errorf("%d acknowledged", len(l.ids()))
			}
			return nil
		})
		n.term()
		n.start()
	}
	close(stop)
	wg.Wait()
	n.account(l)
	for line := range strings.Lines(n.log.String()) {
		var e struct {
			Msg     string
			Attempt int
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Msg == "vcon finished" && e.Attempt != 1 {
			t.Errorf("a retry was seen: %s", line)
		}
	}
}
