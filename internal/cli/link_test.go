package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/modules/examples/talkshare"
)

const call = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e", "subject":"Billing","parties":[{"tel":"+1"}],"dialog":[]}`

// program is a module in the text format whose strings are laid out in its memory.
type program struct {
	data strings.Builder
	next int
}

// at places a text and gives the two parameters that name it.
func (p *program) at(text string) string {
	if p.next == 0 {
		p.next = 1024
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
	fmt.Fprintf(&p.data, "(data (i32.const %d) \"%s\")\n", p.next, quoted)
	p.next += len(text)
	return fmt.Sprintf("(i32.const %d) (i32.const %d)", p.next-len(text), len(text))
}

// do calls a host function and drops its result.
func do(name string, params ...string) string {
	return fmt.Sprintf("(drop (call $%s %s)) ", name, strings.Join(params, " "))
}

// module is one whose function of this head and body is all there is beside what it may call.
func (p *program) module(function string) string {
	imports := ""
	for name, types := range map[string]string{
		"error_set": "(param i32 i32) (result i32)", "tag_add": "(param i32 i32 i32 i32) (result i32)", "route": "(param i32 i32) (result i32)",
		"expire": "(param i64) (result i32)", "retry_after": "(param i64) (result i32)", "log": "(param i32 i32 i32) (result i32)",
		"vcon_create": "(param i32 i32 i32 i32 i32 i32 i32) (result i64)", "kv_put": "(param i32 i32 i32 i32 i64) (result i32)",
		"doc_edit": "(param i32 i32 i32 i32 i32 i32) (result i32)", "http_send": "(param i32 i32 i32) (result i32)",
	} {
		if strings.Contains(function, "$"+name+" ") {
			imports += fmt.Sprintf("(import \"vcon:link/v1\" %q (func $%s %s))\n", name, name, types)
		}
	}
	if strings.Contains(function, "$proc_exit ") {
		imports += `(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))`
	}
	return "(module\n" + imports + "(memory (export \"memory\") 1)\n" + p.data.String() + function + ")"
}

func (p *program) reactor(body string) string {
	return p.module(`(func $run (export "vcon_link_run") (param i32) (result i32) ` + body + ")")
}

// command is a program that ends with this exit code.
func (p *program) command(code int) string {
	return p.module(fmt.Sprintf(`(func (export "_start") (call $proc_exit (i32.const %d)))`, code))
}

// assemble writes a module into a file.
func assemble(t *testing.T, text string) string {
	t.Helper()
	tool := testenv.Program(t, "wat2wasm", "apt-get install wabt")
	dir := t.TempDir()
	from, to := filepath.Join(dir, "m.wat"), filepath.Join(dir, "m.wasm")
	write(t, from, text)
	if out, err := exec.CommandContext(t.Context(), tool, "--debug-names", from, "-o", to).CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s\n%s", err, out, text)
	}
	return to
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// link runs `vconduit link` with the vCon call on standard input.
func link(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	return linkWith(t.Context(), map[string]string{"TOKEN": "token-secret-value"}, args...)
}

func linkWith(ctx context.Context, env map[string]string, args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	code = Main(ctx, append([]string{"link"}, args...), IO{In: strings.NewReader(call), Out: &stdout, Err: &stderr, Getenv: func(name string) string { return env[name] }})
	return stdout.String(), stderr.String(), code
}

// failure is the line that ends stderr after a failed run.
type failure struct{ Outcome, Class, Reason string }

func lastLine(t *testing.T, stderr string) (f failure) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		t.Errorf("stderr does not end with JSON: %v\n%s", err, stderr)
	}
	return f
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a JSON object with a file of testdata; what differs from run to run is left out.
func golden(t *testing.T, file, text string, leave ...string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range leave {
		if _, ok := object[name]; !ok {
			t.Errorf("no member %s", name)
		}
		object[name] = "…"
	}
	have, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", file)
	if *update {
		write(t, path, string(have)+"\n")
	}
	if want, err := os.ReadFile(path); err != nil || string(have)+"\n" != string(want) {
		t.Errorf("differs from %s (%v):\n%s", path, err, have)
	}
}

