// Package log is the tracer tracers.log: one structured line for each link that ran, in the server's log.
//
// It guarantees that no content is in a line: documents and edits are told by hashes, sizes and counts, HTTP requests by
// origin alone, errors by their class. Left to others: keeping lines (the log), proving that none is missing
// (tracers.audit).
package log

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/vconduit/vconduit/runtime/chain"
)

// Config are the options.
type Config struct {
	Level slog.Level // of the lines; default info
}

func read(options json.RawMessage) (Config, *chain.Options) {
	o := chain.ReadOptions(options)
	var c Config
	if err := c.Level.UnmarshalText([]byte(o.Text("level", "info"))); err != nil {
		o.Fail("level", "must be debug, info, warn or error")
	}
	o.Bool("dlq_vcon_on_error", false) // the chain's to obey
	return c, o
}

// Check says everything that is wrong with options, and which of them do nothing.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, o := read(options)
	return o.Unknown(), o.Err()
}

// Tracer writes lines. Safe for concurrent use.
type Tracer struct {
	log    *slog.Logger
	level  slog.Level
	closed atomic.Bool
}

// Open makes the tracer of a logger. Errors: options that cannot be used, all at once.
func Open(log *slog.Logger) chain.OpenTracer {
	return func(_ context.Context, name string, options json.RawMessage) (chain.Tracer, error) {
		c, o := read(options)
		if err := o.Err(); err != nil {
			return nil, fmt.Errorf("tracer %q: %w", name, err)
		}
		return &Tracer{log: log.With("tracer", name), level: c.Level}, nil
	}
}

// Trace implements chain.Tracer. Errors: chain.ErrClosed.
func (t *Tracer) Trace(ctx context.Context, e chain.Event) error {
	if t.closed.Load() {
		return chain.ErrClosed
	}
	if t.log.Enabled(ctx, t.level) {
		t.log.LogAttrs(ctx, t.level, "trace", attrs(e)...)
	}
	return nil
}

// attrs are what a line says; what an event has not is left out.
func attrs(e chain.Event) []slog.Attr {
	all := []slog.Attr{
		slog.String("vcon", e.ID.String()), slog.String("chain", e.Chain), slog.String("list", e.List),
		slog.String("run", hex.EncodeToString(e.Run[:])), slog.Int("attempt", e.Attempt),
		slog.Int("index", e.Index), slog.String("outcome", string(e.Outcome)), slog.String("document", hex.EncodeToString(e.OutSum[:])),
	}
	text := func(key, value string) {
		if value != "" {
			all = append(all, slog.String(key, value))
		}
	}
	count := func(key string, n int) {
		if n > 0 {
			all = append(all, slog.Int(key, n))
		}
	}
	text("link", e.Link)
	text("module", e.Module)
	text("digest", e.Digest)
	text("reason", e.Reason)
	text("class", string(e.Class))
	count("edits", len(e.Edits))
	count("creates", len(e.Effects.Creates))
	count("denied", len(e.Denied))
	if len(e.Effects.Routes) > 0 {
		all = append(all, slog.Any("routes", e.Effects.Routes))
	}
	if len(e.Requests) > 0 {
		all = append(all, slog.Any("http", origins(e)))
	}
	if e.Index >= 0 {
		all = append(all, slog.Float64("seconds", e.Took.Seconds()))
	}
	return all
}

// origins are where requests went, each once: paths may carry secrets and content.
func origins(e chain.Event) []string {
	var all []string
	for _, r := range e.Requests {
		u, err := url.Parse(r.URL)
		if err != nil || u.Host == "" {
			continue
		}
		if at := u.Scheme + "://" + u.Host; !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// Close implements chain.Tracer.
func (t *Tracer) Close() error {
	t.closed.Store(true)
	return nil
}

var _ chain.Tracer = (*Tracer)(nil)
