package telemetry

import (
	"context"
	"net/url"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/vconduit/vconduit/config"
)

// destination is where telemetry goes and how.
type destination struct {
	url         *url.URL // scheme http or https; http/protobuf: the path that v1/metrics and v1/traces stand below
	grpc        bool
	headers     map[string]string
	delta       bool // counters and histograms as what came since the last export
	metricsOnly bool
}

// destinationOf reads a configuration; nil: nothing is sent. An OTLP endpoint wins over Datadog's key, which then belongs to
// the agent behind it.
func destinationOf(c config.OTLP) (*destination, error) {
	d := &destination{headers: map[string]string{}, delta: c.Delta}
	for _, h := range c.Headers {
		d.headers[h.Name] = string(h.Value)
	}
	switch {
	case c.Endpoint != "":
		var err error
		d.url, err = c.Target()
		d.grpc = c.Protocol == "grpc"
		return d, err
	case c.Datadog.Key != "":
		d.url = &url.URL{Scheme: "https", Host: "otlp." + c.Datadog.Site}
		d.headers["dd-api-key"] = string(c.Datadog.Key)
		d.delta, d.metricsOnly = true, true
		return d, nil
	}
	return nil, nil
}

// metricExporter makes the exporter; it connects later. What the specification's variables say about certificates,
// compression and timeouts is read by the library.
func (d *destination) metricExporter() (sdkmetric.Exporter, error) {
	if d.grpc {
		return otlpmetricgrpc.New(context.Background(), otlpmetricgrpc.WithEndpointURL(d.grpcURL()), otlpmetricgrpc.WithHeaders(d.headers))
	}
	return otlpmetrichttp.New(context.Background(), otlpmetrichttp.WithEndpointURL(d.below("metrics")), otlpmetrichttp.WithHeaders(d.headers))
}

// spanExporter is metricExporter for spans.
func (d *destination) spanExporter() (sdktrace.SpanExporter, error) {
	if d.grpc {
		return otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpointURL(d.grpcURL()), otlptracegrpc.WithHeaders(d.headers))
	}
	return otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(d.below("traces")), otlptracehttp.WithHeaders(d.headers))
}

// grpcURL is the URL with OTLP's port where it names none.
func (d *destination) grpcURL() string {
	u := url.URL{Scheme: d.url.Scheme, Host: d.url.Host}
	if u.Port() == "" {
		u.Host += ":4317"
	}
	return u.String()
}

// below is the URL of a signal for http/protobuf.
func (d *destination) below(signal string) string { return d.url.JoinPath("v1", signal).String() }

// resourceOf says what the telemetry is about.
func resourceOf(c config.OTLP, version string) *resource.Resource {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	attrs := []attribute.KeyValue{attribute.String("host.name", host),
		attribute.String("service.instance.id", host+"-pid-"+strconv.Itoa(os.Getpid())), attribute.String("service.version", version)}
	for _, a := range c.Resource {
		attrs = append(attrs, attribute.String(a.Name, a.Value)) // the last of a name counts
	}
	return resource.NewSchemaless(append(attrs, attribute.String("service.name", c.Service))...)
}