func TestLinkRunEnds(t *testing.T) {
	t.Parallel()
	var p program
	tag := do("tag_add", p.at("vip"), p.at("yes"))
	why := do("error_set", p.at("no luck today"))
	denied := "(call $doc_edit (i32.const 1) (i32.const 2) " + p.at("/parties") + " (i32.const 0) (i32.const 0))"
	for _, c := range []struct {
		name, wat string
		flags     []string
		code      int
		changed   bool
		class     string // of a failure
		says      string // in its reason, else in stderr
	}{
		{"done", p.reactor(tag + "(i32.const 0)"), nil, 0, true, "", ": done (reactor)"},
		{"done in the interpreter", p.reactor(tag + "(i32.const 0)"), []string{"--engine", "interpreter"}, 0, true, "", ": done"},
		{"no change", p.reactor(tag + "(i32.const 3)"), nil, 0, false, "", ": no change"},
		{"halt", p.reactor(tag + "(i32.const 1)"), nil, 10, true, "", ": halt"},
		{"retry", p.reactor(tag + why + do("retry_after", "(i64.const 1500)") + "(i32.const 2)"), nil, 11, false, "", "after 1.5s: no luck today"},
		{"retry of a command", p.command(11), nil, 11, false, "", ": retry (command)"},
		{"halt of a command", p.command(10), []string{"--output", "none", "--input", "none"}, 10, false, "", ": halt (command)"},
		{"failed", p.reactor(tag + why + "(i32.const -1)"), nil, 1, false, "failed", "no luck today"},
		{"failed command", p.command(3), nil, 1, false, "failed", "exit code 3"},
		{"trap", p.reactor(tag + "(unreachable)"), nil, 1, false, "trap", "unreachable"},
		{"time", p.reactor("(loop (br 0)) (i32.const 0)"), []string{"--limits", "time=50ms"}, 1, false, "limit", "50ms"},
		{"memory", p.reactor("(if (i32.eq (memory.grow (i32.const 9)) (i32.const -1)) (then (unreachable))) (i32.const 0)"), []string{"--limits", "memory=128KiB"}, 1, false, "limit", "131072 bytes"},
		{"host calls", p.reactor(tag + tag + tag + "(i32.const 0)"), []string{"--limits", "{host_calls: 2, log: 1KiB}"}, 1, false, "limit", "host_calls"},
		{"denied", p.reactor(denied), nil, 1, false, "denied", "-5"},
		{"granted", p.reactor(denied), []string{"--allow", "write: [/parties]"}, 0, true, "", "edits     1,"},
		{"refused for its memory", p.reactor("(i32.const 0)"), []string{"--limits", "memory=1kB"}, 1, false, "refused", "65536 bytes of memory"},
		{"refused for an import", `(module (import "env" "seed" (func)) (memory (export "memory") 1) (func (export "vcon_link_run") (param i32) (result i32) (i32.const 0)))`,
			nil, 1, false, "refused", "it imports env.seed"},
		{"refused for its start", p.module(`(func (export "vcon_link_init") (result i32) ` + why + `(i32.const 1)) (func (export "vcon_link_run") (param i32) (result i32) (i32.const 0))`),
			nil, 1, false, "refused", "no luck today"},
		{"an output of a reactor", p.reactor("(i32.const 0)"), []string{"--output", "vcon"}, 1, false, "refused", "are for commands"},
		{"an input of a reactor", p.reactor("(i32.const 0)"), []string{"--input", "[/parties]"}, 1, false, "refused", "are for commands"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := link(t, append([]string{"run", assemble(t, c.wat)}, c.flags...)...)
			if code != c.code {
				t.Fatalf("exit code %d, want %d\n%s", code, c.code, errs)
			}
			if (out != call && out != "") != c.changed || (out == "") != (c.class != "") {
				t.Errorf("stdout: %s", out)
			}
			if c.class == "" {
				if !strings.Contains(errs, c.says) {
					t.Errorf("stderr does not say %q:\n%s", c.says, errs)
				}
				return
			}
			if f := lastLine(t, errs); f.Outcome != "failed" || f.Class != c.class || !strings.Contains(f.Reason, c.says) {
				t.Errorf("%+v, want class %s and %q", f, c.class, c.says)
			}
		})
	}
}

