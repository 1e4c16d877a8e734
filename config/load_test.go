package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func loadFile(t *testing.T, path string, o Options) (*Config, Report) {
	t.Helper()
	c, r := Load(path, o)
	if c == nil {
		t.Fatalf("%s refused: %v", path, r.Err())
	}
	return c, r
}

func TestSeedReadmeLoads(t *testing.T) {
	t.Parallel()
	c, r := loadFile(t, "testdata/seed.yml", Options{Known: build})
	if !c.VconServer {
		t.Error("not recognised as a vcon-server file")
	}
	if got := []int{len(c.IngressAuth), len(c.Links), len(c.Storages), len(c.Chains), len(c.Tracers)}; !slices.Equal(got, []int{3, 3, 2, 1, 1}) {
		t.Errorf("sections have %v entries", got)
	}
	list, ok := c.Ingress("support_calls")
	if key, match := ingressKeyOf(list, "support-client-2-key"); !ok || !match || key.Name != "support_calls#2" {
		t.Errorf("second key of support_calls: %v %v %v", ok, match, key.Name)
	}
	if _, match := ingressKeyOf(list, "customer-api-key-12345"); match {
		t.Error("a key of another list matched")
	}
	chain := c.Chains[0]
	if !chain.Enabled || len(chain.Held) == 0 {
		t.Errorf("main_chain: enabled %v, held %v", chain.Enabled, chain.Held)
	}
	mustSay(t, r, CodeHeld, `link "deepgram_link": links.transcribe: no such link here (written as links.deepgram_link)`)
	link, ok := c.Link(chain.Links[0])
	want := `{"vendor":"deepgram","vendor_options":{"DEEPGRAM_KEY":"your_deepgram_key","minimum_duration":30,"api":{"model":"nova-2","smart_format":true,"detect_language":true}}}`
	if got := string(link.Options.JSON()); !ok || link.Module != "links.transcribe" || got != want {
		t.Errorf("%s %s", link.Module, got)
	}
}

func TestSeedModulesLoad(t *testing.T) {
	t.Parallel()
	c, r := loadFile(t, "testdata/seed-modules.yml", Options{Known: build})
	python, _ := c.Chain("python_chain")
	plain, _ := c.Chain("plain_chain")
	if len(python.Held) != 2 || len(plain.Held) != 0 {
		t.Errorf("held: %q and %q", python.Held, plain.Held)
	}
	mustSay(t, r, CodeHeld, "my_module is a Python package")
	mustSay(t, r, codePython, "imports.legacy_module: a Python module cannot be imported here")
	if c.Imports[3].Module != "some.legacy.module" || c.Imports[0].PipName != "custom-utils-package" {
		t.Errorf("imports: %+v", c.Imports)
	}
}

func TestPythonExampleLoads(t *testing.T) {
	t.Parallel()
	c, r := loadFile(t, "testdata/vcon-server.yml", Options{Known: build})
	if c.Tracers != nil || c.Followers != nil {
		t.Error("null sections are not absent")
	}
	file, _ := c.Storage("file")
	want := `{"path":"/data/vcons","organize_by_date":true,"compression":false,"max_file_size":10485760,"file_permissions":"0o644","dir_permissions":493}`
	if got := string(file.Options.JSON()); got != want {
		t.Errorf("file options\n got %s\nwant %s", got, want)
	}
	quiet, _ := c.Link(LinkRef{Name: "quiet_hours"})
	want = `{"method":"percentage","value":50,"from":1350,"since":"2024-01-15","exact":"1e3"}`
	if got := string(quiet.Options.JSON()); got != want {
		t.Errorf("sampler options\n got %s\nwant %s", got, want)
	}
	if pg, _ := c.Storage("postgres"); pg.Module != "storage.postgres" || pg.Written != "server.storage.postgres" {
		t.Errorf("postgres runs as %q", pg.Module)
	}
	mustSay(t, r, codeUnknownKey, "links.analyze.ingress-lists: there is no such key; it is ignored")
	mustSay(t, r, CodeHeld, "vcon-server removed links.script")
	mustSay(t, r, CodeHeld, `chains.sample_chain: the chain is held`)
	mustSay(t, r, codeValue, "chains.tag_chain.timeout: without a unit these are seconds")
	mustSay(t, r, codeShared, `list "default_ingress" is read by chain "tag_chain"`)
	if tag, _ := c.Chain("tag_chain"); len(tag.Held) > 0 || !slices.Equal(tag.IngressLists, []string{"tag_ingress", "default_ingress"}) || tag.Tracers == nil {
		t.Errorf("tag_chain: %+v", tag)
	}
	if ch, ok := c.ChainOf("default_ingress"); !ok || ch.Name != "tag_chain" {
		t.Errorf("default_ingress belongs to %q", ch.Name)
	}
}

