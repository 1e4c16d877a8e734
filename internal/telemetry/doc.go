// Package telemetry sends the server's metrics and spans by OTLP: to a collector, to an agent, or its metrics straight to
// Datadog.
//
// Guarantees: nothing here is waited for by work. A destination that cannot be reached costs a log line now and then, and
// the spans of that time; counts are not lost, they go with the next export that gets through. No conversation content,
// and no error text of a link or storage, is sent: names, codes and times are, and on spans the vCon's id. The share of
// traces that the configuration names is the most that is sent, whatever a caller's trace says.
//
// Left to others: counting (a Prometheus registry is read), which metrics there are (internal/metric), checking of the
// configuration (config).
//
// Sources: OpenTelemetry specification 1.x and OTLP 1.x; W3C Trace Context; Datadog's documentation of its OTLP intake for
// metrics: https://otlp.SITE/v1/metrics, header dd-api-key, delta temporality alone.
package telemetry
