package config

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestVariablesTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range Variables() {
		if seen[v.Name] || v.Does == "" || v.NoEffect == (v.apply != nil) {
			t.Errorf("%s: twice, or undocumented, or neither with nor without effect", v.Name)
		}
		seen[v.Name] = true
		if v.Key != "" && !slices.Contains(knownKeys(), v.Key) {
			t.Errorf("%s stands for %s, which is no key", v.Name, v.Key)
		}
	}
	// The variables that a vcon-server reads, or its compose files and installer.
	for name := range strings.FieldsSeq(`REDIS_URL CONSERVER_CONFIG_FILE CONSERVER_API_TOKEN CONSERVER_API_TOKEN_FILE CONSERVER_HEADER_NAME
		API_ROOT_PATH VCON_REDIS_EXPIRY VCON_INDEX_EXPIRY VCON_CONTEXT_EXPIRY VCON_DLQ_EXPIRY VCON_SORTED_SET_NAME
		VCON_STORAGE_FALLBACK_ENABLED EGRESS_FORMAT_VERSION CONSERVER_WORKERS CONSERVER_VCON_CONCURRENCY CONSERVER_PARALLEL_STORAGE
		CONSERVER_START_METHOD LOGGING_CONFIG_FILE SENTRY_DSN ENV OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME
		OTEL_METRIC_EXPORT_INTERVAL OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_INSECURE OTEL_EXPORTER_OTLP_HEADERS
		OTEL_RESOURCE_ATTRIBUTES VCON_SERVER_VERSION VCON_SERVER_GIT_COMMIT VCON_SERVER_BUILD_TIME GROQ_API_KEY OPENAI_API_KEY
		SXT_API_KEY SXT_VCON_TABLENAME SXT_VCON_TABLE_WRITE_BISCUI UUID8_DOMAIN_NAME DNS_HOST DNS_REGISTRATION_EMAIL
		CONSERVER_EXTERNAL_PORT REDIS_EXTERNAL_PORT COMPOSE_PROFILES DD_API_KEY DD_SITE TICK_INTERVAL HOSTNAME LOG_LEVEL
		DEEPGRAM_KEY WEVIATE_HOST WEVIATE_API_KEY VCON_SORTED_FORCE_RESET VCON_STORAGE`) {
		if !seen[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestVariablesHonoured(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens")
	put(t, tokens, "\n  first-token-of-file  \n\nsecond-token-of-file")
	c, r := good(t, "server: {root_path: /file, key_header: x-file}\nqueue: {expiry: 2h}\ntelemetry: {log: {level: error}}",
		"CONSERVER_API_TOKEN=token-of-environment", "CONSERVER_API_TOKEN_FILE="+tokens, "CONSERVER_HEADER_NAME=X-Env", "API_ROOT_PATH=env",
		"VCON_REDIS_EXPIRY=60", "VCON_DLQ_EXPIRY=62", "VCON_INDEX_EXPIRY=63", "VCON_SERVER_VERSION=v",
		"EGRESS_FORMAT_VERSION=0.0.1", "CONSERVER_WORKERS=3", "CONSERVER_VCON_CONCURRENCY=5", "LOG_LEVEL=WARNING",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://o:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_HEADERS=a=b%20c,d=e+f",
		"OTEL_EXPORTER_OTLP_INSECURE=true", "OTEL_SERVICE_NAME=s", "OTEL_RESOURCE_ATTRIBUTES=service.name=r, k=v%20w,", "OTEL_METRIC_EXPORT_INTERVAL=250",
		"SENTRY_DSN=https://secret@sentry", "HOSTNAME=h", "DD_SITE=")
	for _, token := range []string{"token-of-environment", "first-token-of-file", "second-token-of-file"} {
		if _, ok := keyOf(c.Auth, token); !ok {
			t.Errorf("%s does not match", token)
		}
	}
	if s := c.Server; s.KeyHeader != "X-Env" || s.RootPath != "/env" || s.Workers != 15 || s.EgressFormat != "0.0.1" {
		t.Errorf("server %+v", s)
	}
	if q := c.Queue; q.Expiry != time.Minute || !q.ExpirySet || q.DLQExpiry != 62*time.Second || q.IndexKeep != 0 {
		t.Errorf("queue %+v", q)
	}
	if c.Telemetry.Log.Level != "warn" {
		t.Errorf("%+v", c.Telemetry.Log)
	}
	want := []Header{{"a", "b c"}, {"d", "e+f"}}
	if o := c.Telemetry.OTLP; o.Endpoint != "http://o:4317" || o.Protocol != "http/protobuf" || !slices.Equal(o.Headers, want) || !o.Insecure || o.Service != "s" || !slices.Equal(o.Resource, []Attribute{{"service.name", "r"}, {"k", "v w"}}) || o.Delta || o.MetricInterval != 250*time.Millisecond {
		t.Errorf("otlp %s", o.Endpoint)
	}
	mustSay(t, r, codeEnv, "SENTRY_DSN: has no effect here, because errors are logged")
	mustSay(t, r, codeEnv, "VCON_INDEX_EXPIRY: has no effect here, because the embedded store")
	if says(r, codeEnv, "HOSTNAME") || says(r, codeEnv, "DD_SITE") || strings.Contains(show(r), "secret@") {
		t.Errorf("too much is said:\n%s", show(r))
	}
}

func TestEveryVariableWithoutEffectIsNamed(t *testing.T) {
	t.Parallel()
	for _, v := range Variables() {
		if !v.NoEffect || v.Silent {
			continue
		}
		_, r := good(t, "", v.Name+"=some value")
		if len(r.Problems) != 1 || r.Problems[0].Severity != Info || r.Problems[0].Path != v.Name {
			t.Errorf("%s: %s", v.Name, show(r))
		}
	}
}

func TestBadVariables(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string]string{
		"VCON_REDIS_EXPIRY=an hour":                              "VCON_REDIS_EXPIRY: its value is no duration",
		"VCON_DLQ_EXPIRY=-1":                                     "VCON_DLQ_EXPIRY: its value is negative",
		"OTEL_EXPORTER_OTLP_INSECURE=perhaps":                    "is neither true nor false",
		"VCONDUIT_INSECURE=perhaps":                              "VCONDUIT_INSECURE: its value is neither true nor false",
		"CONSERVER_WORKERS=four":                                 "CONSERVER_WORKERS: its value is no whole number",
		"EGRESS_FORMAT_VERSION=0.3.0":                            "EGRESS_FORMAT_VERSION: only 0.0.1",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/json":                  "is neither grpc nor http/protobuf",
		"OTEL_EXPORTER_OTLP_HEADERS=a":                           "is no list of name=value",
		"OTEL_METRIC_EXPORT_INTERVAL=5s":                         "OTEL_METRIC_EXPORT_INTERVAL: its value is no whole number",
		"OTEL_METRIC_EXPORT_INTERVAL=0":                          "OTEL_METRIC_EXPORT_INTERVAL: is not between 100",
		"OTEL_RESOURCE_ATTRIBUTES=a=%zz":                         "OTEL_RESOURCE_ATTRIBUTES: is no list of name=value",
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://h:1":                  "telemetry.otlp.endpoint: is neither http://",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:passw@h":           "telemetry.otlp.endpoint: holds a user",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=both": "is none of cumulative, delta",
		"DD_SITE=evil.example/path#":                             "DD_SITE: is no site",
		"CONSERVER_API_TOKEN_FILE=/none":                         "the file it names cannot be read",
		"CONSERVER_HEADER_NAME=x y":                              "server.key_header: is no name of an HTTP header",
	} {
		r := bad(t, "", pair)
		mustSay(t, r, r.Of(Error)[0].Code, want)
		if _, v, _ := strings.Cut(pair, "="); len(v) > 4 && strings.Contains(show(r), v) {
			t.Errorf("%s shows the value: %s", pair, show(r))
		}
	}
	c, r := good(t, "", "LOG_LEVEL=loud")
	if mustSay(t, r, codeEnv, "LOG_LEVEL: is no level"); c.Telemetry.Log.Level != "info" {
		t.Error(c.Telemetry.Log.Level)
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"DEBUG": "debug", "info": "info", "Warn": "warn", "CRITICAL": "error", "NOTSET": "debug"} {
		if c, _ := good(t, "", "LOG_LEVEL="+in); c.Telemetry.Log.Level != want {
			t.Errorf("%s is %s", in, c.Telemetry.Log.Level)
		}
	}
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		env  []string
		want int
	}{
		{"", nil, 2 * runtime.GOMAXPROCS(0)},
		{"", []string{"CONSERVER_WORKERS=3"}, 3},
		{"", []string{"CONSERVER_WORKERS=0", "CONSERVER_VCON_CONCURRENCY=4"}, 4},
		{"server: {workers: 7}", []string{"CONSERVER_WORKERS=3"}, 7},
	}
	for _, c := range cases {
		if got, _ := good(t, c.text, c.env...); got.Server.Workers != c.want {
			t.Errorf("%q %v: %d workers, want %d", c.text, c.env, got.Server.Workers, c.want)
		}
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text, env string
		store     string
		urls      []string
		index     time.Duration
		says      string
	}{
		{"", "", "embedded", nil, 0, ""},
		{"", "REDIS_URL=redis://a", "redis", []string{"redis://a"}, 24 * time.Hour, ""},
		{"queue: {redis: {url: '${REDIS_URL:-}'}}", "", "embedded", nil, 0, ""},
		{"queue: {redis: {url: '${REDIS_URL:-}'}}", "REDIS_URL=redis://a", "redis", []string{"redis://a"}, 24 * time.Hour, ""},
		{"queue: {redis: {url: 'redis://b'}}", "", "redis", []string{"redis://b"}, 24 * time.Hour, ""},
		{"queue: {redis: {url: 'redis://b'}}", "REDIS_URL=redis://a", "redis", []string{"redis://a"}, 24 * time.Hour, "REDIS_URL: wins over queue.redis.url"},
		{"queue: {redis: {url: ['redis://b', {url: 'redis://c', drain: true}]}}", "", "redis", []string{"redis://b", "redis://c"}, 24 * time.Hour, ""},
		{"queue: {store: embedded}", "REDIS_URL=redis://a", "embedded", []string{"redis://a"}, 0, ""},
		{"queue: {index_keep: 5d}", "VCON_INDEX_EXPIRY=60", "embedded", nil, 5 * 24 * time.Hour, ""},
		{"queue: {store: redis, redis: {url: 'redis://b'}, index_keep: 5d}", "VCON_INDEX_EXPIRY=60", "redis", []string{"redis://b"}, time.Minute, ""},
		{"queue: {store: redis, redis: {url: 'redis://b'}, index_keep: 5d}", "", "redis", []string{"redis://b"}, 5 * 24 * time.Hour, ""},
	}
	for _, c := range cases {
		got, r := good(t, c.text, strings.Fields(c.env)...)
		var urls []string
		for _, s := range got.Queue.Redis.URL {
			urls = append(urls, string(s.URL))
		}
		if got.Queue.Store != c.store || !slices.Equal(urls, c.urls) || got.Queue.IndexKeep != c.index {
			t.Errorf("%q %q: %s %v, index %s", c.text, c.env, got.Queue.Store, urls, got.Queue.IndexKeep)
		}
		if c.says != "" {
			mustSay(t, r, codeEnv, c.says)
		}
	}
}