func TestLinkRunTellsEffects(t *testing.T) {
	t.Parallel()
	var p program
	body := do("tag_add", p.at("vip"), p.at("yes")) + do("route", p.at("premium")) + do("route", p.at("secret")) + do("expire", "(i64.const 3600)") +
		do("log", "(i32.const 2)", p.at("a <word>\nof warning")) + do("kv_put", p.at("seen"), p.at("1"), "(i64.const 0)") +
		do("vcon_create", "(i32.const 0)", p.at(`["premium"]`), p.at(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-000000000001","parties":[]}`), "(i32.const 0) (i32.const 36)") +
		do("vcon_create", "(i32.const 1)", p.at(""), p.at(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-000000000002","parties":[]}`), "(i32.const 0) (i32.const 36)") + "(i32.const 0)"
	module := assemble(t, p.reactor(body))
	allow := filepath.Join(t.TempDir(), "allow.yml")
	write(t, allow, "ttl: true\ncreate: true\nkv: true\n")
	args := []string{"run", module, "--allow", "@" + allow, "--allow", `{"queues": ["premium"]}`}

	out, errs, code := link(t, append(args, "--json")...)
	if code != 0 || errs != "" || !strings.Contains(out, "a <word>") {
		t.Fatalf("%d: %s\n%s", code, errs, out)
	}
	golden(t, "link-run.golden.json", out, "compile_ms", "took_ms", "digest", "module")

	out, errs, code = link(t, args...)
	if code != 0 || out != `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-000000000002","parties":[]}` {
		t.Errorf("%d: not the vCon that took the place: %s", code, out)
	}
	for _, want := range []string{"warn  a <word>", "route     premium", "000000000001, to premium", "000000000002, in place", "expires   after 1h0m0s", `denied    route: list "secret"`} {
		if !strings.Contains(errs, want) {
			t.Errorf("stderr does not say %q:\n%s", want, errs)
		}
	}

	out, errs, code = link(t, "run", assemble(t, p.reactor("(call $boom) (i32.const 0)) (func $boom (unreachable)")), "--json")
	if f := lastLine(t, errs); code != 1 || f.Class != "trap" || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d: %s", code, errs)
	}
	golden(t, "link-run-trap.golden.json", out, "compile_ms", "took_ms", "digest", "module")
}

// TestLinkRunGrantsHTTP: nothing leaves that is not granted, and a secret is in the request alone.
func TestLinkRunGrantsHTTP(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { got <- q.Header.Get("Authorization") }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "token-from-a-file\n")
	var p program
	request := fmt.Sprintf(`{"url":%q,"headers":{"authorization":"Bearer {{secret:TOKEN}}"}}`, server.URL+"/score")
	module := assemble(t, p.reactor("(if (i32.lt_s (call $http_send "+p.at(request)+" (i32.const 0)) (i32.const 0)) (then (return (i32.const -1)))) (i32.const 0)"))
	granted := fmt.Sprintf(`{"http": [%q]}`, server.URL)
	for _, c := range []struct {
		name  string
		flags []string
		class string
		want  string
	}{
		{"nothing", nil, "denied", ""},
		{"no secret", []string{"--allow", granted}, "denied", ""},
		{"all", []string{"--allow", granted, "--secret", "TOKEN=env:TOKEN"}, "", "Bearer token-secret-value"},
		{"from a file", []string{"--allow", granted, "--secret", "TOKEN=file:" + file}, "", "Bearer token-from-a-file"},
		{"in another place", []string{"--allow", granted, "--allow", "secrets: {TOKEN: {from: 'env:NONE', for: [127.0.0.1], in: [query]}}", "--secret", "TOKEN=env:TOKEN"}, "denied", ""},
		{"for another host", []string{"--allow", granted, "--allow", "secrets: {TOKEN: {from: 'env:TOKEN', for: [api.example]}}"}, "denied", ""},
	} {
		out, errs, code := link(t, append([]string{"run", module}, c.flags...)...)
		if strings.Contains(out+errs, "token-") {
			t.Errorf("%s: the secret shows: %s", c.name, errs)
		}
		if c.class != "" {
			if f := lastLine(t, errs); code != 1 || f.Class != c.class || len(got) > 0 {
				t.Errorf("%s: %d, %d requests\n%s", c.name, code, len(got), errs)
			}
			continue
		}
		if code != 0 || len(got) != 1 || !strings.Contains(errs, "1 HTTP requests") {
			t.Fatalf("%s: %d, %d requests\n%s", c.name, code, len(got), errs)
		}
		if header := <-got; header != c.want {
			t.Errorf("%s: Authorization %q", c.name, header)
		}
	}
}

func TestLinkRunTalkshare(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(testenv.Root(t), "modules", "examples", "talkshare", "testdata", "chat")
	want, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "talkshare.wasm")
	write(t, module, string(talkshare.Module()))
	for _, name := range []string{module, "file:" + module} {
		out, errs, code := link(t, "run", name, "--vcon", filepath.Join(dir, "in.json"))
		if code != 0 || out != string(want) {
			t.Errorf("%s: %d\n%s\n%s", name, code, out, errs)
		}
	}
}

// TestLinkRunGo: a Go guest with its options does what its own golden pair says.
func TestLinkRunGo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(testenv.Root(t), "modules", "examples", "keywords", "testdata", "texts-and-transcripts")
	want, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "keywords.wasm")
	write(t, module, string(guesttest.Build(t, "modules/examples/keywords")))
	out, errs, code := link(t, "run", module, "--vcon", filepath.Join(dir, "in.json"), "--options", "@"+filepath.Join(dir, "options.json"))
	if code != 0 || out != string(want) {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
}

