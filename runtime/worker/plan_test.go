package worker_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// A new plan: what runs ends under its own, what comes next meets the new one, and the old is retired after the last.
func TestPlanChange(t *testing.T) {
	var mu sync.Mutex
	var retired []*worker.Plan
	plans := func() []*worker.Plan { mu.Lock(); defer mu.Unlock(); return slices.Clone(retired) }
	old, fresh := &chaintest.Memory{}, &chaintest.Memory{}
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("old", takes(time.Minute))}}, map[string]chain.Storage{"memory": old}, func(r *rig) {
		first := r.plan.Load()
		running := r.post()
		r.start(nil, func(o *worker.Options) {
			o.Retired = func(p *worker.Plan) { mu.Lock(); defer mu.Unlock(); retired = append(retired, p) }
		})
		r.pass(time.Second)
		r.use(chain.Chain{Steps: []chain.Step{tagging("new", nil)}}, map[string]chain.Storage{"memory": fresh})
		r.pool.PlanChanged()
		next := r.post()
		r.pass(time.Second)
		r.wantTags(next.ID(), "by:new")
		if len(plans()) != 0 {
			r.Error("the plan of a running vCon is retired")
		}
		current := r.plan.Load()
		r.plan.Store(&worker.Plan{}) // never used, yet it is retired
		r.pool.PlanChanged()
		r.plan.Store(current)
		r.pool.PlanChanged()
		r.pass(time.Second)
		if got := plans(); len(got) != 1 || got[0] == first {
			r.Errorf("%d plans retired, want the one that was never used", len(plans()))
		}
		r.pass(2 * time.Minute)
		r.wantSaved(old, running.ID(), "by:old")
		r.wantSaved(fresh, running.ID(), "-")
		r.wantSaved(fresh, next.ID(), "by:new")
		if got := plans(); len(got) != 2 || got[1] != first {
			r.Errorf("%d plans retired", len(plans()))
		}
	})
}

// A list without chain keeps what it has, until a plan has one; the pool hears of it while it waits.
func TestListWithoutChainIsNotLeased(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", nil)}}, nil, func(r *rig) {
		with := r.plan.Load()
		r.plan.Store(&worker.Plan{})
		doc := r.post()
		r.start(nil)
		r.pass(time.Hour)
		r.wantOutcomes("")
		r.plan.Store(with)
		r.pool.PlanChanged()
		r.pass(time.Second)
		r.wantOutcomes("done")
		r.wantTags(doc.ID(), "by:x")
	})
}

func TestLaterChainOwnsTheList(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("first", nil)}}, nil, func(r *rig) {
		p := r.plan.Load()
		p.Lists = append(p.Lists, worker.Route{List: "in", Chain: &chain.Chain{Name: "later", Steps: []chain.Step{tagging("later", nil)}}})
		r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantRan("later done")
	})
}

func TestWorkersBoundWhatRuns(t *testing.T) {
	for name, c := range map[string]struct {
		workers int
		bytes   int64
		want    time.Duration // for 6 vCons of 10 s each
	}{
		"one": {1, 0, time.Minute}, "three": {3, 0, 20 * time.Second}, "bytes for one": {6, 100, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", takes(10*time.Second))}}, nil, func(r *rig) {
				for range 6 {
					r.post()
				}
				r.start(nil, func(o *worker.Options) { o.Workers, o.MaxBytes = c.workers, c.bytes })
				r.pass(c.want - time.Second)
				if n := len(r.watch.reports()); n >= 6 {
					r.Errorf("all done after less than %v", c.want)
				}
				r.pass(2 * time.Second)
				if n := len(r.watch.reports()); n != 6 {
					r.Errorf("%d done after %v", n, c.want)
				}
			})
		})
	}
}

// A storage that could not be opened owes what it did not do.
func TestUnopenedStorage(t *testing.T) {
	m := &chaintest.Memory{}
	bubble(t, chain.Chain{Storages: []string{"late"}}, nil, func(r *rig) {
		r.plan.Load().Unopened = []string{"late"}
		kept, gone := r.post(), r.post()
		r.start(nil)
		r.pass(time.Second)
		r.wantOutcomes("retry storage_failed, retry storage_failed")
		if err := r.q.Delete(r.Context(), gone.ID()); err != nil {
			r.Fatal(err)
		}
		m.Put(gone)
		r.pass(time.Second)
		r.use(chain.Chain{}, map[string]chain.Storage{"late": m})
		r.pool.PlanChanged()
		r.pass(5 * time.Minute)
		r.wantSaved(m, kept.ID(), "")
		r.wantSaved(m, gone.ID(), "-")
		r.wantIdle()
	})
}

