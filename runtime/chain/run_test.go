package chain_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// link is a link made of a function.
type link func(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error)

func (l link) Run(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error) { return l(ctx, c) }
func (l link) Close(context.Context) error                                       { return nil }

var everything = hostabi.Grants{Read: hostabi.Paths{All: true}, Write: hostabi.Paths{All: true}, Tags: true, Queues: []string{"a", "b"}, TTL: true, Create: true}

func step(name string, l link) chain.Step {
	return chain.Step{Name: name, Module: "links." + name, Link: l, Grants: everything}
}

// tagging tags the document with its link's name and ends as told.
func tagging(name string, v hostabi.Verdict, err error) chain.Step {
	return step(name, func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.TagAdd([]byte("by"), []byte(name))
		c.Route([]byte("a"))
		return v, err
	})
}

// outcome is a run and what can be seen of it.
type outcome struct {
	chain.Progress
	err     error
	reports []string
	saved   []chain.Progress // checkpoints
}

func run(t *testing.T, c chain.Chain, j chain.Job, env chain.Env) outcome {
	t.Helper()
	var o outcome
	c.Name = "c"
	if j.Doc == nil {
		j.Doc = chaintest.Document(t, "")
	}
	j.LinkDone = func(r chain.LinkReport) { o.reports = append(o.reports, r.Link+" "+r.Outcome) }
	j.Checkpoint = func(_ context.Context, p chain.Progress) error { o.saved = append(o.saved, p); return nil }
	o.Progress, o.err = chain.Run(t.Context(), &c, env, j)
	return o
}

// tags are those of the document with the run's edits.
func (o outcome) tags(t *testing.T, doc *vcon.VCon) string {
	t.Helper()
	for _, p := range append(slices.Clone(o.saved), o.Progress) {
		var err error
		if doc, err = doc.Apply(p.Edits); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(doc.Draft().Tags(), " ")
}

func TestRunInOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps   []chain.Step
		done    []string // before
		reports string
		tags    string
		end     string // steps done
		halted  bool
		err     string
	}{
		"all":                     {[]chain.Step{tagging("x", 0, nil), tagging("y", 0, nil)}, nil, "x done, y done", "by:x by:y", "x#1 y#1", false, ""},
		"twice the same link":     {[]chain.Step{tagging("x", 0, nil), tagging("x", 0, nil)}, nil, "x done, x done", "by:x", "x#1 x#2", false, ""},
		"halt":                    {[]chain.Step{tagging("x", hostabi.Halt, nil), tagging("y", 0, nil)}, nil, "x halt", "by:x", "x#1", true, ""},
		"nothing":                 {[]chain.Step{tagging("x", hostabi.NoChange, nil), tagging("y", 0, nil)}, nil, "x no_change, y done", "by:y", "x#1 y#1", false, ""},
		"fails":                   {[]chain.Step{tagging("x", 0, nil), tagging("y", hostabi.Failed, errDown), tagging("z", 0, nil)}, nil, "x done, y failed", "by:x", "x#1", false, `link "y" (links.y): down`},
		"error though done":       {[]chain.Step{tagging("y", 0, errDown)}, nil, "y failed", "", "", false, "down"},
		"odd verdict":             {[]chain.Step{tagging("y", 17, nil)}, nil, "y failed", "", "", false, "the link returned 17"},
		"retry":                   {[]chain.Step{tagging("x", 0, nil), tagging("y", hostabi.Retry, nil)}, nil, "x done, y retry", "by:x", "x#1", false, "later"},
		"resumed":                 {[]chain.Step{tagging("x", 0, nil), tagging("y", 0, nil)}, []string{"x#1"}, "y done", "by:y", "y#1", false, ""},
		"inserted":                {[]chain.Step{tagging("n", 0, nil), tagging("x", 0, nil), tagging("y", 0, nil)}, []string{"x#1", "gone#1"}, "n done, y done", "by:n by:y", "n#1 y#1", false, ""},
		"second of the same done": {[]chain.Step{tagging("x", 0, nil), tagging("x", 0, nil)}, []string{"x#1"}, "x done", "by:x", "x#2", false, ""},
		"panics":                  {[]chain.Step{tagging("x", 0, nil), step("y", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) { panic("oops") })}, nil, "x done, y failed", "by:x", "x#1", false, "panic: oops"},
		"no links":                {nil, nil, "", "", "", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := chaintest.Document(t, "")
			o := run(t, chain.Chain{Steps: c.steps}, chain.Job{Doc: doc, Done: c.done}, chain.Env{})
			if got := strings.Join(o.reports, ", "); got != c.reports {
				t.Errorf("reports %q, want %q", got, c.reports)
			}
			if got := o.tags(t, doc); got != c.tags {
				t.Errorf("tags %q, want %q", got, c.tags)
			}
			if got := strings.Join(o.Done, " "); got != c.end || o.Halted != c.halted {
				t.Errorf("done %q, halted %v; want %q, %v", got, o.Halted, c.end, c.halted)
			}
			if (o.err == nil) != (c.err == "") || o.err != nil && !strings.Contains(o.err.Error(), c.err) {
				t.Errorf("error %v, want %q", o.err, c.err)
			}
			if kept := o.tags(t, doc) != ""; kept != (len(o.Effects.Routes) == 1) {
				t.Errorf("routes %q with tags %q: kept or dropped together", o.Effects.Routes, c.tags)
			}
		})
	}
}

