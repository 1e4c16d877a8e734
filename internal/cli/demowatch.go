package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/vcon"
)

// demoWatch collects what the server tells of each vCon until somebody asks for it.
type demoWatch struct {
	mu   sync.Mutex
	ends map[vcon.ID]chan app.Finished
}

// demoEnd is the end of one vCon's way.
type demoEnd struct {
	steps  string
	report app.Finished
}

func newDemoWatch() *demoWatch { return &demoWatch{ends: map[vcon.ID]chan app.Finished{}} }

// Finished implements app.Watcher.
func (w *demoWatch) Finished(r app.Finished) {
	select {
	case w.end(r.ID) <- r:
	default: // a second end of the same vCon: the first one is what the demo shows
	}
}

func (w *demoWatch) end(id vcon.ID) chan app.Finished {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ends[id] == nil {
		w.ends[id] = make(chan app.Finished, 1)
	}
	return w.ends[id]
}

func (w *demoWatch) wait(ctx context.Context, id vcon.ID) (demoEnd, error) {
	select {
	case r := <-w.end(id):
		if r.Outcome != "done" {
			return demoEnd{}, fmt.Errorf("its chain ended with %q (%s)", r.Outcome, r.Reason)
		}
		return demoEnd{steps: strings.Join(r.Steps, ", "), report: r}, nil
	case <-ctx.Done():
		return demoEnd{}, fmt.Errorf("its chain did not end within %s", demoPatience)
	}
}
