package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// suspectIn posts a vCon and lets its workers die until it is a suspect that may be tried.
func (r *rig) suspectIn() vcon.ID {
	r.Helper()
	id := r.post().ID()
	for range queue.SuspectAfter {
		ls, err := r.q.Lease(r.Context(), queue.Want{Lists: []queue.Weighted{{Name: "in"}}, TTL: time.Second})
		if err != nil || len(ls) != 1 {
			r.Fatalf("leased %v, %v", ls, err)
		}
		r.pass(2 * time.Second)
	}
	return id
}

// A pool that always has work makes itself idle for a suspect; one with something deaf in it goes on with the rest.
func TestSuspectIsTriedUnderLoad(t *testing.T) {
	for name, tt := range map[string]struct {
		deaf   bool
		within time.Duration
		others int // at least, of 600 in ten minutes
	}{"busy": {false, 3 * time.Minute, 590}, "with a deaf link": {true, 0, 250}} {
		t.Run(name, func(t *testing.T) {
			var over chan struct{} // made in the bubble
			x := tagging("x", takes(1500*time.Millisecond))
			deaf := chain.Chain{Name: "deaf", Steps: []chain.Step{step("deaf", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) {
				<-over
				return hostabi.Done, nil
			})}}
			bubble(t, chain.Chain{Steps: []chain.Step{x}}, nil, func(r *rig) {
				over = make(chan struct{})
				defer close(over)
				p := r.plan.Load()
				p.Lists = append(p.Lists, worker.Route{List: "deaf", Chain: &deaf})
				suspect := r.suspectIn()
				if tt.deaf {
					r.put(chaintest.Document(r, ""), "deaf")
				}
				r.post()
				r.start(nil)
				began, took := time.Now(), time.Duration(0)
				for range 600 {
					r.post()
					r.pass(time.Second)
					if doc, _, err := r.q.Get(r.Context(), suspect); err == nil && tags(doc) != "" && took == 0 {
						took = time.Since(began)
					}
				}
				if tt.within > 0 && (took == 0 || took > tt.within) {
					r.Errorf("the suspect was worked after %v (0: never), want %v", took, tt.within)
				}
				if n := strings.Count(r.watch.outcomes(), "done"); n < tt.others {
					r.Errorf("%d vCons done, want %d", n, tt.others)
				}
			})
		})
	}
}

// A reload that changes when a chain forwards, while a storage owes, forwards each vCon once.
func TestEgressModeChangesWhileOwing(t *testing.T) {
	for name, modes := range map[string][2]chain.EgressMode{
		"first, then after": {chain.First, chain.AfterStorages},
		"after, then first": {chain.AfterStorages, chain.First},
		"first, then saved": {chain.First, chain.SavedOnly},
		"saved, then first": {chain.SavedOnly, chain.First},
	} {
		t.Run(name, func(t *testing.T) {
			var up flag
			m := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
				if !up.Load() {
					return errDown
				}
				return nil
			}}
			storages := map[string]chain.Storage{"memory": m}
			made := func(mode chain.EgressMode) chain.Chain { return chain.Chain{Egress: []string{"out"}, Mode: mode} }
			bubble(t, made(modes[0]), storages, func(r *rig) {
				doc := r.post()
				r.start(nil)
				r.pass(15 * time.Second)
				r.use(made(modes[1]), storages)
				r.pool.PlanChanged()
				up.Store(true)
				r.pass(5 * time.Minute)
				r.wantOutcomes("retry storage_failed, done")
				r.wantList("out", doc.ID())
			})
		})
	}
}

// Chains that send a vCon ahead to each other end in the DLQ like others that go round.
func TestLoopOfEgressFirst(t *testing.T) {
	bubble(t, chain.Chain{Egress: []string{"next"}, Mode: chain.First}, nil, func(r *rig) {
		back := chain.Chain{Name: "back", Egress: []string{"in"}, Mode: chain.First}
		p := r.plan.Load()
		p.Lists = append(p.Lists, worker.Route{List: "next", Chain: &back})
		r.post()
		r.start(nil)
		time.Sleep(time.Minute)
		if n := strings.Count(r.watch.outcomes(), "done"); n > 100 {
			r.Fatalf("went round %d times", n)
		}
		in, err := r.q.Dead(r.Context(), "in", queue.Page{})
		next, err2 := r.q.Dead(r.Context(), "next", queue.Page{})
		if err != nil || err2 != nil || len(in)+len(next) != 1 || append(in, next...)[0].Reason != "loop" {
			r.Errorf("dead letters %+v %+v, %v %v", in, next, err, err2)
		}
		r.wantIdle()
	})
}

// A heartbeat that could not ask about one lease ends no run.
func TestHeartbeatInDoubtEndsNothing(t *testing.T) {
	bubble(t, chain.Chain{Steps: []chain.Step{tagging("x", takes(15*time.Second))}}, nil, func(r *rig) {
		doc := r.post()
		r.start(&doubtful{faulty: &faulty{Store: r.q}})
		r.pass(time.Minute)
		r.wantOutcomes("done")
		r.wantTags(doc.ID(), "by:x")
	})
}

// doubtful answers each lease of a Beat with an error that says nothing about it.
type doubtful struct{ *faulty }

func (d *doubtful) Beat(_ context.Context, _ time.Duration, leases []*queue.Lease) (map[vcon.ID]error, error) {
	errs := map[vcon.ID]error{}
	for _, l := range leases {
		errs[l.ID] = context.DeadlineExceeded
	}
	return errs, nil
}
