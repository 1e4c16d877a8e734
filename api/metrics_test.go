package api

import (
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: Settings{
		Lists:   map[string]bool{"known": true},
		Ingress: map[string]IngressList{"partners": {Keys: []IngressKey{{Hash: config.HashKey("k")}}}},
	}})
	key := "X-Conserver-Api-Token: k"
	for range 2 { // the second one is a retry: it is answered, and not counted as a vCon
		ask(t, client, "POST", "/vcon?ingress_list=known,made-up-name", dated(1), "Idempotency-Key: once")
	}
	ask(t, client, "POST", "/vcon/external-ingress?ingress_list=partners", dated(2), key)
	ask(t, client, "POST", "/vcon/external-ingress?ingress_list=partners", dated(3))
	ask(t, client, "POST", "/vcon/ingress?ingress_list=known", list(1, 2, 77))
	ask(t, client, "GET", "/secret-looking-path", "")
	got := ask(t, client, "GET", "/metrics", "")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	for _, line := range []string{
		`conserver_api_count_vcons_enqueued_total{ingress_list="known",source="new"} 1`,
		`conserver_api_count_vcons_enqueued_total{ingress_list="other",source="new"} 1`,
		`conserver_api_count_vcons_enqueued_total{ingress_list="partners",source="external"} 1`,
		`conserver_api_count_vcons_enqueued_total{ingress_list="known",source="reingress"} 2`,
		`vconduit_http_requests_total{method="POST",route="/vcon",status="201"} 2`,
		`vconduit_http_requests_total{method="POST",route="/vcon/external-ingress",status="204"} 1`,
		`vconduit_http_requests_total{method="POST",route="/vcon/external-ingress",status="403"} 1`,
		`vconduit_http_requests_total{method="",route="none",status="404"} 1`,
		`vconduit_http_request_duration_seconds_count{method="POST",route="/vcon"} 2`,
		`vconduit_api_unknown_list_total 2`,
	} {
		if !strings.Contains(got.body, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	for _, bad := range []string{"made-up-name", "secret-looking-path", id(1)} {
		if strings.Contains(got.body, bad) {
			t.Errorf("the metrics have %q", bad)
		}
	}
}

func TestMetricsPath(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Settings: Settings{MetricsPath: "/internal/metrics"}})
	for path, status := range map[string]int{"/internal/metrics": 200, "/metrics": 404} {
		if got := ask(t, client, "GET", path, ""); got.status != status {
			t.Errorf("%s: %d, want %d", path, got.status, status)
		}
	}
}

func TestTraceContext(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": `{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":1,"is_sampled":true}`,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00": `{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":0,"is_sampled":false}`,
		"": "", "00-": "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		`00-0af7651916cd43dd8448eb211c80"19c-b7ad6b7169203331-01`: "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz": "",
	} {
		if got := string(traceContext([]byte(header))); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
