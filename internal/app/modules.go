package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/runtime/wasm"
)

// errPreparing holds a chain until its module is there. It heals by itself.
var errPreparing = errors.New("the module is being fetched and compiled")

const (
	// moduleRetry is how long a module that could not be had is left alone before it is asked for again: a little less
	// than the pause between two attempts to build a chain that is held.
	moduleRetry = rebuildFirst - time.Second
	// moduleGrace is how long a stopping server waits for compilations and for runs of guests: then the process ends anyway.
	moduleGrace = 3 * time.Second
)

// moduleLinks makes links of modules: it fetches, checks, compiles and starts each once, beside what runs, and keeps the
// outcome for as long as the configuration names it. Safe for concurrent use.
type moduleLinks struct {
	log     *slog.Logger
	getenv  func(string) string
	engine  *wasm.Engine
	ready   chan struct{} // gets a value, without blocking, when a job has ended
	ctx     context.Context
	stop    context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	jobs   map[string]*moduleJob
	source *moduleSource // of the configuration in force
}

// moduleSource is where the modules of one configuration come from.
type moduleSource struct {
	cfg   *config.Config
	store *modules.Store
	err   error // why there is no store
	jobs  sync.WaitGroup
}

// moduleJob makes one link.
type moduleJob struct {
	done   chan struct{}
	cancel context.CancelFunc
	link   *wasm.Link // nil: err says why
	err    error
	at     time.Time // when it ended
	uses   int       // plans that run the link
	kept   bool      // the configuration names it
}

// moduleWish is everything that a link of a module depends on. Two places of a chain with the same wish share a link.
type moduleWish struct {
	Name, Ref, Pin string
	Interpreter    bool
	Options        json.RawMessage
	Run            wasm.LinkOptions
}

// key tells wishes apart.
func (w moduleWish) key() string {
	text, err := json.Marshal(w)
	if err != nil {
		panic("app: module wish: " + err.Error()) // options are valid JSON: the configuration made them
	}
	return string(text)
}

// newModuleLinks makes the engine. dir is the data folder; compiled code is cached below it.
func newModuleLinks(dir string, getenv func(string) string, log *slog.Logger) (*moduleLinks, error) {
	engine, err := wasm.NewEngine(wasm.EngineOptions{CacheDir: filepath.Join(dir, "modules", "compiled")})
	if err != nil {
		return nil, err
	}
	m := &moduleLinks{log: log, getenv: getenv, engine: engine, ready: make(chan struct{}, 1), jobs: map[string]*moduleJob{}}
	m.ctx, m.stop = context.WithCancel(context.Background())
	return m, nil
}

// moduleOptions say where the modules of a configuration come from.
func moduleOptions(cfg *config.Config, getenv func(string) string) modules.Options {
	o := modules.Options{Dir: filepath.Join(cfg.DataDir, "modules"), Base: filepath.Dir(cfg.File), MaxSize: int64(cfg.Modules.MaxSize), Getenv: getenv}
	for _, s := range cfg.Modules.Sources {
		o.Sources = append(o.Sources, modules.Source{Match: s.Match, Auth: modules.Auth(s.Auth), Verify: s.Verify.Cosign, CA: s.CA, Private: s.Private})
	}
	return o
}

// wishOf reads a link's configuration.
func wishOf(cfg *config.Config, l config.Link) moduleWish {
	limits := moduleLimits(cfg, l)
	return moduleWish{
		Name: l.Name, Ref: l.Module, Pin: l.SHA256, Interpreter: l.Engine == "interpreter", Options: l.Options.JSON(),
		Run: wasm.LinkOptions{
			Memory: int64(limits.Memory), Time: limits.Time,
			Input: hostabi.Input{None: l.Input.None, Pointers: l.Input.Pointers}, Output: hostabi.OutputMode(l.Output),
		},
	}
}

// from gives the source of a configuration's modules; the one before ends with its last job.
func (m *moduleLinks) from(cfg *config.Config) *moduleSource {
	if m.source != nil && m.source.cfg == cfg {
		return m.source
	}
	old := m.source
	o := moduleOptions(cfg, m.getenv)
	o.Log = m.log
	m.source = &moduleSource{cfg: cfg}
	m.source.store, m.source.err = modules.New(o)
	if old != nil && old.store != nil {
		m.working.Go(func() { m.end(old) })
	}
	return m.source
}