// TestLinkRunCommand: a program that knows nothing of us gets what it asked for and changes what it is granted.
func TestLinkRunCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module, doc := filepath.Join(dir, "redact.wasm"), filepath.Join(dir, "call.vcon")
	write(t, module, string(guesttest.Build(t, "modules/examples/redact")))
	write(t, doc, strings.Replace(call, `"+1"`, `"+15550100"`, 1))
	args := []string{"run", module, "--vcon", doc, "--input", "[/parties]"}
	out, errs, code := link(t, append(args, "--allow", `{write: ["/parties/*/tel"]}`)...)
	if code != 0 || out != strings.Replace(call, `"+1"`, `"[redacted]"`, 1) || !strings.Contains(errs, "done (command)") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	if out, errs, code = link(t, args...); code != 1 || out != "" || lastLine(t, errs).Class != "denied" || !strings.Contains(errs, "/parties/0/tel") {
		t.Errorf("not granted: %d\n%s\n%s", code, out, errs)
	}
}

func TestLinkRunBuiltin(t *testing.T) {
	t.Parallel()
	out, errs, code := link(t, "run", "links.tag", "--options", `{"tags":["vip"]}`)
	if code != 0 || !strings.Contains(out, `"vip:vip"`) || !strings.Contains(errs, "links.tag: done (builtin)") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	_, errs, code = link(t, "run", "links.tag", "--options", `{"tags":["vip"]}`, "--allow", "write: []")
	if f := lastLine(t, errs); code != 1 || f.Class != "denied" {
		t.Errorf("narrowed: %d\n%s", code, errs)
	}
}

