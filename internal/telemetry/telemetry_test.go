package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/internal/metric"
	"github.com/vconduit/vconduit/internal/telemetry/telemetrytest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// logged is a log that a test reads while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type setup struct {
	*Telemetry
	reg *prometheus.Registry
	log *logged
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{reg: prometheus.NewRegistry(), log: &logged{}}
	s.Telemetry = New(Options{Gatherer: s.reg, Log: slog.New(slog.NewTextHandler(s.log, nil)), Version: "1.2.3", Began: time.Now()})
	t.Cleanup(s.Close)
	return s
}

func otlp(endpoint, protocol string) config.OTLP {
	return config.OTLP{Endpoint: endpoint, Protocol: protocol, Traces: 1, Service: "tested", MetricInterval: 20 * time.Millisecond,
		Headers: []config.Header{{Name: "x-team", Value: "blue"}}, Resource: []config.Attribute{{Name: "deployment.environment", Value: "test"}}}
}

// TestBothProtocols: what was counted and what was traced arrive whole, under their names, with headers and resource.
func TestBothProtocols(t *testing.T) {
	t.Parallel()
	for protocol, start := range map[string]func(testing.TB) *telemetrytest.Receiver{"grpc": telemetrytest.GRPC, "http/protobuf": telemetrytest.HTTP} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			r, s := start(t), newSetup(t)
			metric.Links.Counter(s.reg).WithLabelValues("tag", "success").Add(3)
			metric.Inflight.Gauge(s.reg).WithLabelValues("main").Set(2)
			metric.ListLength.Gauge(s.reg).WithLabelValues("in", "dlq").Set(7)
			h := metric.LinkTime.Histogram(s.reg).WithLabelValues("tag", "main")
			h.Observe(0.0005)
			h.Observe(1e6)
			s.reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "not_in_the_table"}))
			s.Apply(otlp(r.URL, protocol))
			_, end := s.Request("POST", "/vcon", "")
			end(201)
			s.Close() // sends what is left
			checkMetrics(t, r)
			if spans := r.Spans(); len(spans) != 1 || spans[0].GetName() != "POST /vcon" || spans[0].GetKind() != tracepb.Span_SPAN_KIND_SERVER {
				t.Errorf("spans %v", spans)
			}
			headers, _ := r.Requests()
			for _, h := range headers {
				if h.Get("X-Team") != "blue" {
					t.Errorf("headers %v", h)
				}
			}
			if s.log.String() != "" {
				t.Errorf("log %s", s.log)
			}
		})
	}
}

func checkMetrics(t *testing.T, r *telemetrytest.Receiver) {
	t.Helper()
	all := r.Metrics()
	if len(all) == 0 {
		t.Fatal("no metrics")
	}
	about := attrs(all[0].GetResource().GetAttributes())
	if about["service.name"] != "tested" || about["host.name"] == "" || !strings.HasPrefix(about["service.instance.id"], about["host.name"]+"-pid-") ||
		about["service.version"] != "1.2.3" || about["deployment.environment"] != "test" {
		t.Errorf("resource %v", about)
	}
	links := last(t, r, "conserver.link.count")
	p := links.GetSum().GetDataPoints()
	if !links.GetSum().GetIsMonotonic() || len(p) != 1 || p[0].GetAsInt() != 3 || fmt.Sprint(attrs(p[0].GetAttributes())) != "map[link_name:tag outcome:success]" ||
		links.GetSum().GetAggregationTemporality() != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
		t.Errorf("counter %v", links)
	}
	inflight := last(t, r, "conserver.vcons.inflight").GetSum()
	if inflight.GetIsMonotonic() || inflight.GetDataPoints()[0].GetAsInt() != 2 || attrs(inflight.GetDataPoints()[0].GetAttributes())["chain.name"] != "main" {
		t.Errorf("up-down counter %v", inflight)
	}
	if n := last(t, r, "conserver.ingress_list.length").GetGauge().GetDataPoints()[0].GetAsInt(); n != 7 {
		t.Errorf("gauge %d", n)
	}
	h := last(t, r, "conserver.link.execution_time")
	hp := h.GetHistogram().GetDataPoints()[0]
	counts, bounds := hp.GetBucketCounts(), hp.GetExplicitBounds()
	if h.GetUnit() != "s" || hp.GetCount() != 2 || len(counts) != len(bounds)+1 || counts[0] != 1 || counts[len(counts)-1] != 1 || attrs(hp.GetAttributes())["link.name"] != "tag" {
		t.Errorf("histogram %v", h)
	}
	if len(r.Named("not_in_the_table")) > 0 {
		t.Error("a metric outside of the table was sent")
	}
}

