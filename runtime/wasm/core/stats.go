package core

// Size is a measure of a function that says how long a compiler will take.
type Size uint8

// The sizes of a function.
const (
	SizeBytes     Size = iota // of the body
	SizeLocals                // with the parameters
	SizeNesting               // blocks, loops and ifs that are open at once
	SizeLoopDepth             // loops that are open at once
	SizeLabels                // of all br_tables
	SizeInstrs                // instructions
	SizeWeight                // the same, each by the machine code that it becomes
	SizeBlocks                // stretches of straight code that a compiler makes of it
	SizeMerges                // branches that meet others, times locals: a compiler may pass each local along each of them
	SizeMoved                 // values that blocks, branches and calls take and give
	SizeWork                  // compile work: about a microsecond each in the worst case, a quarter in real programs
	sizes
)

// sizeLimits are the fields of Limits that bound a Size, and what is counted.
var sizeLimits = [sizes]struct{ limit, what string }{
	SizeBytes:     {"BodyBytes", "bytes of a body"},
	SizeInstrs:    {"Instrs", "instructions"},
	SizeWeight:    {"Weight", "units of machine code"},
	SizeLocals:    {"Locals", "locals"},
	SizeNesting:   {"Nesting", "blocks within each other"},
	SizeLoopDepth: {"LoopDepth", "loops within each other"},
	SizeBlocks:    {"Blocks", "pieces of straight code"},
	SizeLabels:    {"Labels", "labels of br_tables"},
	SizeMerges:    {"Merges", "merging branches times locals"},
	SizeMoved:     {"Moved", "values moved by blocks, branches and calls"},
	SizeWork:      {"Work", "units of compile work"},
}

// String is the name of the field of Limits that bounds the size.
func (s Size) String() string { return sizeLimits[s].limit }

// Sizes are all sizes of one function.
type Sizes [sizes]uint64

// Peak is the largest of a size, and the function that has it.
type Peak struct {
	Value uint64
	Func  uint32
}

// Stats are the sizes of a module.
type Stats struct {
	Bytes          int
	Customs        int // sections
	CustomBytes    int // with their headers
	Elements       int // segments
	ElementEntries int
	DataSegments   int
	DataBytes      int
	Sum            Sizes       // over all functions with a body
	Max            [sizes]Peak // over the same
}

func (s *Stats) add(fn uint32, f *Sizes) {
	for i, v := range f {
		s.Sum[i] += v
		if v > s.Max[i].Value {
			s.Max[i] = Peak{v, fn}
		}
	}
}
