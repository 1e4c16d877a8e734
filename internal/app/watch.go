package app

import (
	"sync"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
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
	Links   []LinkUse
}

// LinkUse is what one run of a link used.
type LinkUse struct {
	Link, Digest string // Digest "" = a builtin
	Outcome      string
	Took         time.Duration
	Memory       int64 // most bytes of the guest's memory
	HostCalls    int64
	Edits        int64    // bytes
	Denied       []string // what it asked for and was not granted
}

// watch collects the steps of each vCon for the Watcher; nil collects nothing.
type watch struct {
	to    Watcher
	mu    sync.Mutex
	steps map[vcon.ID][]string
	links map[vcon.ID][]LinkUse
}

func newWatch(to Watcher) *watch {
	if to == nil {
		return nil
	}
	return &watch{to: to, steps: map[vcon.ID][]string{}, links: map[vcon.ID][]LinkUse{}}
}

func (w *watch) step(id vcon.ID, what string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps[id] = append(w.steps[id], what)
}

func (w *watch) link(r chain.LinkReport) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links[r.ID] = append(w.links[r.ID], LinkUse{Link: r.Link, Digest: r.Digest, Outcome: r.Outcome, Took: r.Took, Memory: r.Memory,
		HostCalls: r.Used.HostCalls, Edits: r.Used.Edits, Denied: r.Denied})
}

func (w *watch) finished(r worker.Report) {
	if w == nil {
		return
	}
	w.mu.Lock()
	steps, links := w.steps[r.ID], w.links[r.ID]
	delete(w.steps, r.ID)
	delete(w.links, r.ID)
	w.mu.Unlock()
	w.to.Finished(Finished{ID: r.ID, Chain: r.Chain, List: r.List, Outcome: string(r.Outcome), Reason: r.Reason,
		Attempt: r.Attempt, Took: r.Took, Steps: steps, Links: links})
}
