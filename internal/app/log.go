package app

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/vconduit/vconduit/config"
)

// logging is the process's log: text on a terminal, else one JSON object a line. Level and format follow a reload.
type logging struct {
	level    *slog.LevelVar
	asText   *atomic.Bool
	terminal bool
}

// newLogger makes the log, and what changes it.
func newLogger(c config.Log, o Options) (*slog.Logger, *logging) {
	l := &logging{level: &slog.LevelVar{}, asText: &atomic.Bool{}, terminal: o.Terminal}
	l.apply(c)
	w := io.Discard
	if o.Stderr != nil {
		w = &oneWriter{w: o.Stderr}
	}
	opts := &slog.HandlerOptions{Level: l.level}
	return slog.New(formats{asText: l.asText, text: slog.NewTextHandler(w, opts), json: slog.NewJSONHandler(w, opts)}), l
}

// apply takes another configuration for the lines that come.
func (l *logging) apply(c config.Log) {
	l.level.Set(logLevel(c.Level))
	l.asText.Store(c.Format == "text" || c.Format == "auto" && l.terminal)
}

// formats is a handler for each format, of which one writes.
type formats struct {
	asText     *atomic.Bool
	text, json slog.Handler
}

func (f formats) now() slog.Handler {
	if f.asText.Load() {
		return f.text
	}
	return f.json
}

// Enabled implements slog.Handler.
func (f formats) Enabled(ctx context.Context, l slog.Level) bool { return f.now().Enabled(ctx, l) }

// Handle implements slog.Handler.
func (f formats) Handle(ctx context.Context, r slog.Record) error { return f.now().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (f formats) WithAttrs(a []slog.Attr) slog.Handler {
	return formats{f.asText, f.text.WithAttrs(a), f.json.WithAttrs(a)}
}

// WithGroup implements slog.Handler.
func (f formats) WithGroup(name string) slog.Handler {
	return formats{f.asText, f.text.WithGroup(name), f.json.WithGroup(name)}
}

// oneWriter writes one line after the other: the two handlers do not know of each other.
type oneWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (o *oneWriter) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(line)
}

// logLevel reads debug, info, warn, error; off is above all.
func logLevel(s string) slog.Level {
	var l slog.Level
	if s == "off" {
		return slog.LevelError + 4
	}
	if l.UnmarshalText([]byte(s)) != nil {
		return slog.LevelInfo // config has checked the word
	}
	return l
}
