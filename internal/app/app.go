// Package app is the composition root: it makes store, chains, worker and API from one configuration, and it is the
// only package that knows all the others. End-to-end tests start it too.
//
// New either gives a server that is ready to Run, listening already, or an error: *RefusedError for everything that the
// operator must change first. Run serves until its context ends, then drains: leasing stops, running chains get
// server.drain to finish, what does not is checkpointed and put back, the API answers what it has accepted.
//
// A new configuration is built whole beside the running one and then swapped; leased vCons end on the old one. A chain
// that cannot be built is held: its lists accept and keep, all else runs, and building it is tried again.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/internal/metric"
	"github.com/vconduit/vconduit/internal/telemetry"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/runtime/worker"
)

// RefusedError says why the server does not start on this configuration: exit code 2. Its text is for people, one
// problem a line.
type RefusedError struct{ Problems []string }

func (e *RefusedError) Error() string { return strings.Join(e.Problems, "\n") }

// App is one server.
type App struct {
	o       Options
	log     *slog.Logger
	backups *backups
	logging *logging
	metrics *prometheus.Registry
	sent    *telemetry.Telemetry
	store   *embedded.Store
	build   *builder
	modules *moduleLinks
	current atomic.Pointer[built]
	swap    sync.Mutex // one rebuild at a time
	closing sync.Once
	drained atomic.Bool // by POST /drain: nothing is worked until the next start
	pool    *worker.Pool
	api     *api.Server
	watcher *config.Watcher
	ln      net.Listener
	admin   net.Listener
}

// New loads the configuration, opens the store and listens. The caller must Run it or Close it.
func New(ctx context.Context, o Options) (_ *App, err error) {
	path := config.Path(o.Config, lookup(o.Getenv), ".")
	cfg, report := loadConfig(path, o)
	if cfg == nil {
		return nil, refused(report)
	}
	if err := checkStart(cfg, o); err != nil {
		return nil, err
	}
	a := &App{o: o, metrics: prometheus.NewRegistry()}
	a.log, a.logging = newLogger(cfg.Telemetry.Log, o)
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.sent = telemetry.New(telemetry.Options{Gatherer: a.metrics, Log: a.log, Version: Version(o.Getenv).Version, Began: time.Now()})
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.store, err = openStore(cfg, a.log); err != nil {
		return nil, err
	}
	if err = a.start(ctx, cfg); err != nil {
		return nil, err
	}
	a.tellStart(cfg, report)
	if err := a.listen(cfg); err != nil {
		return nil, err
	}
	return a, nil
}

// start makes everything that works on the store. Errors: the engine's cache cannot be used.
func (a *App) start(ctx context.Context, cfg *config.Config) (err error) {
	if a.modules, err = newModuleLinks(cfg.DataDir, a.o.Getenv, a.log); err != nil {
		return err
	}
	a.build = &builder{log: a.log, getenv: a.o.Getenv, store: a.store, observer: newObserver(a.metrics, a.log, a.o.Watch), modules: a.modules}
	a.current.Store(a.build.build(ctx, cfg, patienceStart))
	a.watcher = a.watch(cfg)
	a.pool = worker.New(a.store, worker.Options{
		Plan:     func() *worker.Plan { return a.current.Load().plan },
		Retired:  a.build.retire,
		Workers:  cfg.Server.Workers,
		TTL:      cfg.Queue.Lease,
		Owner:    owner(),
		Observer: a.build.observer,
		Spans:    a.sent,
		Log:      a.log,
	})
	a.metrics.MustRegister(newDepths(a.store, func() []string { return a.current.Load().lists() }))
	metric.Chains.Func(a.metrics, func() float64 { return float64(len(a.current.Load().chains)) }, "running")
	metric.Chains.Func(a.metrics, func() float64 { return float64(len(a.current.Load().held)) }, "held")
	v := Version(a.o.Getenv)
	a.backups = &backups{store: a.store, dir: cfg.DataDir, version: v.Version, log: a.log}
	a.api = api.New(api.Options{
		Store:    a.store,
		Settings: apiSettings(cfg),
		Archive:  archive{a},
		Config:   &configFile{a: a},
		Audit:    auditLog{a},
		Backup:   a.backups.open,
		Ready:    a.ready,
		Drain:    a.stopWork,
		Build:    api.Build{Version: v.Version, Commit: v.GitCommit, Time: v.BuildTime},
		Metrics:  a.metrics,
		Log:      a.log,
		Span:     a.sent.Request,
	})
	a.sent.Apply(cfg.Telemetry.OTLP)
	return nil
}

// Addr is the address that the API listens on, "host:port".
func (a *App) Addr() string { return a.ln.Addr().String() }

// Run serves until ctx ends, then drains and closes everything. The error is the first thing that went wrong: a
// listener that failed, a store that could not be closed, vCons that did not stop in time.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	work := func(what string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				stop(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	// The pool does not end with ctx but with Drain: what runs may finish first.
	work("work chains", func() error { return a.pool.Run(context.WithoutCancel(ctx)) })
	work("serve the API", func() error { return a.api.Serve(a.ln) })
	work("serve the admin socket", func() error { return a.api.ServeAdmin(a.admin) })
	wg.Go(func() { a.watcher.Run(ctx) })
	wg.Go(func() { a.rebuildHeld(ctx) })
	<-ctx.Done()
	a.log.Info("stopping", "drain", a.current.Load().cfg.Server.Drain.String())
	a.modules.stop() // nobody waits for a module that is still on its way
	err := a.drain()
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	err = errors.Join(err, a.Close())
	a.log.Info("stopped")
	return err
}

// drain stops both sides at once: no new work is leased and no new connection taken, what was accepted is answered.
func (a *App) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.current.Load().cfg.Server.Drain)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- a.api.Shutdown(ctx) }()
	err := a.pool.Drain(ctx)
	cut := <-served
	if errors.Is(cut, context.DeadlineExceeded) {
		// A client that does not finish its request was promised nothing.
		a.log.Warn("connections were cut: their requests did not end within server.drain")
		cut = nil
	}
	return errors.Join(err, cut)
}

// stopWork ends the work of this process for good, for POST /drain: what is running gets server.drain to finish. What
// does not end is fenced off when its lease is taken away.
func (a *App) stopWork(ctx context.Context) {
	a.drained.Store(true)
	a.log.Info("draining: nothing is worked until the next start")
	ctx, cancel := context.WithTimeout(ctx, a.current.Load().cfg.Server.Drain)
	defer cancel()
	if err := a.pool.Drain(ctx); err != nil {
		a.log.Warn("drain", "error", err)
	}
}

// Close gives back what New took, for an App that is not Run. Run calls it itself.
func (a *App) Close() error {
	var errs []error
	for _, l := range []net.Listener{a.ln, a.admin} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	// Neither is taken away: a run that did not end in time, or a request that was cut, may still ask for them.
	a.closing.Do(func() {
		a.sent.Close() // while the store still answers for the last lengths of lists
		if b := a.current.Load(); b != nil {
			errs = append(errs, b.close())
		}
		if a.modules != nil {
			errs = append(errs, a.modules.close())
		}
		if a.backups != nil {
			a.backups.wait()
		}
		if a.store != nil {
			errs = append(errs, a.store.Close())
		}
	})
	return errors.Join(errs...)
}

// owner names this process in leases.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

func lookup(getenv func(string) string) config.Env {
	return func(name string) (string, bool) {
		v := getenv(name)
		return v, v != ""
	}
}
