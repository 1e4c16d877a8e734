package telemetry

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// delta remembers what got through, so that the next export tells only what came since. An export that failed is not
// remembered: what it held goes with the next one. Not safe for concurrent use.
type delta struct {
	sent sent
}

// newDelta begins with what is counted already: only what comes from now on is sent.
func newDelta(from producer) *delta {
	d := &delta{}
	_, d.sent = d.since(from.metrics())
	return d
}

// sent is one export, as cumulative values.
type sent struct {
	at         time.Time
	counts     map[series]int64
	histograms map[series]metricdata.HistogramDataPoint[float64]
}

type series struct {
	metric string
	labels attribute.Distinct
}

// since gives metrics as the difference to what was sent, and what to remember once that got through. Gauges and up-down
// counters stay as they are.
func (d *delta) since(metrics []metricdata.Metrics) ([]metricdata.Metrics, sent) {
	next := sent{counts: map[series]int64{}, histograms: map[series]metricdata.HistogramDataPoint[float64]{}}
	out := slices.Clone(metrics)
	for n, m := range out {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			if data.IsMonotonic {
				data.Temporality, data.DataPoints = metricdata.DeltaTemporality, d.counts(m.Name, data.DataPoints, &next)
				out[n].Data = data
			}
		case metricdata.Histogram[float64]:
			data.Temporality, data.DataPoints = metricdata.DeltaTemporality, d.histograms(m.Name, data.DataPoints, &next)
			out[n].Data = data
		}
	}
	return out, next
}

func (d *delta) counts(name string, points []metricdata.DataPoint[int64], next *sent) []metricdata.DataPoint[int64] {
	points = slices.Clone(points)
	for n := range points {
		p := &points[n]
		key := series{name, p.Attributes.Equivalent()}
		next.counts[key], next.at = p.Value, p.Time
		p.Value -= d.sent.counts[key]
		p.StartTime = d.start(p.StartTime)
	}
	return points
}

func (d *delta) histograms(name string, points []metricdata.HistogramDataPoint[float64], next *sent) []metricdata.HistogramDataPoint[float64] {
	points = slices.Clone(points)
	for n := range points {
		p := &points[n]
		key := series{name, p.Attributes.Equivalent()}
		next.histograms[key], next.at = *p, p.Time
		p.StartTime = d.start(p.StartTime)
		old, ok := d.sent.histograms[key]
		if !ok {
			continue
		}
		p.Count -= old.Count
		p.Sum -= old.Sum
		p.BucketCounts = slices.Clone(p.BucketCounts)
		for b := range p.BucketCounts {
			p.BucketCounts[b] -= old.BucketCounts[b]
		}
	}
	return points
}

// start is when the difference begins.
func (d *delta) start(began time.Time) time.Time {
	if d.sent.at.IsZero() {
		return began
	}
	return d.sent.at
}