// end closes a source when nothing is fetched from it any more.
func (m *moduleLinks) end(s *moduleSource) {
	s.jobs.Wait()
	if err := s.store.Close(); err != nil {
		m.log.Warn("close the store of modules", "error", err)
	}
}

// prepare begins every link that a configuration names and that is not there yet, forgets the others, and waits for them
// at most as long as patience.
func (m *moduleLinks) prepare(ctx context.Context, cfg *config.Config, patience time.Duration) {
	named := m.begin(cfg)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, j := range named {
		select {
		case <-j.done:
		case <-ctx.Done():
			return
		case <-m.ctx.Done():
			return
		}
	}
}

func (m *moduleLinks) begin(cfg *config.Config) []*moduleJob {
	m.mu.Lock()
	defer m.mu.Unlock()
	source := m.from(cfg)
	named := map[*moduleJob]bool{}
	var list []*moduleJob
	for _, l := range moduleUses(cfg) {
		j := m.want(source, wishOf(cfg, l))
		if !named[j] {
			named[j], list = true, append(list, j)
		}
	}
	for key, j := range m.jobs {
		if !named[j] {
			m.forget(key, j)
		}
	}
	return list
}

// moduleUses are the links that are modules, as each chain that may run uses them.
func moduleUses(cfg *config.Config) []config.Link {
	var out []config.Link
	for _, c := range cfg.Chains {
		if !c.Enabled || len(c.Held) > 0 {
			continue
		}
		for _, ref := range c.Links {
			if l, ok := cfg.Link(ref); ok && l.IsModule() {
				out = append(out, l)
			}
		}
	}
	return out
}

// want begins to make a link if nobody does. It is called under mu.
func (m *moduleLinks) want(source *moduleSource, w moduleWish) *moduleJob {
	key := w.key()
	if j := m.jobs[key]; j != nil && !j.again() {
		return j
	}
	j := &moduleJob{done: make(chan struct{}), kept: true}
	m.jobs[key] = j
	ctx, cancel := context.WithCancel(m.ctx)
	j.cancel = cancel
	source.jobs.Add(1)
	m.working.Go(func() {
		defer source.jobs.Done()
		defer cancel()
		m.make(ctx, j, source, w)
	})
	return j
}

// again says that a job failed over something that may have mended itself. Bytes are pinned, so what was refused stays so.
func (j *moduleJob) again() bool {
	_, refused := errors.AsType[*wasm.RefusedError](j.err)
	return j.over() && j.err != nil && !refused && time.Since(j.at) >= moduleRetry
}

// over reports that the job has ended.
func (j *moduleJob) over() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// make does the work of a job.
func (m *moduleLinks) make(ctx context.Context, j *moduleJob, source *moduleSource, w moduleWish) {
	began := time.Now()
	link, info, err := m.link(ctx, source, w)
	m.mu.Lock()
	j.link, j.err, j.at = link, err, time.Now()
	close(j.done)
	if link != nil && !j.kept { // the configuration has forgotten it meanwhile
		m.drop(j)
	}
	m.mu.Unlock()
	m.tell(w, info, err, time.Since(began))
	select {
	case m.ready <- struct{}{}:
	default: // somebody will look anyway
	}
}

func (m *moduleLinks) tell(w moduleWish, info wasm.Info, err error, took time.Duration) {
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			m.log.Warn("module not loaded", "link", w.Name, "error", err)
		}
		return
	}
	m.log.Info("module loaded", "link", w.Name, "module", shownRef(w.Ref), "digest", info.Digest, "kind", string(info.Kind),
		"name", info.Manifest.Name, "version", info.Manifest.Version, "bytes", info.Size, "seconds", took.Seconds())
	for _, warning := range info.Warnings {
		m.log.Warn("module", "link", w.Name, "digest", info.Digest, "warning", warning)
	}
}

