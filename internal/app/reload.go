package app

import (
	"context"
	"time"

	"github.com/vconduit/vconduit/config"
)

// The first and the longest wait before a chain that is held, though its configuration is right, is built again: a
// storage that cannot be reached, say.
const (
	rebuildFirst = 5 * time.Second
	rebuildMax   = 5 * time.Minute
)

// How long building waits for modules. A start must answer soon, and its modules are compiled already as a rule; on a
// reload, what ran goes on running meanwhile.
const (
	patienceStart  = 200 * time.Millisecond
	patienceReload = 30 * time.Second
)

// watch makes the watcher of the configuration's files.
func (a *App) watch(cfg *config.Config) *config.Watcher {
	return config.NewWatcher(cfg, loadOptions(a.o), config.Hooks{
		Changed: func(_, next *config.Config, report config.Report, restart []string) {
			a.tellReport(report)
			for _, setting := range restart {
				a.log.Warn("config: needs a restart to take effect", "setting", setting)
			}
			a.take(next)
			a.log.Info("configuration changed", "file", next.File, "chains", len(a.current.Load().chains))
		},
		Rejected: func(report config.Report) {
			for _, p := range report.Of(config.Error) {
				a.log.Error("config: refused", "problem", p.String())
			}
			a.log.Error("the configuration is broken: the one before stays in force", "file", cfg.File)
		},
	})
}

// Reload reads the configuration's files soon, also when they do not look changed (SIGHUP). It does not block.
func (a *App) Reload() { a.watcher.Trigger() }

// take builds next beside what runs and swaps. Leased vCons end on the old plan, which is closed when none is left.
func (a *App) take(next *config.Config) {
	a.swap.Lock()
	defer a.swap.Unlock()
	a.install(next, patienceReload)
}

// install is take for who holds swap.
func (a *App) install(next *config.Config, patience time.Duration) {
	made := a.build.build(context.Background(), next, patience)
	a.logging.apply(next.Telemetry.Log)
	a.current.Store(made)
	a.api.Apply(apiSettings(next))
	a.sent.Apply(next.Telemetry.OTLP)
	a.pool.PlanChanged()
	a.tellBuilt(made)
}

// rebuildHeld tries chains again that only something outside keeps from being built, with growing pauses.
func (a *App) rebuildHeld(ctx context.Context) {
	wait := rebuildFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.modules.ready:
			a.heal(true)
			continue
		case <-time.After(wait):
		}
		if wait = min(2*wait, rebuildMax); !a.heal(false) {
			wait = rebuildFirst
		}
	}
}

// heal builds the configuration that holds again; false: nothing in it could heal. Which one holds is asked under the
// lock: building may take long, and a reload that came meanwhile must not be undone. module: one has come, or has failed.
func (a *App) heal(module bool) bool {
	a.swap.Lock()
	defer a.swap.Unlock()
	b := a.current.Load()
	if !b.mayHeal(module) {
		return false
	}
	a.install(b.cfg, 0)
	return true
}

// mayHeal reports that a chain is held for a reason which is not in the configuration, or that a storage is not open:
// vCons may be in it, or be owed to it, though no chain of today names it. A chain that only waits for a module has its
// time when that has come.
func (b *built) mayHeal(module bool) bool {
	if len(b.plan.Unopened) > 0 {
		return true
	}
	for _, c := range b.cfg.Chains {
		if len(c.Held) == 0 && len(b.held[c.Name]) > 0 && (module || !b.waits[c.Name]) {
			return true
		}
	}
	return false
}
