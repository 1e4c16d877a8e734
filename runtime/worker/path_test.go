package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vconduit/vconduit/builtin/storage/file"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// The whole path: list, links, commit, storages, egress.
func TestWholePath(t *testing.T) {
	files, err := file.Open(t.Context(), "files", json.RawMessage(fmt.Sprintf(`{"path":%q}`, t.TempDir())))
	if err != nil {
		t.Fatal(err)
	}
	m := &chaintest.Memory{}
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil), tagging("y", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"files": files, "memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("done")
		r.wantRan("x done, y done")
		r.wantTags(doc.ID(), "by:x by:y")
		r.wantList("out", doc.ID())
		r.wantIdle()
		stored, rev, err := r.q.Get(r.Context(), doc.ID())
		if err != nil {
			r.Fatal(err)
		}
		saved := m.Saves()
		if len(saved) != 1 || saved[0].Rev != uint64(rev) || string(saved[0].Doc.Bytes()) != string(stored.Bytes()) {
			r.Errorf("saved %d times, rev %d, want the committed document of rev %d", len(saved), saved[0].Rev, rev)
		}
		got, err := files.(chain.Reader).Get(r.Context(), doc.ID())
		if err != nil || string(got.Bytes()) != string(stored.Bytes()) {
			r.Errorf("file: %v", err)
		}
		end := r.watch.reports()[0]
		if end.ID != doc.ID() || end.Chain != "main" || end.List != "in" || end.Attempt != 1 {
			r.Errorf("report %+v", end)
		}
	})
}

func TestChainWithoutLinksKeepsTheBytes(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.put(chaintest.Document(r, `,  "x": 1.0`), "in")
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("done")
		if s := m.Saves(); len(s) != 1 || string(s[0].Doc.Bytes()) != string(doc.Bytes()) || s[0].Rev != 1 {
			r.Errorf("saves %+v", s)
		}
	})
}

func TestHalt(t *testing.T) {
	m := &chaintest.Memory{}
	stop := step("stop", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.TagAdd([]byte("by"), []byte("stop"))
		c.Route([]byte("next"))
		return hostabi.Halt, nil
	})
	c := chain.Chain{Steps: []chain.Step{stop, tagging("never", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("halted")
		r.wantRan("stop halt")
		r.wantTags(doc.ID(), "by:stop")
		r.wantList("out")
		r.wantList("next", doc.ID())
		r.wantSaved(m, doc.ID(), "-")
	})
}

func creates(flags int32, lists string, out *vcon.ID) chain.Step {
	return step("new", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		id := make([]byte, 36)
		if n := c.VconCreate(flags, []byte(lists), []byte(`{"vcon":"0.4.0","parties":[]}`), id); n != 36 {
			return hostabi.Failed, fmt.Errorf("vcon_create = %d", n)
		}
		var err error
		*out, err = vcon.ParseID(string(id))
		return hostabi.Done, err
	})
}

// A created vCon that takes the place is what storages and egress see.
func TestReplace(t *testing.T) {
	m := &chaintest.Memory{}
	var made vcon.ID
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil), creates(1, "", &made), tagging("y", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("done")
		r.wantTags(doc.ID(), "by:x")
		r.wantTags(made, "by:y")
		r.wantSaved(m, doc.ID(), "-")
		r.wantSaved(m, made, "by:y")
		r.wantList("out", made)
	})
}

// What a storage owes of a created vCon is owed under its uuid.
func TestReplaceOwed(t *testing.T) {
	var down flag
	down.Store(true)
	m := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
		if down.Load() {
			return chain.Permanent(errDown)
		}
		return nil
	}}
	var made vcon.ID
	c := chain.Chain{Steps: []chain.Step{creates(1, "", &made), tagging("y", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantDead("storage:memory", "storage_failed", "down")
		r.wantList("out", made)
		down.Store(false)
		if n, err := r.q.Reprocess(r.Context(), "storage:memory", queue.Filter{}, queue.FromFailed, 0); n != 1 || err != nil {
			r.Fatalf("reprocess: %d, %v", n, err)
		}
		r.pass(time.Minute)
		r.wantSaved(m, made, "by:y")
		r.wantDead("storage:memory", "", "")
	})
}