func TestPythonIgnored(t *testing.T) {
	t.Parallel()
	text := read(t, "testdata/vcon-server.yml") + "\nx-anchors: {a: 1}\n"
	text = strings.Replace(text, `password: ""`, `password: "${PG}"`, 1)
	text = strings.Replace(text, "links: [tag]", "links: [tag: {tags: [gold]}]", 1)
	text = strings.Replace(text, "      - postgres\n", "", 1)
	text = strings.Replace(text, "      - file\n", "      - file\n      - redis\n", 1)
	text = strings.Replace(text, "storages:\n", "storages:\n  redis: {module: storage.redis_storage, options: {redis_url: 'redis://localhost:6379', prefix: x}}\n", 1)
	_, r := good(t, text, "PG=hidden")
	want := []string{
		"storages.redis.options.redis_url: Python ignored this and used REDIS_URL",
		"storages.postgres: no chain saves to it",
		"storages.postgres.options.password: Python kept the text",
		`chains.tag_chain.links: Python dead-lettered every vCon here; here it means that link "tag"`,
		"chains.tag_chain.timeout: Python ignored this; here it means that a run of the links longer than 30s",
		"chains.tag_chain.tracers: Python ignored this",
		"chains.parked.enabled: Python ignored this",
	}
	if len(r.PythonIgnored) != len(want) {
		t.Errorf("%d entries, want %d", len(r.PythonIgnored), len(want))
	}
	for i, p := range r.PythonIgnored {
		if i < len(want) && !strings.Contains(p.String(), want[i]) || p.Line == 0 || strings.Contains(p.String(), "hidden") {
			t.Errorf("%d: %s", i, p)
		}
	}
}

func TestOurKeysAreRecognised(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"server: {}", "links: {a: {module: links.tag, retry: {attempts: 2}}}", "links: {a: {module: 'oci://x/y:1'}}",
		"chains: {a: {weight: 2}}", "ingress_auth: {a: {name: x, key: 0123456789abcdef}}", "storages: {s: {module: storage.file, timeout: 3s}}"} {
		if c, _ := good(t, text); c.VconServer {
			t.Errorf("%s is taken for a vcon-server file", text)
		}
	}
	if c, _ := good(t, ""); c.VconServer {
		t.Error("an empty file is taken for a vcon-server file")
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n", "{}\n"} {
		c, r := good(t, text)
		if len(c.Chains) != 0 || c.Server.Listen != "127.0.0.1:8000" || len(r.Problems) != 0 {
			t.Errorf("%q: %v %s %v", text, c.Chains, c.Server.Listen, r.Problems)
		}
	}
	c, r := Load("", Options{})
	if c == nil || c.File != "" || c.Queue.Store != "embedded" {
		t.Errorf("no file at all: %v", r.Err())
	}
	_, r = Load(filepath.Join(t.TempDir(), "none.yml"), Options{})
	mustSay(t, r, codeFile, "cannot be read: no such file")
	_, r = Load(t.TempDir(), Options{})
	mustSay(t, r, codeFile, "is a folder")
}

func TestPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := Path("", vars(), dir); got != "" {
		t.Errorf("nothing there: %q", got)
	}
	put(t, filepath.Join(dir, "config.yml"), "")
	if got := Path("", vars("CONSERVER_CONFIG_FILE="), dir); got != filepath.Join(dir, "config.yml") {
		t.Errorf("./config.yml: %q", got)
	}
	put(t, filepath.Join(dir, ".env"), "CONSERVER_CONFIG_FILE=/from/dotenv.yml\n")
	if got := Path("", vars(), dir); got != "/from/dotenv.yml" {
		t.Errorf(".env: %q", got)
	}
	if got := Path("", vars("CONSERVER_CONFIG_FILE=/from/env.yml"), dir); got != "/from/env.yml" {
		t.Errorf("environment: %q", got)
	}
	if got := Path("/flag.yml", vars("CONSERVER_CONFIG_FILE=/from/env.yml"), dir); got != "/flag.yml" {
		t.Errorf("flag: %q", got)
	}
}

func TestDotEnvBesideTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yml")
	put(t, path, "telemetry: {log: {level: '${LEVEL}'}}\nqueue: {tries: '${TRIES:-7}', order: '${EMPTY:-strict}'}\n")
	put(t, filepath.Join(dir, ".env"), "export LEVEL=debug\nTRIES=3\nnonsense\nEMPTY=\n")
	c, r := loadFile(t, path, Options{Env: vars("TRIES=4", "LEVEL=")})
	if c.Telemetry.Log.Level != "debug" || c.Queue.Tries != 4 || c.Queue.Order != "strict" {
		t.Errorf("level %q, tries %d, order %q", c.Telemetry.Log.Level, c.Queue.Tries, c.Queue.Order)
	}
	mustSay(t, r, codeEnv, ".env:3:1: warning: is no NAME=value")
	if os.Mkdir(filepath.Join(dir, "sub"), 0o700) == nil && os.Mkdir(filepath.Join(dir, "sub", ".env"), 0o700) == nil {
		put(t, filepath.Join(dir, "sub", "c.yml"), "")
		_, r = Load(filepath.Join(dir, "sub", "c.yml"), Options{})
		mustSay(t, r, codeEnv, "cannot be read")
	}
}

