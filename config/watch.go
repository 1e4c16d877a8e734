package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher keeps the configuration that holds now. A changed file replaces it only if it has no error
// and is a Successor. Take one Current
// per piece of work: it never changes under you. Safe for concurrent use.
type Watcher struct {
	path    string
	options Options
	hooks   Hooks
	current atomic.Pointer[Config]
	wake    chan struct{}

	mu   sync.Mutex // one reload at a time
	seen string     // what the files looked like at the last reload
}

// Hooks are told what a reload did, one call at a time, after it happened. Each may be nil.
type Hooks struct {
	// Changed: next holds now. restart names settings that differ but take effect only after a restart.
	Changed func(old, next *Config, report Report, restart []string)
	// Rejected: the files changed, but the old configuration stays, because of the report's errors.
	Rejected func(report Report)
}

// Interval is how often Run looks at the files.
const Interval = time.Second

// NewWatcher watches the file that c was loaded from with o; the .env beside it and the token file count too.
func NewWatcher(c *Config, o Options, h Hooks) *Watcher {
	w := &Watcher{path: c.File, options: o, hooks: h, wake: make(chan struct{}, 1)}
	w.current.Store(c)
	w.seen = w.look()
	return w
}

// Current is the configuration that holds now.
func (w *Watcher) Current() *Config { return w.current.Load() }

// Trigger makes Run reload soon even if no file looks changed (SIGHUP). It does not block.
func (w *Watcher) Trigger() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run looks each Interval whether a file changed, and reloads, until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.poll()
		case <-w.wake:
			w.Reload()
		}
	}
}

func (w *Watcher) poll() {
	w.mu.Lock()
	changed := w.look() != w.seen
	w.mu.Unlock()
	if changed {
		w.Reload()
	}
}

// Reload reads the file now; POST /config calls it after Write. The report tells whether it was taken: no error in it.
func (w *Watcher) Reload() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = w.look() // before reading: what changes from here on is seen by the next look
	next, report := Load(w.path, w.options)
	if next != nil {
		if why := w.Current().Successor(next); why.Worst() == Error {
			next, report = nil, why
		}
	}
	if next == nil {
		if w.hooks.Rejected != nil {
			w.hooks.Rejected(report)
		}
		return report
	}
	old := w.current.Swap(next)
	if w.hooks.Changed != nil {
		w.hooks.Changed(old, next, report, old.Restart(next))
	}
	return report
}

// look describes the files that a configuration is made of: time of change, size and inode.
func (w *Watcher) look() string {
	files := []string{filepath.Join(filepath.Dir(w.path), ".env"), w.current.Load().tokenFile}
	if w.path != "" {
		files = append(files, w.path)
	}
	out := ""
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			out += fmt.Sprintf("%s %d %d %v;", f, info.ModTime().UnixNano(), info.Size(), inode(info))
		} else {
			out += f + " -;"
		}
	}
	return out
}
