package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/worker"
)

// observer turns what the worker tells into metrics (names of the Python server in Prometheus form, without the labels
// that grow with every vCon) and one log line for each finished vCon. It never sees content.
type observer struct {
	worker.NoObserver
	log   *slog.Logger
	watch *watch

	received, processed, links, storages, dead *prometheus.CounterVec
	inflight                                   *prometheus.GaugeVec
	processing, linkTime, storageTime          *prometheus.HistogramVec
}

// seconds are the buckets of everything that runs a chain: 1 ms to about 9 min.
var seconds = prometheus.ExponentialBuckets(0.001, 3, 13)

func newObserver(reg prometheus.Registerer, log *slog.Logger, w Watcher) *observer {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		reg.MustRegister(h)
		return h
	}
	o := &observer{
		log:         log,
		watch:       newWatch(w),
		received:    counter("conserver_main_loop_count_vcons_received_total", "vCons leased from an ingress list.", "ingress_list"),
		processed:   counter("conserver_main_loop_count_vcons_processed_total", "vCons that a chain finished or halted.", "chain_name"),
		links:       counter("conserver_link_count_total", "Runs of links.", "link_name", "outcome"),
		storages:    counter("conserver_storage_count_total", "Saves and deletes.", "backend", "op", "outcome"),
		dead:        counter("conserver_dlq_count_total", "New dead letters.", "queue_name", "reason"),
		processing:  histogram("conserver_main_loop_vcon_processing_time_seconds", "From lease to end.", seconds, "chain_name"),
		linkTime:    histogram("conserver_link_execution_time_seconds", "One run of a link.", seconds, "link_name", "chain_name"),
		storageTime: histogram("conserver_storage_duration_ms", "One save or delete, tries included.", prometheus.ExponentialBuckets(0.5, 3, 12), "backend", "outcome"),
		inflight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "conserver_vcons_inflight", Help: "vCons being worked."}, []string{"chain_name"}),
	}
	reg.MustRegister(o.inflight)
	return o
}

// Received counts a vCon that was leased for a chain.
func (o *observer) Received(chain, list string) {
	o.received.WithLabelValues(list).Inc()
	o.inflight.WithLabelValues(chain).Inc()
}

// LinkDone counts one run of a link.
func (o *observer) LinkDone(r chain.LinkReport) {
	o.links.WithLabelValues(r.Link, linkOutcome(r.Outcome)).Inc()
	o.linkTime.WithLabelValues(r.Link, r.Chain).Observe(r.Took.Seconds())
	if len(r.Denied) > 0 {
		o.log.Info("link was refused what nothing grants it", "vcon", r.ID, "chain", r.Chain, "link", r.Link, "denied", r.Denied)
	}
	o.watch.step(r.ID, "link "+r.Link+" "+r.Outcome)
	o.watch.link(r)
}

// linkOutcome maps to the three words that dashboards of the Python server know.
func linkOutcome(s string) string {
	switch s {
	case "done", "no_change":
		return "success"
	case "failed":
		return "error"
	}
	return s
}

// StorageDone counts a save or a delete and logs a failed one: what happens next is the worker's decision.
func (o *observer) StorageDone(r worker.StorageReport) {
	outcome := "success"
	if r.Outcome != "ok" {
		outcome = "error"
	}
	o.storages.WithLabelValues(r.Storage, r.Op, outcome).Inc()
	o.storageTime.WithLabelValues(r.Storage, outcome).Observe(float64(r.Took) / float64(time.Millisecond))
	if r.Err != nil {
		o.log.Warn("storage failed", "storage", r.Storage, "op", r.Op, "outcome", r.Outcome, "error", r.Err)
	}
	o.watch.step(r.ID, r.Op+" "+r.Storage+" "+r.Outcome)
}

// DeadLettered counts and logs a new dead letter; its detail stays in the store.
func (o *observer) DeadLettered(r worker.DeadReport) {
	o.dead.WithLabelValues(queue.DLQ(r.List), r.Reason).Inc()
	o.log.Warn("dead letter", "vcon", r.ID, "chain", r.Chain, "list", r.List, "reason", r.Reason,
		"link", r.Link, "storage", r.Storage, "attempt", r.Attempt)
}

// Finished logs the one line of a vCon and takes it out of the number in flight.
func (o *observer) Finished(r worker.Report) {
	if r.Chain != "" {
		o.inflight.WithLabelValues(r.Chain).Dec()
		o.processing.WithLabelValues(r.Chain).Observe(r.Took.Seconds())
	}
	if r.Outcome == worker.OutcomeDone || r.Outcome == worker.OutcomeHalted {
		o.processed.WithLabelValues(r.Chain).Inc()
	}
	level := slog.LevelInfo
	if r.Outcome == worker.OutcomeFailed {
		level = slog.LevelWarn
	}
	attrs := []any{"vcon", r.ID, "chain", r.Chain, "list", r.List, "outcome", string(r.Outcome), "attempt", r.Attempt,
		"seconds", r.Took.Seconds()}
	if r.Reason != "" {
		attrs = append(attrs, "reason", r.Reason)
	}
	if r.Link != "" {
		attrs = append(attrs, "link", r.Link)
	}
	o.log.Log(context.Background(), level, "vcon finished", attrs...)
	o.watch.finished(r)
}

// chainGauge counts chains of the configuration in force by state: running or held.
func chainGauge(state string, n func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "vconduit_chains", Help: "Chains of the configuration.",
		ConstLabels: prometheus.Labels{"state": state}}, func() float64 { return float64(n()) })
}

// depths shows the lengths of the lists that chains read, and of their DLQs, at each scrape.
type depths struct {
	store queue.Lists
	lists func() []string
	desc  *prometheus.Desc
}

func newDepths(store queue.Lists, lists func() []string) *depths {
	return &depths{store: store, lists: lists, desc: prometheus.NewDesc("conserver_ingress_list_length",
		"Length of an ingress list and its DLQ.", []string{"ingress_list", "kind"}, nil)}
}

// Describe implements prometheus.Collector.
func (d *depths) Describe(ch chan<- *prometheus.Desc) { ch <- d.desc }

// Collect implements prometheus.Collector. A store that does not answer within a second shows nothing.
func (d *depths) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, list := range d.lists() {
		n, err := d.store.Depth(ctx, list)
		if err != nil {
			return
		}
		for kind, v := range map[string]int64{"ingress": n.Ready, "delayed": n.Delayed, "leased": n.Leased, "dlq": n.Dead} {
			ch <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(v), list, kind)
		}
	}
}
