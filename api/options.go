package api

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Options are the parts a Server is made of. Only Store is required.
type Options struct {
	Store    Store
	Settings Settings   // the first ones; later ones by Server.Apply
	Archive  Archive    // storages that can read; nil = the live store alone answers
	Config   ConfigFile // GET and POST /config; nil = both answer 500
	Audit    Audit      // GET /audit/{uuid}; nil = there is no log: 404
	// Backup answers GET /backup: it takes a snapshot of the store and gives a reader of it in the format of a backup, which
	// is closed at the end or when the client has gone. Errors: ErrBackupRuns, those of the store. nil = 500.
	Backup func(ctx context.Context) (io.ReadCloser, error)
	// Ready answers GET /ready: a status (200 or 503) and a body that encoding/json can write. nil = the store's Health,
	// 200 when it is OK.
	Ready func(ctx context.Context) (status int, body any)
	// Drain ends the work of this process before POST /drain puts everything back on its list; nil = nothing works here.
	Drain   func(ctx context.Context)
	Build   Build
	Metrics *prometheus.Registry // gets the counters of this package and is shown by GET /metrics; nil = an own one
	Log     *slog.Logger         // nil = nothing is logged
	// Span begins the span of a POST, below the caller's Traceparent ("" = none). It gives the W3C trace context that is kept
	// with what the request queues, and what is called with the status at the end. nil = the caller's context is kept.
	Span func(method, route, traceparent string) (queued string, end func(status int))
}

// Store is what the routes need of the live store; every queue.Queue has it.
type Store interface {
	queue.Submitter
	queue.Documents
	queue.Lists
	queue.DeadLetters
	queue.Accounts
	Ready(ctx context.Context) queue.Health
}

// Build says what runs. Empty fields read "dev", "unknown", "unknown" as in the Python server.
type Build struct{ Version, Commit, Time string }

// Archive reads documents that left the live store from the storages that can read.
type Archive interface {
	// Get asks the storages in the order of the configuration and returns the first hit. Errors: queue.ErrNotFound
	// when every storage was asked and none has it; any other error means that nobody knows.
	Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error)
}

// ConfigFile reads and replaces the configuration file for GET and POST /config.
type ConfigFile interface {
	// View is the file as JSON, in the file's order of keys, with its ETag (quotes included). Secrets read "***" unless
	// secrets is set.
	View(ctx context.Context, secrets bool) (json []byte, etag string, err error)
	// Apply checks the JSON object and replaces the file with it; "***" keeps what the file has at that path. ifMatch
	// is the If-Match header, "" = none. Problems mean that nothing was written, as does an error.
	// Errors: ErrConfigChanged when ifMatch names another state of the file.
	Apply(ctx context.Context, json []byte, ifMatch string) ([]ConfigProblem, error)
}

// ConfigProblem is one reason why a configuration was refused.
type ConfigProblem struct {
	Path    []any  // keys (string) and positions (int) from the top
	Message string // no option value
}

// ErrConfigChanged says that the file is not the one that the caller read: 412.
var ErrConfigChanged = errors.New("api: configuration changed meanwhile")
