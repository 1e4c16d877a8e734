package chaintest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

// counter is the least that the suite of tracers accepts.
type counter struct {
	n      atomic.Int64
	closed atomic.Bool
}

func (c *counter) Trace(ctx context.Context, e chain.Event) error {
	if c.closed.Load() {
		return chain.ErrClosed
	}
	if e.In == nil || e.Out == nil || e.Index >= len(e.Links) {
		return fmt.Errorf("odd event %d of %d links", e.Index, len(e.Links))
	}
	c.n.Add(1)
	return ctx.Err()
}

func (c *counter) Close() error { c.closed.Store(true); return nil }

func TestTracer(t *testing.T) {
	t.Parallel()
	chaintest.Tracer(t, chaintest.TracerCase{
		Open: func(_ context.Context, name string, options json.RawMessage) (chain.Tracer, error) {
			o := chain.ReadOptions(options)
			o.Text("level", "")
			if err := o.Err(); err != nil {
				return nil, fmt.Errorf("tracer %q: %w", name, err)
			}
			return &counter{}, nil
		},
		Options: func(*testing.T) json.RawMessage { return json.RawMessage(`{"level":"all"}`) },
		Bad:     map[string]string{`{"level":[]}`: "level"},
	})
}
