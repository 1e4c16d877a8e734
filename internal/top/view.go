package top

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// View is what went on between two samples. Rates are per second; times are in seconds, nil where nothing ended.
type View struct {
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"` // between the samples
	Server   Server    `json:"server"`
	Lists    []List    `json:"lists"` // each part by name
	Chains   []Chain   `json:"chains"`
	Links    []Work    `json:"links"`
	Storages []Work    `json:"storages"`
}

// Server is the process.
type Server struct {
	Status      string  `json:"status"` // ready | not ready
	Store       string  `json:"store"`
	Detail      string  `json:"detail,omitempty"` // of the store
	Running     int     `json:"chains_running"`
	Held        int     `json:"chains_held"`
	Uptime      float64 `json:"uptime_seconds"`
	Memory      float64 `json:"memory_bytes"`
	CPU         float64 `json:"cpu"` // cores in use
	Connections float64 `json:"connections"`
	Requests    float64 `json:"requests"` // a second
	Files       float64 `json:"open_files"`
}

// List is an ingress list of a chain.
type List struct {
	Name    string  `json:"name"`
	Ready   float64 `json:"ready"`
	Delayed float64 `json:"delayed"`
	Leased  float64 `json:"leased"`
	Dead    float64 `json:"dead"`
	In      float64 `json:"in"`
	Out     float64 `json:"out"` // leased
}

// Chain is a chain that has worked since the server started, or is held.
type Chain struct {
	Name     string   `json:"name"`
	Held     []string `json:"held,omitempty"` // why
	InFlight float64  `json:"in_flight"`
	Done     float64  `json:"done"`
	P50      *float64 `json:"p50"` // from lease to end
	P99      *float64 `json:"p99"`
}

// Work is what a link or a storage did.
type Work struct {
	Name   string   `json:"name"`
	Runs   float64  `json:"runs"`
	Errors float64  `json:"errors"`
	Mean   *float64 `json:"mean"`
}

// Between compares two samples of one server. A counter that is smaller than before began anew: the server was restarted.
func Between(before, now *Sample) View {
	v := View{At: now.at, Seconds: now.at.Sub(before.at).Seconds()}
	p := pair{before, now, max(v.Seconds, 1e-3)}
	v.Server = p.server()
	v.Lists = p.lists()
	v.Chains = p.chains()
	v.Links = p.work("conserver_link_count_total", "link_name", "conserver_link_execution_time_seconds", 1)
	v.Storages = p.work("conserver_storage_count_total", "backend", "conserver_storage_duration_ms", 1e-3)
	return v
}

type pair struct {
	before, now *Sample
	seconds     float64
}

// grown is by how much a counter grew.
func grown(before, now float64) float64 {
	if now < before {
		return now
	}
	return now - before
}

// rates are how fast counters grow, by a label.
func (p pair) rates(family, label string, match func(m *dto.Metric) bool) map[string]float64 {
	before, now := p.before.sums(family, label, match), p.now.sums(family, label, match)
	for name, n := range now {
		now[name] = grown(before[name], n) / p.seconds
	}
	return now
}

func (p pair) rate(family string) float64 {
	return grown(p.before.total(family), p.now.total(family)) / p.seconds
}

func (p pair) server() Server {
	r := p.now.ready
	s := Server{Status: r.Status, Store: r.Store.Store, Detail: r.Store.Detail, Running: r.Chains, Held: len(r.Held),
		Memory: p.now.total("process_resident_memory_bytes"), CPU: p.rate("process_cpu_seconds_total"),
		Connections: p.now.total("vconduit_http_connections"), Requests: p.rate("vconduit_http_requests_total"),
		Files: p.now.total("process_open_fds")}
	if began := p.now.total("process_start_time_seconds"); began > 0 {
		s.Uptime = float64(p.now.at.UnixMilli())/1000 - began
	}
	return s
}

func (p pair) lists() []List {
	all := map[string]*List{}
	p.now.each("conserver_ingress_list_length", "ingress_list", func(name string, m *dto.Metric) {
		l := entryOf(all, name)
		l.Name = name
		kind, _ := labelOf(m, "kind")
		if into := map[string]*float64{"ingress": &l.Ready, "delayed": &l.Delayed, "leased": &l.Leased, "dlq": &l.Dead}[kind]; into != nil {
			*into = finite(number(m))
		}
	})
	in := p.rates("conserver_api_count_vcons_enqueued_total", "ingress_list", nil)
	out := p.rates("conserver_main_loop_count_vcons_received_total", "ingress_list", nil)
	for name, l := range all {
		l.In, l.Out = in[name], out[name]
	}
	return sorted(all, func(l List) string { return l.Name })
}

func (p pair) chains() []Chain {
	all := map[string]*Chain{}
	for name, why := range p.now.ready.Held {
		*entryOf(all, name) = Chain{Name: name, Held: why}
	}
	for name, n := range p.now.sums("conserver_vcons_inflight", "chain_name", nil) {
		c := entryOf(all, name)
		c.Name, c.InFlight = name, n
	}
	for name, rate := range p.rates("conserver_main_loop_count_vcons_processed_total", "chain_name", nil) {
		c := entryOf(all, name)
		c.Name, c.Done = name, rate
	}
	for name, s := range p.spreads("conserver_main_loop_vcon_processing_time_seconds", "chain_name") {
		if c := all[name]; c != nil {
			c.P50, c.P99 = s.quantile(0.5), s.quantile(0.99)
		}
	}
	return sorted(all, func(c Chain) string { return c.Name })
}

// work is what links or storages did; unit is that of the histogram, in seconds.
func (p pair) work(count, label, times string, unit float64) []Work {
	all := map[string]*Work{}
	for name, rate := range p.rates(count, label, nil) {
		*entryOf(all, name) = Work{Name: name, Runs: rate}
	}
	failed := func(m *dto.Metric) bool {
		outcome, _ := labelOf(m, "outcome")
		return outcome == "error"
	}
	for name, rate := range p.rates(count, label, failed) {
		all[name].Errors = rate
	}
	for name, s := range p.spreads(times, label) {
		if w := all[name]; w != nil && s.count > 0 {
			mean := s.sum / s.count * unit
			w.Mean = &mean
		}
	}
	return sorted(all, func(w Work) string { return w.Name })
}

// spreads are what histograms took in between the samples, by a label.
func (p pair) spreads(family, label string) map[string]spread {
	before, now := p.before.spreads(family, label), p.now.spreads(family, label)
	for name, n := range now {
		b := before[name]
		if n.count < b.count {
			continue // restarted
		}
		for bound := range n.buckets {
			n.buckets[bound] -= b.buckets[bound]
		}
		now[name] = spread{n.count - b.count, n.sum - b.sum, n.buckets}
	}
	return now
}

// quantile is where a share of the values lies at most, evenly spread within a bucket; nil when there was none.
func (s spread) quantile(share float64) *float64 {
	want, low, below := share*s.count, 0.0, 0.0
	for _, bound := range slices.Sorted(maps.Keys(s.buckets)) {
		n := s.buckets[bound]
		if n >= want && n > below {
			at := low
			if !math.IsInf(bound, 0) {
				at = low + (bound-low)*(want-below)/(n-below)
			}
			return &at
		}
		if !math.IsInf(bound, 0) {
			low, below = bound, n
		}
	}
	return nil
}

func entryOf[T any](all map[string]*T, name string) *T {
	if all[name] == nil {
		all[name] = new(T)
	}
	return all[name]
}

func sorted[T any](all map[string]*T, name func(T) string) []T {
	out := make([]T, 0, len(all))
	for _, e := range all {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	return out
}