func TestCreateBeside(t *testing.T) {
	m := &chaintest.Memory{}
	var made vcon.ID
	c := chain.Chain{Steps: []chain.Step{creates(0, `["other"]`, &made), tagging("y", nil)}, Egress: []string{"out"}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("done")
		r.wantTags(doc.ID(), "by:y")
		r.wantList("out", doc.ID())
		r.wantList("other", made)
		r.wantTags(made, "")
	})
}

func TestOnErrorSkip(t *testing.T) {
	bad := tagging("bad", func(context.Context, *hostabi.Call) error { return errDown })
	bad.OnError = chain.SkipLink
	bubble(t, chain.Chain{Steps: []chain.Step{bad, tagging("y", nil)}}, nil, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("done")
		r.wantRan("bad skipped, y done")
		r.wantTags(doc.ID(), "by:y")
	})
}

// One vCon that makes a link panic is dead-lettered; its neighbours are not touched.
func TestPanicHurtsNobodyElse(t *testing.T) {
	m := &chaintest.Memory{}
	var poison vcon.ID
	c := chain.Chain{Steps: []chain.Step{tagging("x", nil), tagging("y", func(_ context.Context, c *hostabi.Call) error {
		out := make([]byte, 64)
		if n := c.DocRead(1, []byte("/uuid"), 1, 0, out); string(out[:n]) == poison.String() || string(out[1:37]) == poison.String() {
			panic("cannot stand this one")
		}
		return nil
	})}}
	bubble(t, c, map[string]chain.Storage{"memory": m}, func(r *rig) {
		var docs []*vcon.VCon
		for range 16 {
			docs = append(docs, r.post())
		}
		poison = docs[7].ID()
		r.start(nil)
		r.pass(time.Minute)
		r.wantDead("in", "link_failed", `link "y" (links.y): panic: cannot stand this one`)
		for i, doc := range docs {
			want := map[bool]string{true: "-", false: "by:x by:y"}[i == 7]
			r.wantSaved(m, doc.ID(), want)
		}
		r.wantTags(poison, "by:x") // what was done before the failure is kept
		if len(r.watch.reports()) != 16 {
			r.Errorf("%d ends, want each vCon worked once", len(r.watch.reports()))
		}
	})
}

func TestReprocessBeginsAtTheFailedLink(t *testing.T) {
	var broken flag
	broken.Store(true)
	y := tagging("y", func(context.Context, *hostabi.Call) error {
		if broken.Load() {
			return errDown
		}
		return nil
	})
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil), y}}, nil, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantDead("in", "link_failed", "down")
		broken.Store(false)
		if n, err := r.q.Reprocess(r.Context(), "in", queue.Filter{}, queue.FromFailed, 0); n != 1 || err != nil {
			r.Fatalf("reprocess: %d, %v", n, err)
		}
		r.pass(time.Second)
		r.wantRan("x done, y failed, y done")
		r.wantTags(doc.ID(), "by:x by:y")
		r.wantDead("in", "", "")
	})
}

func TestRetryWithBackoffThenDLQ(t *testing.T) {
	s := step("y", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) { return hostabi.Retry, nil })
	s.Retry = chain.Retry{Attempts: 3, Delay: 10 * time.Second}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil), s}}, nil, func(r *rig) {
		r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("retry tries_used")
		r.pass(5 * time.Second)
		r.wantOutcomes("retry tries_used")
		r.pass(time.Minute)
		r.wantOutcomes("retry tries_used, retry tries_used, failed tries_used")
		r.wantRan("x done, y retry, y retry, y failed") // x is not run again
		r.wantDead("in", "tries_used", "asks to be run again")
		if d := r.watch.dead; len(d) != 1 || d[0].Attempt != 3 || d[0].Link != "y" {
			r.Errorf("dead letters told: %+v", d)
		}
	})
}

