package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/modules/examples/talkshare"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/vcon"
)

// reactor is a module with a start and a run.
func reactor(t *testing.T, start, run string) []byte {
	return guesttest.WAT(t, `(module
		(import "vcon:link/v1" "error_set" (func $error_set (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
		(memory (export "memory") 1)
		(data (i32.const 16) "no luck today")
		(func $init (export "vcon_link_init") (result i32) `+start+`)
		(func $run (export "vcon_link_run") (param i32) (result i32) `+run+`))`)
}

// moduleApp starts a server whose config names modules that lie in its folder: NAME.wasm, with its pin for %NAME%.
func moduleApp(t *testing.T, config string, files map[string][]byte) *running {
	t.Helper()
	dir := t.TempDir()
	for name, module := range files {
		path := filepath.Join(dir, name+".wasm")
		if err := os.WriteFile(path, module, 0o600); err != nil {
			t.Fatal(err)
		}
		config = strings.ReplaceAll(config, "%"+name+"%", "{module: \"file:"+path+"\", sha256: "+wasm.Digest(module)+", ")
	}
	return startApp(t, config, map[string]string{"SCORE_KEY": "score-secret-value"})
}

// post sends a vCon to a list and gives its id.
func (r *running) post(list string) vcon.ID {
	r.t.Helper()
	id := vcon.NewID("example.com")
	doc := fmt.Sprintf(`{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","parties":[{"tel":"+15550100"}],"dialog":[{"type":"text","start":"2026-11-02T09:14:03Z","parties":[0],"mediatype":"text/plain","encoding":"none","body":"hello you"}]}`, id)
	if status, body := r.call("POST", "/vcon?ingress_lists="+list, doc, ""); status != http.StatusCreated {
		r.t.Fatalf("post to %s: %d %s", list, status, body)
	}
	return id
}

// ends waits until a list has the vCons: an egress list, or a DLQ.
func (r *running) ends(path string, ids ...vcon.ID) {
	r.t.Helper()
	r.until(path, func() error {
		_, body := r.call("GET", path, "", "")
		for _, id := range ids {
			if !strings.Contains(body, id.String()) {
				return fmt.Errorf("%s is not in %s", id, body)
			}
		}
		return nil
	})
}

