package embedded

import (
	"log/slog"
	"os"
	"runtime"
	"time"
)

// Options are what a Store is opened with. The zero value is right for a server.
type Options struct {
	// Readers is the number of connections that read beside the writer; default GOMAXPROCS, at least 2.
	Readers int
	// Logger takes the few lines that operators need; default slog.Default().
	Logger *slog.Logger
	// SuspectDelay is how long an entry rests after its third crash, before a solo worker may try it; default 30 s.
	SuspectDelay time.Duration
	// DeadExpiry drops dead letters of this age with their documents; 0 = never.
	DeadExpiry time.Duration
	// Ballast is the size of the file that is given up when the disk is full; default 64 MiB, < 0 = none.
	Ballast int64
	// Fatal is called, once, when the store cannot go on truthfully: fsync failed. It must not return to a state in
	// which the process continues; the default logs and exits with status 1.
	Fatal func(error)
	// Step is a fault hook for tests; the package comment names the steps. A non-nil result fails that step. It is
	// called from the writer and from callers' goroutines.
	Step func(step string) error

	wordless bool // no text index, for benchmarks to compare with
}

const (
	defaultBallast      = 64 << 20
	defaultSuspectDelay = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = max(2, runtime.GOMAXPROCS(0))
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.SuspectDelay <= 0 {
		o.SuspectDelay = defaultSuspectDelay
	}
	if o.Ballast == 0 {
		o.Ballast = defaultBallast
	}
	if o.Fatal == nil {
		log := o.Logger
		o.Fatal = func(err error) {
			log.Error("store failed", "error", err)
			os.Exit(1)
		}
	}
	if o.Step == nil {
		o.Step = func(string) error { return nil }
	}
	return o
}
