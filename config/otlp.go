package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Target is the address that telemetry is sent to: a URL with scheme http or https, a host, and for http/protobuf the
// path that /v1/metrics and /v1/traces stand below. An Endpoint without scheme is host:port; Insecure then decides.
// Errors: Endpoint is neither, or holds a user or a query, which do not belong there.
func (o OTLP) Target() (*url.URL, error) {
	text := o.Endpoint
	if !strings.Contains(text, "://") {
		scheme := "https://"
		if o.Insecure {
			scheme = "http://"
		}
		text = scheme + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("is neither http://host:port, https://host:port nor host:port")
	case u.User != nil || u.RawQuery != "":
		return nil, errors.New("holds a user or a query; credentials belong into headers")
	}
	return u, nil
}

// checkOTLP checks what the file and the environment made of telemetry.otlp.
func (l *loading) checkOTLP() {
	o := &l.Telemetry.OTLP
	if o.Endpoint == "" {
		return
	}
	if _, err := o.Target(); err != nil {
		const key = "telemetry.otlp.endpoint"
		l.add(Error, codeValue, l.at(key), key, err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT sets it too")
	}
	if o.Datadog.Key != "" {
		l.variable(Info, "DD_API_KEY", "has no effect here, because telemetry goes to the OTLP endpoint, as of an agent, which has the key")
	}
}

func otlpVariables() []Variable {
	return []Variable{
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Key: "telemetry.otlp.endpoint", Does: "where metrics and traces are sent: a URL, or host:port",
			apply: func(l *loading, v string) { l.Telemetry.OTLP.Endpoint = v }},
		{Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Default: "grpc", Key: "telemetry.otlp.protocol", Does: "`grpc` or `http/protobuf`",
			apply: applyOTLPProtocol},
		{Name: "OTEL_EXPORTER_OTLP_HEADERS", Key: "telemetry.otlp.headers", Does: "`name=value,...`, percent-encoded", apply: applyOTLPHeaders},
		{Name: "OTEL_EXPORTER_OTLP_INSECURE", Default: "false", Does: "no TLS to an endpoint that has no scheme; http:// and https:// say it themselves",
			apply: func(l *loading, v string) { l.assign("OTEL_EXPORTER_OTLP_INSECURE", v, &l.Telemetry.OTLP.Insecure) }},
		{Name: "OTEL_RESOURCE_ATTRIBUTES", Does: "`name=value,...`, percent-encoded, sent with all telemetry", apply: applyResource},
		{Name: "OTEL_SERVICE_NAME", Default: "vcon-server", Does: "the name under which telemetry is sent; it wins over `service.name` in OTEL_RESOURCE_ATTRIBUTES",
			apply: func(l *loading, v string) { l.Telemetry.OTLP.Service = v }},
		{Name: "OTEL_METRIC_EXPORT_INTERVAL", Default: "5000", Does: "milliseconds between two exports of metrics", apply: applyMetricInterval},
		{Name: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Default: "cumulative", Does: "`delta`: counters and histograms are sent as what came since the last export",
			apply: applyTemporality},
		{Name: "DD_API_KEY", Does: "without an OTLP endpoint: metrics are sent to Datadog with this key, no agent needed; traces need one",
			apply: func(l *loading, v string) { l.Telemetry.OTLP.Datadog.Key = Secret(v) }},
		{Name: "DD_SITE", Default: "datadoghq.com", Does: "the site of Datadog that DD_API_KEY is for", apply: applyDatadogSite},
	}
}

func applyOTLPProtocol(l *loading, v string) {
	if v != "grpc" && v != "http/protobuf" {
		l.variable(Error, "OTEL_EXPORTER_OTLP_PROTOCOL", "is neither grpc nor http/protobuf")
	}
	l.Telemetry.OTLP.Protocol = v
}

func applyOTLPHeaders(l *loading, v string) {
	l.Telemetry.OTLP.Headers = nil
	for _, a := range l.attributes("OTEL_EXPORTER_OTLP_HEADERS", v) {
		l.Telemetry.OTLP.Headers = append(l.Telemetry.OTLP.Headers, Header{a.Name, Secret(a.Value)})
	}
}

func applyResource(l *loading, v string) {
	l.Telemetry.OTLP.Resource = l.attributes("OTEL_RESOURCE_ATTRIBUTES", v)
	for _, a := range l.Telemetry.OTLP.Resource {
		if a.Name == "service.name" {
			l.Telemetry.OTLP.Service = a.Value
		}
	}
}

// attributes reads name=value,..., the values percent-encoded; a comma too many is no fault. Errors: reported, nil.
func (l *loading) attributes(variable, v string) []Attribute {
	var out []Attribute
	for pair := range strings.SplitSeq(v, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, text, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		text, err := url.PathUnescape(strings.TrimSpace(text))
		if !ok || name == "" || err != nil {
			l.variable(Error, variable, "is no list of name=value")
			return nil
		}
		out = append(out, Attribute{name, text})
	}
	return out
}

func applyMetricInterval(l *loading, v string) {
	const name = "OTEL_METRIC_EXPORT_INTERVAL"
	var ms int
	if !l.assign(name, v, &ms) {
		return
	}
	if ms < 100 || ms > 3_600_000 {
		l.variable(Error, name, "is not between 100 and 3600000 milliseconds")
		return
	}
	l.Telemetry.OTLP.MetricInterval = time.Duration(ms) * time.Millisecond
}

func applyTemporality(l *loading, v string) {
	switch strings.ToLower(v) {
	case "cumulative":
	case "delta", "lowmemory": // both give the same for the kinds of metrics that are sent
		l.Telemetry.OTLP.Delta = true
	default:
		l.variable(Error, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "is none of cumulative, delta, lowmemory")
	}
}

func applyDatadogSite(l *loading, v string) {
	if !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$`).MatchString(v) {
		l.variable(Error, "DD_SITE", "is no site, as datadoghq.eu")
		return
	}
	l.Telemetry.OTLP.Datadog.Site = v
}
