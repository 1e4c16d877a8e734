package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meters are the package's metrics. No label has a value that a client chooses.
type meters struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	enqueued *prometheus.CounterVec
	unknown  prometheus.Counter
	panics   prometheus.Counter
}

// Sources of enqueued vCons, as the Python server names them.
const (
	sourceNew       = "new"
	sourceExternal  = "external"
	sourceReingress = "reingress"
	sourceDLQ       = "dlq_reprocess"
)

func newMeters(reg prometheus.Registerer, s *Server) *meters {
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vconduit_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vconduit_http_request_duration_seconds", Help: "From the end of the headers to the answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"method", "route"}),
		enqueued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conserver_api_count_vcons_enqueued_total", Help: "vCons put on an ingress list by the API. Lists that no chain and no key names count as \"other\".",
		}, []string{"ingress_list", "source"}),
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vconduit_api_unknown_list_total", Help: "vCons put on a list that no chain reads.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vconduit_http_panics_total", Help: "Handlers that panicked.",
		}),
	}
	reg.MustRegister(m.requests, m.seconds, m.enqueued, m.unknown, m.panics,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "vconduit_http_connections", Help: "Open connections.",
		}, func() float64 { return float64(s.conns.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "vconduit_http_body_bytes", Help: "Bytes of request bodies held now.",
		}, func() float64 { return float64(s.inflight.Load()) }))
	return m
}

// missed counts an answer that no route gave.
func (m *meters) missed(status int) {
	m.requests.WithLabelValues("", "none", strconv.Itoa(status)).Inc()
}

// queued counts vCons put on a list by name.
func (c *call) queued(list, source string, n int) {
	if !c.set.Lists[list] {
		c.s.metrics.unknown.Add(float64(n))
		if _, ours := c.set.Ingress[list]; !ours {
			list = "other"
		}
	}
	c.s.metrics.enqueued.WithLabelValues(list, source).Add(float64(n))
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
