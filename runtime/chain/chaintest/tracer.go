package chaintest

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
)

// TracerCase is a tracer under the suite.
type TracerCase struct {
	Open    chain.OpenTracer
	Options func(t *testing.T) json.RawMessage // that work
	Bad     map[string]string                  // options that Open refuses, each with what the error must name
}

// Tracer is the suite of tracers.
func Tracer(t *testing.T, c TracerCase) {
	t.Helper()
	open := func(t *testing.T) chain.Tracer {
		t.Helper()
		tr, err := c.Open(t.Context(), "under_test", c.Options(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Close() })
		return tr
	}
	t.Run("a run", func(t *testing.T) {
		t.Parallel()
		tr := open(t)
		for _, e := range events(t) {
			if err := tr.Trace(t.Context(), e); err != nil {
				t.Errorf("index %d: %v", e.Index, err)
			}
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		t.Parallel()
		tr := open(t)
		var wg sync.WaitGroup
		for range 16 {
			es := events(t)
			wg.Go(func() {
				for _, e := range es {
					if err := tr.Trace(t.Context(), e); err != nil {
						t.Errorf("index %d: %v", e.Index, err)
					}
				}
			})
		}
		wg.Wait()
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		tr := open(t)
		for range 2 {
			if err := tr.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if err := tr.Trace(t.Context(), events(t)[0]); err == nil {
			t.Error("trace after Close succeeded")
		}
	})
	t.Run("bad options", func(t *testing.T) {
		t.Parallel()
		for options, name := range c.Bad {
			tr, err := c.Open(t.Context(), "under_test", json.RawMessage(options))
			if err == nil {
				tr.Close()
				t.Errorf("options %s are accepted", options)
			} else if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "under_test") {
				t.Errorf("options %s: the error names neither %q nor the tracer: %v", options, name, err)
			}
		}
	})
}

// events are those of one run over two links, the second of which halts.
func events(t *testing.T) []chain.Event {
	t.Helper()
	before := Document(t, "")
	after := Text(t, before.ID(), `,"subject":"traced"`)
	links := []string{"a", "b"}
	return []chain.Event{
		{Chain: "c", Links: links, Index: -1, In: before, Out: before, Verdict: hostabi.NoChange},
		{Chain: "c", Links: links, Index: 0, In: before, Out: after, Verdict: hostabi.Done, Digest: "sha256:" + strings.Repeat("0", 64)},
		{Chain: "c", Links: links, Index: 1, In: after, Out: after, Verdict: hostabi.Halt},
	}
}
