package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/vconduit/vconduit/internal/metric"
	"github.com/vconduit/vconduit/internal/telemetry/telemetrytest"
	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/vcon"
)

// spoken stands for what was said in a conversation.
const spoken = "words-of-a-conversation"

const callersTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

const (
	partnerKey = "app-test-key-0123456789"
	expiredKey = "app-gone-key-0123456789"
)

// observed is a server with two vCons that went through its chain, good and a partner's, and one that became a dead letter.
type observed struct {
	*App
	good, dead, partners vcon.ID
	stop                 func() // ends the server, once
	log                  *bytes.Buffer
}

func observe(t *testing.T, env map[string]string) *observed {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yml")
	text := strings.NewReplacer("%DIR%", dir, "app-test-key-0123456789", "[{name: partner, key: "+partnerKey+"}, {name: gone, key: "+expiredKey+", expires: 2020-01-01}]").Replace(testConfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &observed{log: &bytes.Buffer{}, good: vcon.NewID("example.com"), dead: vcon.NewID("example.com"), partners: vcon.NewID("example.com")}
	var err error
	o.App, err = New(t.Context(), Options{Config: file, Listen: "127.0.0.1:0", Data: filepath.Join(dir, "data"),
		Getenv: func(k string) string { return env[k] }, Stderr: o.log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	stopped := false
	o.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(o.stop)
	o.post(t, o.good, "")
	o.post(t, o.dead, `"extensions":["unheard-of"],"critical":["unheard-of"],`)
	o.postExternal(t, partnerKey, http.StatusNoContent)
	o.postExternal(t, expiredKey, http.StatusForbidden)
	o.await(t, `conserver_main_loop_count_vcons_processed_total{chain_name="main"} 2`, `conserver_dlq_count_total{queue_name="DLQ:calls",reason="critical_extension"} 1`,
		`conserver_vcons_inflight{chain_name="main"} 0`)
	return o
}

// postExternal posts as a partner does.
func (o *observed) postExternal(t *testing.T, key string, status int) {
	t.Helper()
	doc := fmt.Sprintf(`{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","parties":[]}`, o.partners)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+o.Addr()+"/vcon/external-ingress?ingress_list=calls", strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Conserver-Api-Token", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != status {
		t.Fatal(resp.Status)
	}
}

func (o *observed) post(t *testing.T, id vcon.ID, more string) {
	t.Helper()
	doc := fmt.Sprintf(`{"uuid":%q,%s"created_at":"2026-11-02T09:14:03Z","subject":%q,"parties":[{"name":%q}]}`, id, more, spoken, spoken)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+o.Addr()+"/vcon?ingress_list=calls", strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", callersTrace)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
}

// await waits for series of /metrics.
func (o *observed) await(t *testing.T, lines ...string) {
	t.Helper()
	telemetrytest.Await(t, "metrics", func() error {
		text, err := o.scrape(t)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if !strings.Contains(text, line+"\n") {
				return errors.New("no " + line)
			}
		}
		return nil
	})
}

func (o *observed) scrape(t *testing.T) (string, error) {
	resp, err := http.Get("http://" + o.Addr() + "/metrics")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return b.String(), err
}

// TestTelemetry: a server with a receiver, over each protocol. Every metric of the table arrives, the trace of a vCon is
// whole from its caller to its storage, and nothing of the conversation is told to anybody.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	for protocol, start := range map[string]func(testing.TB) *telemetrytest.Receiver{"grpc": telemetrytest.GRPC, "http/protobuf": telemetrytest.HTTP} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			o := observe(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_METRIC_EXPORT_INTERVAL": "3600000"})
			o.stop() // what was not sent is sent now
			for _, i := range metric.All() {
				if len(r.Named(i.Name)) == 0 {
					t.Errorf("%s was not sent", i.Name)
				}
			}
			checkTrace(t, r, o)
			told := fmt.Sprint(r.Metrics(), r.Spans(), o.log)
			if strings.Contains(told, spoken) {
				t.Error("the conversation was told")
			}
			if strings.Contains(fmt.Sprint(r.Metrics()), o.good.String()) {
				t.Error("metrics grow with the vCons")
			}
			checkLog(t, o)
		})
	}
}

