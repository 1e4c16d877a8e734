package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/vconduit/vconduit/config"
)

// flushWithin bounds what the end of a pipeline costs: the last export of metrics and spans.
const flushWithin = 2 * time.Second

// Options make a Telemetry. Gatherer and Log are required.
type Options struct {
	Gatherer prometheus.Gatherer // the metrics to send; those outside of the table of internal/metric are not
	Log      *slog.Logger
	Version  string // of the service
	Began    time.Time
}

// Telemetry sends what the configuration in force asks for. Its methods are safe for concurrent use.
type Telemetry struct {
	o       Options
	current atomic.Pointer[pipeline]
	apply   sync.Mutex
	ending  sync.WaitGroup // pipelines that a new configuration replaced
}

// pipeline is one configuration, made.
type pipeline struct {
	config  config.OTLP
	metrics *sdkmetric.MeterProvider // nil: none are sent
	spans   *sdktrace.TracerProvider // nil: none are sent
	tracer  trace.Tracer             // nil: none are sent
}

// New makes a Telemetry that sends nothing yet.
func New(o Options) *Telemetry {
	t := &Telemetry{o: o}
	t.current.Store(&pipeline{})
	return t
}

// Apply sends as c says from now on; what was to be sent as before still is, in the background. It does not wait for the
// network. A destination that cannot be set up, for a certificate that cannot be read, say, is logged, and nothing is
// sent.
func (t *Telemetry) Apply(c config.OTLP) {
	t.apply.Lock()
	defer t.apply.Unlock()
	old := t.current.Load()
	if reflect.DeepEqual(old.config, c) {
		return
	}
	next, err := t.open(c)
	if err != nil {
		t.o.Log.Error("telemetry is not sent", "error", err)
		next = &pipeline{}
	}
	t.current.Store(next)
	t.ending.Go(func() { old.close() })
}

// Close sends what is left, for no more than two seconds, and ends.
func (t *Telemetry) Close() {
	t.apply.Lock()
	defer t.apply.Unlock()
	t.current.Swap(&pipeline{}).close()
	t.ending.Wait()
}

// open makes the pipeline of a configuration.
func (t *Telemetry) open(c config.OTLP) (*pipeline, error) {
	to, err := destinationOf(c)
	if err != nil || to == nil {
		return &pipeline{config: c}, err
	}
	return t.connect(c, to)
}

// connect makes the pipeline to a destination.
func (t *Telemetry) connect(c config.OTLP, to *destination) (*pipeline, error) {
	p := &pipeline{config: c}
	// The libraries tell of partly refused exports there alone; it is theirs for the whole process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.o.Log.Warn("telemetry", "error", clip(err)) }))
	about := resourceOf(c, t.o.Version)
	metrics, err := to.metricExporter()
	if err != nil {
		return nil, fmt.Errorf("send metrics to %s: %w", to.url.Host, err)
	}
	source := producer{t.o.Gatherer, t.o.Began}
	export := &metricExporter{Exporter: metrics, told: outage{log: t.o.Log, what: "metrics", host: to.url.Host}}
	if to.delta {
		export.delta = newDelta(source)
	}
	reader := sdkmetric.NewPeriodicReader(export, sdkmetric.WithInterval(c.MetricInterval), sdkmetric.WithProducer(source))
	p.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about))
	if to.metricsOnly || c.Traces <= 0 {
		return p, nil
	}
	spans, err := to.spanExporter()
	if err != nil {
		p.close()
		return nil, fmt.Errorf("send spans to %s: %w", to.url.Host, err)
	}
	p.spans = sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithSampler(sampler{sdktrace.TraceIDRatioBased(c.Traces)}),
		sdktrace.WithBatcher(&spanExporter{SpanExporter: spans, told: outage{log: t.o.Log, what: "spans", host: to.url.Host}}))
	p.tracer = p.spans.Tracer(scope)
	return p, nil
}

// scope names the instrumentation.
const scope = "github.com/vconduit/vconduit"

// close sends what is left; whether it got through is logged by the exporters.
func (p *pipeline) close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	var wg sync.WaitGroup
	if p.metrics != nil {
		wg.Go(func() { _ = p.metrics.Shutdown(ctx) })
	}
	if p.spans != nil {
		wg.Go(func() { _ = p.spans.Shutdown(ctx) })
	}
	wg.Wait()
}
