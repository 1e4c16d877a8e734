package chain_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

// witness keeps events, and what happened in which order.
type witness struct {
	events    []chain.Event
	order     []string
	failFlush error
}

func (w *witness) Trace(_ context.Context, e chain.Event) error {
	w.events = append(w.events, e)
	w.order = append(w.order, fmt.Sprintf("trace %d", e.Index))
	return nil
}

func (w *witness) Flush(context.Context) error {
	w.order = append(w.order, "flush")
	return w.failFlush
}

func (w *witness) Close() error { return nil }

func watched(w *witness, fatal bool, steps ...chain.Step) chain.Chain {
	return chain.Chain{Name: "c", Tracers: []chain.NamedTracer{{Name: "w", Tracer: w, Fatal: fatal}}, Steps: steps}
}

// Failed links are traced as what became of them, with nothing that was dropped.
func TestFailuresAreTraced(t *testing.T) {
	t.Parallel()
	errAgain := &retryableError{}
	skip := tagging("x", hostabi.Failed, errDown)
	skip.OnError = chain.SkipLink
	panics := step("p", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) { panic("oops") })
	asks := tagging("x", hostabi.Retry, nil)
	for name, c := range map[string]struct {
		step  chain.Step
		tries int
		want  string
	}{
		"failed":          {tagging("x", hostabi.Failed, errDown), 0, "failed link_failed final"},
		"skipped":         {skip, 0, "skipped link_failed final"},
		"retried":         {tagging("x", hostabi.Failed, errAgain), 0, "retry tries_used retryable"},
		"asked":           {asks, 0, "retry tries_used asked"},
		"no tries left":   {tagging("x", hostabi.Failed, errAgain), 99, "failed tries_used retryable"},
		"panic":           {panics, 0, "failed link_failed panic"},
		"class of itself": {tagging("x", hostabi.Failed, trapError{}), 0, "failed link_failed trap"},
		"deadline":        {tagging("x", hostabi.Failed, context.DeadlineExceeded), 0, "retry tries_used timeout"},
	} {
		w := &witness{}
		run(t, watched(w, true, c.step), chain.Job{Tries: c.tries, Attempt: 4, List: "in", Run: [16]byte{7}}, chain.Env{})
		if len(w.events) != 2 {
			t.Fatalf("%s: %d events", name, len(w.events))
		}
		e := w.events[1]
		if got := fmt.Sprint(e.Outcome, " ", e.Reason, " ", e.Class); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(e.Edits) > 0 || len(e.Effects.Routes) > 0 || e.In != e.Out || e.InSum != e.OutSum || e.Attempt != 4 || e.List != "in" || e.Run[0] != 7 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

type retryableError struct{}

func (*retryableError) Error() string   { return "again" }
func (*retryableError) Retryable() bool { return true }

type trapError struct{}

func (trapError) Error() string      { return "trap" }
func (trapError) ErrorClass() string { return "trap" }

// A fatal tracer that fails after a link that failed is told of, and the link's own failure stays the reason.
func TestFailureOfBoth(t *testing.T) {
	t.Parallel()
	var told []string
	env := chain.Env{TracerFailed: func(_, tracer string, err error) { told = append(told, tracer+" "+err.Error()) }}
	w := &witness{}
	c := watched(w, true, tagging("x", hostabi.Failed, errors.New("of the link")))
	c.Tracers = slices.Insert(c.Tracers, 0, chain.NamedTracer{Name: "hard", Tracer: failsAfterFirst{}, Fatal: true})
	o := run(t, c, chain.Job{}, env)
	var link *chain.LinkError
	if !errors.As(o.err, &link) || link.Reason != chain.ReasonFailed || !slices.Equal(told, []string{"hard " + errDown.Error()}) || len(w.events) != 2 {
		t.Errorf("%v, told %q, %d events", o.err, told, len(w.events))
	}
}

// A run that is called off is traced too: its requests may have left.
func TestInterruptedIsTraced(t *testing.T) {
	t.Parallel()
	w := &witness{}
	c := watched(w, true, step("x", func(ctx context.Context, _ *hostabi.Call) (hostabi.Verdict, error) {
		return hostabi.Failed, ctx.Err()
	}))
	ctx, cancel := context.WithCancelCause(t.Context())
	c.Steps = append([]chain.Step{step("first", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) {
		cancel(errDown)
		return hostabi.Failed, errDown
	})}, c.Steps...)
	_, err := chain.Run(ctx, &c, chain.Env{}, chain.Job{Doc: chaintest.Document(t, "")})
	if !errors.Is(err, errDown) || len(w.events) != 2 || w.events[1].Outcome != chain.OutcomeInterrupted {
		t.Errorf("%v, %+v", err, w.events)
	}
}

