package core

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/internal/testenv"
)

// TestRealModules: links in Go, C and AssemblyScript, and what wazero's tests have in C, Rust, TinyGo and Zig, are far
// below each limit; what is stripped of them is read alike and compiles.
func TestRealModules(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"builtin/link/tag/guest", "builtin/link/webhook/guest", "modules/examples/keywords",
		"modules/examples/redact", "modules/examples/language", "sdk/c/example"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			passes(t, guesttest.Build(t, folder))
		})
	}
	t.Run("AssemblyScript", func(t *testing.T) {
		t.Parallel()
		passes(t, load(t, filepath.Join(testenv.Root(t), "modules/examples/talkshare/talkshare.wasm")))
	})
	for _, program := range []string{"example/testdata/*/*.wasm", "testdata/*/*.wasm"} {
		t.Run("wazero's "+program, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(wazeroFolder(t), "imports/wasi_snapshot_preview1", program))
			if err != nil || len(files) < 4 {
				t.Fatalf("%d programs, %v", len(files), err)
			}
			for _, f := range files {
				passes(t, load(t, f))
			}
		})
	}
}

// passes checks a module of a real program.
func passes(t *testing.T, b []byte) {
	t.Helper()
	m := read(t, b)
	limits := reflect.ValueOf(DefaultLimits())
	for limit, n := range used(m) {
		if most := int(limits.FieldByName(limit).Int()); n*headroom(limit) > most {
			t.Errorf("%d %s, the limit is %d", n, limit, most)
		}
	}
	stripped := m.Strip()
	if again := read(t, stripped); again.Stats.Sum != m.Stats.Sum || again.Stats.CustomBytes > m.Stats.CustomBytes {
		t.Errorf("stripped of %+v is %+v", m.Stats, again.Stats)
	}
	if err := compile(t, newRuntime(t, wazero.NewRuntimeConfigInterpreter()), stripped); err != nil {
		t.Error(err)
	}
	t.Logf("%d bytes, stripped %d, work %d", len(b), len(stripped), m.Stats.Sum[SizeWork])
}

// headroom is how many times as much as real links have a limit allows at least.
func headroom(limit string) int {
	switch limit {
	case "DataSegments":
		return 1 // Go's linker knows this limit and stays below it
	case "MemoryPages":
		return 3 // Zig's modules begin with 16 MiB of stack
	}
	return 4
}

// used is what a module has of each thing that Limits bound, by the field's name.
func used(m *Module) map[string]int {
	s := m.Stats
	u := map[string]int{
		"ModuleBytes": s.Bytes, "Types": len(m.Types), "Imports": len(m.Imports), "Functions": len(m.Funcs), "Exports": len(m.Exports),
		"Globals": len(m.Globals), "Tables": len(m.Tables), "Elements": s.Elements, "ElementEntries": s.ElementEntries,
		"DataSegments": s.DataSegments, "DataBytes": s.DataBytes, "Customs": s.Customs, "CustomBytes": s.CustomBytes,
		"AllLocals": int(s.Sum[SizeLocals]), "Work": int(s.Sum[SizeWork]),
		"WorkPerByte": int(s.Sum[SizeWork]-min(s.Sum[SizeWork], smallWork)) / s.Bytes,
	}
	for size := range SizeWork {
		u[size.String()] = int(s.Max[size].Value)
	}
	for _, t := range m.Types {
		u["Params"], u["Results"] = max(u["Params"], len(t.Params)), max(u["Results"], len(t.Results))
	}
	for _, t := range m.Tables {
		u["TableEntries"] += int(t.Min)
	}
	for _, x := range m.Memories {
		u["MemoryPages"] += int(x.Min)
	}
	for _, i := range m.Imports {
		u["NameBytes"] = max(u["NameBytes"], len(i.Module), len(i.Name))
	}
	for _, e := range m.Exports {
		u["NameBytes"] = max(u["NameBytes"], len(e.Name))
	}
	for _, c := range m.Customs {
		u["NameBytes"] = max(u["NameBytes"], len(c.Name))
	}
	return u
}

// TestUsedIsAll: no limit is without a measure.
func TestUsedIsAll(t *testing.T) {
	t.Parallel()
	u := used(read(t, base().bytes()))
	for f := range reflect.TypeFor[Limits]().Fields() {
		if _, ok := u[f.Name]; !ok {
			t.Errorf("nothing measures %s", f.Name)
		}
	}
}