// TestModules: bad modules fail or hold what needs them, with a reason that names link, digest and function; everything
// else of the chains goes on.
func TestModules(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"good":   talkshare.Module(),
		"trap":   reactor(t, "i32.const 0", "unreachable"),
		"exit":   reactor(t, "i32.const 0", "(call $proc_exit (i32.const 3)) i32.const 0"),
		"fails":  reactor(t, "i32.const 0", "(drop (call $error_set (i32.const 16) (i32.const 13))) i32.const -1"),
		"hangs":  reactor(t, "i32.const 0", "(loop $l (br $l)) i32.const 0"),
		"bad":    reactor(t, "(drop (call $error_set (i32.const 16) (i32.const 13))) i32.const -1", "i32.const 0"),
		"stuck":  reactor(t, "(loop $l (br $l)) i32.const 0", "i32.const 0"),
		"text":   []byte("(module)"),
		"cut":    talkshare.Module()[:4000],
		"none":   guesttest.WAT(t, `(module (memory (export "memory") 1))`),
		"two":    guesttest.WAT(t, `(module (memory (export "memory") 1) (func (export "_start")) (func (export "vcon_link_run") (param i32) (result i32) i32.const 0))`),
		"import": guesttest.WAT(t, `(module (import "env" "system" (func)) (memory (export "memory") 1) (func (export "_start")))`),
	}
	r := moduleApp(t, `
links:
  good: %good% options: {}}
  trap: %trap% options: {}}
  exit: %exit% options: {}}
  fails: %fails% options: {}}
  hangs: %hangs% limits: {time: 300ms}}
  bad: %bad% options: {}}
  stuck: %stuck% limits: {time: 300ms}}
  text: %text% options: {}}
  cut: %cut% options: {}}
  none: %none% options: {}}
  two: %two% options: {}}
  import: %import% options: {}}
  digest: {module: "file:%DIR%/config.yml", sha256: "0000000000000000000000000000000000000000000000000000000000000001"}
  lost: {module: "file:%DIR%/lost.wasm", sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
  input: %good% input: [/parties]}
  small: %good% limits: {memory: 1KiB}}
chains:
  good: {ingress_lists: [good], links: [good], egress_lists: [done]}
  trap: {ingress_lists: [trap], links: [good, trap], egress_lists: [never]}
  exit: {ingress_lists: [exit], links: [exit], egress_lists: [never]}
  fails: {ingress_lists: [fails], links: [fails], egress_lists: [never]}
  hangs: {ingress_lists: [hangs], links: [hangs], egress_lists: [never]}
  bad: {ingress_lists: [bad], links: [bad]}
  stuck: {ingress_lists: [stuck], links: [stuck]}
  text: {ingress_lists: [text], links: [text]}
  cut: {ingress_lists: [cut], links: [cut]}
  none: {ingress_lists: [none], links: [none]}
  two: {ingress_lists: [two], links: [two]}
  import: {ingress_lists: [import], links: [import]}
  digest: {ingress_lists: [digest], links: [digest]}
  lost: {ingress_lists: [lost], links: [lost]}
  input: {ingress_lists: [input], links: [input]}
  small: {ingress_lists: [small], links: [small]}
`, files)
	r.until("nothing waits any more", func() error {
		if b := r.current.Load(); slices.Contains(b.chains, "stuck") || b.waits["stuck"] || len(b.held) != 11 {
			return fmt.Errorf("%d held: %v", len(b.held), b.held)
		}
		return nil
	})
	held := r.current.Load().held
	for chain, want := range map[string]string{
		"bad":   "it does not start: failed: no luck today",
		"stuck": "it does not start: limit: time: more than 300ms",
		"text":  "WebAssembly text",
		"cut":   "",
		"none":  "neither vcon_link_run (a reactor) nor _start (a command)",
		"two":   "both", "import": "it imports env.system", "digest": "wrong digest", "lost": "not found",
		"input": "input and output are for commands", "small": "needs 65536 bytes of memory",
	} {
		if why := strings.Join(held[chain], "; "); !strings.Contains(why, "link "+chain+": ") || !strings.Contains(why, want) ||
			files[chain] != nil && !strings.Contains(why, wasm.Digest(files[chain])) {
			t.Errorf("%s is held with %q, want %q, link and digest", chain, why, want)
		}
	}
	var good []vcon.ID
	for range 3 {
		for chain, want := range map[string]string{"trap": "(in run)", "exit": "proc_exit(3)", "fails": "no luck today", "hangs": "time: more than 300ms"} {
			id := r.post(chain)
			good = append(good, r.post("good"))
			r.ends("/dlq?ingress_list="+chain, id)
			_, body := r.call("GET", "/dlq/entries?limit=1000&ingress_list="+chain, "", "")
			if !strings.Contains(body, want) || !strings.Contains(body, wasm.Digest(files[chain])) {
				t.Errorf("%s is dead with %s; want %q and the digest", chain, body, want)
			}
		}
	}
	r.ends("/vcon/egress?egress_list=done&limit=100", good...)
}

