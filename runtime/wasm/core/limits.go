package core

import "reflect"

// Limits bound what a module may have. A field that is zero means its default; a negative one allows none.
//
// The defaults let real programs pass with room and refuse what slows a compiler out of all proportion. "Seen" is the
// most that 30 programs of 0.2 to 31 MB have: in Go 1.26 with encoding/json, net/http, go/types, a JavaScript engine or a
// bundler; in Rust, a CSS and a Python compiler; in C and C++, Ruby, SQLite, a formatter, a synthesizer of hardware.
// Times and memory are those of wazero v1.12.0 on one core.
type Limits struct {
	ModuleBytes int // 32 MiB; seen 31 MB

	// Of the whole module, imported things included.
	Types          int // 5,000; seen 210
	Params         int // of one type: 256; seen 33. A thousand types of 10,000 take 22 s
	Results        int // of one type: 256; seen 4
	Imports        int // 1,000; seen 68
	Functions      int // 100,000; seen 34,027. As many empty ones take 0.4 s
	Exports        int // 1,000; seen 241. A runtime looks through all of them for each function
	NameBytes      int // of one name of an import, export or section: 4,096
	Globals        int // 10,000; seen 197
	Tables         int // 16; seen 2
	TableEntries   int // initial size of all tables: 1,000,000, of 8 bytes each; seen 16,524
	MemoryPages    int // initial size of the memory: 1,024 pages of 64 KiB; seen 549, in Go 165
	Elements       int // element segments: 10,000; seen 2
	ElementEntries int // of all element segments: 1,000,000; seen 12,428
	DataSegments   int // 100,000; seen 100,000, the most that Go's linker makes
	DataBytes      int // of all data segments: 32 MiB; seen 18 MB
	Customs        int // custom sections: 1,000; seen 10
	CustomBytes    int // of all custom sections: 32 MiB; seen 19 MB, of debug information
	AllLocals      int // of all functions, parameters included: 2,000,000; seen 257,313

	// Of one function; see Size.
	BodyBytes int // 1 MiB; seen 401,717, in Go 199,780
	Instrs    int // 500,000; seen 204,803, in Go 87,743
	Weight    int // 1,500,000; seen 393,938, in Go 235,814. As much takes 1.4 GB
	Locals    int // 50,000; seen 572, in Go 21
	Nesting   int // 8,192; seen 3,289, in Go
	LoopDepth int // 64; seen 12
	Blocks    int // 65,536; seen 47,799, in Go 14,577. As many ifs take 20 s
	Labels    int // 32,768; seen 13,180, in Go 5,491. 100,000 take 3.6 s
	Merges    int // 4,000,000; seen 2,419,956, in Go 153,300. As many take 5 s and 1.2 GB
	Moved     int // 500,000; seen 18,016, in Go 2,093. As many take 0.6 s and 200 MB

	// Work is the most compile work of the whole module, see Size: 200,000,000; seen 96,500,000, which took 23 s.
	// WorkPerByte bounds it further, so that few bytes cannot take minutes: a module of n bytes may have
	// 3,000,000 + WorkPerByte*n. 12; seen 6.
	Work, WorkPerByte int
}

// smallWork is the compile work that every module may have.
const smallWork = 3_000_000

// DefaultLimits are what the zero fields of Limits mean.
func DefaultLimits() Limits {
	return Limits{
		ModuleBytes: 32 << 20,

		Types: 5_000, Params: 256, Results: 256, Imports: 1_000, Functions: 100_000, Exports: 1_000, NameBytes: 4_096,
		Globals: 10_000, Tables: 16, TableEntries: 1_000_000, MemoryPages: 1_024, Elements: 10_000, ElementEntries: 1_000_000,
		DataSegments: 100_000, DataBytes: 32 << 20, Customs: 1_000, CustomBytes: 32 << 20, AllLocals: 2_000_000,

		BodyBytes: 1 << 20, Instrs: 500_000, Weight: 1_500_000, Locals: 50_000, Nesting: 8_192, LoopDepth: 64, Blocks: 65_536, Labels: 32_768,
		Merges: 4_000_000, Moved: 500_000,

		Work: 200_000_000, WorkPerByte: 12,
	}
}

// withDefaults replaces the zeros.
func (l Limits) withDefaults() Limits {
	v, d := reflect.ValueOf(&l).Elem(), reflect.ValueOf(DefaultLimits())
	for i := range v.NumField() {
		if f := v.Field(i); f.IsZero() {
			f.Set(d.Field(i))
		}
	}
	return l
}

// of are the limits of one function.
func (l *Limits) of(s Size) int {
	switch s {
	case SizeBytes:
		return l.BodyBytes
	case SizeInstrs:
		return l.Instrs
	case SizeWeight:
		return l.Weight
	case SizeLocals:
		return l.Locals
	case SizeNesting:
		return l.Nesting
	case SizeLoopDepth:
		return l.LoopDepth
	case SizeBlocks:
		return l.Blocks
	case SizeLabels:
		return l.Labels
	case SizeMerges:
		return l.Merges
	case SizeMoved:
		return l.Moved
	}
	return l.Work
}