func TestLinkMistakes(t *testing.T) {
	t.Parallel()
	var p program
	module := assemble(t, p.reactor("(i32.const 0)"))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "allow.yml"), "kv: true\nhttp:\n  - https://a.example\n  - ftp://b.example\n")
	for _, c := range []struct {
		args string // after "link ", at @ the module
		says string
	}{
		{"run", "want one MODULE, got 0 words"},
		{"run @ @", "want one MODULE, got 2 words"},
		{"inspect", "want one MODULE, got 0 words"},
		{"run @ --lost", "lost"},
		{"run " + dir + "/no.wasm", dir + "/no.wasm: there is no such file (a builtin link is called by its name: links."},
		{"run " + strings.TrimSuffix(module, ".wasm"), "is " + module + " meant?"},
		{"inspect " + dir, dir + ": is a folder"},
		{"run links.tga", "there is no builtin link links.tga"},
		{"inspect links.tag", "links.tag is built in"},
		{"run https://a.example/m.wasm", "only files are read here"},
		{"run @ --vcon " + dir + "/no.vcon", "--vcon: open " + dir + "/no.vcon"},
		{"run @ --vcon " + module, "--vcon " + module + ": "},
		{"run @ --options [1]", "--options: want a JSON object"},
		{"run @ --options @" + dir + "/none.json", "--options: open "},
		{"run @ --allow {\"htp\":[]}", `--allow: htp: `},
		{"run @ --allow kv:maybe", "--allow: a map is wanted here, not a single value"},
		{"run @ --allow {kv:", "--allow: "},
		{"run @ --allow {\"write\":[\"tags\",\"body\"]}", `"body" is no JSON Pointer`},
		{"run @ --allow @" + dir + "/allow.yml", "--allow:3:3: http[1]: is no address to allow"},
		{"run @ --limits memory", `--limits: "memory" is no limit`},
		{"run @ --limits memory=much", "--limits: memory: "},
		{"run @ --limits tiem=1s", `did you mean "time"?`},
		{"run @ --limits fuel=1G", "--limits: fuel: this build does not count it"},
		{"run @ --secret TOKEN", "--secret: want NAME=env:VARIABLE"},
		{"run @ --secret TOKEN=plain-secret-value", "--secret TOKEN: says where the value is"},
		{"run @ --secret TOKEN=env:TOKEN", "--secret TOKEN: it is for no host"},
		{"run @ --allow {\"http\":[\"https://a.example\"]} --secret TOKEN=env:NONE", "allow.secrets: TOKEN: the variable NONE is not set"},
		{"run @ --allow {\"http\":[\"https://a.example\"]} --secret 1=env:TOKEN", "is no name of a secret"},
		{`run @ --allow {"http":["https://*"]} --secret TOKEN=env:TOKEN`, "--secret TOKEN: it is for no host"},
		{"run http://me:plain-secret-value@a.example/m.wasm", "only files are read here"},
		{"run @ --engine jit", "--engine: "},
		{"run @ --input body", "--input: "},
		{"run @ --output stdout", "--output: "},
		{"run links.tag --engine interpreter", "--engine is for modules"},
		{"run links.tag --options {\"tags\":[{}]}", "--options: links.tag: "},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(c.args)
			for i := range args {
				if args[i] == "@" {
					args[i] = module
				}
			}
			out, errs, code := link(t, args...)
			if code != ExitUsage || out != "" || !strings.Contains(errs, c.says) {
				t.Errorf("%d\n%s%s\nwant %s", code, out, errs, c.says)
			}
			if strings.Contains(errs, "plain-secret-value") {
				t.Error("the secret shows")
			}
		})
	}
}

// TestLinkAllMistakesAtOnce: who mends one finds no other behind it.
func TestLinkAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	var p program
	_, errs, code := link(t, "run", assemble(t, p.reactor("(i32.const 0)")), "--allow", "{htp: [], kv: maybe}", "--limits", "time=soon", "--engine", "jit")
	for _, want := range []string{"--allow: htp", "--allow: kv", "--limits: time", "--engine: "} {
		if code != ExitUsage || !strings.Contains(errs, want) {
			t.Errorf("%d: %q is not in\n%s", code, want, errs)
		}
	}
}

func TestLinkForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, says string }{
		"m.wat":      {"(module)", "wat2wasm --debug-names " + dir + "/m.wat -o " + dir + "/m.wasm"},
		"c.wat":      {";; a comment\n(module)", "is WebAssembly text"},
		"empty.wasm": {"", "is empty"},
		"main.go":    {"package main", "is no WebAssembly module"},
		"cut.wasm":   {"\x00asm\x01\x00\x00\x00\x01\x05", ""},
	} {
		path := filepath.Join(dir, name)
		write(t, path, c.text)
		_, errs, code := link(t, "run", path)
		if f := lastLine(t, errs); code != ExitFail || f.Class != "refused" || !strings.Contains(f.Reason, c.says) || !strings.Contains(errs, path) {
			t.Errorf("run %s: %d\n%s", name, code, errs)
		}
		if out, _, code := link(t, "inspect", path); code != ExitFail || !strings.Contains(out, path+": refused") || !strings.Contains(out, c.says) {
			t.Errorf("inspect %s: %d\n%s", name, code, out)
		}
	}
}

func TestLinkInspect(t *testing.T) {
	t.Parallel()
	module := filepath.Join(t.TempDir(), "talkshare.wasm")
	write(t, module, string(talkshare.Module()))
	out, errs, code := link(t, "inspect", module, "--json")
	if code != 0 || errs != "" {
		t.Fatalf("%d: %s", code, errs)
	}
	golden(t, "link-inspect.golden.json", out, "file", "digest", "bytes", "parts")
	out, _, code = link(t, "inspect", module)
	for _, want := range []string{": reactor", "digest    sha256:", "needs     allow: http, read, write", "import    vcon:link/v1.http_send (http)", "27 functions"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d: %q is not in\n%s", code, want, out)
		}
	}
}

