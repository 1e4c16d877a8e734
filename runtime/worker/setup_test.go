package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

var errDown = errors.New("down")

// flag is a switch that a test turns while links and storages look at it.
type flag = atomic.Bool

// link is a link made of a function.
type link func(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error)

func (l link) Run(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error) { return l(ctx, c) }
func (l link) Close(context.Context) error                                       { return nil }

var everything = hostabi.Grants{Read: hostabi.Paths{All: true}, Write: hostabi.Paths{All: true}, Tags: true, Queues: []string{"next", "other"}, TTL: true, Create: true}

func step(name string, l link) chain.Step {
	return chain.Step{Name: name, Module: "links." + name, Link: l, Grants: everything}
}

// tagging is a link that tags the vCon with its name, after work, which may be nil.
func tagging(name string, work func(ctx context.Context, c *hostabi.Call) error) chain.Step {
	return step(name, func(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.TagAdd([]byte("by"), []byte(name))
		if work != nil {
			if err := work(ctx, c); err != nil {
				return hostabi.Failed, err
			}
		}
		return hostabi.Done, nil
	})
}

// takes is work that lasts so long.
func takes(d time.Duration) func(context.Context, *hostabi.Call) error {
	return func(ctx context.Context, _ *hostabi.Call) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch is an Observer that keeps everything.
type watch struct {
	worker.NoObserver
	mu    sync.Mutex
	ends  []worker.Report
	links []string
	dead  []worker.DeadReport
	saves []worker.StorageReport
}

func (w *watch) Finished(r worker.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, r)
}

func (w *watch) LinkDone(r chain.LinkReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links = append(w.links, r.Link+" "+r.Outcome)
}

func (w *watch) DeadLettered(r worker.DeadReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = append(w.dead, r)
}

func (w *watch) StorageDone(r worker.StorageReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saves = append(w.saves, r)
}

// outcomes are the ends so far: "done", or "retry storage_failed".
func (w *watch) outcomes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, r := range w.ends {
		all = append(all, strings.TrimSpace(string(r.Outcome)+" "+r.Reason))
	}
	return strings.Join(all, ", ")
}

// reports are the ends so far.
func (w *watch) reports() []worker.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ends)
}

func (w *watch) ran() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.links, ", ")
}

// rig is a real store with a pool over it, in a bubble of fake time.
type rig struct {
	*testing.T
	dir   string
	q     *embedded.Store
	plan  atomic.Pointer[worker.Plan]
	watch *watch
	pool  *worker.Pool
	ended chan error
}

// bubble runs a test in fake time with a store. The chain reads the list "in".
func bubble(t *testing.T, c chain.Chain, storages map[string]chain.Storage, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, dir: dir, watch: &watch{}}
		r.use(c, storages)
		r.open()
		defer func() {
			r.halt()
			r.q.Close()
		}()
		test(r)
	})
}

