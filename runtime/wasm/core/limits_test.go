package core

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
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
		b     []byte
		limit int
	}{
		"ModuleBytes":    {plain, len(plain)},
		"Types":          {plain, 2},
		"Params":         {plain, 2},
		"Results":        {plain, 1},
		"Imports":        {plain, 2},
		"Functions":      {plain, 3},
		"Exports":        {plain, 3},
		"NameBytes":      {plain, 6},
		"Globals":        {plain, 2},
		"Tables":         {plain, 1},
		"TableEntries":   {with(SectionTable, []byte{2, byte(FuncRef), 0, 5, byte(ExternRef), 0, 4}).bytes(), 9},
		"MemoryPages":    {plain, 3},
		"Elements":       {with(SectionElement, []byte{2, 1, 0, 0, 1, 0, 0}).bytes(), 2},
		"ElementEntries": {with(SectionElement, []byte{2, 1, 0, 2, 1, 2, 5, byte(FuncRef), 1, 0xd2, 1, 0x0b}).bytes(), 3},
		"DataSegments":   {plain, 2},
		"DataBytes":      {plain, 3},
		"Customs":        {base().bytes(custom("a"), custom("b")), 2},
		"CustomBytes":    {base().bytes(custom("a", []byte("xyz"))), 7},
		"AllLocals":      {plain, 5},
		"BodyBytes":      {plain, 10},
		"Instrs":         {plain, 4},
		"Weight":         {plain, 1 + 1 + callWeight + 1},
		"Locals":         {plain, 5},
		"Nesting":        {loops, 3},
		"LoopDepth":      {loops, 3},
		"Blocks":         {flow, 3 + 1 + 2 + 3 + 2}, // if, block, br_if, br_table, loop
		"Labels":         {flow, 3},
		"Merges":         {flow, (2 + 4 + 2) * 4}, // behind the if, behind the block, at the loop
		"Moved":          {flow, 3 + 3},
		"Work":           {plain, 2*bodyWork + 1 + 8 + 3},
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
		if !strings.Contains(bad.Error(), fmt.Sprintf(": %d ", c.limit)) || !strings.Contains(bad.Error(), name) {
			t.Errorf("%s: %v", name, bad)
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

// TestHostileIsWellFormed: it is the limit alone that refuses a shape.
func TestHostileIsWellFormed(t *testing.T) {
	t.Parallel()
	var most Limits
	v := reflect.ValueOf(&most).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(math.MaxInt)
	}
	for name, h := range hostile() {
		if _, err := Read(h.b, most); h.limit != "" && err != nil {
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
