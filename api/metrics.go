package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/internal/metric"
)

// meters are the package's metrics. No label has a value that a client chooses.
type meters struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	enqueued *prometheus.CounterVec
	unknown  prometheus.Counter
	panics   prometheus.Counter
	refused  *prometheus.CounterVec
	vcons    *prometheus.CounterVec
	bytes    *prometheus.CounterVec
}

// Sources of enqueued vCons, as the Python server names them.
const (
	sourceNew       = "new"
	sourceExternal  = "external"
	sourceReingress = "reingress"
	sourceDLQ       = "dlq_reprocess"
)

func newMeters(reg prometheus.Registerer, s *Server) *meters {
	metric.Connections.Func(reg, func() float64 { return float64(s.conns.Load()) })
	metric.BodyBytes.Func(reg, func() float64 { return float64(s.inflight.Load()) })
	return &meters{
		requests: metric.Requests.Counter(reg),
		seconds:  metric.RequestTime.Histogram(reg),
		enqueued: metric.Enqueued.Counter(reg),
		unknown:  metric.UnknownList.Counter(reg).WithLabelValues(),
		refused:  metric.Refused.Counter(reg),
		vcons:    metric.UsageVCons.Counter(reg),
		bytes:    metric.UsageBytes.Counter(reg),
		panics:   metric.Panics.Counter(reg).WithLabelValues(),
	}
}

// missed counts an answer that no route gave.
func (m *meters) missed(status int) {
	m.requests.WithLabelValues("", "none", strconv.Itoa(status)).Inc()
}

// queued counts vCons put on a list by name.
func (c *call) queued(list, source string, n int) {
	if !c.set.Lists[list] {
		c.s.metrics.unknown.Add(float64(n))
	}
	c.s.metrics.enqueued.WithLabelValues(c.listLabel(list), source).Add(float64(n))
}

// used counts a new vCon for its key, as the store's usage does: for each list, "" for none.
func (c *call) used(list string, size int) {
	if c.who.name == "" {
		return
	}
	list = c.listLabel(list)
	c.s.metrics.vcons.WithLabelValues(c.who.name, list).Inc()
	c.s.metrics.bytes.WithLabelValues(c.who.name, list).Add(float64(size))
}

// listLabel keeps names that clients make up out of the labels.
func (c *call) listLabel(list string) string {
	if _, ours := c.set.Ingress[list]; list == "" || ours || c.set.Lists[list] {
		return list
	}
	return "other"
}

// routeMeter finds a route's counters without building label sets for each request.
type routeMeter struct {
	status  *[600]atomic.Pointer[prometheus.Counter]
	count   func(status int) prometheus.Counter
	seconds prometheus.Observer
}

func (m *meters) route(method, path string) routeMeter {
	return routeMeter{
		status:  new([600]atomic.Pointer[prometheus.Counter]),
		seconds: m.seconds.WithLabelValues(method, path),
		count: func(status int) prometheus.Counter {
			return m.requests.WithLabelValues(method, path, strconv.Itoa(status))
		},
	}
}

func (r *routeMeter) observe(status int, took time.Duration) {
	slot := &r.status[min(max(status, 0), len(r.status)-1)]
	counter := slot.Load()
	if counter == nil {
		made := r.count(status)
		counter = &made
		slot.Store(counter)
	}
	(*counter).Inc()
	r.seconds.Observe(took.Seconds())
}
