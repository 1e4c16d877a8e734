// Package telemetrytest is for tests alone: an OTLP receiver on a loopback port that keeps what it gets.
//
// Guarantees: it speaks the real protocols, gRPC and HTTP with protobuf, with the published messages. It ends with its
// test. Left to others: what a collector does with what it gets.
package telemetrytest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Receiver keeps what it gets. Safe for concurrent use.
type Receiver struct {
	URL string // http://127.0.0.1:port

	mu      sync.Mutex
	refuse  bool
	metrics []*metrics.ResourceMetrics
	spans   []*trace.ResourceSpans
	headers []http.Header // of each request; gRPC: its metadata
	paths   []string      // of each request over HTTP
}

// GRPC starts a receiver that speaks OTLP over gRPC.
func GRPC(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collectmetrics.RegisterMetricsServiceServer(s, metricsService{r: r})
	collecttrace.RegisterTraceServiceServer(s, traceService{r: r})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil {
			t.Errorf("otlp receiver: %v", err)
		}
	})
	r.URL = "http://" + ln.Addr().String()
	return r
}

// HTTP starts a receiver that speaks OTLP over HTTP with protobuf.
func HTTP(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// Refuse makes the receiver refuse everything for good, or take it again.
func (r *Receiver) Refuse(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = yes
}

// Metrics are all exports of metrics so far, oldest first.
func (r *Receiver) Metrics() []*metrics.ResourceMetrics {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*metrics.ResourceMetrics(nil), r.metrics...)
}

// Named are the values of one metric in each export so far, oldest first.
func (r *Receiver) Named(name string) []*metrics.Metric {
	var out []*metrics.Metric
	for _, rm := range r.Metrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				if m.GetName() == name {
					out = append(out, m)
				}
			}
		}
	}
	return out
}

// Spans are all spans so far.
func (r *Receiver) Spans() []*trace.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*trace.Span
	for _, rs := range r.spans {
		for _, ss := range rs.GetScopeSpans() {
			out = append(out, ss.GetSpans()...)
		}
	}
	return out
}

// Requests are the headers (gRPC: the metadata) of all requests so far and, over HTTP, their paths.
func (r *Receiver) Requests() (headers []http.Header, paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]http.Header(nil), r.headers...), append([]string(nil), r.paths...)
}

// Await waits until check is content, and fails the test after a while.
func Await(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for err := check(); err != nil; err = check() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// keep takes one request.
func (r *Receiver) keep(header http.Header, m []*metrics.ResourceMetrics, s []*trace.ResourceSpans) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers = append(r.headers, header)
	if r.refuse {
		return false
	}
	r.metrics, r.spans = append(r.metrics, m...), append(r.spans, s...)
	return true
}

// ServeHTTP implements OTLP over HTTP.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.paths = append(r.paths, req.URL.Path)
	r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var m collectmetrics.ExportMetricsServiceRequest
	var s collecttrace.ExportTraceServiceRequest
	switch {
	case req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/x-protobuf":
		err = fmt.Errorf("%s with %q", req.Method, req.Header.Get("Content-Type"))
	case req.URL.Path == "/v1/metrics":
		err = proto.Unmarshal(body, &m)
	case req.URL.Path == "/v1/traces":
		err = proto.Unmarshal(body, &s)
	default:
		err = fmt.Errorf("nothing is at %s", req.URL.Path)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !r.keep(req.Header.Clone(), m.GetResourceMetrics(), s.GetResourceSpans()) {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

type metricsService struct {
	collectmetrics.UnimplementedMetricsServiceServer
	r *Receiver
}

func (s metricsService) Export(ctx context.Context, req *collectmetrics.ExportMetricsServiceRequest) (*collectmetrics.ExportMetricsServiceResponse, error) {
	if !s.r.keep(header(ctx), req.GetResourceMetrics(), nil) {
		return nil, status.Error(codes.PermissionDenied, "refused")
	}
	return &collectmetrics.ExportMetricsServiceResponse{}, nil
}

type traceService struct {
	collecttrace.UnimplementedTraceServiceServer
	r *Receiver
}

func (s traceService) Export(ctx context.Context, req *collecttrace.ExportTraceServiceRequest) (*collecttrace.ExportTraceServiceResponse, error) {
	if !s.r.keep(header(ctx), nil, req.GetResourceSpans()) {
		return nil, status.Error(codes.PermissionDenied, "refused")
	}
	return &collecttrace.ExportTraceServiceResponse{}, nil
}

// header is a call's metadata as headers.
func header(ctx context.Context) http.Header {
	md, _ := metadata.FromIncomingContext(ctx)
	h := http.Header{}
	for name, values := range md {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return h
}