func TestExpirySet(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "queue: {expiry: 1h}": true, "queue: {expiry: }": false} {
		if c, _ := good(t, text); c.Queue.ExpirySet != want || c.Queue.Expiry != time.Hour {
			t.Errorf("%q: set %v, %s", text, c.Queue.ExpirySet, c.Queue.Expiry)
		}
	}
	if c, _ := good(t, "", "VCON_REDIS_EXPIRY=5"); !c.Queue.ExpirySet {
		t.Error("VCON_REDIS_EXPIRY is the operator's word too")
	}
}

func TestOTLPTarget(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"http://c:4317":           "http://c:4317",
		"https://c/otlp/":         "https://c/otlp/",
		"c:4317":                  "https://c:4317",
		"insecure c:4317":         "http://c:4317",
		"insecure https://c:4317": "https://c:4317",
		"[::1]:4317":              "https://[::1]:4317",
	} {
		o := OTLP{Endpoint: strings.TrimPrefix(endpoint, "insecure ")}
		o.Insecure = o.Endpoint != endpoint
		if u, err := o.Target(); err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", endpoint, u, err)
		}
	}
	for _, endpoint := range []string{"", ":4317", "grpc://c:4317", "http://", "http://c:port", "http://user@c", "http://c?key=1", "a b"} {
		if u, err := (OTLP{Endpoint: endpoint}).Target(); err == nil {
			t.Errorf("%q: %v", endpoint, u)
		}
	}
}

// TestDatadog: the key alone sends there; an endpoint wins, and the key is then said to have no effect.
func TestDatadog(t *testing.T) {
	t.Parallel()
	c, r := good(t, "", "DD_API_KEY=dd-key-of-test", "DD_SITE=datadoghq.eu", "OTEL_RESOURCE_ATTRIBUTES=service.name=r")
	if d := c.Telemetry.OTLP.Datadog; d.Key != "dd-key-of-test" || d.Site != "datadoghq.eu" || c.Telemetry.OTLP.Service != "r" || len(r.Problems) > 0 {
		t.Errorf("%+v %s", c.Telemetry.OTLP, show(r))
	}
	_, r = good(t, "", "DD_API_KEY=dd-key-of-test", "OTEL_EXPORTER_OTLP_ENDPOINT=http://agent:4317", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta")
	mustSay(t, r, codeEnv, "DD_API_KEY: has no effect here, because telemetry goes to the OTLP endpoint")
	if strings.Contains(show(r), "dd-key-of-test") {
		t.Error(show(r))
	}
}
