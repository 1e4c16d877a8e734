package core

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"
)

// fuzzBytes bounds the modules of FuzzRead.
const fuzzBytes = 64 << 10

// fuzzLimits bound what of them is compiled: those that let real programs pass allow a compiler seconds.
func fuzzLimits() Limits {
	return Limits{Functions: 200, TableEntries: 1_000, Globals: 100, MemoryPages: 16, Locals: 500, AllLocals: 2_000, Nesting: 100, LoopDepth: 8, Work: 20_000}
}

// FuzzRead: whatever the bytes are, Read neither panics nor allocates out of proportion. Of what passes, the decoder
// sees each body to its end, Strip is the same module, and both engines of the runtime compile it, or both refuse it.
func FuzzRead(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	compiler := newRuntime(f, wazero.NewRuntimeConfig().WithMemoryLimitPages(16))
	interpreter := newRuntime(f, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(16))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > fuzzBytes {
			return
		}
		before := allocated()
		m, err := Read(b, Limits{})
		if got, most := allocated()-before, maxAlloc(len(b)); got > most {
			t.Fatalf("%d bytes allocated for %d, at most %d allowed", got, len(b), most)
		}
		if err != nil {
			refused(t, b, Limits{})
			return
		}
		walks(t, m)
		stripped := m.Strip()
		if again := read(t, stripped); !bytes.Equal(again.Strip(), stripped) || again.Stats.Sum != m.Stats.Sum {
			t.Fatal("what is stripped is another module")
		}
		if _, err := Read(b, fuzzLimits()); err != nil {
			return
		}
		one, other := compile(t, interpreter, stripped), compile(t, compiler, stripped)
		if (one == nil) != (other == nil) {
			t.Fatalf("the interpreter says %v, the compiler %v", one, other)
		}
	})
}

// walks goes over all code of a module as its users do.
func walks(t *testing.T, m *Module) {
	t.Helper()
	var in Instr
	for i, body := range m.Bodies {
		d, at := m.Code(i), int(body.Code)
		for d.Next(&in) {
			if in.Start != at || in.End <= at {
				t.Fatalf("body %d: an instruction at %d to %d, want it at %d", i, in.Start, in.End, at)
			}
			at = in.End
		}
		if d.Err() != nil || at != int(body.End) || in.Op != OpEnd {
			t.Fatalf("body %d ends with %v at %d of %d: %v", i, in.Op, at, body.End, d.Err())
		}
	}
	for fn := range m.Funcs {
		m.FuncName(uint32(fn))
		if _, ok := m.FuncType(uint32(fn)); !ok {
			t.Fatalf("function %d has no type", fn)
		}
	}
}

// allocated is how many bytes this process ever allocated.
func allocated() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}

func fuzzSeeds() [][]byte {
	names := custom("name", nameMap(0), nameMap(1, "add", "main"))
	seeds := [][]byte{
		{}, []byte("\x00asm"), parts{}.bytes(), []byte("(module)"), []byte("\x00asm\x0d\x00\x01\x00"),
		base().bytes(), base().bytes(names, custom("note", []byte("x"))), base().bytes(custom("name", []byte{1, 3, 0xff, 0xff, 0x0f})),
		code(4, []byte{0x20, 0, 4, 0x40, 0x20, 1, 0x1a, 5, 0x0b, 2, 0x40, 0x20, 0, 0x0d, 0, 0x20, 0, 0x0e, 2, 0, 0, 0, 0x0b, 0x20, 0, 0x11, 0, 0, 3, 0x40, 0x0c, 0, 0x0b}),
		code(1, []byte{0x43, 0, 0, 0, 0, 0x1a, 0xfd, 0x0c}, make([]byte, 16), []byte{0xfd, 0x15, 3, 0x1a, 0xd0, 0x70, 0xd1, 0x1a}),
		with(SectionElement, []byte{2, 1, 0, 2, 1, 2, 5, byte(FuncRef), 1, 0xd2, 1, 0x0b}).bytes(),
		opcodeModule([]byte{0xfc, 8, 0, 0}), opcodeModule([]byte{0xfc, 0x11, 0}), opcodeModule([]byte{0xfd, 0x54, 0, 0, 0}), opcodeModule([]byte{2, 0}),
	}
	for _, h := range hostile() {
		if len(h.b) <= 4<<10 {
			seeds = append(seeds, h.b)
		}
	}
	return seeds
}
