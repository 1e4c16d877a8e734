package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/vconduit/vconduit/internal/metric"
)

// producer reads a Prometheus registry as OTLP metrics, cumulative since began, under the names of the table.
type producer struct {
	from  prometheus.Gatherer
	began time.Time
}

// Produce implements the SDK's Producer.
func (p producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scope}, Metrics: p.metrics()}}, nil
}

// metrics reads the registry. What can be read is given when something cannot.
func (p producer) metrics() []metricdata.Metrics {
	families, _ := p.from.Gather() // GET /metrics logs the error
	byName := make(map[string]*dto.MetricFamily, len(families))
	for _, f := range families {
		byName[f.GetName()] = f
	}
	var out []metricdata.Metrics
	now := time.Now()
	for _, i := range metric.All() {
		if f := byName[i.Prometheus()]; f != nil && len(f.GetMetric()) > 0 {
			out = append(out, metricdata.Metrics{Name: i.Name, Description: i.Help, Unit: i.Unit, Data: p.data(i, f.GetMetric(), now)})
		}
	}
	return out
}

// data are the series of one metric.
func (p producer) data(i metric.Instrument, series []*dto.Metric, now time.Time) metricdata.Aggregation {
	switch i.Kind {
	case metric.Counter:
		return metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
			DataPoints: p.points(i, series, now, func(m *dto.Metric) int64 { return int64(m.GetCounter().GetValue()) })}
	case metric.UpDown:
		return metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality,
			DataPoints: p.points(i, series, now, func(m *dto.Metric) int64 { return int64(m.GetGauge().GetValue()) })}
	case metric.Histogram:
		return metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: p.histograms(i, series, now)}
	}
	return metricdata.Gauge[int64]{DataPoints: p.points(i, series, now, func(m *dto.Metric) int64 { return int64(m.GetGauge().GetValue()) })}
}

func (p producer) points(i metric.Instrument, series []*dto.Metric, now time.Time, value func(*dto.Metric) int64) []metricdata.DataPoint[int64] {
	points := make([]metricdata.DataPoint[int64], len(series))
	for n, m := range series {
		points[n] = metricdata.DataPoint[int64]{Attributes: attributes(i, m), StartTime: p.began, Time: now, Value: value(m)}
	}
	return points
}

// histograms turns Prometheus's cumulative buckets into OTLP's, each of which counts its own values and of which there is
// one more than bounds.
func (p producer) histograms(i metric.Instrument, series []*dto.Metric, now time.Time) []metricdata.HistogramDataPoint[float64] {
	points := make([]metricdata.HistogramDataPoint[float64], len(series))
	for n, m := range series {
		h := m.GetHistogram()
		point := metricdata.HistogramDataPoint[float64]{Attributes: attributes(i, m), StartTime: p.began, Time: now,
			Count: h.GetSampleCount(), Sum: h.GetSampleSum()}
		var below uint64
		for _, b := range h.GetBucket() {
			point.Bounds = append(point.Bounds, b.GetUpperBound())
			point.BucketCounts = append(point.BucketCounts, b.GetCumulativeCount()-below)
			below = b.GetCumulativeCount()
		}
		point.BucketCounts = append(point.BucketCounts, h.GetSampleCount()-below)
		points[n] = point
	}
	return points
}

// attributes gives a series' labels the names that they have in OTLP.
func attributes(i metric.Instrument, m *dto.Metric) attribute.Set {
	var out []attribute.KeyValue
	for _, name := range i.Labels {
		for _, l := range m.GetLabel() {
			if l.GetName() == metric.PrometheusLabel(name) {
				out = append(out, attribute.String(name, l.GetValue()))
			}
		}
	}
	return attribute.NewSet(out...)
}
