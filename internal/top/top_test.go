package top

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
)

const readyText = `{"status":"ready","store":{"ok":true,"store":"embedded","tier":"any one crash","detail":"disk full: submissions are refused"},
	"chains":1,"held":{"late":["link x: the module is not there","storage y: \u001b[31mrefused"]}}`

// before and after are 2 s of a server.
const before = `
process_start_time_seconds 1000
process_cpu_seconds_total 10
conserver_ingress_list_length{ingress_list="calls",kind="ingress"} 5
conserver_api_count_vcons_enqueued_total{ingress_list="calls",source="new"} 100
conserver_api_count_vcons_enqueued_total{ingress_list="calls",source="external"} 10
conserver_main_loop_count_vcons_received_total{ingress_list="calls"} 90
conserver_main_loop_count_vcons_processed_total{chain_name="main"} 80
conserver_link_count_total{link_name="tag",outcome="success"} 80
conserver_link_count_total{link_name="tag",outcome="error"} 2
# TYPE conserver_main_loop_vcon_processing_time_seconds histogram
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="1"} 80
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="2"} 80
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="+Inf"} 80
conserver_main_loop_vcon_processing_time_seconds_sum{chain_name="main"} 40
conserver_main_loop_vcon_processing_time_seconds_count{chain_name="main"} 80
`

const after = `
process_start_time_seconds 1000
process_cpu_seconds_total 13
process_resident_memory_bytes 3145728
vconduit_http_connections 7
conserver_ingress_list_length{ingress_list="calls",kind="ingress"} 3
conserver_ingress_list_length{ingress_list="calls",kind="delayed"} 1
conserver_ingress_list_length{ingress_list="calls",kind="leased"} 2
conserver_ingress_list_length{ingress_list="calls",kind="dlq"} 4
conserver_api_count_vcons_enqueued_total{ingress_list="calls",source="new"} 110
conserver_api_count_vcons_enqueued_total{ingress_list="calls",source="external"} 30
conserver_main_loop_count_vcons_received_total{ingress_list="calls"} 130
conserver_main_loop_count_vcons_processed_total{chain_name="main"} 100
conserver_vcons_inflight{chain_name="main"} 2
conserver_link_count_total{link_name="tag",outcome="success"} 100
conserver_link_count_total{link_name="tag",outcome="error"} 6
# TYPE conserver_main_loop_vcon_processing_time_seconds histogram
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="1"} 90
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="2"} 100
conserver_main_loop_vcon_processing_time_seconds_bucket{chain_name="main",le="+Inf"} 100
conserver_main_loop_vcon_processing_time_seconds_sum{chain_name="main"} 60
conserver_main_loop_vcon_processing_time_seconds_count{chain_name="main"} 100
# TYPE conserver_storage_duration_ms histogram
conserver_storage_duration_ms_bucket{backend="files",outcome="success",le="+Inf"} 4
conserver_storage_duration_ms_sum{backend="files",outcome="success"} 10
conserver_storage_duration_ms_count{backend="files",outcome="success"} 4
conserver_storage_count_total{backend="files",op="save",outcome="success"} 4
`

