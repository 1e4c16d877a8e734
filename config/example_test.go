package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const examplePath = "../config.example.yml"

// exampleEnv has the variables that the example names without default.
func exampleEnv() Env {
	return vars("ACME_CI_KEY=a-key-of-some-length", "PG_PASSWORD=x", "AWS_KEY=x", "AWS_SECRET=x", "PEER_TOKEN=x")
}

func loadExample(t *testing.T) (*Config, *decoder, Report) {
	t.Helper()
	r := &problems{}
	text := []byte(read(t, examplePath))
	tree := parseTree(text, r, func(s string) (string, bool, []varFault) { return expandVars(s, exampleEnv()) })
	d := &decoder{problems: r, seen: map[string]*node{}}
	d.decode(tree, "", reflect.ValueOf(Default()).Elem(), "")
	c, report := Parse(examplePath, text, Options{Env: exampleEnv()})
	if c == nil {
		t.Fatalf("the example is refused: %v", report.Err())
	}
	return c, d, report
}

// knownKeys are the keys of the types, with * for names and indexes.
func knownKeys() []string {
	var out []string
	walkKeys(reflect.TypeFor[Config](), "", func(path string, _ reflect.StructField) { out = append(out, path) })
	return out
}

func walkKeys(t reflect.Type, path string, f func(string, reflect.StructField)) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
			path += ".*"
		}
		t = t.Elem()
	}
	if t == reflect.TypeFor[IngressList]() {
		walkKeys(reflect.TypeFor[[]IngressKey](), path, f)
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for name, field := range fieldsOf(t) {
		at := strings.TrimPrefix(path+"."+name, ".")
		f(at, field)
		walkKeys(field.Type, at, f)
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	_, d, _ := loadExample(t)
	have := map[string]bool{}
	for path := range d.seen {
		have[path] = true
	}
	special := []string{"queue.redis.url.*.url", "queue.redis.url.*.drain"} // its comment shows them
	for _, key := range knownKeys() {
		pattern := strings.Split(key, ".")
		found := slices.Contains(special, key)
		for path := range have {
			found = found || matches(pattern, SplitPath(path))
		}
		inCeiling := strings.HasPrefix(key, "sandbox.ceiling.") && strings.Count(key, ".") > 2 // the same keys as in a link
		if !found && !inCeiling {
			t.Errorf("config.example.yml lacks %s", key)
		}
	}
}

// What stands in the example is the default, unless it is named here as an example.
func TestExampleGivesDefaults(t *testing.T) {
	t.Parallel()
	c, _, _ := loadExample(t)
	want := Default()
	want.Server.Listen, want.Server.ListenSet, want.Queue.Store, want.Queue.ExpirySet = "0.0.0.0:8000", true, "embedded", true
	want.Server.Workers = 4 // 2 x cores
	want.Sandbox.Ceiling, want.Sandbox.Tenants, want.Modules.Sources = c.Sandbox.Ceiling, c.Sandbox.Tenants, c.Modules.Sources
	want.Telemetry.OTLP.Headers = c.Telemetry.OTLP.Headers
	want.Queue.Redis.URL = c.Queue.Redis.URL
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"server", c.Server, want.Server}, {"queue", c.Queue, want.Queue}, {"telemetry", c.Telemetry, want.Telemetry},
		{"sandbox", c.Sandbox, want.Sandbox}, {"modules", c.Modules, want.Modules},
	} {
		if got, want := fmt.Sprintf("%+v", part.got), fmt.Sprintf("%+v", part.want); got != want {
			t.Errorf("%s differs from the defaults\n got %s\nwant %s", part.name, got, want)
		}
	}
	var l Link
	l.setDefaults()
	redact, _ := c.Link(LinkRef{Name: "redact"})
	if redact.Retry != l.Retry || redact.Breaker != l.Breaker || redact.Isolation != l.Isolation || redact.Engine != l.Engine || redact.OnError != l.OnError || redact.SignedWrite != l.SignedWrite {
		t.Errorf("link redact differs from a link's defaults: %+v", redact)
	}
	var ch Chain
	ch.setDefaults()
	if got := c.Chains[0]; got.Egress != ch.Egress || got.Weight != ch.Weight || got.Enabled != ch.Enabled {
		t.Errorf("chain differs from a chain's defaults: %+v", got)
	}
	var s Storage
	s.setDefaults()
	if got, _ := c.Storage("postgres"); got.Timeout != s.Timeout || got.RetryFor != s.RetryFor {
		t.Errorf("storage differs from a storage's defaults: %+v", got)
	}
}