// How long a document lives after its chain.
func TestLifetimes(t *testing.T) {
	forever := 1000 * time.Hour
	halting := step("stop", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) { return hostabi.Halt, nil })
	expiring := step("expire", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.Expire(90)
		return hostabi.Done, nil
	})
	var made vcon.ID
	reader := map[string]chain.Storage{"memory": &chaintest.Memory{}}
	writer := map[string]chain.Storage{"memory": chaintest.WriteOnly{Storage: &chaintest.Memory{}}}
	down := map[string]chain.Storage{"memory": &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error { return chain.Permanent(errDown) }}}
	embedded := worker.Settings{Expiry: time.Hour, KeepUnstored: true}
	chosen := worker.Settings{Expiry: time.Hour, ExpirySet: true, KeepUnstored: true}
	shared := worker.Settings{Expiry: time.Hour}
	for name, c := range map[string]struct {
		chain    chain.Chain
		storages map[string]chain.Storage
		settings worker.Settings
		lives    time.Duration
	}{
		"a storage gives it back":          {chain.Chain{}, reader, embedded, time.Hour},
		"no storage, embedded":             {chain.Chain{}, nil, embedded, forever},
		"no storage, chosen":               {chain.Chain{}, nil, chosen, time.Hour},
		"no storage, shared store":         {chain.Chain{}, nil, shared, time.Hour},
		"a storage that cannot give":       {chain.Chain{}, writer, embedded, forever},
		"halted":                           {chain.Chain{Steps: []chain.Step{halting}}, nil, embedded, time.Hour},
		"a link's wish":                    {chain.Chain{Steps: []chain.Step{expiring}}, reader, embedded, 90 * time.Second},
		"egress without storage":           {chain.Chain{Egress: []string{"out"}}, nil, chosen, 7 * 24 * time.Hour},
		"egress with storage":              {chain.Chain{Egress: []string{"out"}}, reader, chosen, time.Hour},
		"owed to a storage":                {chain.Chain{}, down, chosen, forever},
		"its place was taken":              {chain.Chain{Steps: []chain.Step{creates(1, "", &made)}}, nil, embedded, time.Hour},
		"no expiry":                        {chain.Chain{}, reader, worker.Settings{}, forever},
		"egress without storage, no extra": {chain.Chain{Egress: []string{"out"}}, nil, worker.Settings{Expiry: time.Hour, EgressExpiry: -1}, time.Hour},
		"egress without storage, longer":   {chain.Chain{Egress: []string{"out"}}, nil, worker.Settings{Expiry: 300 * time.Hour}, 300 * time.Hour},
		"egress, a storage, halted chain":  {chain.Chain{Steps: []chain.Step{halting}, Egress: []string{"out"}}, reader, chosen, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, c.chain, c.storages, func(r *rig) {
				r.plan.Load().Settings = c.settings
				doc := r.post()
				r.start(nil)
				r.pass(time.Second)
				lives := func(want bool) {
					r.Helper()
					if _, _, err := r.q.Get(r.Context(), doc.ID()); (err == nil) != want {
						r.Errorf("get = %v after %v", err, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
					}
				}
				if c.lives == forever {
					r.pass(forever)
					lives(true)
					return
				}
				r.pass(c.lives - 5*time.Second)
				lives(true)
				r.pass(10 * time.Second)
				lives(false)
			})
		})
	}
}

// TestPlanReplacedAtOnce: the first plan is retired though it was replaced before the pool ran.
func TestPlanReplacedAtOnce(t *testing.T) {
	t.Parallel()
	first, second := &worker.Plan{}, &worker.Plan{}
	plan, retired := first, []*worker.Plan(nil)
	pool := worker.New(nil, worker.Options{Plan: func() *worker.Plan { return plan }, Retired: func(p *worker.Plan) { retired = append(retired, p) }})
	plan = second
	pool.PlanChanged()
	if !slices.Equal(retired, []*worker.Plan{first}) {
		t.Errorf("retired %v, want the first plan", retired)
	}
}
