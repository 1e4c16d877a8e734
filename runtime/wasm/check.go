package wasm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/wasm/core"
)

// pageSize is a page of linear memory in bytes.
const pageSize = 64 << 10

// Kind tells the two kinds of modules apart.
type Kind string

// The kinds.
const (
	Reactor Kind = "reactor" // exports vcon_link_run, which is called for each vCon
	Command Kind = "command" // exports _start: a program that reads standard input and writes standard output
)

// Info is what is seen of a module without running it.
type Info struct {
	Digest   string // 64 hex digits: SHA-256 of its bytes
	Size     int    // bytes
	Kind     Kind
	Manifest Manifest
	Imports  []string // "module.name", in the module's order
	Warnings []string // what an author should know
	Core     *core.Module
}

// MinMemory is the memory that an instance begins with, in bytes.
func (i *Info) MinMemory() int64 {
	if len(i.Core.Memories) == 0 {
		return 0
	}
	return int64(i.Core.Memories[0].Min) * pageSize
}

// Inspect reads a module and decides whether it may run here; nothing of it runs. Errors: *RefusedError with everything
// that is wrong, wrapping the *core.Error of bytes that are no module or above a static limit.
func Inspect(text []byte) (*Info, error) {
	m, err := core.Read(text, core.Limits{ModuleBytes: max(len(text), 1)})
	if err != nil {
		return nil, &RefusedError{Problems: []string{err.Error()}, Err: err}
	}
	info := &Info{Digest: Digest(text), Size: len(text), Core: m}
	var problems []string
	if info.Kind, err = kindOf(m); err != nil {
		problems = append(problems, err.Error())
	}
	problems = append(problems, checkMemory(m)...)
	problems = append(problems, checkExports(m)...)
	problems = append(problems, checkImports(m)...)
	manifest, err := readManifest(m.Custom(ManifestSection))
	if err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return nil, &RefusedError{Problems: problems}
	}
	info.Manifest, info.Warnings = *manifest, warnings(m)
	for _, i := range m.Imports {
		info.Imports = append(info.Imports, i.Module+"."+i.Name)
	}
	return info, nil
}

// kindOf tells the kind by the exports.
func kindOf(m *core.Module) (Kind, error) {
	_, run := m.ExportedFunc(exportRun)
	_, start := m.ExportedFunc(exportStart)
	switch {
	case run && start:
		return "", fmt.Errorf("it exports both %s and _start: a module is a reactor or a command", exportRun)
	case run:
		return Reactor, nil
	case start:
		return Command, nil
	}
	return "", fmt.Errorf("it exports neither %s (a reactor) nor _start (a command)%s", exportRun, nearlyExported(m))
}

// nearlyExported helps with the mistakes that everybody makes.
func nearlyExported(m *core.Module) string {
	for _, e := range m.Exports {
		if strings.EqualFold(strings.ReplaceAll(e.Name, "_", ""), "vconlinkrun") {
			return fmt.Sprintf("; %q is not the name", e.Name)
		}
	}
	if _, ok := m.ExportedFunc(exportInitialize); ok {
		return "; it is a library that exports _initialize alone: export a function for " + exportRun
	}
	return ""
}

// checkMemory wants the one memory exported.
func checkMemory(m *core.Module) []string {
	if slices.ContainsFunc(m.Exports, func(e core.Export) bool { return e.Name == "memory" && e.Kind == core.ExternalMemory }) {
		return nil
	}
	return []string{`it exports no memory named "memory": host functions could neither read nor write`}
}

// reserved begins the names that the host may add to a module.
const reserved = "vconduit:"

// checkExports wants the functions that are called to have the right types.
func checkExports(m *core.Module) (problems []string) {
	for name, want := range map[string]string{exportRun: "(i32) -> i32", exportInit: "() -> i32", exportInitialize: "() -> ()", exportStart: "() -> ()"} {
		if index, ok := m.ExportedFunc(name); ok {
			if t, _ := m.FuncType(index); signature(t) != want {
				problems = append(problems, fmt.Sprintf("export %s has the type %s, must be %s", name, signature(t), want))
			}
		}
	}
	for _, e := range m.Exports {
		if strings.HasPrefix(e.Name, reserved) {
			problems = append(problems, fmt.Sprintf("export %q: names that begin with %s are the host's", e.Name, reserved))
		}
	}
	slices.Sort(problems)
	return problems
}

