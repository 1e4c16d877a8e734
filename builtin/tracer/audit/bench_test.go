package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
)

// tagging is a link that adds one tag.
type tagging string

func (l tagging) Run(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
	if e := c.TagAdd([]byte("by"), []byte(l)); e != 0 {
		return hostabi.Failed, fmt.Errorf("tag_add = %d", e)
	}
	return hostabi.Done, nil
}

func (tagging) Close(context.Context) error { return nil }

// countdown tells when so many leases have ended.
type countdown struct {
	worker.NoObserver
	left atomic.Int64
	done chan struct{}
}

func (c *countdown) Finished(worker.Report) {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// BenchmarkAudit works a backlog through a chain of three tagging links on a real store, without and with the audit.
func BenchmarkAudit(b *testing.B) {
	for _, workers := range []int{1, 4, 16} {
		for _, audited := range []bool{false, true} {
			b.Run(fmt.Sprintf("workers=%d/audit=%t", workers, audited), func(b *testing.B) { benchChain(b, workers, audited) })
		}
	}
}

func benchChain(b *testing.B, workers int, audited bool) {
	q, err := embedded.Open(b.TempDir(), embedded.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	for range b.N {
		if _, err := q.Submit(b.Context(), queue.Submission{Doc: chaintest.Document(b, ""), Lists: []string{"in"}}); err != nil {
			b.Fatal(err)
		}
	}
	c := &chain.Chain{Name: "c"}
	for _, name := range []string{"x", "y", "z"} {
		c.Steps = append(c.Steps, chain.Step{Name: name, Module: "links.tag", Link: tagging(name), Grants: hostabi.Grants{Tags: true}})
	}
	if audited {
		tr, err := Open(b.TempDir())(b.Context(), "audit", json.RawMessage(`{}`))
		if err != nil {
			b.Fatal(err)
		}
		defer tr.Close()
		c.Tracers = []chain.NamedTracer{{Name: "audit", Tracer: tr, Fatal: true}}
	}
	plan := &worker.Plan{Lists: []worker.Route{{List: "in", Chain: c}}}
	m := &countdown{done: make(chan struct{})}
	m.left.Store(int64(b.N))
	pool := worker.New(q, worker.Options{Plan: func() *worker.Plan { return plan }, Workers: workers, Observer: m})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ResetTimer()
	go pool.Run(ctx)
	<-m.done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "vCons/s")
}

// BenchmarkTrace is one record, without waiting for the disk.
func BenchmarkTrace(b *testing.B) {
	tr, err := Open(b.TempDir())(b.Context(), "audit", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	e := event(chaintest.Document(b, ""), 0)
	for b.Loop() {
		if err := tr.Trace(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}
