// Package top shows what a running server is doing: it reads the server's metrics twice and says what went on between.
//
// It guarantees that what it prints holds no control characters, whatever a server's names are. It shows names and
// figures, never content. Left to others: how the server is reached, the terminal's modes (internal/cli).
package top

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Sample is what a server said at one moment.
type Sample struct {
	at       time.Time
	ready    ready
	families map[string]*dto.MetricFamily
}

// ready is what top reads of GET /ready.
type ready struct {
	Status string `json:"status"`
	Store  struct {
		Store  string `json:"store"`
		Detail string `json:"detail"`
	} `json:"store"`
	Chains int                 `json:"chains"`
	Held   map[string][]string `json:"held"`
}

// Read reads the answers of GET /metrics and GET /ready, as of at.
func Read(at time.Time, metrics io.Reader, readiness []byte) (*Sample, error) {
	s := &Sample{at: at}
	if err := json.Unmarshal(readiness, &s.ready); err != nil {
		return nil, fmt.Errorf("read /ready: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(metrics)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	s.families = families
	return s, nil
}

// each gives the series of a family that have the label, by its value.
func (s *Sample) each(family, label string, do func(value string, m *dto.Metric)) {
	if s == nil {
		return
	}
	for _, m := range s.families[family].GetMetric() {
		if value, ok := labelOf(m, label); ok {
			do(value, m)
		}
	}
}

func labelOf(m *dto.Metric, name string) (string, bool) {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue(), true
		}
	}
	return "", false
}

// number is the value of a counter or gauge.
func number(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	}
	return m.GetUntyped().GetValue()
}

// total is the sum of a family without labels, 0 if it is not there.
func (s *Sample) total(family string) (sum float64) {
	for _, m := range s.families[family].GetMetric() {
		sum += finite(number(m))
	}
	return sum
}

// sums adds up a counter by a label; match chooses among the series.
func (s *Sample) sums(family, label string, match func(m *dto.Metric) bool) map[string]float64 {
	out := map[string]float64{}
	s.each(family, label, func(value string, m *dto.Metric) {
		if match == nil || match(m) {
			out[value] += finite(number(m))
		}
	})
	return out
}

func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// spread is a histogram: how often, how long in all, and how many were at most so long.
type spread struct {
	count, sum float64
	buckets    map[float64]float64 // upper bound -> cumulative
}

// spreads adds up a histogram by a label.
func (s *Sample) spreads(family, label string) map[string]spread {
	out := map[string]spread{}
	s.each(family, label, func(value string, m *dto.Metric) {
		d, ok := out[value]
		if !ok {
			d.buckets = map[float64]float64{}
		}
		h := m.GetHistogram()
		d.count += float64(h.GetSampleCount())
		d.sum += finite(h.GetSampleSum())
		for _, b := range h.GetBucket() {
			d.buckets[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
		out[value] = d
	})
	return out
}
