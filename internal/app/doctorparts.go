package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/runtime/wasm"
)

// checkStorages opens every storage, all at once, as a server does: those with a server behind them ask it.
func (d *doctor) checkStorages(ctx context.Context) {
	const check = "storages"
	if d.cfg == nil {
		return
	}
	errs, took := make([]error, len(d.cfg.Storages)), make([]time.Duration, len(d.cfg.Storages))
	var wg sync.WaitGroup
	for i, s := range d.cfg.Storages {
		wg.Go(func() {
			began := time.Now()
			errs[i] = d.bounded(ctx, func(ctx context.Context) error { return d.tryStorage(ctx, s) })
			took[i] = time.Since(began)
		})
	}
	wg.Wait()
	for i, s := range d.cfg.Storages {
		if err := errs[i]; err != nil {
			d.fail(check, "mend it or its options; vCons wait, and what it owes is kept as dead letters of storage:"+s.Name, "%s: %v", s.Name, err)
			continue
		}
		d.ok(check, "%s (%s) opens, in %s", s.Name, s.Module, took[i].Round(time.Millisecond))
	}
}

// tryStorage opens a storage and closes it. One that does not heed ctx is left behind.
func (d *doctor) tryStorage(ctx context.Context, s config.Storage) error {
	entry, found := builtin.FindStorage(s.Module)
	if !found {
		return fmt.Errorf("%s: %w", s.Module, builtin.ErrUnknown)
	}
	done := make(chan error, 1)
	go func() {
		store, err := entry.Open(ctx, s.Name, storageOptions(entry, d.cfg, s.Options.JSON()))
		if err == nil {
			err = store.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("it does not answer within %s", d.Within)
	}
}

// checkModules compiles every module that a chain names, if its bytes are here. Nothing is fetched.
func (d *doctor) checkModules(ctx context.Context) {
	const check = "modules"
	if d.cfg == nil {
		return
	}
	engine, err := wasm.NewEngine(wasm.EngineOptions{}) // without a cache: the server's is its own
	if err != nil {
		d.fail(check, "", "%v", err)
		return
	}
	m := &moduleLinks{log: slog.New(slog.DiscardHandler), getenv: d.Getenv, engine: engine, ready: make(chan struct{}, 1), jobs: map[string]*moduleJob{}}
	m.ctx, m.stop = context.WithCancel(ctx)
	source := m.from(d.cfg)
	seen := map[string]bool{}
	for _, l := range moduleUses(d.cfg) {
		w := wishOf(d.cfg, l)
		if key := w.key(); !seen[key] && ctx.Err() == nil {
			seen[key] = true
			d.checkModule(ctx, m, source, w)
		}
	}
	if err := m.close(); err != nil {
		d.warn(check, "", "%v", err)
	}
}

func (d *doctor) checkModule(ctx context.Context, m *moduleLinks, source *moduleSource, w moduleWish) {
	const check = "modules"
	if away(source, w) {
		d.warn(check, "start the server while its source can be reached: it is kept then", "link %s: %s is not in the cache: the next start has to fetch it", w.Name, shownRef(w.Ref))
		return
	}
	began := time.Now()
	err := d.bounded(ctx, func(ctx context.Context) error {
		link, _, err := m.link(ctx, source, w)
		if link != nil {
			err = errors.Join(err, closeLink(link))
		}
		return err
	})
	switch {
	case late(err):
		d.warn(check, "give it more time with --within", "link %s: %s does not compile and start within %s", w.Name, shownRef(w.Ref), d.Within)
	case err != nil:
		d.fail(check, "", "link %s: %v", w.Name, err)
	case w.Pin == "":
		d.warn(check, "pin it: sha256: under the link", "link %s: %s is not pinned", w.Name, shownRef(w.Ref))
	default:
		d.ok(check, "link %s: %s is pinned, compiles and starts, in %s", w.Name, shownRef(w.Ref), time.Since(began).Round(time.Millisecond))
	}
}

// away reports that a module would have to be fetched.
func away(source *moduleSource, w moduleWish) bool {
	ref, err := modules.ParseRef(w.Ref)
	if err != nil || ref.Kind() == modules.File || source.store == nil {
		return false
	}
	digest, err := modules.ParseDigest(w.Pin)
	return err == nil && !source.store.Cached(digest)
}