func last(t *testing.T, r *telemetrytest.Receiver, name string) *metricspb.Metric {
	t.Helper()
	all := r.Named(name)
	if len(all) == 0 {
		t.Fatalf("no metric %s", name)
	}
	return all[len(all)-1]
}

func attrs(kvs []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range kvs {
		m[kv.GetKey()] = kv.GetValue().GetStringValue()
		if v, ok := kv.GetValue().GetValue().(*commonpb.AnyValue_IntValue); ok {
			m[kv.GetKey()] = fmt.Sprint(v.IntValue)
		}
	}
	return m
}

// TestDatadog: with a key alone, metrics go to the site's intake as it wants them, and nothing else goes anywhere.
func TestDatadog(t *testing.T) {
	t.Parallel()
	c := config.OTLP{Protocol: "grpc", Traces: 1, Service: "s", MetricInterval: 10 * time.Millisecond, Datadog: config.Datadog{Key: "the-key", Site: "datadoghq.eu"}}
	to, err := destinationOf(c)
	if err != nil || to.below("metrics") != "https://otlp.datadoghq.eu/v1/metrics" || to.grpc {
		t.Fatalf("destination %+v, %v", to, err)
	}
	r, s := telemetrytest.HTTP(t), newSetup(t)
	if to.url, err = url.Parse(r.URL); err != nil {
		t.Fatal(err)
	}
	counter := metric.Links.Counter(s.reg).WithLabelValues("tag", "success")
	times := metric.StorageTime.Histogram(s.reg).WithLabelValues("files", "success")
	counter.Add(100) // before: not Datadog's
	p, err := s.connect(c, to)
	if err != nil || p.tracer != nil {
		t.Fatal(p, err)
	}
	s.current.Store(p)
	counter.Add(5)
	times.Observe(1)
	telemetrytest.Await(t, "the first five", func() error { return sumIs(r, 5) })
	r.Refuse(true)
	counter.Add(7)
	telemetrytest.Await(t, "refused exports", func() error {
		if !strings.Contains(s.log.String(), "does not get through") {
			return errors.New(s.log.String())
		}
		return nil
	})
	counter.Add(11)
	r.Refuse(false)
	telemetrytest.Await(t, "the rest", func() error { return sumIs(r, 23) })
	s.Close()
	if err := sumIs(r, 23); err != nil {
		t.Error(err)
	}
	headers, paths := r.Requests()
	for n, h := range headers {
		if h.Get("Dd-Api-Key") != "the-key" || paths[n] != "/v1/metrics" {
			t.Errorf("%s: %v", paths[n], h)
		}
	}
	if strings.Contains(s.log.String(), "the-key") || strings.Count(s.log.String(), "does not get through") != 1 || strings.Count(s.log.String(), "gets through again") != 1 {
		t.Errorf("log %s", s.log)
	}
}

// sumIs says whether the deltas of conserver.link.count add up to want, and those of the storage's one operation to 1.
func sumIs(r *telemetrytest.Receiver, want int64) error {
	const delta = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	var sum int64
	for _, m := range r.Named("conserver.link.count") {
		if m.GetSum().GetAggregationTemporality() != delta {
			return fmt.Errorf("%v", m)
		}
		sum += m.GetSum().GetDataPoints()[0].GetAsInt()
	}
	var operations, inBuckets uint64
	for _, m := range r.Named("conserver.storage.duration_ms") {
		if m.GetHistogram().GetAggregationTemporality() != delta {
			return fmt.Errorf("%v", m)
		}
		for _, p := range m.GetHistogram().GetDataPoints() {
			operations += p.GetCount()
			for _, n := range p.GetBucketCounts() {
				inBuckets += n
			}
		}
	}
	if sum != want || operations != 1 || inBuckets != 1 {
		return fmt.Errorf("counted %d, want %d; operations %d, in buckets %d, want 1", sum, want, operations, inBuckets)
	}
	return nil
}

