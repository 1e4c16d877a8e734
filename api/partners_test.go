package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/config"
)

// partnerKeys are settings with one list and these keys.
func partnerKeys(keys ...IngressKey) Settings {
	return Settings{
		Keys:    []Key{{Name: "main", Hash: config.HashKey("main"), Scopes: []string{ScopeAll}}, {Name: "billing", Hash: config.HashKey("billing"), Scopes: []string{scopeUsage}}},
		Ingress: map[string]IngressList{"in": {Keys: keys}},
		Dedupe:  time.Minute,
	}
}

const toIn = "/vcon/external-ingress?ingress_list=in"

func header(key string) string { return "x-conserver-api-token: " + key }

// TestRateLimit: a key gets its burst and then what flows in; others are not held up, and a reload fills no bucket.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	set := partnerKeys(
		IngressKey{Name: "slow", Hash: config.HashKey("slow"), Rate: 1.0 / 60, Burst: 2},
		IngressKey{Hash: config.HashKey("free")})
	reg := prometheus.NewRegistry()
	s, client := serve(t, Options{Store: open(t), Settings: set, Metrics: reg})
	for n := range 2 {
		if got := ask(t, client, "POST", toIn, dated(n), header("slow")); got.status != 204 {
			t.Fatalf("request %d: %d %s", n, got.status, got.body)
		}
	}
	refused := func() {
		t.Helper()
		got := ask(t, client, "POST", toIn, dated(2), header("slow"))
		if wait := got.header.Get("Retry-After"); got.status != 429 || got.body != `{"detail":"Rate limit exceeded"}` || wait == "" || wait > "60" && len(wait) >= 2 {
			t.Errorf("above the burst: %d %s, Retry-After %q", got.status, got.body, wait)
		}
	}
	refused()
	s.Apply(set)
	refused()
	if got := ask(t, client, "POST", toIn, strings.Repeat("x", 10<<20), header("slow")); got.status != 429 {
		t.Errorf("a body of a key that comes too often is read: %d", got.status)
	}
	if got := ask(t, client, "POST", toIn, dated(3), header("free")); got.status != 204 {
		t.Errorf("another key: %d %s", got.status, got.body)
	}
	if text := ask(t, client, "GET", "/metrics", "").body; !strings.Contains(text, `vconduit_api_refused_total{key_name="slow",reason="rate"} 3`) {
		t.Error("/metrics does not count the refusals by the key's name")
	}
	set = partnerKeys(IngressKey{Name: "slow", Hash: config.HashKey("slow"), Rate: 1000, Burst: 50})
	s.Apply(set)
	ask(t, client, "POST", toIn, dated(2), header("slow")) // from here on tokens come at the new rate
	time.Sleep(50 * time.Millisecond)
	if got := ask(t, client, "POST", toIn, dated(2), header("slow")); got.status != 204 {
		t.Errorf("after the rate was raised: %d %s", got.status, got.body)
	}
}

// TestQuota: the day's vCons, then 429 until midnight; a retry of one that was taken is answered as before.
func TestQuota(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: partnerKeys(IngressKey{Name: "acme", Hash: config.HashKey("acme"), Quota: 2}), Metrics: prometheus.NewRegistry()})
	for _, n := range []int{1, 1, 2, 1} {
		if got := ask(t, client, "POST", toIn, dated(n), header("acme")); got.status != 204 {
			t.Fatalf("vCon %d: %d %s", n, got.status, got.body)
		}
	}
	got := ask(t, client, "POST", toIn, dated(3), header("acme"))
	if got.status != 429 || got.body != `{"detail":"Daily quota exceeded"}` || got.header.Get("Retry-After") == "" {
		t.Errorf("above the quota: %d %s", got.status, got.body)
	}
	if got := ask(t, client, "GET", "/vcon/"+id(3), "", header("main")); got.status != 404 {
		t.Errorf("what was refused is stored: %d", got.status)
	}
	day := time.Now().UTC().Format(time.DateOnly)
	size := len(dated(1)) + len(dated(2))
	want := fmt.Sprintf(`[{"day":"%s","key":"acme","ingress_list":"in","vcons":2,"bytes":%d,"duplicates":2}]`, day, size)
	for _, query := range []string{"", "?key=acme", "?ingress_list=in&from=" + day + "&to=" + day} {
		if got := ask(t, client, "GET", "/usage"+query, "", header("billing")); got.status != 200 || got.body != want {
			t.Errorf("/usage%s: %d %s, want %s", query, got.status, got.body, want)
		}
	}
	text := ask(t, client, "GET", "/metrics", "").body
	for _, line := range []string{`vconduit_usage_vcons_total{ingress_list="in",key_name="acme"} 2`, fmt.Sprintf(`vconduit_usage_bytes_total{ingress_list="in",key_name="acme"} %d`, size)} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	if got := ask(t, client, "GET", "/usage?to=2020-01-01", "", header("billing")); got.body != "[]" {
		t.Errorf("usage of another time: %s", got.body)
	}
	if got := ask(t, client, "GET", "/usage?from=soon", "", header("billing")); got.status != 422 || !strings.Contains(got.body, `"from"`) {
		t.Errorf("a day that is none: %d %s", got.status, got.body)
	}
	if got := ask(t, client, "GET", "/vcon", "", header("billing")); got.status != 403 {
		t.Errorf("a key for usage reads vCons: %d", got.status)
	}
}