func sample(t testing.TB, second int64, metrics string) *Sample {
	t.Helper()
	s, err := Read(time.Unix(second, 0), strings.NewReader(metrics), []byte(readyText))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBetween(t *testing.T) {
	t.Parallel()
	v := Between(sample(t, 1060, before), sample(t, 1062, after))
	if s := v.Server; s.Uptime != 62 || s.CPU != 1.5 || s.Memory != 3<<20 || s.Connections != 7 || s.Running != 1 || s.Held != 1 || v.Seconds != 2 {
		t.Errorf("server: %+v", s)
	}
	if len(v.Lists) != 1 || v.Lists[0] != (List{Name: "calls", Ready: 3, Delayed: 1, Leased: 2, Dead: 4, In: 15, Out: 20}) {
		t.Errorf("lists: %+v", v.Lists)
	}
	if len(v.Chains) != 2 || v.Chains[0].Name != "late" || len(v.Chains[0].Held) != 2 || v.Chains[1].Done != 10 || v.Chains[1].InFlight != 2 {
		t.Errorf("chains: %+v", v.Chains)
	}
	// Of 20 that ended, 10 took up to 1 s and 10 up to 2 s.
	if c := v.Chains[1]; c.P50 == nil || *c.P50 != 1 || c.P99 == nil || math.Abs(*c.P99-1.98) > 1e-9 {
		t.Errorf("times: %+v", c)
	}
	if len(v.Links) != 1 || v.Links[0].Runs != 12 || v.Links[0].Errors != 2 || v.Links[0].Mean != nil {
		t.Errorf("links: %+v", v.Links)
	}
	if len(v.Storages) != 1 || v.Storages[0].Runs != 2 || *v.Storages[0].Mean != 0.0025 {
		t.Errorf("storages: %+v", v.Storages)
	}
	if text, err := json.Marshal(v); err != nil || !json.Valid(text) {
		t.Errorf("as JSON: %v", err)
	}
}

// TestRestarted: counters that are smaller than before stand for what came since the server was restarted.
func TestRestarted(t *testing.T) {
	t.Parallel()
	v := Between(sample(t, 1060, after), sample(t, 1062, before))
	if c := v.Chains[1]; v.Links[0].Runs != 41 || v.Links[0].Errors != 1 || c.Done != 40 || c.P99 == nil || *c.P99 > 1 {
		t.Errorf("%+v, %+v", v.Links, c)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	v := Between(sample(t, 1060, before), sample(t, 1062, after))
	all := strings.Join(v.Lines(0, 0), "\n")
	for _, want := range []string{"disk full", "chain late is held: link x", "?[31mrefused", "up 1m2s", "3 MiB",
		"calls                       3        1        2        4     15.0     20.0",
		"main                  running          2     10.0       1s    1.98s", "late                     held",
		"tag                      12.0       2.0        -", "files                     2.0       0.0    2.5ms"} {
		if !strings.Contains(all, want) {
			t.Errorf("the table does not have %q:\n%s", want, all)
		}
	}
	lines := v.Lines(30, 8)
	if len(lines) != 8 || !strings.HasPrefix(lines[7], "... ") {
		t.Errorf("8 lines of 30: %d, the last is %q", len(lines), lines[len(lines)-1])
	}
	for _, l := range lines {
		if len([]rune(l)) > 30 {
			t.Errorf("too long: %q", l)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ metrics, ready string }{{"a{", "{}"}, {"", "[]"}, {"", ""}} {
		if _, err := Read(time.Now(), strings.NewReader(c.metrics), []byte(c.ready)); err == nil {
			t.Errorf("%q, %q: no error", c.metrics, c.ready)
		}
	}
}

// FuzzRead: whatever a server says, there is a view of it that can be printed, in both forms, and steers no terminal.
func FuzzRead(f *testing.F) {
	f.Add(before, after, readyText)
	f.Add(after, before, `{"held":{"\u0000":null}}`)
	f.Add("", "conserver_ingress_list_length{ingress_list=\"\x1b[2J\",kind=\"dlq\"} NaN", "{}")
	f.Fuzz(func(t *testing.T, a, b, ready string) {
		was, err := Read(time.Unix(1, 0), strings.NewReader(a), []byte(ready))
		if err != nil {
			return
		}
		is, err := Read(time.Unix(1, 0), strings.NewReader(b), []byte(ready))
		if err != nil {
			return
		}
		v := Between(was, is)
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		for _, line := range v.Lines(80, 24) {
			if strings.ContainsFunc(line, unicode.IsControl) || len([]rune(line)) > 80 {
				t.Fatalf("%q", line)
			}
		}
	})
}