// TestAgent: the agent's OTLP port gets everything, and the key stays with the agent.
func TestAgent(t *testing.T) {
	t.Parallel()
	r, s := telemetrytest.GRPC(t), newSetup(t)
	c := otlp(r.URL, "grpc")
	c.Datadog = config.Datadog{Key: "the-key", Site: "datadoghq.com"}
	metric.Links.Counter(s.reg).WithLabelValues("tag", "success").Inc()
	s.Apply(c)
	s.Close()
	headers, _ := r.Requests()
	if len(r.Named("conserver.link.count")) == 0 || slices.ContainsFunc(headers, func(h http.Header) bool { return len(h["Dd-Api-Key"]) > 0 }) {
		t.Errorf("headers %v", headers)
	}
}

// TestUnreachable: nobody listens. Work is not held up, the end is bounded, and one line says it.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	metric.Links.Counter(s.reg).WithLabelValues("tag", "success").Inc()
	s.Apply(otlp("127.0.0.1:1", "grpc"))
	began := time.Now()
	for range 5000 { // more than the queue of spans holds
		_, end := s.Request("POST", "/vcon", "")
		end(201)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("5000 requests took %v", took)
	}
	began = time.Now()
	s.Close()
	if took := time.Since(began); took > flushWithin+time.Second {
		t.Errorf("the end took %v", took)
	}
	if n := strings.Count(s.log.String(), "kind=metrics"); n != 1 {
		t.Errorf("log:\n%s", s.log)
	}
}