func TestHaltedBeforeStaysHalted(t *testing.T) {
	t.Parallel()
	o := run(t, chain.Chain{Steps: []chain.Step{tagging("x", 0, nil), tagging("y", 0, nil)}}, chain.Job{Halted: true, Done: []string{"x#1"}}, chain.Env{})
	if o.err != nil || len(o.reports) > 0 {
		t.Errorf("ran %q: %v", o.reports, o.err)
	}
}

func TestFailurePolicy(t *testing.T) {
	t.Parallel()
	never := chain.Retry{Attempts: 1}
	asking := step("y", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.RetryAfter(90_000)
		return hostabi.Retry, nil
	})
	with := func(s chain.Step, r chain.Retry, e chain.OnError) chain.Step { s.Retry, s.OnError = r, e; return s }
	for name, c := range map[string]struct {
		step    chain.Step
		job     chain.Job
		reports string
		again   *chain.Again // ignoring the delay unless asked
		reason  string
	}{
		"not retryable":           {tagging("y", hostabi.Failed, errDown), chain.Job{}, "y failed", nil, chain.ReasonFailed},
		"not retryable, skipped":  {with(tagging("y", hostabi.Failed, errDown), chain.Retry{}, chain.SkipLink), chain.Job{}, "y skipped, z done", nil, ""},
		"retryable":               {tagging("y", hostabi.Retry, errDown), chain.Job{}, "y retry", &chain.Again{Counted: true}, chain.ReasonTries},
		"retryable error":         {tagging("y", hostabi.Failed, context.DeadlineExceeded), chain.Job{}, "y retry", &chain.Again{Counted: true}, chain.ReasonTries},
		"retryable, not skipped":  {with(tagging("y", hostabi.Retry, nil), chain.Retry{}, chain.SkipLink), chain.Job{}, "y retry", &chain.Again{Counted: true}, chain.ReasonTries},
		"tries used":              {tagging("y", hostabi.Retry, nil), chain.Job{Tries: 4}, "y failed", nil, chain.ReasonTries},
		"tries used, skipped":     {with(tagging("y", hostabi.Retry, nil), never, chain.SkipLink), chain.Job{}, "y skipped, z done", nil, ""},
		"asked for a delay":       {asking, chain.Job{Tries: 9}, "y retry", &chain.Again{Delay: 90 * time.Second}, chain.ReasonTries},
		"asked, older than a day": {asking, chain.Job{Age: 25 * time.Hour}, "y failed", nil, chain.ReasonTries},
		"verdict failed, said why": {step("y", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
			c.ErrorSet([]byte("no audio"))
			return 3 - 10, nil
		}), chain.Job{}, "y failed", nil, chain.ReasonFailed},
		"panic though retry wanted": {with(step("y", func(context.Context, *hostabi.Call) (hostabi.Verdict, error) { panic(context.DeadlineExceeded) }), chain.Retry{}, chain.FailChain), chain.Job{}, "y failed", nil, chain.ReasonFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := chaintest.Document(t, "")
			c.job.Doc = doc
			o := run(t, chain.Chain{Steps: []chain.Step{c.step, tagging("z", 0, nil)}}, c.job, chain.Env{})
			if got := strings.Join(o.reports, ", "); got != c.reports {
				t.Errorf("reports %q, want %q", got, c.reports)
			}
			var link *chain.LinkError
			if !errors.As(o.err, &link) {
				if c.reason != "" || o.err != nil || o.tags(t, doc) != "by:z" {
					t.Errorf("error %v, tags %q", o.err, o.tags(t, doc))
				}
				return
			}
			if link.Reason != c.reason || (link.Again == nil) != (c.again == nil) {
				t.Fatalf("error %+v, want reason %q, again %+v", link, c.reason, c.again)
			}
			if a := link.Again; a != nil && (a.Counted != c.again.Counted || c.again.Delay != 0 && a.Delay != c.again.Delay) {
				t.Errorf("again %+v, want %+v", a, c.again)
			}
		})
	}
}

func TestChainTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := step("y", func(ctx context.Context, _ *hostabi.Call) (hostabi.Verdict, error) {
			<-ctx.Done()
			return hostabi.Failed, ctx.Err()
		})
		waits.OnError = chain.SkipLink
		doc := chaintest.Document(t, "")
		c := chain.Chain{Timeout: time.Minute, Steps: []chain.Step{tagging("x", 0, nil), waits, tagging("z", 0, nil)}}
		for tries, again := range map[int]bool{0: true, 4: false} {
			start := time.Now()
			o := run(t, c, chain.Job{Doc: doc, Tries: tries}, chain.Env{})
			var link *chain.LinkError
			if !errors.As(o.err, &link) || !errors.Is(o.err, chain.ErrTimeout) || link.Link != "y" || (link.Again != nil) != again {
				t.Fatalf("tries %d: %v", tries, o.err)
			}
			if time.Since(start) != time.Minute || o.tags(t, doc) != "by:x" {
				t.Errorf("after %v with tags %q", time.Since(start), o.tags(t, doc))
			}
		}
	})
}

// The end of the run's context is no failure of the link, and on_error does not pass over it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	reason := errors.New("lease lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	y := step("y", func(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		c.TagAdd([]byte("by"), []byte("y"))
		cancel(reason)
		return hostabi.Failed, ctx.Err()
	})
	y.OnError = chain.SkipLink
	doc := chaintest.Document(t, "")
	p, err := chain.Run(ctx, &chain.Chain{Steps: []chain.Step{tagging("x", 0, nil), y, tagging("z", 0, nil)}}, chain.Env{}, chain.Job{Doc: doc})
	if err != reason || strings.Join(p.Done, " ") != "x#1" {
		t.Errorf("run = %v, done %q", err, p.Done)
	}
	if got := (outcome{Progress: p}).tags(t, doc); got != "by:x" {
		t.Errorf("tags %q", got)
	}
}

func TestBreakerHoldsLinksBack(t *testing.T) {
	t.Parallel()
	s := tagging("y", hostabi.Retry, nil)
	s.Breaker = &chain.Breaker{Failures: 2}
	c := chain.Chain{Steps: []chain.Step{s}}
	run(t, c, chain.Job{}, chain.Env{})
	run(t, c, chain.Job{}, chain.Env{})
	o := run(t, c, chain.Job{Tries: 100}, chain.Env{})
	var link *chain.LinkError
	if !errors.As(o.err, &link) || link.Again == nil || link.Again.Counted || link.Again.Delay <= 0 || len(o.reports) > 0 {
		t.Errorf("with an open breaker: %v, reports %q", o.err, o.reports)
	}
	late := map[time.Duration]bool{}
	for range 20 { // a vCon that waits for hours knocks seldom, and not together with the others
		o := run(t, c, chain.Job{Age: 50 * time.Minute}, chain.Env{})
		if !errors.As(o.err, &link) || link.Again == nil || link.Again.Delay < 5*time.Minute || link.Again.Delay > 7*time.Minute {
			t.Fatalf("after 50 minutes: %v, again %+v", o.err, link.Again)
		}
		late[link.Again.Delay] = true
	}
	if len(late) < 2 {
		t.Error("all come back together")
	}
	bug := tagging("y", hostabi.Failed, errDown)
	bug.Breaker = &chain.Breaker{Failures: 1}
	run(t, chain.Chain{Steps: []chain.Step{bug}}, chain.Job{}, chain.Env{})
	if _, ok := bug.Breaker.Allow(); !ok {
		t.Error("a failure that no waiting mends opened the breaker")
	}
}

