package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// stuckConfig: vCons wait for a receiver that is not there, some in a delay, some in a run.
var stuckConfig = strings.NewReplacer(
	"links: {tag: {module: links.tag, options: {tags: [e2e]}}}",
	`links: {notify: {module: links.webhook, options: {webhook-urls: ["http://127.0.0.1:1/"]}, retry: {attempts: 99, delay: 1h, max_delay: 1h}}}`,
	"links: [tag]", "links: [notify]").Replace(baseConfig)

// TestDrainToLists: nothing is worked any more, everything waits on its list, and another server takes it over.
func TestDrainToLists(t *testing.T) {
	t.Parallel()
	old, next := newNode(t, stuckConfig), newNode(t, baseConfig)
	old.start()
	l := &ledger{ack: map[vcon.ID]bool{}}
	for range 30 {
		old.mustPost(l, "calls")
	}
	old.eventually("all delayed", 20*time.Second, func() error {
		if waiting, err := old.depth("calls"); err != nil || waiting > 0 {
			return fmt.Errorf("%d wait, %w", waiting, err)
		}
		return nil
	})
	if out := old.drain("--json"); len(out) != 1 || out[0].List != "calls" || out[0].Waiting != 30 || out[0].Dead != 0 {
		t.Fatalf("drained: %+v", out)
	}
	status, body, err := old.call(http.MethodGet, "/ready", nil, "")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(body), `"drained"`) {
		t.Errorf("/ready of a drained server: %d %s %v", status, body, err)
	}
	old.mustPost(l, "calls") // still taken, not worked
	if n, err := old.depth("calls"); err != nil || n != 31 {
		t.Errorf("%d wait, %v", n, err)
	}
	next.start()
	if out := old.drain("--json", "--to", "http://"+next.addr+"/api"); len(out) != 1 || out[0].Sent != 31 {
		t.Errorf("handed over: %+v", out)
	}
	next.account(l)
	if n, err := old.depth("calls"); err != nil || n != 0 {
		t.Errorf("%d are left, %v", n, err)
	}
}

// TestDrainRefused: what was not taken over stays.
func TestDrainRefused(t *testing.T) {
	t.Parallel()
	n := newNode(t, stuckConfig)
	n.start()
	l := &ledger{ack: map[vcon.ID]bool{}}
	n.mustPost(l, "calls")
	for _, args := range [][]string{{"drain"}, {"drain", "--to-lists", "--to", "localhost"}, {"drain", "--to-lists", "x"}} {
		if _, errs, code := run(t, n.dir, env(), append(args, "--data", n.data())...); code != 2 || !strings.Contains(errs, "--help") {
			t.Errorf("%v: exit code %d\n%s", args, code, errs)
		}
	}
	_, errs, code := run(t, n.dir, env(), "drain", "--to-lists", "--data", n.data(), "--to", "http://127.0.0.1:1")
	if code != 1 || !strings.Contains(errs, `list "calls" after 0 vCons`) {
		t.Errorf("a server that is not there: exit code %d\n%s", code, errs)
	}
	n.kill()
	if out := n.drain("--json"); len(out) != 1 || out[0].Waiting != 1 { // without a server, on the store itself
		t.Errorf("after the failed hand-over: %+v", out)
	}
}

type drained struct {
	List    string
	Waiting int
	Dead    int
	Sent    int `json:"handed_over"`
}

func (n *node) drain(args ...string) (out []drained) {
	n.t.Helper()
	text, errs, code := run(n.t, n.dir, env(), append([]string{"drain", "--to-lists", "--data", n.data()}, args...)...)
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != 0 {
		n.t.Fatalf("drain %v: exit code %d, %v\n%s%s", args, code, err, text, errs)
	}
	return out
}