// What a link did reaches the tracer: edits, effects, requests, grants, and the hashes of both documents.
func TestEventsAreComplete(t *testing.T) {
	t.Parallel()
	w := &witness{}
	paid := calling("paid")
	paid.Digest = "sha256:1"
	none := tagging("none", hostabi.NoChange, nil)
	o := run(t, watched(w, true, tagging("x", 0, nil), paid, none), chain.Job{}, chain.Env{Call: hostabi.Options{HTTP: &doer{}}})
	if o.err != nil || len(w.events) != 4 {
		t.Fatalf("%v, %d events", o.err, len(w.events))
	}
	for i, e := range w.events {
		if e.InSum != sha256.Sum256(e.In.Bytes()) || e.OutSum != sha256.Sum256(e.Out.Bytes()) || e.ID != e.In.ID() || i > 0 && e.In != w.events[i-1].Out {
			t.Errorf("event %d: documents do not follow", i)
		}
	}
	tag, paidEvent := w.events[1], w.events[2]
	if len(tag.Edits) != 1 || tag.Edits[0].Op() != "tag" || !slices.Equal(tag.Effects.Routes, []string{"a"}) || !tag.Grants.Tags || tag.Step != "x#1" || tag.Module != "links.x" {
		t.Errorf("%+v", tag)
	}
	if len(paidEvent.Requests) != 1 || paidEvent.Requests[0].URL != "https://api.example/v1" || paidEvent.Requests[0].Status != 200 || paidEvent.Digest != "sha256:1" {
		t.Errorf("%+v", paidEvent)
	}
	if e := w.events[3]; len(e.Edits)+len(e.Effects.Routes) > 0 || e.Outcome != chain.OutcomeNoChange {
		t.Errorf("%+v", e)
	}
}

// Nothing is handed over before the tracers have it for sure: not at a checkpoint, not at the end.
func TestFlushComesFirst(t *testing.T) {
	t.Parallel()
	w := &witness{}
	c := watched(w, true, tagging("x", 0, nil), calling("paid"), tagging("y", 0, nil))
	doc := chaintest.Document(t, "")
	env := chain.Env{Call: hostabi.Options{HTTP: &doer{}}}
	job := chain.Job{Doc: doc, Checkpoint: func(context.Context, chain.Progress) error {
		w.order = append(w.order, "checkpoint")
		return nil
	}}
	if _, err := chain.Run(t.Context(), &c, env, job); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.order, ", "); got != "trace -1, trace 0, trace 1, flush, checkpoint, trace 2, flush" {
		t.Error(got)
	}
	w.order, w.failFlush = nil, &retryableError{}
	p, err := chain.Run(t.Context(), &c, env, job)
	var link *chain.LinkError
	if !errors.As(err, &link) || link.Reason != chain.ReasonTracer || link.Again == nil || !p.Empty() || slices.Contains(w.order, "checkpoint") {
		t.Errorf("a flush that fails: %v, %+v, %v", err, p, w.order)
	}
	var told error
	env.TracerFailed = func(_, _ string, err error) { told = err }
	soft := watched(w, false, c.Steps...)
	if p, err := chain.Run(t.Context(), &soft, env, job); err != nil || len(p.Edits) == 0 || told == nil {
		t.Errorf("one that may: %v, %+v, told %v", err, p, told)
	}
}