// use makes the plan: one chain on "in", and on "next" when it stands there.
func (r *rig) use(c chain.Chain, storages map[string]chain.Storage) *worker.Plan {
	c.Name = "main"
	for _, name := range slices.Sorted(mapKeys(storages)) {
		if !slices.Contains(c.Storages, name) && !strings.HasPrefix(name, "spare") {
			c.Storages = append(c.Storages, name)
		}
	}
	p := &worker.Plan{Lists: []worker.Route{{List: "in", Chain: &c}}, Settings: worker.Settings{Expiry: time.Hour}}
	for _, name := range slices.Sorted(mapKeys(storages)) {
		p.Storages = append(p.Storages, chain.NewGuarded(name, storages[name], chain.Guard{Breaker: &chain.Breaker{Failures: 1 << 30}}))
	}
	r.plan.Store(p)
	return p
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (r *rig) open() {
	r.Helper()
	var err error
	if r.q, err = embedded.Open(r.dir, embedded.Options{Readers: 2, Ballast: -1, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		r.Fatal(err)
	}
}

// start runs a pool over the store, or over what stands in for it.
func (r *rig) start(store worker.Store, change ...func(*worker.Options)) {
	if store == nil {
		store = r.q
	}
	o := worker.Options{Plan: r.plan.Load, Workers: 4, Observer: r.watch, Log: slog.New(slog.NewTextHandler(r.Output(), nil))}
	for _, f := range change {
		f(&o)
	}
	r.pool, r.ended = worker.New(store, o), make(chan error, 1)
	pool, ended := r.pool, r.ended
	go func() { ended <- pool.Run(context.Background()) }()
}

// halt stops the pool at once.
func (r *rig) halt() {
	r.Helper()
	if r.pool == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.pool.Drain(ctx); err != nil {
		r.Errorf("drain: %v", err)
	}
	<-r.ended
	r.pool = nil
}

// pass lets fake time pass.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) put(doc *vcon.VCon, lists ...string) *vcon.VCon {
	r.Helper()
	if _, err := r.q.Submit(r.Context(), queue.Submission{Doc: doc, Lists: lists}); err != nil {
		r.Fatal(err)
	}
	return doc
}

// post puts a new vCon on "in".
func (r *rig) post() *vcon.VCon { r.Helper(); return r.put(chaintest.Document(r, ""), "in") }

func (r *rig) wantOutcomes(want string) {
	r.Helper()
	if got := r.watch.outcomes(); got != want {
		r.Errorf("outcomes: %q, want %q", got, want)
	}
}

// wantSortedOutcomes is for leases that follow one another at once: the first is told of after it was released, so another
// worker may tell of the second before.
func (r *rig) wantSortedOutcomes(want string) {
	r.Helper()
	got := strings.Split(r.watch.outcomes(), ", ")
	slices.Sort(got)
	if got := strings.Join(got, ", "); got != want {
		r.Errorf("outcomes, sorted: %q, want %q", got, want)
	}
}

func (r *rig) wantRan(want string) {
	r.Helper()
	if got := r.watch.ran(); got != want {
		r.Errorf("links: %q, want %q", got, want)
	}
}

// wantTags checks the tags of the stored document.
func (r *rig) wantTags(id vcon.ID, want string) {
	r.Helper()
	doc, _, err := r.q.Get(r.Context(), id)
	if err != nil {
		r.Fatalf("get: %v", err)
	}
	if got := tags(doc); got != want {
		r.Errorf("tags: %q, want %q", got, want)
	}
}

func tags(doc *vcon.VCon) string { return strings.Join(doc.Draft().Tags(), " ") }

// wantSaved checks the tags of what a storage holds, "-" = nothing.
func (r *rig) wantSaved(m *chaintest.Memory, id vcon.ID, want string) {
	r.Helper()
	doc, err := m.Get(r.Context(), id)
	got := "-"
	if err == nil {
		got = tags(doc)
	}
	if got != want {
		r.Errorf("storage holds %q, want %q", got, want)
	}
}

func (r *rig) wantList(list string, want ...vcon.ID) {
	r.Helper()
	got, err := r.q.Pop(r.Context(), list, 100)
	if err != nil {
		r.Fatal(err)
	}
	if !slices.Equal(got, want) {
		r.Errorf("list %s: %v, want %v", list, got, want)
	}
}

// wantDead checks a DLQ: reason and detail of its only letter, or that it is empty.
func (r *rig) wantDead(list, reason, detail string) {
	r.Helper()
	dead, err := r.q.Dead(r.Context(), list, queue.Page{})
	if err != nil {
		r.Fatal(err)
	}
	if reason == "" && len(dead) == 0 {
		return
	}
	if len(dead) != 1 || dead[0].Reason != reason || !strings.Contains(dead[0].Detail, detail) {
		r.Errorf("dead letters of %s: %+v, want %q with %q", list, dead, reason, detail)
	}
}

func (r *rig) wantIdle() {
	r.Helper()
	for _, list := range []string{"in", queue.DeleteList, queue.ResaveList} {
		d, err := r.q.Depth(r.Context(), list)
		if err != nil {
			r.Fatal(err)
		}
		if d.Ready+d.Delayed+d.Leased != 0 {
			r.Errorf("list %s: %+v, want nothing to do", list, d)
		}
	}
}

// faulty is a store whose calls can be made to fail.
type faulty struct {
	*embedded.Store
	beat, commit, finish, checkpoint, enqueue atomic.Pointer[func() error]
}

func fault(p *atomic.Pointer[func() error]) error {
	if f := p.Load(); f != nil {
		return (*f)()
	}
	return nil
}

func fails(p *atomic.Pointer[func() error], err error, times int) {
	var n atomic.Int32
	f := func() error {
		if int(n.Add(1)) <= times {
			return err
		}
		return nil
	}
	p.Store(&f)
}

func (f *faulty) Beat(ctx context.Context, ttl time.Duration, l []*queue.Lease) (map[vcon.ID]error, error) {
	if err := fault(&f.beat); err != nil {
		return nil, err
	}
	return f.Store.Beat(ctx, ttl, l)
}

func (f *faulty) Commit(ctx context.Context, l *queue.Lease, p queue.Progress, left []string) (*vcon.VCon, queue.Rev, error) {
	if err := fault(&f.commit); err != nil {
		return nil, 0, err
	}
	return f.Store.Commit(ctx, l, p, left)
}

func (f *faulty) Finish(ctx context.Context, l *queue.Lease, o queue.Outcome) error {
	if err := fault(&f.finish); err != nil {
		return err
	}
	return f.Store.Finish(ctx, l, o)
}

func (f *faulty) Checkpoint(ctx context.Context, l *queue.Lease, p queue.Progress) error {
	if err := fault(&f.checkpoint); err != nil {
		return err
	}
	return f.Store.Checkpoint(ctx, l, p)
}

func (f *faulty) Enqueue(ctx context.Context, list string, ids []vcon.ID) ([]vcon.ID, error) {
	if err := fault(&f.enqueue); err != nil {
		return nil, err
	}
	return f.Store.Enqueue(ctx, list, ids)
}
