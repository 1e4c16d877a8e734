package core

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"
)

// TestEveryLimit: a module that reaches the limit passes, the same module under a limit of one less does not, and what
// a limit counts is what the error says.
func TestEveryLimit(t *testing.T) {
	t.Parallel()
	plain := base().bytes()
	loops := code(2, times(3, 3, 0x40), times(3, 0x0b))
	flow := code(4, []byte{0x20, 0, 4, 0x40, 0x20, 1, 5, 0x0b, 2, 0x40, 0x20, 0, 0x0d, 0, 0x0e, 2, 0, 0, 0, 0x0b, 0x10, 0, 0x11, 1, 0, 3, 0x40, 0x0c, 0, 0x0b})
	cases := map[string]struct {
		b        []byte
		limit    int
		at, what string
	}{
		"ModuleBytes":    {plain, len(plain), "byte 0", "bytes"},
		"Types":          {plain, 2, "type section, byte 10", "types"},
		"Params":         {plain, 2, "type section, byte 15", "parameters of a type"},
		"Results":        {plain, 1, "type section, byte 18", "results of a type"},
		"Imports":        {plain, 2, "import section, byte 22", "imports"},
		"Functions":      {plain, 3, "function section, byte 47", "functions"},
		"Exports":        {plain, 3, "export section, byte 72", "exports"},
		"NameBytes":      {plain, 6, "export section, byte 79", "bytes of an export's name"},
		"Globals":        {plain, 2, "global section, byte 64", "globals"},
		"Tables":         {plain, 1, "table section, byte 53", "tables"},
		"TableEntries":   {with(SectionTable, []byte{2, byte(FuncRef), 0, 5, byte(ExternRef), 0, 4}).bytes(), 9, "table section, byte 56", "entries of tables"},
		"MemoryPages":    {plain, 3, "memory section, byte 60", "initial pages of memory"},
		"Elements":       {with(SectionElement, []byte{2, 1, 0, 0, 1, 0, 0}).bytes(), 2, "element section, byte 99", "element segments"},
		"ElementEntries": {with(SectionElement, []byte{2, 1, 0, 2, 1, 2, 5, byte(FuncRef), 1, 0xd2, 1, 0x0b}).bytes(), 3, "element section, byte 105", "entries of element segments"},
		"DataSegments":   {plain, 2, "data section, byte 129", "data segments"},
		"DataBytes":      {plain, 3, "data section, byte 137", "bytes of data"},
		"Customs":        {base().bytes(custom("a"), custom("b")), 2, "custom section, byte 144", "custom sections"},
		"CustomBytes":    {base().bytes(custom("a", []byte("xyz"))), 7, "custom section, byte 140", "bytes of custom sections"},
		"AllLocals":      {plain, 5, `code section, function 2, "sum", byte 116`, "locals of all functions"},
		"BodyBytes":      {plain, 10, `code section, function 2, "sum", byte 116`, "bytes of a body"},
		"Instrs":         {plain, 4, `code section, function 2, "sum", byte 116`, "instructions"},
		"Weight":         {plain, 1 + 1 + callWeight + 1, `code section, function 2, "sum", byte 116`, "units of machine code"},
		"Locals":         {plain, 5, `code section, function 2, "sum", byte 116`, "locals"},
		"Nesting":        {loops, 3, `code section, function 1, "run", byte 121`, "blocks within each other"},
		"LoopDepth":      {loops, 3, `code section, function 1, "run", byte 121`, "loops within each other"},
		"Blocks":         {flow, 3 + 1 + 2 + 3 + 2, `code section, function 1, "run", byte 113`, "pieces of straight code"}, // if, block, br_if, br_table, loop
		"Labels":         {flow, 3, `code section, function 1, "run", byte 113`, "labels of br_tables"},
		"Merges":         {flow, (2 + 4 + 2) * 4, `code section, function 1, "run", byte 113`, "merging branches times locals"}, // behind the if, behind the block, at the loop
		"Moved":          {flow, 3 + 3, `code section, function 1, "run", byte 113`, "values moved by blocks, branches and calls"},
		"Work":           {plain, 2*bodyWork + 1 + 8 + 3, `code section, function 2, "sum", byte 116`, "units of compile work in all functions"},
	}
	for name, c := range cases {
		set := func(n int) (l Limits) {
			if n == 0 {
				n = -1 // none
			}
			reflect.ValueOf(&l).Elem().FieldByName(name).SetInt(int64(n))
			return l
		}
		if _, err := Read(c.b, set(c.limit)); err != nil {
			t.Errorf("%s of %d: %v", name, c.limit, err)
			continue
		}
		bad := refused(t, c.b, set(c.limit-1))
		if bad.Kind != Limit || bad.Limit != name || bad.Value != uint64(c.limit) || bad.Max != uint64(c.limit-1) {
			t.Errorf("%s of %d: %+v", name, c.limit-1, bad)
		}
		if text := fmt.Sprintf("wasm: %s: %d %s, the limit %s allows %d", c.at, c.limit, c.what, name, c.limit-1); bad.Error() != text {
			t.Errorf("%s: got %q, want %q", name, bad, text)
		}
	}
	for i := range reflect.TypeFor[Limits]().NumField() {
		f := reflect.TypeFor[Limits]().Field(i).Name
		if _, ok := cases[f]; !ok && f != "WorkPerByte" {
			t.Errorf("the limit %s has no case", f)
		}
		if reflect.ValueOf(DefaultLimits()).Field(i).Int() <= 0 {
			t.Errorf("the limit %s has no default", f)
		}
	}
}

