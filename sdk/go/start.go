package link

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Start is what a guest may ask before the first vCon comes: its options and the log. Everything else is there in a
// run alone. Not safe for concurrent use.
type Start struct {
	Host Host // the host functions; those of a run answer Unsupported
}

// Options decodes and checks the link's options, as Call.Options does. Names that no field has are only logged as a
// warning: the link can run in spite of them. Errors: *OptionsError.
//
//	func init() {
//		link.Export(Run)
//		link.OnStart(func(s *link.Start) error { return s.Options(new(Options)) })
//	}
func (s *Start) Options(into any) error {
	text, err := s.Config("")
	if err != nil {
		return err
	}
	wrong, warnings := split(DecodeOptions(text, into))
	for _, p := range warnings {
		s.Logf(LevelWarn, "%s", p)
	}
	return optionsError(wrong)
}

// Config gives the JSON text at a JSON Pointer into the link's options; "" is all of them.
//
//	text, err := s.Config("/words")
func (s *Start) Config(pointer string) ([]byte, error) { return (&Call{Host: s.Host}).Config(pointer) }

// Logf writes a line to the server's log, at most 1 KiB of it.
//
//	s.Logf(link.LevelInfo, "%d words", len(o.Words))
func (s *Start) Logf(level Level, format string, args ...any) {
	(&Call{Host: s.Host}).Logf(level, format, args...)
}

// ExecStart runs a hook of OnStart on a host, tells the host why it refuses to start, and gives its error. Authors do
// not call it: guests do. Tests of a hook may.
//
//	err := link.ExecStart(host, checkOptions)
func ExecStart(h Host, check func(s *Start) error) error {
	err := check(&Start{Host: h})
	if err != nil {
		h.ErrorSet([]byte(err.Error()))
	}
	return err
}

// rescue makes a panic of a guest the error of its run: the panic's text as the reason, where it happened in the log.
// Without it the reason would be the end of a stack trace. Call it deferred.
func rescue(h Host, result *int32) {
	p := recover()
	if p == nil {
		return
	}
	*result = int32(VerdictFailed)
	h.ErrorSet(fmt.Appendf(nil, "panic: %v", p))
	for line := range strings.Lines(string(debug.Stack())) {
		h.Log(int32(LevelError), []byte(strings.TrimRight(line, "\n")))
	}
}
