package builtin

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/builtin/tracer/audit"
	tracelog "github.com/vconduit/vconduit/builtin/tracer/log"
	"github.com/vconduit/vconduit/runtime/chain"
)

// TracerEnv is what the process gives to tracers.
type TracerEnv struct {
	Log     *slog.Logger
	DataDir string // folder of the store
}

// Tracer is one builtin tracer.
type Tracer struct {
	Open func(TracerEnv) chain.OpenTracer
	// Check says everything that is wrong with options, and which of them do nothing; it touches nothing.
	Check func(options json.RawMessage) (unknown []string, err error)
}

// tracers is the table. Old configs write "server.tracers.jlinc" too.
func tracers() map[string]Tracer {
	return map[string]Tracer{
		"tracers.audit": {Open: func(e TracerEnv) chain.OpenTracer { return audit.Open(audit.Folder(e.DataDir)) }, Check: audit.Check},
		"tracers.log":   {Open: func(e TracerEnv) chain.OpenTracer { return tracelog.Open(e.Log) }, Check: tracelog.Check},
	}
}

// TracerNames are the modules that FindTracer knows, sorted.
func TracerNames() []string { return slices.Sorted(maps.Keys(tracers())) }

// FindTracer gives the builtin tracer of a module name.
func FindTracer(module string) (Tracer, bool) {
	t, ok := tracers()[strings.TrimPrefix(module, "server.")]
	return t, ok
}
