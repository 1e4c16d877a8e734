package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// metricExporter keeps an exporter's failures off the SDK, which would print them, and makes deltas if that is wanted.
type metricExporter struct {
	sdkmetric.Exporter
	delta *delta // nil: cumulative
	told  outage
}

// Export sends; its error is in the log.
func (e *metricExporter) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	if e.delta == nil {
		e.told.note(ctx, e.Exporter.Export(ctx, m))
		return nil
	}
	var all []metricdata.Metrics
	for _, s := range m.ScopeMetrics {
		all = append(all, s.Metrics...)
	}
	if len(all) == 0 {
		return nil
	}
	since, next := e.delta.since(all)
	err := e.Exporter.Export(ctx, &metricdata.ResourceMetrics{Resource: m.Resource,
		ScopeMetrics: []metricdata.ScopeMetrics{{Scope: m.ScopeMetrics[0].Scope, Metrics: since}}})
	if err == nil {
		e.delta.sent = next
	}
	e.told.note(ctx, err)
	return nil
}

// spanExporter is metricExporter for spans. Those that did not get through are lost.
type spanExporter struct {
	sdktrace.SpanExporter
	told outage
}

// ExportSpans sends; its error is in the log.
func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.told.note(ctx, e.SpanExporter.ExportSpans(ctx, spans))
	return nil
}

// repeatAfter is how long an outage lasts before it is logged again.
const repeatAfter = 10 * time.Minute

// outage logs that nothing gets through: when it begins, now and then, and when it is over.
type outage struct {
	log        *slog.Logger
	what, host string

	mu     sync.Mutex
	since  time.Time // of the outage; zero: there is none
	logged time.Time
}

// note takes the result of one export. One that we cancelled ourselves, at the end or for a new destination, says nothing
// of the receiver.
func (o *outage) note(ctx context.Context, err error) {
	if err != nil && (errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled)) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil && !o.since.IsZero():
		o.log.Info("telemetry gets through again", "kind", o.what, "to", o.host, "after", now.Sub(o.since).Round(time.Second).String())
		o.since = time.Time{}
	case err != nil && (o.since.IsZero() || now.Sub(o.logged) >= repeatAfter):
		if o.since.IsZero() {
			o.since = now
		}
		o.logged = now
		o.log.Warn("telemetry does not get through: work goes on without it", "kind", o.what, "to", o.host, "error", clip(err))
	}
}

// clip bounds an error's text: a receiver's answer may be in it.
func clip(err error) string {
	const most = 300
	text := err.Error()
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