func TestLinkInspectWarns(t *testing.T) {
	t.Parallel()
	var p program
	module := assemble(t, p.module(`(func $math/rand.runtime_rand) (func (export "_start") (call $proc_exit (i32.const 0)))`))
	if out, _, code := link(t, "inspect", module); code != 0 || !strings.Contains(out, ": command\n") || !strings.Contains(out, "warning   Go's math/rand is linked in") {
		t.Errorf("%d\n%s", code, out)
	}
	if _, errs, code := link(t, "run", module); code != 0 || !strings.Contains(errs, "warning   Go's math/rand is linked in") {
		t.Errorf("%d\n%s", code, errs)
	}
}

// TestLinkInspectRefused: every reason at once; the module's start, which never ends, does not run.
func TestLinkInspectRefused(t *testing.T) {
	t.Parallel()
	module := assemble(t, `(module (import "env" "seed" (func)) (import "env" "\1b[31mred" (func)) (import "vcon:link/v1" "doc_read" (func (result i32)))
		(func $start (loop (br 0))) (start $start) (func (export "_start") (param i32)))`)
	out, _, code := link(t, "inspect", module)
	for _, want := range []string{": refused", "exports no memory", "export _start has the type (i32) -> ()", "it imports env.seed", "it imports vcon:link/v1.doc_read as", "import    env.seed", `import    env.\x1b[31mred`} {
		if code != ExitFail || !strings.Contains(out, want) || strings.Contains(out, "\x1b") {
			t.Errorf("%d: %q is not in\n%s", code, want, out)
		}
	}
	out, _, code = link(t, "inspect", module, "--json")
	var i struct {
		Kind     string
		Problems []string
	}
	if err := json.Unmarshal([]byte(out), &i); err != nil || code != ExitFail || i.Kind != "" || len(i.Problems) != 5 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
}

// TestLinkInspectManifest: what a module wants is shown as it says it, and checked as a configuration would.
func TestLinkInspectManifest(t *testing.T) {
	t.Parallel()
	var p program
	path := assemble(t, p.reactor("(i32.const 0)"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	manifest := `{"name":"score","version":"1.2.0","abi":"1.0","wants":{"htpp":["https://a.example"]},"options":{"type":"object"}}`
	section := append([]byte{byte(len("vcon.link.manifest"))}, "vcon.link.manifest"+manifest...)
	size := []byte{byte(len(section)&0x7f | 0x80), byte(len(section) >> 7)}
	write(t, path, string(text)+"\x00"+string(size)+string(section))
	out, _, code := link(t, "inspect", path)
	for _, want := range []string{"manifest  score 1.2.0, abi 1.0", `wants     {"htpp":["https://a.example"]}`, `options   {"type":"object"}`, `wants are no allow: block: htpp`} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d: %q is not in\n%s", code, want, out)
		}
	}
}

// TestLinkRunInterrupted: an interrupt ends the guest, and is no failure of the link's.
func TestLinkRunInterrupted(t *testing.T) {
	t.Parallel()
	var p program
	module := assemble(t, p.reactor(do("log", "(i32.const 1)", p.at("on my way"))+"(loop (br 0)) (i32.const 0)"))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	errs := &trigger{word: "on my way", then: func() { cancel(errors.New("interrupted")) }}
	code := Main(ctx, []string{"link", "run", module}, IO{In: strings.NewReader(call), Out: errs, Err: errs, Getenv: func(string) string { return "" }})
	if code != ExitFail || !strings.Contains(errs.String(), "interrupted") || strings.Contains(errs.String(), `"class"`) {
		t.Errorf("%d: %s", code, errs)
	}
}

// trigger is a buffer that does something when a word is written to it.
type trigger struct {
	bytes.Buffer
	word string
	then func()
}

func (b *trigger) Write(p []byte) (int, error) {
	n, err := b.Buffer.Write(p)
	if strings.Contains(b.String(), b.word) {
		b.then()
	}
	return n, err
}
