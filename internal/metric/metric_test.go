package metric

import (
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestTable: names are unique in both forms, each entry can be made, and no attribute grows with the vCons.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	name := regexp.MustCompile(`^(conserver|vconduit)(\.[a-z_]+)+$`)
	for _, i := range All() {
		if seen[i.Name] || seen[i.Prometheus()] || !name.MatchString(i.Name) || i.Help == "" || i.Unit == "" || (len(i.Buckets) > 0) != (i.Kind == Histogram) {
			t.Errorf("%s: twice, or badly named, or incomplete", i.Name)
		}
		seen[i.Name], seen[i.Prometheus()] = true, true
		for _, l := range i.Labels {
			if regexp.MustCompile(`uuid|vcon|principal|^key$`).MatchString(l) {
				t.Errorf("%s has the attribute %s", i.Name, l)
			}
		}
		reg := prometheus.NewRegistry()
		switch i.Kind {
		case Counter:
			i.Counter(reg)
		case Histogram:
			i.Histogram(reg)
		default:
			i.Gauge(reg)
		}
	}
}

// TestPrometheusNames: what dashboards query does not change.
func TestPrometheusNames(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]Instrument{
		"conserver_api_count_vcons_enqueued_total":         Enqueued,
		"conserver_main_loop_count_vcons_processed_total":  Processed,
		"conserver_main_loop_vcon_processing_time_seconds": Processing,
		"conserver_link_count_total":                       Links,
		"conserver_link_execution_time_seconds":            LinkTime,
		"conserver_storage_duration_ms":                    StorageTime,
		"conserver_vcons_inflight":                         Inflight,
		"conserver_ingress_list_length":                    ListLength,
		"vconduit_http_request_duration_seconds":           RequestTime,
		"vconduit_http_body_bytes":                         BodyBytes,
	} {
		if got := i.Prometheus(); got != want {
			t.Errorf("%s: %s, want %s", i.Name, got, want)
		}
	}
	if l := LinkTime.PrometheusLabels(); l[0] != "link_name" || l[1] != "chain_name" || LinkTime.Labels[0] != "link.name" {
		t.Errorf("labels %v", l)
	}
}

func TestWrongKind(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a histogram was made a counter")
		}
	}()
	LinkTime.Counter(prometheus.NewRegistry())
}