func TestWorkPerByte(t *testing.T) {
	t.Parallel()
	b := code(1, times(12_000, 0x20, 0, 4, 0x40, 0x0b))
	bad := refused(t, b, Limits{})
	if bad.Limit != "WorkPerByte" || bad.Max != 12 || bad.Value <= 12 {
		t.Errorf("%+v", bad)
	}
	if _, err := Read(b, Limits{WorkPerByte: int(bad.Value)}); err != nil {
		t.Error(err)
	}
	refused(t, b, Limits{WorkPerByte: int(bad.Value) - 1})
	if _, err := Read(base().bytes(), Limits{WorkPerByte: -1}); err != nil {
		t.Errorf("a small module: %v", err)
	}
}

// TestWorkDoesNotWrap: with limits that let a body have 2^31 locals, its work is still counted as more than all others'.
func TestWorkDoesNotWrap(t *testing.T) {
	t.Parallel()
	l := most()
	l.Work = DefaultLimits().Work
	b := one(1<<31, 1, times(1<<12, 3, 0x40, 0x0c, 0, 0x0b)) // merges*locals*locals is 2^75
	if bad := refused(t, b, l); bad.Limit != "Work" || bad.Value < endless/2000 {
		t.Error(bad)
	}
}

// one is a module of one function ()->() with so many locals, and type 1 that takes and gives n values.
func one(locals, wide int, instructions ...[]byte) []byte {
	return parts{
		SectionType: vec(funcType(0, 0), funcType(wide, wide)), SectionFunction: {1, 0}, SectionTable: {1, 0x70, 0, 1},
		SectionMemory: {1, 0, 1}, SectionGlobal: {1, 0x7f, 1, 0x41, 0, 0x0b}, SectionCode: vec(body(i32s(locals), instructions...)),
	}.bytes()
}

func each(n int, f func(i int) []byte) []byte {
	var out []byte
	for i := range n {
		out = append(out, f(i)...)
	}
	return out
}

func get(i int) []byte { return cat([]byte{0x20}, u(i)) }
func set(i int) []byte { return cat([]byte{0x21}, u(i)) }
func table(n int) []byte {
	return cat([]byte{2, 0x40, 0x23, 0, 0x0e}, u(n), times(n+1, 0), []byte{0x0b})
}