func TestChainTimeout(t *testing.T) {
	var slow flag
	slow.Store(true)
	y := tagging("y", func(ctx context.Context, c *hostabi.Call) error {
		if slow.Load() {
			return takes(time.Hour)(ctx, c)
		}
		return nil
	})
	bubble(t, chain.Chain{Steps: []chain.Step{y}, Timeout: 2 * time.Minute}, nil, func(r *rig) {
		doc := r.post()
		r.start(nil)
		r.pass(2*time.Minute + time.Second) // far longer than the lease: it is prolonged
		r.wantOutcomes("retry tries_used")
		slow.Store(false)
		r.pass(time.Minute)
		r.wantOutcomes("retry tries_used, done")
		r.wantTags(doc.ID(), "by:y")
	})
}

func TestTwoListsOneAfterTheOther(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{}, map[string]chain.Storage{"memory": m}, func(r *rig) {
		var running, most atomic.Int32
		count := func(ctx context.Context, c *hostabi.Call) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			return takes(10*time.Second)(ctx, c)
		}
		p := r.use(chain.Chain{Steps: []chain.Step{tagging("x", count)}}, map[string]chain.Storage{"memory": m})
		p.Lists = append(p.Lists, worker.Route{List: "second", Chain: &chain.Chain{Name: "b", Storages: []string{"memory"}, Steps: []chain.Step{tagging("y", count)}}})
		doc := r.put(chaintest.Document(r, ""), "in", "second")
		r.start(nil)
		r.pass(time.Minute)
		r.wantOutcomes("done, done")
		if most.Load() != 1 {
			t.Errorf("%d runs of one vCon at once", most.Load())
		}
		r.wantSaved(m, doc.ID(), tagsStored(r, doc.ID()))
		if got := tagsStored(r, doc.ID()); got != "by:x by:y" && got != "by:y by:x" {
			t.Errorf("tags %q", got)
		}
	})
}

func tagsStored(r *rig, id vcon.ID) string {
	doc, _, err := r.q.Get(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return tags(doc)
}

func TestEgressModes(t *testing.T) {
	for name, c := range map[string]struct {
		mode    chain.EgressMode
		down    bool
		during  int // ids on the list while the storage works
		after   int
		letters int
	}{
		"after": {chain.AfterStorages, false, 0, 1, 0}, "after, down": {chain.AfterStorages, true, 0, 1, 1},
		"saved": {chain.SavedOnly, false, 0, 1, 0}, "saved, down": {chain.SavedOnly, true, 0, 0, 1},
		"first": {chain.First, false, 1, 1, 0}, "first, down": {chain.First, true, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &chaintest.Memory{OnSave: func(ctx context.Context, _ int, _ *vcon.VCon, _ uint64) error {
				time.Sleep(5 * time.Second)
				if c.down {
					return chain.Permanent(errDown)
				}
				return nil
			}}
			bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}, Egress: []string{"out"}, Mode: c.mode}, map[string]chain.Storage{"memory": m}, func(r *rig) {
				r.post()
				r.start(nil)
				count := func(want int) {
					r.Helper()
					if d, err := r.q.Depth(r.Context(), "out"); err != nil || int(d.Ready) != want {
						r.Errorf("egress list: %+v, %v; want %d", d, err, want)
					}
				}
				r.pass(time.Second)
				count(c.during)
				r.pass(10 * time.Second)
				count(c.after)
				if d, _ := r.q.Dead(r.Context(), "storage:memory", queue.Page{}); len(d) != c.letters {
					r.Errorf("%d dead letters", len(d))
				}
			})
		})
	}
}

func TestCriticalExtension(t *testing.T) {
	for name, c := range map[string]struct {
		known   []string
		run     bool
		outcome string
	}{
		"unknown": {nil, false, "failed critical_extension"}, "known": {[]string{"x_safety"}, false, "done"}, "let through": {nil, true, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, nil, func(r *rig) {
				s := &r.plan.Load().Settings
				s.Extensions, s.RunCritical = c.known, c.run
				r.put(chaintest.Document(r, `,"extensions":["x_safety"],"critical":["x_safety"]`), "in")
				r.start(nil)
				r.pass(time.Second)
				r.wantOutcomes(c.outcome)
			})
		})
	}
}