// TestApply: a reload moves telemetry, the same configuration again changes nothing, and an empty one ends it.
func TestApply(t *testing.T) {
	t.Parallel()
	a, b, s := telemetrytest.HTTP(t), telemetrytest.GRPC(t), newSetup(t)
	metric.Links.Counter(s.reg).WithLabelValues("tag", "success").Inc()
	s.Apply(otlp(a.URL, "http/protobuf"))
	first := s.current.Load()
	s.Apply(otlp(a.URL, "http/protobuf"))
	if s.current.Load() != first {
		t.Error("the same configuration was made again")
	}
	s.Apply(otlp(b.URL, "grpc"))
	telemetrytest.Await(t, "metrics at both", func() error {
		if len(a.Metrics()) == 0 || len(b.Metrics()) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	s.Apply(config.OTLP{})
	if queued, _ := s.Request("POST", "/vcon", "as it came"); queued != "as it came" {
		t.Errorf("without spans the caller's context became %q", queued)
	}
	if s.Begin(worker.Begun{}) != nil {
		t.Error("a span without destination")
	}
}

const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// TestSpans: a request below the caller's span, then the lease as a trace of its own that names the request, with a span
// for each link and storage.
func TestSpans(t *testing.T) {
	t.Parallel()
	r, s := telemetrytest.GRPC(t), newSetup(t)
	s.Apply(otlp(r.URL, "grpc"))
	queued, end := s.Request("POST", "/vcon", caller)
	end(503)
	id := vcon.NewID("example.com")
	now := time.Now()
	lease := s.Begin(worker.Begun{ID: id, Chain: "main", List: "in", Attempt: 2, TraceParent: queued, Time: now})
	lease.LinkDone(chain.LinkReport{ID: id, Chain: "main", Link: "tag", Index: 1, Outcome: "failed", Began: now, Took: time.Second})
	lease.StorageDone(worker.StorageReport{ID: id, Storage: "files", Op: "save", Outcome: "ok", Began: now, Took: time.Second, Err: errors.New("words of a conversation")})
	lease.End(worker.Report{ID: id, Chain: "main", Outcome: worker.OutcomeFailed, Reason: "link_failed", Link: "tag"})
	s.Close()

	got := map[string]*tracepb.Span{}
	for _, span := range r.Spans() {
		got[span.GetName()] = span
	}
	request, root, link, storage := got["POST /vcon"], got["vcon_processing.main"], got["link.tag"], got["storage.files"]
	if len(got) != 4 || request == nil || root == nil || link == nil || storage == nil {
		t.Fatalf("spans %v", r.Spans())
	}
	if fmt.Sprintf("%x-%x", request.GetTraceId(), request.GetParentSpanId()) != caller[3:52] || request.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("request %v", request)
	}
	if len(root.GetLinks()) != 1 || !bytes.Equal(root.GetLinks()[0].GetSpanId(), request.GetSpanId()) || !bytes.Equal(root.GetLinks()[0].GetTraceId(), request.GetTraceId()) ||
		len(root.GetParentSpanId()) > 0 || bytes.Equal(root.GetTraceId(), request.GetTraceId()) {
		t.Errorf("root %v", root)
	}
	if root.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || root.GetStatus().GetMessage() != "link_failed" {
		t.Errorf("root's status %v", root.GetStatus())
	}
	for span, want := range map[*tracepb.Span]map[string]string{
		root:    {"vcon_id": id.String(), "vcon.uuid": id.String(), "chain_name": "main", "attempt": "2", "outcome": "failed"},
		link:    {"vcon_id": id.String(), "link_name": "tag", "link_index": "1", "chain_name": "main", "outcome": "failed"},
		storage: {"vcon_id": id.String(), "storage_name": "files", "chain_name": "main", "op": "save"},
	} {
		have := attrs(span.GetAttributes())
		for k, v := range want {
			if have[k] != v {
				t.Errorf("%s: %s is %q, want %q", span.GetName(), k, have[k], v)
			}
		}
		if span != root && (!bytes.Equal(span.GetParentSpanId(), root.GetSpanId()) || span.GetEndTimeUnixNano()-span.GetStartTimeUnixNano() != uint64(time.Second)) {
			t.Errorf("%s: %v", span.GetName(), span)
		}
		if strings.Contains(span.String(), "words of a conversation") {
			t.Errorf("%s tells what it must not", span.GetName())
		}
	}
	if storage.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR || link.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("status of %v, %v", storage, link)
	}
}

// TestSampling: the share holds whatever callers say, a caller who samples nothing is obeyed, and a request and its
// processing are kept together.
func TestSampling(t *testing.T) {
	t.Parallel()
	r, s := telemetrytest.GRPC(t), newSetup(t)
	c := otlp(r.URL, "grpc")
	c.Traces = 0.3
	s.Apply(c)
	const runs = 400
	for n := range runs {
		parent := ""
		switch n % 4 {
		case 1:
			parent = fmt.Sprintf("00-%032x-b7ad6b7169203331-01", uint64(n)*0x9e3779b97f4a7c15)
		case 2:
			parent = fmt.Sprintf("00-%032x-b7ad6b7169203331-00", n)
		}
		queued, end := s.Request("POST", "/vcon", parent)
		end(201)
		s.Begin(worker.Begun{Chain: "main", TraceParent: queued, Time: time.Now()}).End(worker.Report{Outcome: worker.OutcomeDone})
	}
	s.Close()
	requests, processed := map[string]bool{}, 0
	for _, span := range r.Spans() {
		if span.GetName() == "POST /vcon" {
			requests[string(span.GetSpanId())] = true
			if p := span.GetParentSpanId(); len(p) > 0 && span.GetFlags()&uint32(trace.FlagsSampled) == 0 {
				t.Errorf("the trace of a caller who does not sample is there: %v", span)
			}
		}
	}
	for _, span := range r.Spans() {
		if span.GetName() == "vcon_processing.main" {
			processed++
			if !requests[string(span.GetLinks()[0].GetSpanId())] {
				t.Error("processing was kept without its request")
			}
		}
	}
	if n := len(requests); n != processed || n < runs*3/4*15/100 || n > runs*3/4*45/100 {
		t.Errorf("%d requests and %d processings of %d were kept at a share of 0.3", n, processed, runs)
	}
}