func checkTrace(t *testing.T, r *telemetrytest.Receiver, o *observed) {
	t.Helper()
	var requests, dead []*tracepb.Span
	of := map[string]*tracepb.Span{}
	for _, s := range r.Spans() {
		switch {
		case s.GetName() == "POST /vcon":
			requests = append(requests, s)
		case s.GetName() == "POST /vcon/external-ingress", strings.Contains(s.String(), o.partners.String()):
		case strings.Contains(s.String(), o.good.String()):
			of[s.GetName()] = s
		default:
			dead = append(dead, s)
		}
	}
	root, link, storage := of["vcon_processing.main"], of["link.tag"], of["storage.files"]
	if len(requests) != 2 || len(of) != 3 || root == nil || link == nil || storage == nil || len(dead) != 1 {
		t.Fatalf("spans %v", r.Spans())
	}
	for _, s := range requests {
		if got := fmt.Sprintf("%x-%x", s.GetTraceId(), s.GetParentSpanId()); got != callersTrace[3:52] {
			t.Errorf("the request is below %s", got)
		}
	}
	if !bytes.Equal(link.GetParentSpanId(), root.GetSpanId()) || !bytes.Equal(storage.GetParentSpanId(), root.GetSpanId()) {
		t.Errorf("children %v, %v", link, storage)
	}
	if !slices.ContainsFunc(requests, func(s *tracepb.Span) bool { return bytes.Equal(s.GetSpanId(), root.GetLinks()[0].GetSpanId()) }) {
		t.Errorf("the lease does not name its request: %v", root)
	}
	if s := dead[0].GetStatus(); s.GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.GetMessage() != "critical_extension" {
		t.Errorf("the dead letter's status: %v", s)
	}
}

// checkLog: JSON, and one line for each vCon that ended.
func checkLog(t *testing.T, o *observed) {
	t.Helper()
	finished := map[string]int{}
	for line := range strings.Lines(o.log.String()) {
		var l struct{ Msg, VCon, Level string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Level == "" {
			t.Errorf("%v: %s", err, line)
		}
		if l.Msg == "vcon finished" {
			finished[l.VCon]++
		}
	}
	if len(finished) != 3 || finished[o.good.String()] != 1 || finished[o.partners.String()] != 1 || finished[o.dead.String()] != 1 {
		t.Errorf("finished %v", finished)
	}
}

// TestUnreachableCollector: the server starts, works, is ready and stops as if there were none to reach.
func TestUnreachableCollector(t *testing.T) {
	t.Parallel()
	o := observe(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRIC_EXPORT_INTERVAL": "100"})
	resp, err := http.Get("http://" + o.Addr() + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/ready: %s", resp.Status)
	}
	o.stop()
}

// words are PromQL's own words, as far as the dashboard uses them; every other name must be a metric or a label.
var words = []string{"sum", "max", "by", "rate", "increase", "histogram_quantile", "le", "instance"}

// TestDashboard: each metric and label in an expression of the Grafana dashboard is on /metrics of a server that worked.
func TestDashboard(t *testing.T) {
	t.Parallel()
	o := observe(t, nil)
	text, err := o.scrape(t)
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for name, f := range families {
		has := []string{""} // a metric without labels is one too
		for _, l := range f.GetMetric()[0].GetLabel() {
			has = append(has, l.GetName())
		}
		if f.GetType() != dto.MetricType_HISTOGRAM {
			labels[name] = has
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			labels[name+suffix] = has
		}
	}
	used := map[string]bool{}
	for _, expr := range expressions(t) {
		names := regexp.MustCompile(`"[^"]*"|\[[^\]]*\]`).ReplaceAllString(expr, "")
		var metrics, others []string
		for _, name := range regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`).FindAllString(names, -1) {
			switch {
			case labels[name] != nil:
				metrics = append(metrics, name)
			case !slices.Contains(words, name):
				others = append(others, name)
			}
		}
		if len(metrics) != 1 {
			t.Errorf("%s: the metrics in it that exist are %v, want one", expr, metrics)
			continue
		}
		used[metrics[0]] = true
		for _, name := range others {
			if !slices.Contains(labels[metrics[0]], name) {
				t.Errorf("%s: %s has no label %s", expr, metrics[0], name)
			}
		}
	}
	for _, i := range metric.All() {
		if !used[i.Prometheus()] && !used[i.Prometheus()+"_bucket"] {
			t.Errorf("the dashboard does not show %s", i.Prometheus())
		}
	}
}

// expressions are all queries of the dashboard.
func expressions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "deploy/grafana/vconduit.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			out = append(out, q.Expr)
		}
	}
	return out
}