// TestModuleComes: a chain is held until its module is there, and then runs what waited.
func TestModuleComes(t *testing.T) {
	t.Parallel()
	module := talkshare.Module()
	r := startApp(t, fmt.Sprintf(`
links: {talkshare: {module: "file:talkshare.wasm", sha256: %s}}
chains: {main: {ingress_lists: [calls], links: [talkshare], egress_lists: [done]}}
`, wasm.Digest(module)), nil)
	id := r.post("calls")
	if status, body := r.call("GET", "/ready", "", ""); status != http.StatusServiceUnavailable || !strings.Contains(body, "talkshare.wasm") {
		t.Errorf("ready without the module: %d %s", status, body)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "talkshare.wasm"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	r.ends("/vcon/egress?egress_list=done", id)
	if _, body := r.call("GET", "/vcon/"+id.String(), "", ""); !strings.Contains(body, `"type":"talkshare"`) {
		t.Errorf("no analysis: %s", body)
	}
}

// TestModuleGrants: allow: and its ceiling are what a module gets, and a builtin's allow: narrows it.
func TestModuleGrants(t *testing.T) {
	t.Parallel()
	module := talkshare.Module()
	r := moduleApp(t, `
sandbox: {ceiling: {allow: {write: [/attachments/-]}}}
links:
  report: %report% options: {report_to: "https://collector.example/"}}
  tag: {module: links.tag, options: {tags: [vip]}, allow: {write: [/analysis/-]}}
chains:
  report: {ingress_lists: [report], links: [report], egress_lists: [done]}
  tag: {ingress_lists: [tag], links: [tag], egress_lists: [done]}
`, map[string][]byte{"report": module})
	for _, chain := range []string{"report", "tag"} {
		id := r.post(chain)
		r.ends("/dlq?ingress_list="+chain, id)
		if _, body := r.call("GET", "/dlq/entries?limit=1000&ingress_list="+chain, "", ""); !strings.Contains(body, "may not be written") && !strings.Contains(body, "denied") {
			t.Errorf("%s: %s", chain, body)
		}
	}
}

// TestModuleReload: a module that changed takes the place of the old one, which is closed when nobody runs it.
func TestModuleReload(t *testing.T) {
	t.Parallel()
	r := moduleApp(t, `
links: {one: %one% options: {}}, two: %two% options: {}}}
chains: {main: {ingress_lists: [calls], links: [one], egress_lists: [done]}}
`, map[string][]byte{"one": reactor(t, "i32.const 0", "i32.const 3"), "two": talkshare.Module()})
	r.until("the first module", func() error {
		if len(r.current.Load().chains) == 0 {
			return errors.New("held")
		}
		return nil
	})
	file := filepath.Join(r.dir, "config.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "links: [one]", "links: [two]")), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Reload()
	r.until("the second module alone", func() error {
		if b := r.current.Load(); b.cfg.Chains[0].Links[0].Name != "two" || len(b.chains) != 1 {
			return fmt.Errorf("held: %v", b.held)
		}
		r.modules.mu.Lock()
		defer r.modules.mu.Unlock()
		if len(r.modules.jobs) != 1 || !strings.Contains(fmt.Sprint(keys(r.modules.jobs)), "two.wasm") {
			return fmt.Errorf("%v", keys(r.modules.jobs))
		}
		return nil
	})
	id := r.post("calls")
	r.ends("/vcon/egress?egress_list=done", id)
	if _, body := r.call("GET", "/vcon/"+id.String(), "", ""); !strings.Contains(body, `"type":"talkshare"`) {
		t.Errorf("no analysis: %s", body)
	}
}

func keys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// TestCheckModules: check finds what is wrong with modules, and leaves nothing behind.
func TestCheckModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module := talkshare.Module()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good.wasm", module)
	write("cut.wasm", module[:4000])
	pin, cut := wasm.Digest(module), wasm.Digest(module[:4000])
	write("config.yml", fmt.Appendf(nil, `
data_dir: %[3]s/data
links:
  good: {module: "file:good.wasm", sha256: %[1]s}
  cut: {module: "file:cut.wasm", sha256: %[2]s}
  unpinned: {module: "file:good.wasm"}
  away: {module: "https://artifacts.example/away.wasm?token=abcdefgh", sha256: %[1]s}
  oci: {module: "oci://registry.example/links/x:1.0", sha256: %[1]s}
  secret: {module: "file:good.wasm", sha256: %[1]s, allow: {secrets: {KEY: {from: "env:NOT_SET", for: [a.example]}}}}
chains:
  good: {links: [good], ingress_lists: [a]}
  cut: {links: [cut], ingress_lists: [b]}
  unpinned: {links: [unpinned], ingress_lists: [c]}
  away: {links: [away], ingress_lists: [d]}
  oci: {links: [oci], ingress_lists: [e]}
  secret: {links: [secret], ingress_lists: [f]}
`, pin, cut, dir))
	got := Check(context.Background(), Options{Config: filepath.Join(dir, "config.yml"), Data: filepath.Join(dir, "data"), Getenv: func(string) string { return "" }})
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Chains, []string{"good", "away"}) {
		t.Errorf("would run: %v", got.Chains)
	}
	for _, want := range []string{cut, "sha256: " + pin, "is not in the cache", "not built into this server yet", "the variable NOT_SET is not set"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(string(text), "abcdefgh") {
		t.Errorf("a token shows: %s", text)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("check made the data folder: %v", err)
	}
}
