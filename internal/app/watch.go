package app

import (
	"sync"
	"time"

	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// Watcher hears what became of each vCon, for a person who looks on (`vconduit demo`). It returns at once.
type Watcher interface{ Finished(Finished) }

// Finished is the end of one lease of a vCon.
type Finished struct {
	ID      vcon.ID
	Chain   string
	List    string
	Outcome string // done, halted, retry, failed ...: the words of the worker
	Reason  string
	Attempt int
	Took    time.Duration
	Steps   []string // "link tag done", "save files ok", in the order they ended
}

// watch collects the steps of each vCon for the Watcher; nil collects nothing.
type watch struct {
	to    Watcher
	mu    sync.Mutex
	steps map[vcon.ID][]string
}

func newWatch(to Watcher) *watch {
	if to == nil {
		return nil
	}
	return &watch{to: to, steps: map[vcon.ID][]string{}}
}

func (w *watch) step(id vcon.ID, what string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps[id] = append(w.steps[id], what)
}

func (w *watch) finished(r worker.Report) {
	if w == nil {
		return
	}
	w.mu.Lock()
	steps := w.steps[r.ID]
	delete(w.steps, r.ID)
	w.mu.Unlock()
	w.to.Finished(Finished{ID: r.ID, Chain: r.Chain, List: r.List, Outcome: string(r.Outcome), Reason: r.Reason,
		Attempt: r.Attempt, Took: r.Took, Steps: steps})
}