// TestUntilMidnight: quotas end with the UTC day.
func TestUntilMidnight(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"2026-11-02T23:59:30Z":      30 * time.Second,
		"2026-11-02T00:00:00Z":      24 * time.Hour,
		"2026-11-02T01:00:00+02:00": time.Hour,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := untilMidnight(at); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestRotation: old and new keys are good side by side; an expired one is a wrong key, and is counted by its name.
func TestRotation(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: partnerKeys(
		IngressKey{Hash: config.HashKey("old")},
		IngressKey{Hash: config.HashKey("new")},
		IngressKey{Name: "gone", Hash: config.HashKey("gone"), Expires: time.Now().Add(-time.Second)},
	)})
	for n, key := range []string{"old", "new"} {
		if got := ask(t, client, "POST", toIn, dated(n), header(key)); got.status != 204 {
			t.Errorf("%s: %d %s", key, got.status, got.body)
		}
	}
	expired, wrong := ask(t, client, "POST", toIn, dated(3), header("gone")), ask(t, client, "POST", toIn, dated(3), header("never"))
	if expired.status != 403 || expired.body != wrong.body {
		t.Errorf("an expired key: %d %s; a wrong one: %s", expired.status, expired.body, wrong.body)
	}
	if text := ask(t, client, "GET", "/metrics", "").body; !strings.Contains(text, `vconduit_api_refused_total{key_name="gone",reason="expired"} 1`) {
		t.Error("/metrics does not name the expired key")
	}
	if got := ask(t, client, "GET", "/usage?key=in%232", "", header("main")); !strings.Contains(got.body, `"key":"in#2"`) {
		t.Errorf("the second key without a name: %s", got.body)
	}
}

// TestEachScope: each route opens to its own scope and to no other.
func TestEachScope(t *testing.T) {
	t.Parallel()
	keys := []Key{{Name: "all", Hash: config.HashKey("all"), Scopes: []string{ScopeAll}}}
	for _, scope := range config.Scopes() {
		keys = append(keys, Key{Name: scope, Hash: config.HashKey("k-" + scope), Scopes: []string{scope}})
	}
	_, client := serve(t, Options{Store: open(t), Settings: Settings{Keys: keys}})
	for _, rt := range table() {
		if rt.auth != authKey {
			continue
		}
		path := strings.Replace(rt.path, "{vcon_uuid}", id(1), 1)
		for _, scope := range config.Scopes() {
			got := ask(t, client, rt.method, path, "", header("k-"+scope))
			if want := scope == rt.scope; (got.status != 403) != want {
				t.Errorf("%s %s with scope %s: %d %s", rt.method, rt.path, scope, got.status, got.body)
			} else if !want && got.body != `{"detail":"`+lacks(rt.scope)+`"}` {
				t.Errorf("%s %s with scope %s: %s", rt.method, rt.path, scope, got.body)
			}
		}
		if got := ask(t, client, rt.method, path, "", header("wrong")); got.status != 403 {
			t.Errorf("%s %s with a wrong key: %d", rt.method, rt.path, got.status)
		}
	}
}
