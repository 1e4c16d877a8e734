package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/worker"
)

const header = "traceparent"

// Request begins the span of one HTTP request, below the caller's when traceparent is one. It gives the W3C trace context
// that what the request queues is kept with, which is the caller's when no spans are sent, and what to call with the
// status at the end.
func (t *Telemetry) Request(method, route, traceparent string) (queued string, end func(status int)) {
	p := t.current.Load()
	if p.tracer == nil {
		return traceparent, func(int) {}
	}
	ctx, span := p.tracer.Start(remote(traceparent), method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header], func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// remote is a context with the span that traceparent names; without, when it names none.
func remote(traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: traceparent})
}

// Begin implements worker.Spans: a trace of its own, that names the span which queued the vCon.
func (t *Telemetry) Begin(b worker.Begun) worker.Span {
	p := t.current.Load()
	if p.tracer == nil {
		return nil
	}
	name := "vcon_processing"
	if b.Chain != "" {
		name += "." + b.Chain
	}
	id := b.ID.String()
	opts := []trace.SpanStartOption{trace.WithTimestamp(b.Time), trace.WithAttributes(attribute.String("vcon_id", id),
		attribute.String("vcon.uuid", id), attribute.String("chain_name", b.Chain), attribute.String("ingress_list", b.List), attribute.Int("attempt", b.Attempt))}
	if producer := trace.SpanContextFromContext(remote(b.TraceParent)); producer.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: producer}))
	}
	ctx, root := p.tracer.Start(context.Background(), name, opts...)
	return &span{tracer: p.tracer, ctx: ctx, root: root, id: id, chain: b.Chain}
}

// span is the span of one lease.
type span struct {
	tracer    trace.Tracer
	ctx       context.Context // with root
	root      trace.Span
	id, chain string
}

// LinkDone makes the span of one link's run.
func (s *span) LinkDone(r chain.LinkReport) {
	status := ""
	switch r.Outcome {
	case "failed", "retry", "skipped":
		status = r.Outcome
	}
	s.child("link."+r.Link, r.Began, r.Took, status, attribute.String("vcon_id", s.id), attribute.String("link_name", r.Link),
		attribute.Int("link_index", r.Index), attribute.String("chain_name", r.Chain), attribute.String("outcome", r.Outcome))
}

// StorageDone makes the span of one operation on a storage.
func (s *span) StorageDone(r worker.StorageReport) {
	status := ""
	if r.Outcome != "ok" {
		status = r.Outcome
	}
	s.child("storage."+r.Storage, r.Began, r.Took, status, attribute.String("vcon_id", s.id), attribute.String("storage_name", r.Storage),
		attribute.String("chain_name", s.chain), attribute.String("op", r.Op), attribute.String("outcome", r.Outcome))
}

// child makes a span that is over already; failed is its error status, "" = none.
func (s *span) child(name string, began time.Time, took time.Duration, failed string, attrs ...attribute.KeyValue) {
	_, c := s.tracer.Start(s.ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attrs...))
	if failed != "" {
		c.SetStatus(codes.Error, failed)
	}
	c.End(trace.WithTimestamp(began.Add(took)))
}

// End ends the lease's span. A vCon that failed, or will be tried again, makes it an error, with the short reason.
func (s *span) End(r worker.Report) {
	s.root.SetAttributes(attribute.String("outcome", string(r.Outcome)))
	if r.Outcome == worker.OutcomeFailed || r.Outcome == worker.OutcomeRetry {
		s.root.SetStatus(codes.Error, r.Reason)
	}
	s.root.End()
}
