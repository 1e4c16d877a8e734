package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/wasm/core"
)

const fineReactor = `(func (export "vcon_link_run") (param i32) (result i32) i32.const 0)`

// withSection appends a custom section.
func withSection(module []byte, name, content string) []byte {
	body := append(binary.AppendUvarint(nil, uint64(len(name))), name+content...)
	return append(binary.AppendUvarint(append(bytes.Clone(module), 0), uint64(len(body))), body...)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"no kind":            {`(module (memory (export "memory") 1))`, []string{"it exports neither vcon_link_run (a reactor) nor _start (a command)"}},
		"a library":          {`(module (memory (export "memory") 1) (func (export "_initialize")))`, []string{"export a function for vcon_link_run"}},
		"nearly":             {`(module (memory (export "memory") 1) (func (export "vconLinkRun") (param i32) (result i32) i32.const 0))`, []string{`"vconLinkRun" is not the name`}},
		"two kinds":          {`(module (memory (export "memory") 1) ` + fineReactor + `(func (export "_start")))`, []string{"it exports both vcon_link_run and _start"}},
		"no memory":          {`(module ` + fineReactor + `)`, []string{`it exports no memory named "memory"`}},
		"memory in name":     {`(module (memory (export "mem") 1) (func (export "memory")) ` + fineReactor + `)`, []string{`it exports no memory named "memory"`}},
		"type of run":        {`(module (memory (export "memory") 1) (func (export "vcon_link_run") (param i64) (result i32) i32.const 0))`, []string{"export vcon_link_run has the type (i64) -> i32, must be (i32) -> i32"}},
		"type of init":       {`(module (memory (export "memory") 1) (func (export "vcon_link_init")) ` + fineReactor + `)`, []string{"export vcon_link_init has the type () -> (), must be () -> i32"}},
		"type of initialize": {`(module (memory (export "memory") 1) (func (export "_initialize") (param i32)) ` + fineReactor + `)`, []string{"export _initialize has the type (i32) -> (), must be () -> ()"}},
		"type of start":      {`(module (memory (export "memory") 1) (func (export "_start") (result i32) i32.const 0))`, []string{"export _start has the type () -> i32, must be () -> ()"}},
		"reserved name":      {`(module (memory (export "memory") 1) (func (export "vconduit:fuel")) ` + fineReactor + `)`, []string{`export "vconduit:fuel": names that begin with vconduit: are the host's`}},
		"imported memory":    {`(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)) ` + fineReactor + `)`, []string{"it imports the memory env.memory"}},
		"imported global":    {`(module (import "env" "g" (global i32)) (memory (export "memory") 1) ` + fineReactor + `)`, []string{"it imports the global env.g"}},
		"all at once": {`(module
			(import "env" "seed" (func (result f64)))
			(import "env" "puts" (func (param i32) (result i32)))
			(import "wasi_unstable" "fd_write" (func))
			(import "vcon:link/v1" "doc_type" (func (param i32)))
			(import "vcon:link/v1" "doc_kind" (func))
			(import "vcon:link/v2" "doc_type" (func))
			(import "wasi:cli/run@0.2.0" "run" (func))
			(import "gojs" "runtime.scheduleTimeoutEvent" (func))
			(import "extism:host/env" "input_length" (func))
			(import "wbg" "f" (func))
			(import "wasi_snapshot_preview1" "sock_open" (func)))`, []string{
			"it exports neither", "it exports no memory",
			"it imports env.seed, which there is not here: build AssemblyScript with its WASI shim, or call now, random and log of the host",
			"it imports env.puts, which there is not here: something is declared, but nowhere defined; link it in",
			"it imports wasi_unstable.fd_write, which there is not here: build for WASI preview 1",
			"it imports vcon:link/v1.doc_type as (i32) -> (); it is (i32 i32 i32) -> i32",
			"it imports vcon:link/v1.doc_kind, which there is not here: this host serves vcon:link/v1 1.0",
			"it imports vcon:link/v2.doc_type, which there is not here: this host serves vcon:link/v1 1.0",
			"it imports wasi:cli/run@0.2.0.run, which there is not here: build for WASI preview 1, not for components",
			"it imports gojs.runtime.scheduleTimeoutEvent, which there is not here: build with GOOS=wasip1",
			"it imports extism:host/env.input_length, which there is not here: it is an Extism plug-in",
			"it imports wbg.f, which there is not here: build for wasm32-wasip1",
			"it imports wasi_snapshot_preview1.sock_open, which there is not here",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Inspect(guesttest.WAT(t, c.text))
			var refusal *RefusedError
			if !errors.As(err, &refusal) {
				t.Fatalf("error %v, want a refusal", err)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(refusal.Problems, func(p string) bool { return strings.Contains(p, want) }) {
					t.Errorf("problems %q, want %q among them", refusal.Problems, want)
				}
			}
			if len(refusal.Problems) != len(c.want) {
				t.Errorf("%d problems, want %d: %q", len(refusal.Problems), len(c.want), refusal.Problems)
			}
		})
	}
}