func TestExampleIsRead(t *testing.T) {
	t.Parallel()
	c, _, r := loadExample(t)
	if c.VconServer {
		t.Error("taken for a vcon-server file")
	}
	redact, _ := c.Link(c.Chains[0].Links[0])
	if redact.Limits.Memory != 128<<20 || redact.Limits.Fuel != 10e9 || redact.Limits.Time != 5*time.Minute {
		t.Errorf("merged limits: %+v", redact.Limits)
	}
	want := SecretGrant{Name: "REDACT", From: "env:REDACT_KEY", For: []string{"api.redact.example"}, In: []string{"header"}}
	if len(redact.Allow.Secrets) != 1 || !reflect.DeepEqual(redact.Allow.Secrets[0], want) || !redact.AllowSet || !redact.KeepsAnswers() {
		t.Errorf("allow: %+v", redact.Allow)
	}
	if h := redact.Allow.HTTP; len(h) != 2 || h[1].URL != "http://10.0.4.7:9000/" || h[1].Methods[0] != "GET" {
		t.Errorf("http: %+v", h)
	}
	tag, ok := c.Link(c.Chains[0].Links[1])
	if got := string(tag.Options.JSON()); !ok || got != `{"tags":["gold"]}` {
		t.Errorf("inline options: %s", got)
	}
	score, _ := c.Link(LinkRef{Name: "score"})
	if !slices.Equal(score.Input.Pointers, []string{"/analysis"}) || score.Output != "patch" || score.KeepsAnswers() {
		t.Errorf("%+v", score)
	}
	if xyz := c.Sandbox.Tenants[0]; xyz.Name != "xyz" || xyz.Fuel != (Rate{1000e9, time.Hour}) || xyz.HTTPRequests != (Rate{10000, time.Hour}) {
		t.Errorf("%+v", xyz)
	}
	if src := c.Modules.Sources; src[0].Auth.Kind != "docker" || src[1].Auth != (SourceAuth{"bearer", "env:ARTIFACTS_TOKEN"}) || src[1].Private[0] != "10.0.0.0/8" || src[0].Verify.Cosign[0] != "file:acme.pub" {
		t.Errorf("%+v", src)
	}
	if a := c.Sandbox.Ceiling.Allow; a.Create == nil || *a.Create || a.KV != nil || len(a.HTTP) != 3 {
		t.Errorf("ceiling: %+v", a)
	}
	if f := c.Followers[0]; f.PullingInterval != 30*time.Second || string(f.AuthToken) != "x" || f.FetchVconLimit != 50 {
		t.Errorf("follower %s", f.URL)
	}
	if len(c.Chains[0].Held) != 0 || len(r.Of(Error)) != 0 {
		t.Errorf("held: %v", c.Chains[0].Held)
	}
}

// Every key of the table exists, and setting it is said.
func TestUnenforced(t *testing.T) {
	t.Parallel()
	_, d, r := loadExample(t)
	keys := knownKeys()
	for _, u := range notEnforced() {
		if !slices.Contains(keys, u.key) && !strings.HasPrefix(u.key, "ingress_auth.*.") {
			t.Errorf("%s is no key", u.key)
		}
		for path, n := range d.seen {
			if matches(strings.Split(u.key, "."), SplitPath(path)) && (n.text != "" || len(n.items) > 0) && !slices.Contains(u.obeyed, n.text) && !says(r, codeNotEnforced, " "+path+": ") {
				t.Errorf("%s is set in the example and nothing is said", path)
			}
		}
	}
}