// A created vCon that takes the leased one's place gets the edits of later links; the leased one keeps the earlier.
func TestReplace(t *testing.T) {
	t.Parallel()
	replacing := step("new", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		out := make([]byte, 36)
		if n := c.VconCreate(1, []byte(`["a"]`), []byte(`{"vcon":"0.4.0","parties":[]}`), out); n != 36 {
			return hostabi.Failed, fmt.Errorf("vcon_create = %d", n)
		}
		return hostabi.Done, nil
	})
	doc := chaintest.Document(t, "")
	o := run(t, chain.Chain{Steps: []chain.Step{tagging("x", 0, nil), replacing, tagging("y", 0, nil)}}, chain.Job{Doc: doc}, chain.Env{})
	if o.err != nil || o.tags(t, doc) != "by:x" || len(o.Effects.Creates) != 1 {
		t.Fatalf("run = %v, tags %q, %d created", o.err, o.tags(t, doc), len(o.Effects.Creates))
	}
	made := o.Effects.Creates[0]
	if got := tagsOf(t, made.Text); got != "by:y" || !made.Current || made.ID == doc.ID() {
		t.Errorf("created %s with tags %q, current %v", made.ID, got, made.Current)
	}

	// A later lease goes on with the created one, and a second one leaves the first beside.
	o = run(t, chain.Chain{Steps: []chain.Step{tagging("z", 0, nil), replacing, tagging("w", 0, nil)}}, chain.Job{Doc: doc, Current: &made, Run: [16]byte{1}}, chain.Env{})
	if o.err != nil || len(o.Edits) > 0 || len(o.Effects.Creates) != 2 {
		t.Fatalf("run = %v, %d edits, %d created", o.err, len(o.Edits), len(o.Effects.Creates))
	}
	first, second := o.Effects.Creates[0], o.Effects.Creates[1]
	if first.ID != made.ID || first.Current || tagsOf(t, first.Text) != "by:y by:z" || !second.Current || tagsOf(t, second.Text) != "by:w" {
		t.Errorf("first %q current %v, second %q current %v", tagsOf(t, first.Text), first.Current, tagsOf(t, second.Text), second.Current)
	}
}

func tagsOf(t *testing.T, text []byte) string {
	t.Helper()
	doc, err := vcon.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(doc.Draft().Tags(), " ")
}

// doer answers every request.
type doer struct{ n int }

func (d *doer) Do(context.Context, outbound.Policy, *outbound.Request) (*outbound.Response, error) {
	d.n++
	return &outbound.Response{Status: 200, Body: []byte("{}")}, nil
}

func calling(name string) chain.Step {
	s := step(name, func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		if h := c.HTTPSend([]byte(`{"method":"POST","url":"https://api.example/v1"}`), 0); h < 0 {
			return hostabi.Failed, fmt.Errorf("http_send = %d", h)
		}
		c.TagAdd([]byte("by"), []byte(name))
		return hostabi.Done, nil
	})
	s.Grants.HTTP = outbound.Policy{Rules: []outbound.Rule{{Scheme: "https", Host: "api.example"}}}
	return s
}

func TestCheckpointAfterPaidWork(t *testing.T) {
	t.Parallel()
	doc := chaintest.Document(t, "")
	env := chain.Env{Call: hostabi.Options{HTTP: &doer{}}}
	c := chain.Chain{Steps: []chain.Step{tagging("x", 0, nil), calling("paid"), tagging("y", 0, nil), tagging("z", hostabi.Failed, errDown)}}
	o := run(t, c, chain.Job{Doc: doc}, env)
	if len(o.saved) != 1 || strings.Join(o.saved[0].Done, " ") != "x#1 paid#1" || len(o.saved[0].Effects.Routes) != 1 {
		t.Fatalf("checkpoints %+v", o.saved)
	}
	if strings.Join(o.Done, " ") != "y#1" || o.tags(t, doc) != "by:x by:paid by:y" || o.err == nil {
		t.Errorf("after it: done %q, tags %q, %v", o.Done, o.tags(t, doc), o.err)
	}
}

func TestAliveIsAskedBeforeRequests(t *testing.T) {
	t.Parallel()
	d := &doer{}
	o := run(t, chain.Chain{Steps: []chain.Step{calling("paid")}}, chain.Job{Alive: func() bool { return false }}, chain.Env{Call: hostabi.Options{HTTP: d}})
	if o.err == nil || d.n != 0 {
		t.Errorf("run = %v after %d requests", o.err, d.n)
	}
}