// link fetches, compiles and starts a module.
func (m *moduleLinks) link(ctx context.Context, source *moduleSource, w moduleWish) (*wasm.Link, wasm.Info, error) {
	if source.err != nil {
		return nil, wasm.Info{}, source.err
	}
	text, err := w.fetch(ctx, source.store)
	if err != nil {
		return nil, wasm.Info{}, err
	}
	compiled, err := m.engine.Compile(ctx, text, w.Interpreter)
	if err != nil {
		return nil, wasm.Info{}, w.named(wasm.Digest(text), err)
	}
	link, err := wasm.NewLink(compiled, w.Run)
	if err != nil {
		return nil, wasm.Info{}, errors.Join(w.named(compiled.Info.Digest, err), compiled.Close(ctx))
	}
	call := hostabi.New(ctx, hostabi.Options{Link: w.Name, Digest: compiled.Info.Digest, Config: w.Options})
	defer call.Close()
	if err := link.Start(ctx, call); err != nil {
		return nil, wasm.Info{}, errors.Join(w.named(compiled.Info.Digest, err), link.Close(context.WithoutCancel(ctx)))
	}
	return link, compiled.Info, nil
}

// named says which bytes err is about.
func (w moduleWish) named(digest string, err error) error {
	return fmt.Errorf("module %s (sha256 %s): %w", shownRef(w.Ref), digest, err)
}

// fetch gives the module's bytes.
func (w moduleWish) fetch(ctx context.Context, store *modules.Store) ([]byte, error) {
	ref, err := modules.ParseRef(w.Ref)
	if err != nil {
		return nil, err
	}
	var digest modules.Digest
	if w.Pin != "" {
		if digest, err = modules.ParseDigest(w.Pin); err != nil {
			return nil, fmt.Errorf("sha256: %w", err)
		}
	}
	module, err := store.Get(ctx, ref, digest)
	if err != nil {
		return nil, err
	}
	return module.Wasm, nil
}

// shownRef is a ref as it may stand in a log: an address can hold a token.
func shownRef(text string) string {
	ref, err := modules.ParseRef(text)
	if err != nil {
		return "?"
	}
	return ref.String()
}

// take gives a link to a plan that runs it, which gives it back with release. Errors: errPreparing, and why the module
// cannot be run.
func (m *moduleLinks) take(cfg *config.Config, l config.Link) (link *wasm.Link, release func() error, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[wishOf(cfg, l).key()]
	switch {
	case j == nil || !j.over():
		return nil, nil, errPreparing
	case j.err != nil:
		return nil, nil, j.err
	}
	j.uses++
	return j.link, func() error { return m.release(j) }, nil
}

func (m *moduleLinks) release(j *moduleJob) error {
	m.mu.Lock()
	j.uses--
	idle := j.uses == 0 && !j.kept
	m.mu.Unlock()
	if !idle {
		return nil
	}
	return closeLink(j.link)
}

// forget takes a job out of what the configuration names: it ends, and what it made is closed when no plan runs it. It is
// called under mu.
func (m *moduleLinks) forget(key string, j *moduleJob) {
	delete(m.jobs, key)
	j.kept = false
	j.cancel()
	if j.over() && j.link != nil && j.uses == 0 {
		m.drop(j)
	}
}

// drop closes a link that nobody runs and nothing names, beside whoever holds mu.
func (m *moduleLinks) drop(j *moduleJob) {
	link := j.link
	m.working.Go(func() {
		if err := closeLink(link); err != nil {
			m.log.Warn("close a module", "error", err)
		}
	})
}

// closeLink waits a little for runs that go on.
func closeLink(l *wasm.Link) error {
	ctx, cancel := context.WithTimeout(context.Background(), moduleGrace)
	defer cancel()
	return l.Close(ctx)
}

// close ends what is still being made, then the engine. What does not end in time keeps the engine: code must not be
// taken from under a run, and the process is about to end.
func (m *moduleLinks) close() error {
	m.stop()
	m.mu.Lock()
	for key, j := range m.jobs {
		m.forget(key, j)
	}
	if m.source != nil && m.source.store != nil {
		source := m.source
		m.source = nil
		m.working.Go(func() { m.end(source) })
	}
	m.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		m.working.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return m.engine.Close(context.Background())
	case <-time.After(moduleGrace):
		return errors.New("a module is still being compiled or run")
	}
}
