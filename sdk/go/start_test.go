package link_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	link "github.com/vconduit/vconduit/sdk/go"
)

// startCall begins what a guest has before its first vCon, and collects log lines.
func startCall(t *testing.T, config string) (h *hostabi.Call, lines func() string) {
	t.Helper()
	var log []string
	_, h = newCall(t, func(o *hostabi.Options) {
		o.Doc, o.Config = nil, json.RawMessage(config)
		o.Log = func(_ int, line string) { log = append(log, line) }
	})
	return h, func() string { return strings.Join(log, "\n") }
}

func TestStart(t *testing.T) {
	t.Parallel()
	check := func(s *link.Start) error { return s.Options(new(options)) }
	for config, want := range map[string]struct{ err, log string }{
		`{"model":"m"}`:                     {},
		`{"modle":"m"}`:                     {log: `option "modle": unknown, it does nothing; did you mean "model"?`},
		`{"rate":2,"words":[]}`:             {err: `option "rate": must be at most 1`},
		`{"on":1,"model":2,"unheard_of":3}`: {`option "model": want text, have number; option "on": want true or false, have number`, `option "unheard_of": unknown, it does nothing`},
	} {
		h, lines := startCall(t, config)
		err := link.ExecStart(h, check)
		if got := h.Failure(); got != want.err || (err == nil) != (want.err == "") {
			t.Errorf("%s: %v, the host hears %q, want %q", config, err, got, want.err)
		}
		if got := lines(); got != want.log {
			t.Errorf("%s: log %q, want %q", config, got, want.log)
		}
	}
}

// TestStartHasNoRun: what belongs to a run is not there yet.
func TestStartHasNoRun(t *testing.T) {
	t.Parallel()
	h, _ := startCall(t, `{"words":["a"]}`)
	err := link.ExecStart(h, func(s *link.Start) error {
		text, err := s.Config("/words")
		equal(t, "config", string(text), `["a"]`)
		_, err2 := (&link.Call{Host: s.Host}).Tags()
		return errors.Join(err, err2)
	})
	if !errors.Is(err, link.Unsupported) || !strings.Contains(h.Failure(), "tag_list") {
		t.Errorf("%v, the host hears %q", err, h.Failure())
	}
}