// tracer notes what it sees.
type tracer struct {
	seen []string
	fail error
}

func (s *tracer) Trace(_ context.Context, e chain.Event) error {
	in, out := strings.Join(e.In.Draft().Tags(), " "), strings.Join(e.Out.Draft().Tags(), " ")
	s.seen = append(s.seen, fmt.Sprintf("%d %v [%s] [%s]", e.Index, e.Verdict, in, out))
	return s.fail
}
func (s *tracer) Close() error { return nil }

func TestTracers(t *testing.T) {
	t.Parallel()
	tr := &tracer{}
	c := chain.Chain{Tracers: []chain.NamedTracer{{Name: "t", Tracer: tr}}, Steps: []chain.Step{tagging("x", 0, nil), tagging("y", hostabi.NoChange, nil), tagging("z", hostabi.Halt, nil)}}
	if o := run(t, c, chain.Job{}, chain.Env{}); o.err != nil {
		t.Fatal(o.err)
	}
	want := []string{"-1 3 [] []", "0 0 [] [by:x]", "1 3 [by:x] [by:x]", "2 1 [by:x] [by:x by:z]"}
	if !slices.Equal(tr.seen, want) {
		t.Errorf("seen\n%q, want\n%q", tr.seen, want)
	}
	tr.seen = nil
	run(t, c, chain.Job{Done: []string{"x#1"}}, chain.Env{})
	if len(tr.seen) != 2 {
		t.Errorf("a resumed run is traced as %q", tr.seen)
	}
}

func TestTracerErrors(t *testing.T) {
	t.Parallel()
	steps := []chain.Step{tagging("x", 0, nil)}
	var told error
	env := chain.Env{TracerFailed: func(_, _ string, err error) { told = err }}
	doc := chaintest.Document(t, "")
	soft := chain.Chain{Steps: steps, Tracers: []chain.NamedTracer{{Name: "t", Tracer: &tracer{fail: errDown}}}}
	if o := run(t, soft, chain.Job{Doc: doc}, env); o.err != nil || !errors.Is(told, errDown) || o.tags(t, doc) != "by:x" {
		t.Errorf("run = %v, told %v, tags %q", o.err, told, o.tags(t, doc))
	}
	later := &tracer{}
	hard := chain.Chain{Steps: steps, Tracers: []chain.NamedTracer{{Name: "t", Tracer: failsAfterFirst{later}, Fatal: true}}}
	o := run(t, hard, chain.Job{Doc: doc}, env)
	var link *chain.LinkError
	if !errors.As(o.err, &link) || link.Reason != chain.ReasonTracer || o.tags(t, doc) != "" || len(o.Done) > 0 {
		t.Errorf("fatal tracer: %v, tags %q, done %q", o.err, o.tags(t, doc), o.Done)
	}
	panics := chain.Chain{Steps: steps, Tracers: []chain.NamedTracer{{Name: "t", Tracer: panicTracer{}, Fatal: true}}}
	if o := run(t, panics, chain.Job{}, env); o.err == nil || !strings.Contains(o.err.Error(), "oops") {
		t.Errorf("panicking tracer: %v", o.err)
	}
}

type failsAfterFirst struct{ *tracer }

func (f failsAfterFirst) Trace(ctx context.Context, e chain.Event) error {
	if e.Index < 0 {
		return nil
	}
	return errDown
}

type panicTracer struct{}

func (panicTracer) Trace(context.Context, chain.Event) error { panic("oops") }
func (panicTracer) Close() error                             { return nil }

func TestLinksGetTheirSurroundings(t *testing.T) {
	t.Parallel()
	var info string
	s := step("look", func(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
		out := make([]byte, 4096)
		n := c.ConfigRead(nil, out)
		info = string(out[:n])
		c.Log(2, []byte("hello"))
		return hostabi.NoChange, nil
	})
	s.Options = []byte(`{"k":"v"}`)
	var line string
	env := chain.Env{Log: func(chain, link string, level int, text string) { line = fmt.Sprint(chain, link, level, text) }}
	if o := run(t, chain.Chain{Steps: []chain.Step{s}}, chain.Job{List: "in", Attempt: 3}, env); o.err != nil {
		t.Fatal(o.err)
	}
	if !strings.Contains(info, `"v"`) || !strings.Contains(line, "look") || !strings.Contains(line, "hello") {
		t.Errorf("config %s, log %q", info, line)
	}
}
