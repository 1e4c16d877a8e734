package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"30s": 30 * time.Second, "10m": 10 * time.Minute, "24h": 24 * time.Hour, "7d": 168 * time.Hour, "1.5d": 36 * time.Hour,
		"2w": 336 * time.Hour, "90": 90 * time.Second, "0.5": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, " 5s ": 5 * time.Second, "0": 0, "-1s": -time.Second} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "s", "1y", "ten", "1e30", "99999999999d", "nan", "inf", "1d2h"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("%q is %s", in, got)
		}
	}
}

func TestSizesCountsRates(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Size{"64MiB": 64 << 20, "4kB": 4000, "4 KiB": 4096, "1.5GiB": 3 << 29, "10": 10, "10b": 10, "2gb": 2e9, "1TiB": 1 << 40, "1_000": 1000, "5m": 5e6} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "MiB", "1 stone", "1.0001KiB", "99999999TiB", "1e3", "--1"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q is %d", in, got)
		}
	}
	for in, want := range map[string]Count{"10G": 10e9, "100000": 100000, "50k": 50000, "1.5M": 1500000, "2T": 2e12} {
		if got, err := parseCount(in); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]Rate{"50/s": {50, time.Second}, "600/min": {600, time.Minute}, "1k/h": {1000, time.Hour}, "100000/day": {100000, 24 * time.Hour}, "5 / d": {5, 24 * time.Hour}} {
		if got, err := parseRate(in); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "50", "50/", "/s", "x/s", "0/s", "-1/s", "1/fortnight"} {
		if got, err := parseRate(in); err == nil {
			t.Errorf("%q is %v", in, got)
		}
	}
	for v, want := range map[interface{ String() string }]string{Size(64 << 20): "64MiB", Size(1000): "1000", Size(0): "0", Count(10e9): "10G", Count(1500): "1500", Rate{50, time.Second}: "50/s", Rate{}: "", Rate{1e6, 24 * time.Hour}: "1M/day"} {
		if v.String() != want {
			t.Errorf("%#v prints %s, want %s", v, v, want)
		}
	}
}

func TestBooleansAndNumbersOfOurKeys(t *testing.T) {
	t.Parallel()
	for _, yes := range []string{"yes", "on", "true", "True", "1", "'yes'", "ON"} {
		if c, _ := good(t, "telemetry: {prometheus: {open: no}}\nchains: {a: {enabled: "+yes+"}}"); !c.Chains[0].Enabled || c.Telemetry.Prometheus.Open {
			t.Errorf("%s is not true", yes)
		}
	}
	c, _ := good(t, "server: {connections: 0x10, workers: 1_000, body_limit: '100', read_timeout: 5}\ntelemetry: {otlp: {traces: 0.5}}")
	if s := c.Server; s.Connections != 16 || s.Workers != 1000 || s.BodyLimit != 100 || s.ReadTimeout != 5*time.Second || c.Telemetry.OTLP.Traces != 0.5 {
		t.Errorf("%+v", s)
	}
}

func TestDuplicateKeyLastWins(t *testing.T) {
	t.Parallel()
	c, r := good(t, "queue:\n  tries: 1\n  order: strict\n  tries: 2\nlinks:\n  a: {module: links.tag, options: {x: 1, y: 2, x: 3}}\n")
	mustSay(t, r, codeDuplicate, ":4:3: warning: queue.tries: this key stands also in line 2")
	if c.Queue.Tries != 2 || string(c.Links[0].Options.JSON()) != `{"x":3,"y":2}` {
		t.Errorf("%d %s", c.Queue.Tries, c.Links[0].Options.JSON())
	}
}

// As PyYAML orders: merged members first, own ones override in place; of several maps the first wins.
func TestMergeKeys(t *testing.T) {
	t.Parallel()
	c, r := good(t, `
x-a: &a {one: 1, two: 2}
x-b: &b {two: 22, three: 33}
links:
  l: {module: links.tag, options: {four: 4, <<: [*a, *b], one: 11}}
  m:
    module: links.tag
    options:
      <<: *a
      nested: {<<: *b, list: [*a]}
`)
	if len(r.Problems) > 0 {
		t.Error(show(r))
	}
	if got := string(c.Links[0].Options.JSON()); got != `{"two":2,"three":33,"one":11,"four":4}` {
		t.Error(got)
	}
	if got := string(c.Links[1].Options.JSON()); got != `{"one":1,"two":2,"nested":{"two":22,"three":33,"list":[{"one":1,"two":2}]}}` {
		t.Error(got)
	}
}

