package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/internal/metric"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/worker"
)

// observer turns what the worker tells into metrics and one log line for each finished vCon. It never sees content.
type observer struct {
	worker.NoObserver
	log   *slog.Logger
	watch *watch

	received, processed, links, storages, dead *prometheus.CounterVec
	inflight                                   *prometheus.GaugeVec
	processing, linkTime, storageTime          *prometheus.HistogramVec
	miss, hit, notFound                        prometheus.Counter
}

func newObserver(reg prometheus.Registerer, log *slog.Logger, w Watcher) *observer {
	return &observer{
		log:         log,
		watch:       newWatch(w),
		received:    metric.Received.Counter(reg),
		processed:   metric.Processed.Counter(reg),
		links:       metric.Links.Counter(reg),
		storages:    metric.Storages.Counter(reg),
		dead:        metric.Dead.Counter(reg),
		inflight:    metric.Inflight.Gauge(reg),
		processing:  metric.Processing.Histogram(reg),
		linkTime:    metric.LinkTime.Histogram(reg),
		storageTime: metric.StorageTime.Histogram(reg),
		miss:        metric.ReadMiss.Counter(reg).WithLabelValues(),
		hit:         metric.ReadHit.Counter(reg).WithLabelValues(),
		notFound:    metric.ReadNotFound.Counter(reg).WithLabelValues(),
	}
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

// read counts one read of a vCon that is not in the live store, by what the storages answered.
func (o *observer) read(err error) {
	o.miss.Inc()
	switch {
	case err == nil:
		o.hit.Inc()
	case errors.Is(err, queue.ErrNotFound):
		o.notFound.Inc()
	}
}

// depths shows the lengths of the lists that chains read, and of their DLQs, at each scrape.
type depths struct {
	store queue.Lists
	lists func() []string
	desc  *prometheus.Desc
}

func newDepths(store queue.Lists, lists func() []string) *depths {
	return &depths{store: store, lists: lists, desc: metric.ListLength.Desc()}
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