func TestParseDotEnv(t *testing.T) {
	t.Parallel()
	text := "\ufeff# comment\nA=1\r\n export B = two words # note\nC='si#ngle $x \\n'\nD=\"dou\\\"ble\\n\\t\\\\ \\x #\" # note\nE=\nF=a#b\n" +
		"G=\"two\nlines\"\nH=#none\n2BAD=1\nI=x=y\nnovalue\nJ='open\n"
	got, wrong := parseDotEnv(text)
	want := map[string]string{"A": "1", "B": "two words", "C": `si#ngle $x \n`, "D": "dou\"ble\n\t\\ \\x #", "E": "", "F": "a#b", "G": "two\nlines", "H": "", "I": "x=y"}
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s = %q, want %q", k, g, v)
		}
	}
	if len(got) != len(want) || !slices.Equal(wrong, []int{11, 13, 14}) {
		t.Errorf("%d variables, bad lines %v", len(got), wrong)
	}
}

func TestFlagsWin(t *testing.T) {
	t.Parallel()
	o := Options{Env: vars("VCONDUIT_LISTEN=127.0.0.1:2", "VCONDUIT_DATA=/env", "API_ROOT_PATH=/v1/"), Flags: Flags{Listen: "0.0.0.0:3", DataDir: "/flag", Insecure: true}}
	c, r := Parse("c.yml", []byte("server: {listen: '127.0.0.1:1', root_path: /file}"), o)
	if c == nil {
		t.Fatal(r.Err())
	}
	if c.Server.Listen != "0.0.0.0:3" || c.DataDir != "/flag" || !c.Server.Insecure || !c.Server.ListenSet {
		t.Errorf("%+v %s", c.Server, c.DataDir)
	}
	if c.Server.RootPath != "/v1" {
		t.Errorf("environment must win over the file: %s", c.Server.RootPath)
	}
	o.Flags = Flags{}
	if c, _ := Parse("c.yml", []byte("server: {listen: '127.0.0.1:1'}"), o); c.Server.Listen != "127.0.0.1:2" || c.DataDir != "/env" {
		t.Errorf("%s %s", c.Server.Listen, c.DataDir)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	const token = "CONSERVER_API_TOKEN=0123456789abcdef"
	cases := []struct {
		name, text string
		env        []string
		listen     string // "" = refused
	}{
		{"no token", "", nil, "127.0.0.1:8000"},
		{"token", "", []string{token}, "0.0.0.0:8000"},
		{"auth key", "auth: {keys: [{name: a, key: 0123456789abcdef, scopes: [read]}]}", nil, "0.0.0.0:8000"},
		{"ingress keys are no token", "ingress_auth: {a: 0123456789abcdef}", nil, "127.0.0.1:8000"},
		{"open address without token", "server: {listen: '0.0.0.0:80'}", nil, ""},
		{"all addresses without token", "server: {listen: ':80'}", nil, ""},
		{"localhost", "server: {listen: 'localhost:80'}", nil, "localhost:80"},
		{"loopback six", "server: {listen: '[::1]:80'}", nil, "[::1]:80"},
		{"insecure in the file", "server: {listen: '0.0.0.0:80', insecure: yes}", nil, "0.0.0.0:80"},
		{"insecure in the environment", "server: {listen: '0.0.0.0:80'}", []string{"VCONDUIT_INSECURE=1"}, "0.0.0.0:80"},
		{"insecure without address", "", []string{"VCONDUIT_INSECURE=1"}, "0.0.0.0:8000"},
		{"no port", "server: {listen: '127.0.0.1'}", nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.listen == "" {
				r := bad(t, c.text, c.env...)
				mustSay(t, r, codeListen, "server.listen")
				return
			}
			if got, _ := good(t, c.text, c.env...); got.Server.Listen != c.listen {
				t.Errorf("listens on %q, want %q", got.Server.Listen, c.listen)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	a, _ := good(t, "server: {listen: '127.0.0.1:1'}")
	b, _ := good(t, "server: {listen: '127.0.0.1:2', tls: {cert: a, key: b}, drain: 1s}", "REDIS_URL=redis://r")
	if got := a.Restart(b); !slices.Equal(got, []string{"server.listen", "server.tls", "queue.store", "queue.redis.url"}) {
		t.Errorf("needs a restart: %v", got)
	}
	if got := a.Restart(a); got != nil {
		t.Errorf("no change: %v", got)
	}
}