// hostile are modules that take a runtime minutes or gigabytes, or end its process, and the limit that refuses each;
// "" for those that are malformed.
func hostile() map[string]struct {
	b     []byte
	limit string
} {
	claim := func(id SectionID, content ...byte) []byte { return parts{id: content}.bytes() }
	type shape = struct {
		b     []byte
		limit string
	}
	return map[string]shape{
		"2^28 imports":         {claim(SectionImport, 0x80, 0x80, 0x80, 0x80, 1), ""},
		"2^32 types":           {claim(SectionType, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 parameters":      {claim(SectionType, 1, 0x60, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 functions":       {claim(SectionFunction, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 tables":          {claim(SectionTable, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 globals":         {claim(SectionGlobal, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 exports":         {claim(SectionExport, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^31 elements":        {claim(SectionElement, 1, 1, 0, 0x80, 0x80, 0x80, 0x80, 8), ""},
		"2^32 bodies":          {claim(SectionCode, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"2^32 data":            {claim(SectionData, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"4 GiB of data":        {claim(SectionData, 1, 1, 0xff, 0xff, 0xff, 0xff, 15), ""},
		"4 GiB of name":        {claim(SectionImport, 1, 0xff, 0xff, 0xff, 0xff, 15, 1, 1), ""},
		"2^32 locals":          {one(1<<32-1, 1), "Locals"},
		"20 million locals":    {one(20_000_000, 1), "Locals"},
		"16 groups of locals":  {parts{SectionType: vec(funcType(0, 0)), SectionFunction: {1, 0}, SectionCode: vec(body(repeat(16, 0xff, 0xff, 0xff, 0xff, 15, 0x7f)))}.bytes(), ""},
		"many with locals":     {parts{SectionType: vec(funcType(0, 0)), SectionFunction: repeat(1000, 0), SectionCode: repeat(1000, body(i32s(50_000))...)}.bytes(), "AllLocals"},
		"table of 2^24":        {claim(SectionTable, 1, 0x70, 0, 0x80, 0x80, 0x80, 8), "TableEntries"},
		"million globals":      {claim(SectionGlobal, repeat(1_000_000, 0x7f, 0, 0x41, 0, 0x0b)...), "Globals"},
		"4 GiB of memory":      {claim(SectionMemory, 1, 0, 0x80, 0x80, 4), "MemoryPages"},
		"nested loops":         {one(1000, 1, times(900, 3, 0x40), each(1000, func(i int) []byte { return cat(get(i), []byte{0x41, 1, 0x6a}, set(i)) }), times(900, 0x0b)), "LoopDepth"},
		"few nested loops":     {one(40_000, 1, times(64, 3, 0x40), each(40_000, func(i int) []byte { return cat(get(i), []byte{0x41, 1, 0x6a}, set(i)) }), times(64, 0x20, 0, 0x0d, 0, 0x0b)), "Merges"},
		"sequence of loops":    {one(1, 1, times(25_000, 3, 0x40, 0x0b)), "WorkPerByte"},
		"60,000 nested blocks": {one(1, 1, times(60_000, 2, 0x40), times(60_000, 0x0b)), "Nesting"},
		"10,000 ifs":           {one(1, 1, times(10_000, 0x20, 0, 4, 0x40), times(10_000, 0x0b)), "Nesting"},
		"10,000 ifs in a row":  {one(1, 1, times(10_000, 0x20, 0, 4, 0x40, 0x0b)), "WorkPerByte"},
		"ifs and locals":       {one(10_000, 1, times(100, 0x20, 0, 4, 0x40, 0x0b), each(10_000, func(i int) []byte { return cat(get(i), []byte{0x24, 0}) })), "WorkPerByte"},
		"branches and locals":  {one(101, 1, []byte{2, 0x40}, times(5_000, 0x20, 0, 0x0d, 0), each(100, func(i int) []byte { return cat([]byte{0x41, 1}, set(i)) }), times(5_000, 0x20, 0, 0x0d, 0), []byte{0x0b}, each(100, func(i int) []byte { return cat(get(i), []byte{0x24, 0}) })), "WorkPerByte"},
		"30,000 branches":      {one(1, 1, times(30_000, 0x20, 0, 0x0d, 0)), "WorkPerByte"},
		"memory.fills":         {one(1, 1, times(11_000, 0x20, 0, 0x20, 0, 0x20, 0, 0xfc, 0x0b, 0)), "WorkPerByte"},
		"indirect calls":       {one(1, 1, times(200_000, 0x20, 0, 0x11, 0, 0)), "Weight"},
		"wide type":            {one(1, 50_000), "Params"},
		"wide results":         {claim(SectionType, cat([]byte{1, 0x60, 0}, repeat(50_000, 0x7f))...), "Results"},
		"wide blocks":          {one(1, 250, times(250, 0x41, 0), times(2_000, 2, 1, 0x0b), times(250, 0x1a)), "Moved"},
		"wide calls":           {one(1, 250, times(250, 0x41, 0), times(2_000, 0x41, 0, 0x11, 1, 0), times(250, 0x1a)), "Moved"},
		"wide br_table":        {one(1, 250, times(250, 0x41, 0), []byte{2, 1, 0x23, 0, 0x0e}, u(5_000), times(5_001, 0), []byte{0x0b}, times(250, 0x1a)), "Moved"},
		"many types":           {claim(SectionType, repeat(1_000_000, 0x60, 0, 0)...), "Types"},
		"million functions":    {parts{SectionType: vec(funcType(0, 0)), SectionFunction: repeat(1_000_000, 0), SectionCode: repeat(1_000_000, 2, 0, 0x0b)}.bytes(), "Functions"},
		"100,000 br_table":     {one(1, 1, table(100_000)), "Labels"},
		"1,000,000 br_table":   {one(1, 1, table(1_000_000)), "Labels"},
		"many br_tables":       {one(1, 1, times(300, table(100)...)), "WorkPerByte"},
		"many imports":         {claim(SectionImport, repeat(100_000, 1, 'a', 1, 'b', 3, 0x7f, 0)...), "Imports"},
		"many exports":         {base().with(SectionExport, cat(u(100_000), each(100_000, func(i int) []byte { return cat(str(fmt.Sprint(i)), []byte{0, 1}) }))), "Exports"},
		"many custom sections": {base().bytes(times(100_000, 0, 2, 1, 'x')), "Customs"},
		"module of 33 MiB":     {base().bytes(custom("x", make([]byte, 33<<20))), "ModuleBytes"},
	}
}

func (p parts) with(id SectionID, content []byte) []byte {
	p[id] = content
	return p.bytes()
}

// most are limits that nothing reaches.
func most() (l Limits) {
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(math.MaxInt)
	}
	return l
}

// TestHostileIsWellFormed: it is the limit alone that refuses a shape.
func TestHostileIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, h := range hostile() {
		if _, err := Read(h.b, most()); h.limit != "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostile: each shape is refused in less time than reading so many bytes may take, with memory in proportion.
func TestHostile(t *testing.T) {
	for name, h := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Read(h.b, Limits{})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		bad, ok := err.(*Error)
		if !ok || bad.Limit != h.limit || (h.limit == "") != (bad.Kind == Malformed) {
			t.Errorf("%s: %v, want %q", name, err, h.limit)
		}
		if most := maxTime(len(h.b)); took > most {
			t.Errorf("%s: %v for %d bytes, at most %v allowed", name, took, len(h.b), most)
		}
		if got, most := after.TotalAlloc-before.TotalAlloc, maxAlloc(len(h.b)); got > most {
			t.Errorf("%s: %d bytes allocated for %d bytes, at most %d allowed", name, got, len(h.b), most)
		}
	}
}

// maxTime is generous: a twentieth of it is usual, but other work may share the machine and the race detector slows.
func maxTime(n int) time.Duration { return 100*time.Millisecond + time.Duration(n)*time.Microsecond }

// maxAlloc is what Read may allocate for n bytes: for blocks that are open, which Nesting bounds, and what is kept of the
// densest content.
func maxAlloc(n int) uint64 { return 2<<20 + 24*uint64(n) }