// TestNotAModule: what is no module never reaches the runtime.
func TestNotAModule(t *testing.T) {
	t.Parallel()
	fine := guesttest.WAT(t, `(module (memory (export "memory") 1) `+fineReactor+`)`)
	for name, text := range map[string][]byte{
		"empty": nil, "html": []byte("<html>"), "text": []byte("(module)"), "cut off": fine[:len(fine)-9],
		"counts that lie": []byte("\x00asm\x01\x00\x00\x00\x02\x05\xff\xff\xff\xff\x0f"),
	} {
		_, err := Inspect(text)
		var refusal *RefusedError
		var inner *core.Error
		if !errors.As(err, &refusal) || !errors.As(err, &inner) {
			t.Errorf("%s: %v, want a refusal with the place", name, err)
		}
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	fine := guesttest.WAT(t, `(module (memory (export "memory") 1) `+fineReactor+`)`)
	info, err := Inspect(withSection(fine, ManifestSection, ` {"name":"tags","version":"1.2.0","abi":"1.0","wants":{"http":["https://a/"]}} `))
	if err != nil || info.Manifest.Name != "tags" || info.Manifest.Version != "1.2.0" || string(info.Manifest.Wants) != `{"http":["https://a/"]}` {
		t.Errorf("%+v, %v", info, err)
	}
	for content, want := range map[string]string{
		`{"abi":"1.1"}`: "it needs ABI 1.1; this host serves 1.0", `{"abi":"2.0"}`: "it is made for ABI 2.0", `{"abi":"new"}`: `abi "new" is no version`,
		`{"abi":"1.-1"}`: "is no version", `[]`: "no JSON object", `{`: "no JSON object", strings.Repeat(" ", maxManifest+1): "larger than",
	} {
		if _, err := Inspect(withSection(fine, ManifestSection, content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", content, err, want)
		}
	}
	if _, err := Inspect(withSection(withSection(fine, ManifestSection, "{}"), ManifestSection, "{}")); err == nil {
		t.Error("two manifests are taken")
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"names":    {`(func $a)`, ""},
		"go rand":  {`(func $math/rand/v2.runtime_rand)`, "Go's math/rand/v2 is linked in"},
		"rust map": {`(func $std::hash::random::RandomState::new)`, "Rust's RandomState is linked in"},
	} {
		info, err := Inspect(guesttest.WAT(t, `(module (memory (export "memory") 1) `+c.text+fineReactor+`)`))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(info.Warnings, ";"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: warnings %q, want %q", name, got, c.want)
		}
	}
}

func TestLinkOptions(t *testing.T) {
	t.Parallel()
	m := compile(t, guesttest.WAT(t, `(module (memory (export "memory") 33) `+fineReactor+`)`), false)
	if _, err := NewLink(m, LinkOptions{Memory: 2 << 20}); err == nil || !strings.Contains(err.Error(), "needs 2162688 bytes of memory to begin with, its limit is 2097152") {
		t.Errorf("a memory above the limit: %v", err)
	}
	if _, err := NewLink(m, LinkOptions{Output: "vcon"}); err == nil || !strings.Contains(err.Error(), "input and output are for commands") {
		t.Errorf("output of a reactor: %v", err)
	}
}