// checkImports wants every import to be a function that there is here, with its type.
func checkImports(m *core.Module) (problems []string) {
	offered := offer()
	for _, i := range m.Imports {
		name := i.Module + "." + i.Name
		want, ok := offered[name]
		switch {
		case i.Kind != core.ExternalFunc:
			problems = append(problems, fmt.Sprintf("it imports the %s %s: only functions are offered; let the module have its own", i.Kind, name))
		case !ok:
			problems = append(problems, fmt.Sprintf("it imports %s, which there is not here%s", name, fix(i.Module, i.Name)))
		default:
			if t, _ := m.FuncType(i.Index); signature(t) != want {
				problems = append(problems, fmt.Sprintf("it imports %s as %s; it is %s", name, signature(t), want))
			}
		}
	}
	return problems
}

// offer lists everything that may be imported with its type.
func offer() map[string]string {
	all := map[string]string{envModule + ".abort": apiSignature(abortParams, nil)}
	for _, f := range hostFunctions() {
		all[hostabi.ImportModule+"."+f.name] = apiSignature(f.params, []api.ValueType{f.result})
	}
	for _, f := range wasiFunctions() {
		params, results := f.types()
		all[wasiModule+"."+f.name] = apiSignature(params, results)
	}
	return all
}

// fix says how an author gets rid of an import, where the way is known.
func fix(module, name string) string {
	switch {
	case module == envModule && (name == "seed" || strings.HasPrefix(name, "Date.") || strings.HasPrefix(name, "console.") || strings.HasPrefix(name, "performance.")):
		return ": build AssemblyScript with its WASI shim, or call now, random and log of the host"
	case module == envModule && name == "memory":
		return ": link without --import-memory"
	case module == envModule:
		return ": something is declared, but nowhere defined; link it in"
	case module == "wasi_unstable":
		return ": build for WASI preview 1 (wasi_snapshot_preview1)"
	case strings.HasPrefix(module, "wasi:") || strings.HasPrefix(module, "wasi_snapshot_preview2"):
		return ": build for WASI preview 1, not for components"
	case strings.HasPrefix(module, "vcon:link/"):
		return fmt.Sprintf(": this host serves %s %d.%d", hostabi.ImportModule, abiMajor, abiMinor)
	case strings.HasPrefix(module, "extism:"):
		return ": it is an Extism plug-in; its code must call this host's functions"
	case module == "gojs" || module == "go":
		return ": build with GOOS=wasip1, not GOOS=js"
	case module == "wbg" || strings.HasPrefix(module, "__wbindgen"):
		return ": build for wasm32-wasip1 or wasm32-unknown-unknown without wasm-bindgen"
	}
	return ""
}

// signature writes a type as "(i32 i64) -> i32", "() -> ()".
func signature(t core.FuncType) string {
	return arrow(names(t.Params, core.ValType.String), names(t.Results, core.ValType.String))
}

func apiSignature(params, results []api.ValueType) string {
	return arrow(names(params, api.ValueTypeName), names(results, api.ValueTypeName))
}

func names[T any](types []T, name func(T) string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = name(t)
	}
	return out
}

func arrow(params, results []string) string {
	if len(results) == 1 {
		return "(" + strings.Join(params, " ") + ") -> " + results[0]
	}
	return "(" + strings.Join(params, " ") + ") -> (" + strings.Join(results, " ") + ")"
}

// warnings are what an author should know though the module runs.
func warnings(m *core.Module) (list []string) {
	named, repeats := false, ""
	for fn := m.ImportedFuncs(); fn < len(m.Funcs); fn++ {
		name := m.FuncName(uint32(fn))
		named = named || name != ""
		for mark, what := range repeating {
			if strings.Contains(name, mark) {
				repeats = what
			}
		}
	}
	if !named {
		list = append(list, "it has no names of functions: a trap will not say where; build without stripping them (Go: -ldflags=-w, not -s -w; clang: no --strip-all)")
	}
	if repeats != "" {
		list = append(list, repeats+" is linked in: a guest that is reset to one image of its memory repeats its numbers; use the host's random (Go: Call.Rand)")
	}
	return list
}

// repeating are functions of generators that are seeded once, when a guest starts, and what they belong to.
var repeating = map[string]string{
	"math/rand.runtime_rand":       "Go's math/rand",
	"math/rand/v2.runtime_rand":    "Go's math/rand/v2",
	"math/rand/v2.runtimeSource":   "Go's math/rand/v2",
	"math/rand.(*runtimeSource)":   "Go's math/rand",
	"collections::hash::map::Rand": "Rust's RandomState",
	"RandomState":                  "Rust's RandomState",
}
