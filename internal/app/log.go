package app

import (
	"io"
	"log/slog"

	"github.com/vconduit/vconduit/config"
)

// newLogger makes the process's log: text on a terminal, else one JSON object a line. Its level follows a reload.
func newLogger(c config.Log, o Options) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	level.Set(logLevel(c.Level))
	w := o.Stderr
	if w == nil {
		w = io.Discard
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "auto" && o.Terminal {
		return slog.New(slog.NewTextHandler(w, opts)), level
	}
	return slog.New(slog.NewJSONHandler(w, opts)), level
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