func TestOrderIsKept(t *testing.T) {
	t.Parallel()
	names := strings.Fields("zeta alpha 10 9 mid Alpha")
	var b strings.Builder
	b.WriteString("chains:\n")
	for _, n := range names {
		b.WriteString("  " + n + ": {ingress_lists: [l" + n + "]}\n")
	}
	c, _ := good(t, b.String())
	var got []string
	for _, ch := range c.Chains {
		got = append(got, ch.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("%v", got)
	}
}

func TestExpandVars(t *testing.T) {
	t.Parallel()
	env := vars("A=1", "B=two words", "E=")
	for in, want := range map[string]string{"${A}": "1", "x${A}y${B}z": "x1ytwo wordsz", "${N:-d}": "d", "${N:-}": "", "${E:-d}": "d", "${A:-d}": "1", "$${A}": "${A}", "$$${A}": "$${A}",
		"$A": "$A", "${": "${", "${a b}": "${a b}", "${}": "${}", "${item.name} ${A}": "${item.name} 1", "$": "$", "${N:-a}b}": "ab}", "${N:-$x}": "$x"} {
		if got, _, _ := expandVars(in, env); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if _, _, faults := expandVars("${N} ${E} ${a b}", env); len(faults) != 3 || faults[0].name != "N" || faults[2].name != "" {
		t.Errorf("%v", faults)
	}
	c, r := good(t, "links:\n  a:\n    module: links.tag\n    options:\n      n: '${A}'\n      m: ${A}\n      p: say ${item.name}\n      q: $${A}\n", "A=0644")
	if got := string(c.Links[0].Options.JSON()); got != `{"n":"0644","m":"0644","p":"say ${item.name}","q":"${A}"}` {
		t.Errorf("the value of a variable is a text: %s", got)
	}
	mustSay(t, r, codeVariable, "warning: links.a.options.p: a ${ without a variable's name")
}

func TestSharedLists(t *testing.T) {
	t.Parallel()
	c, r := good(t, `
chains:
  first: {ingress_lists: [a, b, c, a]}
  later: {ingress_lists: [b]}
  off: {ingress_lists: [c, d], enabled: 0}
  on: {ingress_lists: [d], egress_lists: [d]}
`)
	want := [][]string{{"a", "c"}, {"b"}, nil, {"d"}}
	for i, ch := range c.Chains {
		if !slices.Equal(ch.IngressLists, want[i]) {
			t.Errorf("%s reads %v, want %v", ch.Name, ch.IngressLists, want[i])
		}
	}
	if n := len(r.Problems); n != 4 {
		t.Errorf("%d problems:\n%s", n, show(r))
	}
	mustSay(t, r, codeShared, `the chain reads "d" too: each vCon comes back for ever`)
	if _, ok := c.ChainOf("nobody"); ok {
		t.Error("an unknown list has a chain")
	}
}

func TestHeldChains(t *testing.T) {
	t.Parallel()
	text := `
links: {tag: {module: links.tag}, llm: {module: links.analyze}, nothing: , wasm: {module: "oci://h/n:1"}, hook: {module: links.webhook, pip_name: x}}
storages: {file: {module: storage.file}, pg: {module: storage.postgres}, wasm: {module: "oci://h/n:1"}}
tracers: {ok: {module: storage.file}, jlinc: {module: server.tracers.jlinc}}
chains:
  fine: {links: [tag, hook], storages: [file], tracers: []}
  link: {links: [tagg], tracers: []}
  builtin: {links: [llm, nothing, wasm], tracers: []}
  storage: {storages: [pg, wasm, fiel], tracers: []}
  tracer: {links: [tag]}
  named: {links: [tag], tracers: [jlink]}
`
	c, r := Parse("c.yml", []byte(text), Options{Known: build})
	if c == nil {
		t.Fatal(r.Err())
	}
	want := map[string]string{
		"fine": "", "link": `link "tagg" is not defined`,
		"builtin": `link "llm": links.analyze: no such link here|link "nothing": it names no module|link "wasm": oci://h/n:1: no such link here`,
		"storage": `storage "pg": storage.postgres: no such storage here|storage "wasm": only links can be modules|storage "fiel" is not defined`,
		"tracer":  `tracer "ok": storage.file is no builtin and no module ref|tracer "jlinc": tracers.jlinc: no such tracer here (written as server.tracers.jlinc)`,
		"named":   `tracer "jlink" is not defined`,
	}
	for _, ch := range c.Chains {
		if got := strings.Join(ch.Held, "|"); got != want[ch.Name] {
			t.Errorf("%s: %s", ch.Name, got)
		}
	}
	mustSay(t, r, codeReference, `did you mean "tag"?`)
	mustSay(t, r, codePython, "links.hook.pip_name: no Python package is installed here")
	if c, _ := good(t, text); len(c.Chains[0].Held)+len(c.Chains[3].Held) != 2 {
		t.Error("without Known every builtin counts as known")
	}
}

// A ref that does not say which bytes are meant holds its chains until sha256 does; the hint has the digest if it can be told.
func TestUnpinnedModules(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("aB", 32)
	text := `
links:
  file: {module: "file:./x.wasm"}
  page: {module: "https://h.example/x.wasm?k=t0ken&v"}
  script: {module: "script:file:x.js"}
  plain: {module: "http://u:t0ken?t0ken@h.example/x.wasm"}
  pinned: {module: "file:./x.wasm", sha256: "` + digest + `"}
  prefixed: {module: "https://u:t0ken@h.example/x.wasm", sha256: "sha256:` + digest + `"}
  oci: {module: "oci://h.example/x:1"}
  upload: {module: "upload:x"}
chains:
  held: {links: [file, page, script, plain]}
  fine: {links: [pinned, prefixed, oci, upload]}
`
	o := Options{Digest: func(module string) string {
		return map[string]string{"file:./x.wasm": strings.ToLower(digest)}[module]
	}}
	c, r := Parse("c.yml", []byte(text), o)
	if c == nil {
		t.Fatal(r.Err())
	}
	want := `link "file": file:./x.wasm is not pinned|link "page": https://h.example/x.wasm?*** is not pinned|` +
		`link "script": script:file:x.js is not pinned|link "plain": http://***@h.example/x.wasm is not pinned`
	if got := strings.Join(c.Chains[0].Held, "|"); got != want {
		t.Errorf("held: %s", got)
	}
	if got := c.Chains[1].Held; got != nil {
		t.Errorf("held: %q", got)
	}
	for _, name := range []string{"pinned", "prefixed"} {
		if l, _ := c.Link(LinkRef{Name: name}); l.SHA256 != strings.ToLower(digest) {
			t.Errorf("%s: sha256 %q", name, l.SHA256)
		}
	}
	mustSay(t, r, CodeHeld, "links.file: file:./x.wasm is not pinned (pin it: sha256: "+strings.ToLower(digest)+")")
	mustSay(t, r, CodeHeld, "links.page: https://h.example/x.wasm?*** is not pinned (pin it: sha256: and the 64 hex digits")
	o.Known = func(Kind, string) error { return errors.New("no such link here") }
	if c, r = Parse("c.yml", []byte(text), o); strings.Contains(show(r), "t0ken") || says(r, CodeHeld, "not pinned") || len(c.Chains[1].Held) != 4 {
		t.Errorf("what cannot be built at all: %q\n%s", c.Chains[1].Held, show(r))
	}
}

func TestTracersOf(t *testing.T) {
	t.Parallel()
	c, _ := good(t, "tracers: {a: {module: tracers.a}, b: {module: tracers.b}}\nchains: {all: , none: {tracers: []}, one: {tracers: [b, x]}}")
	for i, want := range []string{"a b", "", "b"} {
		var got []string
		for _, tr := range c.TracersOf(c.Chains[i]) {
			got = append(got, tr.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", c.Chains[i].Name, got)
		}
	}
}

func TestInlineOptions(t *testing.T) {
	t.Parallel()
	c, _ := good(t, `
links:
  w: {module: links.webhook, options: {a: 1, b: {c: 2}, d: 3}}
  bare: {module: links.tag}
  dg: {module: links.deepgram_link, options: {KEY: k, after_link: x}}
  new: {module: links.groq_whisper, options: {vendor: other, vendor_options: {}}}
  empty: {module: links.hugging_face_whisper}
chains: {c: {links: [w: {b: 5, e: 6}, bare: {t: 1}, dg: {KEY: l}, new, empty, w: , bare]}}
`)
	want := []string{`{"a":1,"b":5,"d":3,"e":6}`, `{"t":1}`, `{"vendor":"deepgram","after_link":"x","vendor_options":{"KEY":"l"}}`, `{"vendor":"other","vendor_options":{}}`,
		`{"vendor":"hugging_face","vendor_options":{}}`, `{"a":1,"b":{"c":2},"d":3}`, ``}
	for i, ref := range c.Chains[0].Links {
		l, ok := c.Link(ref)
		if !ok || string(l.Options.JSON()) != want[i] {
			t.Errorf("%s: %s, want %s", ref.Name, l.Options.JSON(), want[i])
		}
	}
	if string(c.Links[0].Options.JSON()) != want[5] {
		t.Error("the link itself changed")
	}
	if l, ok := c.Link(LinkRef{Name: "none"}); ok {
		t.Error(l)
	}
}

func TestPlainSecrets(t *testing.T) {
	t.Parallel()
	_, r := good(t, `
links:
  m: {module: "oci://h/n:1", options: {a: "${V}", api_key: abc, nested: [{token: t}], fine: "{{secret:X}}", API_TOKEN: "{{secret:T}}", password: ""}}
  b: {module: links.webhook, options: {token: abc, a: "${V}"}}
chains: {c: {links: [b: {token: x}, m: {token: x}, m]}}
`, "V=value-of-it")
	var got []string
	for _, p := range r.Problems {
		if p.Code == codeSecret {
			got = append(got, p.Path)
		}
	}
	if !slices.Equal(got, []string{"links.m.options.a", "links.m.options.api_key", "links.m.options.nested[0].token", "chains.c.links[1].m.token"}) {
		t.Errorf("%v", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	base, ceiling := Default().Sandbox.Defaults, Limits{Memory: 100, Fuel: 7}
	l := Limits{Time: time.Hour}.Over(base)
	if l.Time != time.Hour || l.Memory != base.Memory || l.KV != base.KV {
		t.Errorf("%+v", l)
	}
	if u := l.Under(ceiling); u.Memory != 100 || u.Fuel != 7 || u.Time != time.Hour {
		t.Errorf("%+v", u)
	}
	_, r := good(t, "sandbox: {ceiling: {limits: {memory: 1MiB}}}\nlinks: {a: {module: 'oci://h/n:1', limits: {memory: 2MiB, time: 1s}, retry: {delay: 1h}}}\nserver: {body_limit: 2, body_inflight: 1}")
	mustSay(t, r, codeValue, "links.a.limits: above sandbox.ceiling and cut to it: memory")
	mustSay(t, r, codeValue, "max_delay is below delay")
	mustSay(t, r, codeValue, "server.body_inflight: is less than server.body_limit")
}

func TestOneOfManyForms(t *testing.T) {
	t.Parallel()
	c, _ := good(t, `
links:
  a: {module: "oci://h/n:1", allow: {read: {not: [/x]}, fetch: true, http: ["https://*"]}, input: none, memo: false}
  b: {module: "oci://h/n:1", allow: {read: [/x, ""], fetch: ["https://*"]}, input: []}
`)
	a, b := c.Links[0], c.Links[1]
	if !slices.Equal(a.Allow.Read.Not, []string{"/x"}) || !a.Allow.Fetch.Any || !a.Input.None || a.KeepsAnswers() {
		t.Errorf("%+v", a.Allow)
	}
	if len(b.Allow.Read.Only) != 2 || b.Allow.Fetch.Any || len(b.Allow.Fetch.Origins) != 1 || b.Input.None {
		t.Errorf("%+v", b.Allow)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"ingress_lists", "egress_lists", "links", "storages", "enabled", "weight"}
	for in, want := range map[string]string{"ingress-lists": "ingress_lists", "IngressLists": "ingress_lists", "link": "links", "lniks": "links", "enable": "enabled", "wieght": "weight",
		"description": "", "name": "", "x": "", strings.Repeat("links", 50): ""} {
		if got := nearest(in, names); got != want {
			t.Errorf("%q is near %q, want %q", in, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, parts := range [][]string{{"a", "b"}, {"a", "b.c"}, {"a", `q"]x`}, {"", "a b"}, {"a", "é"}} {
		path := ""
		for _, p := range parts {
			path = keyPath(path, p)
		}
		if got := SplitPath(indexPath(path, 12)); !slices.Equal(got, append(slices.Clone(parts), "12")) {
			t.Errorf("%s became %q", path, got)
		}
	}
}
