package chaintest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
)

// TracerCase is a tracer under the suite.
type TracerCase struct {
	Open    chain.OpenTracer
	Options func(t *testing.T) json.RawMessage // that work
	Bad     map[string]string                  // options that Open refuses, each with what the error must name
	// Wrote gives everything that a tracer with these options has written, after Flush: the vCon, links and outcomes of
	// a run are in it, and no content. nil: it keeps nothing that could be looked at.
	Wrote func(t *testing.T, options json.RawMessage) string
}

// Tracer is the suite of tracers.
func Tracer(t *testing.T, c TracerCase) {
	t.Helper()
	open := func(t *testing.T, options json.RawMessage) chain.Tracer {
		t.Helper()
		tr, err := c.Open(t.Context(), "under_test", options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Close() })
		return tr
	}
	t.Run("a run", func(t *testing.T) {
		t.Parallel()
		options, es := c.Options(t), events(t)
		tr := open(t, options)
		traceAll(t, tr, es)
		if c.Wrote != nil {
			checkWritten(t, c.Wrote(t, options), es)
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		t.Parallel()
		tr := open(t, c.Options(t))
		var wg sync.WaitGroup
		for range 16 {
			es := events(t)
			wg.Go(func() { traceAll(t, tr, es) })
		}
		wg.Wait()
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		tr := open(t, c.Options(t))
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

// traceAll is one run as a chain makes it.
func traceAll(t *testing.T, tr chain.Tracer, es []chain.Event) {
	t.Helper()
	for _, e := range es {
		if err := tr.Trace(t.Context(), e); err != nil {
			t.Errorf("index %d: %v", e.Index, err)
		}
	}
	if f, ok := tr.(chain.Flusher); ok {
		if err := f.Flush(t.Context()); err != nil {
			t.Errorf("flush: %v", err)
		}
	}
}

func checkWritten(t *testing.T, text string, es []chain.Event) {
	t.Helper()
	if strings.Contains(text, content) {
		t.Errorf("content is written: %s", text)
	}
	for _, e := range es {
		for _, want := range []string{e.ID.String(), e.Link, string(e.Outcome), string(e.Class)} {
			if !strings.Contains(text, want) {
				t.Errorf("%q of the event with index %d is not written: %s", want, e.Index, text)
			}
		}
	}
}

// content stands in the documents, edits and created vCons of events: no tracer writes it down.
const content = "what was said"

// events are those of one run over three links, the last of which halts after one was passed over.
func events(t *testing.T) []chain.Event {
	t.Helper()
	before := Document(t, `,"subject":"`+content+`"`)
	draft := before.Draft()
	value := []byte(`{"type":"summary","body":"` + content + `"}`)
	if err := errors.Join(draft.Append("/analysis", value), draft.AddTag("said", content)); err != nil {
		t.Fatal(err)
	}
	after, err := draft.VCon()
	if err != nil {
		t.Fatal(err)
	}
	lifetime := time.Hour
	start := chain.Event{ID: before.ID(), List: "in", Chain: "c", Run: [16]byte{1}, Attempt: 2, Links: []string{"a", "b", "c"}, Index: -1,
		In: before, Out: before, InSum: sha256.Sum256(before.Bytes()), OutSum: sha256.Sum256(before.Bytes()),
		Outcome: chain.OutcomeStart, Verdict: hostabi.NoChange, Began: time.Now()}
	done := start
	done.Index, done.Step, done.Link, done.Module, done.Digest = 0, "a#1", "a", "file:a.wasm", "sha256:"+strings.Repeat("0", 64)
	done.Grants = hostabi.Grants{Read: hostabi.Paths{All: true}, Tags: true}
	done.Out, done.OutSum, done.Edits = after, sha256.Sum256(after.Bytes()), draft.Edits()
	done.Effects = chain.Effects{Routes: []string{"next"}, Expire: &lifetime, Creates: []chain.Created{{ID: before.ID(), Text: after.Bytes(), Lists: []string{"next"}}}}
	done.Requests = []hostabi.Request{{Method: "POST", URL: "https://api.example/v1", Status: 200, Sent: 5, Received: 7, At: time.Now(), Took: time.Second}}
	done.Outcome, done.Verdict, done.Took = chain.OutcomeDone, hostabi.Done, time.Second
	skipped := start
	skipped.Index, skipped.Step, skipped.Link, skipped.In, skipped.InSum, skipped.Out, skipped.OutSum = 1, "b#1", "b", after, done.OutSum, after, done.OutSum
	skipped.Outcome, skipped.Verdict, skipped.Reason, skipped.Class = chain.OutcomeSkipped, hostabi.Failed, chain.ReasonFailed, chain.ClassFinal
	skipped.Denied = []string{"http_send: GET https://b.example denied"}
	halt := skipped
	halt.Index, halt.Step, halt.Link, halt.Reason, halt.Class, halt.Denied = 2, "c#1", "c", "", "", nil
	halt.Outcome, halt.Verdict = chain.OutcomeHalt, hostabi.Halt
	return []chain.Event{start, done, skipped, halt}
}
