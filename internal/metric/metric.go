// Package metric is the table of the server's metrics: one entry for each, from which both forms come, the series of
// /metrics and what is sent by OTLP.
//
// Guarantees: a name in OTLP is the Python server's where that has the metric, spelling of attributes included; the
// Prometheus name follows from it and does not change with a library. No attribute has a value that a client chooses, or
// that grows with the number of vCons. Left to others: counting (api, internal/app), sending (internal/telemetry).
package metric

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind says how a metric's values are read.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"         // only grows
	UpDown    Kind = "up-down counter" // what is there now, by coming and going
	Gauge     Kind = "gauge"           // what is there now, as measured
	Histogram Kind = "histogram"
)

// Instrument is one metric.
type Instrument struct {
	Name    string // in OTLP: dotted
	Kind    Kind
	Unit    string   // UCUM: s, ms, By; a word in braces is what is counted
	Labels  []string // names of the attributes in OTLP
	Help    string
	Buckets []float64 // upper bounds, of a Histogram
}

// Prometheus is the name on /metrics: underscores for dots, _total for counters, _seconds for times in seconds.
func (i Instrument) Prometheus() string {
	name := strings.ReplaceAll(i.Name, ".", "_")
	switch {
	case i.Kind == Counter:
		return name + "_total"
	case i.Unit == "s":
		return name + "_seconds"
	}
	return name
}

// PrometheusLabels are Labels on /metrics: underscores for dots.
func (i Instrument) PrometheusLabels() []string {
	labels := slices.Clone(i.Labels)
	for n := range labels {
		labels[n] = PrometheusLabel(labels[n])
	}
	return labels
}

// PrometheusLabel is an attribute's name on /metrics.
func PrometheusLabel(attribute string) string { return strings.ReplaceAll(attribute, ".", "_") }

// Counter makes the series of a Counter. It panics for another kind, as the others do: the table is wrong then.
func (i Instrument) Counter(reg prometheus.Registerer) *prometheus.CounterVec {
	i.must(Counter)
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: i.Prometheus(), Help: i.Help}, i.PrometheusLabels())
	reg.MustRegister(c)
	return c
}

// Gauge makes the series of a Gauge or an UpDown.
func (i Instrument) Gauge(reg prometheus.Registerer) *prometheus.GaugeVec {
	i.must(Gauge, UpDown)
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: i.Prometheus(), Help: i.Help}, i.PrometheusLabels())
	reg.MustRegister(g)
	return g
}

// Histogram makes the series of a Histogram.
func (i Instrument) Histogram(reg prometheus.Registerer) *prometheus.HistogramVec {
	i.must(Histogram)
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: i.Prometheus(), Help: i.Help, Buckets: i.Buckets}, i.PrometheusLabels())
	reg.MustRegister(h)
	return h
}

// Func makes one series of a Gauge or an UpDown whose value is asked for; values are those of its labels.
func (i Instrument) Func(reg prometheus.Registerer, value func() float64, values ...string) {
	i.must(Gauge, UpDown)
	labels := prometheus.Labels{}
	for n, name := range i.PrometheusLabels() {
		labels[name] = values[n]
	}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: i.Prometheus(), Help: i.Help, ConstLabels: labels}, value))
}

// Desc describes the metric for a collector that makes its series itself.
func (i Instrument) Desc() *prometheus.Desc {
	return prometheus.NewDesc(i.Prometheus(), i.Help, i.PrometheusLabels(), nil)
}

func (i Instrument) must(kinds ...Kind) {
	if !slices.Contains(kinds, i.Kind) {
		panic("metric: " + i.Name + " is a " + string(i.Kind))
	}
}
