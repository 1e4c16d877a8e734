// Package sdk_test builds what the SDKs declare: every host function in every language, and the examples of their pages.
package sdk_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/sdk/go/linktest"
	"github.com/vconduit/vconduit/vcon"
)

// write puts a file of a guest's source into a folder.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read gives a file of the SDKs.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// arguments are zeros for every WebAssembly parameter of a function, as each language spells them.
func arguments(f hostabi.Function, number, pointer string) string {
	var list []string
	for _, p := range f.Params {
		if p.Size != "" {
			list = append(list, pointer)
		}
		list = append(list, number)
	}
	return strings.Join(list, ", ")
}

// calls has a line for each host function.
func calls(format string, argument func(f hostabi.Function) string) string {
	var b strings.Builder
	for _, f := range hostabi.Functions() {
		fmt.Fprintf(&b, format+"\n", f.Name, argument(f))
	}
	return b.String()
}

// mustImportAll fails when the server would refuse the module, or a function is not imported.
func mustImportAll(t *testing.T, module []byte) {
	t.Helper()
	info, err := wasm.Inspect(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range hostabi.Functions() {
		if !slices.Contains(info.Imports, hostabi.ImportModule+"."+f.Name) {
			t.Errorf("%s is not imported", f.Name)
		}
	}
	if info.Kind != wasm.Reactor {
		t.Errorf("it is a %s", info.Kind)
	}
}

func TestC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "all.c", "#include \"vcon_link.h\"\n#include <stddef.h>\nVCON_EXPORT(\"vcon_link_run\") int32_t run(int32_t doc) {\nint64_t sum = doc;\n"+
		calls("sum += vcon_%s(%s);", func(f hostabi.Function) string { return arguments(f, "0", "NULL") })+
		"return (int32_t)sum; }\n")
	mustImportAll(t, guesttest.Build(t, dir))
}

func TestAssemblyScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "sdk/abi.ts", read(t, "as/abi.ts"))
	write(t, dir, "asconfig.json", read(t, "as/asconfig.json"))
	write(t, dir, "all.ts", "import * as abi from \"./sdk/abi\";\nexport function vcon_link_run(doc: i32): i32 {\nlet sum: i64 = doc;\n"+
		calls("sum += abi.%s(%s);", func(f hostabi.Function) string { return arguments(f, "0", "0") })+
		"return <i32>sum; }\n")
	mustImportAll(t, guesttest.Build(t, dir))
}

func TestRust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sdk := filepath.Join(testenv.Root(t), "sdk", "rust")
	write(t, dir, "Cargo.toml", strings.Replace(read(t, "rust/example/Cargo.toml"), `path = ".."`, fmt.Sprintf("path = %q", sdk), 1))
	write(t, dir, "src/lib.rs", "use vcon_link::abi;\n#[no_mangle]\npub extern \"C\" fn vcon_link_run(doc: i32) -> i32 {\nlet mut sum = doc as i64;\n"+
		calls("sum += unsafe { abi::%s(%s) } as i64;", rustArguments)+
		"sum as i32 }\n")
	mustImportAll(t, guesttest.Build(t, dir))
}

// rustArguments knows the types that Rust does not infer.
func rustArguments(f hostabi.Function) string {
	var list []string
	for _, p := range f.Params {
		switch p.Kind {
		case hostabi.Float:
			list = append(list, "0.0")
		case hostabi.Out:
			list = append(list, "core::ptr::null_mut()", "0")
		case hostabi.In, hostabi.OptIn:
			list = append(list, "core::ptr::null()", "0")
		default:
			list = append(list, "0")
		}
	}
	return strings.Join(list, ", ")
}

// TestExamples runs what stands on the pages.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, language := range []struct{ dir, page, source string }{
		{"c", "c/README.md", "c/example/hello.c"}, {"as", "as/README.md", "as/example/hello.ts"}, {"rust", "rust/README.md", "rust/example/src/lib.rs"},
	} {
		t.Run(language.dir, func(t *testing.T) {
			t.Parallel()
			if page, code := read(t, language.page), shown(t, language.source); !strings.Contains(page, code) {
				t.Errorf("%s does not show\n%s", language.page, code)
			}
			l, allowed, err := wasmtest.Open(t, guesttest.Build(t, "sdk/"+language.dir+"/example"), wasm.LinkOptions{}, linktest.Allowed())(json.RawMessage("{}"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close(t.Context())
			doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`))
			if err != nil {
				t.Fatal(err)
			}
			call := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Grants: allowed})
			defer call.Close()
			verdict, err := l.Run(t.Context(), call)
			if err != nil || verdict != hostabi.Done {
				t.Fatalf("%v, %v", verdict, err)
			}
			if after, err := call.Staged(); err != nil || !slices.Equal(after.Tags(), []string{"hello:world"}) {
				t.Errorf("tags %v, %v", after.Tags(), err)
			}
		})
	}
}

// shown is the part of an example that its page shows: from the exported function on.
func shown(t *testing.T, source string) string {
	t.Helper()
	text := read(t, source)
	for _, begin := range []string{"VCON_EXPORT(", "export function", "#[no_mangle]"} {
		if i := strings.Index(text, begin); i >= 0 {
			return text[i:]
		}
	}
	t.Fatalf("%s exports nothing", source)
	return ""
}
