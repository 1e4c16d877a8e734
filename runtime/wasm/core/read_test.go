package core

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// read is Read with the default limits of a module that must pass.
func read(t *testing.T, b []byte) *Module {
	t.Helper()
	m, err := Read(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// refused is the error of a module that must not pass.
func refused(t *testing.T, b []byte, l Limits) *Error {
	t.Helper()
	m, err := Read(b, l)
	bad, ok := errors.AsType[*Error](err)
	if m != nil || !ok {
		t.Fatalf("got %v, %v, want an *Error", m, err)
	}
	if bad.Offset < 0 || bad.Offset > len(b) || bad.Reason == "" {
		t.Fatalf("error %+v of %d bytes", bad, len(b))
	}
	if (bad.Limit != "") != (bad.Kind == Limit) || (bad.Feature != "") != (bad.Kind == Unsupported) {
		t.Fatalf("error %+v", bad)
	}
	return bad
}

func TestRead(t *testing.T) {
	t.Parallel()
	b := base().bytes(custom("note", []byte("hello")), custom("name", nameMap(1, "env.add", "main", "sum2")), custom("note"))
	m := read(t, b)
	got := []any{m.Types, m.Imports, m.Exports, m.Funcs, m.Tables, m.Memories, m.Globals[0], m.Globals[1].Type, m.Globals[1].Mutable}
	sum := FuncType{[]ValType{I32, I32}, []ValType{I32}}
	want := []any{
		[]FuncType{{[]ValType{}, []ValType{}}, sum},
		[]Import{{"env", "add", ExternalFunc, 0}, {"env", "base", ExternalGlobal, 0}},
		[]Export{{"run", ExternalFunc, 1}, {"memory", ExternalMemory, 0}, {"sum", ExternalFunc, 2}},
		[]uint32{1, 0, 1}, []Table{{Span: Span{2, 9, true}, Type: FuncRef}}, []Memory{{Span: Span{Min: 3}}},
		Global{Type: I32, Imported: true}, I64, true,
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if f, ok := m.Start(); !ok || f != 1 || m.ImportedFuncs() != 1 {
		t.Errorf("start %d %v, imported %d", f, ok, m.ImportedFuncs())
	}
	if f, ok := m.ExportedFunc("sum"); !ok || f != 2 {
		t.Errorf("sum is %d %v", f, ok)
	}
	if _, ok := m.ExportedFunc("memory"); ok {
		t.Error("the memory is a function")
	}
	if f, ok := m.FuncType(2); !ok || !reflect.DeepEqual(f, sum) || f.String() != "[i32 i32] -> [i32]" {
		t.Errorf("type of function 2: %v", f)
	}
	if _, ok := m.FuncType(3); ok {
		t.Error("function 3 exists")
	}
	if c := m.Custom("note"); len(c) != 2 || string(c[0].Data) != "hello" || !bytes.HasPrefix(b[c[0].Offset:], c[0].Data) {
		t.Errorf("notes %+v", c)
	}
	if n := []string{m.FuncName(0), m.FuncName(2), m.FuncName(3)}; !reflect.DeepEqual(n, []string{"env.add", "sum2", ""}) {
		t.Errorf("names %q", n)
	}
}

func TestBodiesAndStats(t *testing.T) {
	t.Parallel()
	b := base().bytes(custom("x", []byte("12345")))
	m := read(t, b)
	if len(m.Bodies) != 2 || m.Bodies[0].Locals != 0 || m.Bodies[1].Locals != 3 {
		t.Fatalf("bodies %+v", m.Bodies)
	}
	if d := m.Code(1); !bytes.Equal(b[d.at:d.end], []byte{0x20, 0, 0x20, 1, 0x10, 0, 0x0b}) {
		t.Errorf("code % x", b[d.at:d.end])
	}
	var in Instr
	if d := m.Expr(m.Globals[1].Init); !d.Next(&in) || in.Op != OpI64Const || int64(in.Value) != -1 {
		t.Errorf("initial value %+v", in)
	}
	s := m.Stats
	if s.Bytes != len(b) || s.Customs != 1 || s.CustomBytes != 9 || s.Elements != 1 || s.ElementEntries != 2 || s.DataSegments != 2 || s.DataBytes != 3 {
		t.Errorf("stats %+v", s)
	}
	if s.Sum[SizeInstrs] != 5 || s.Max[SizeInstrs] != (Peak{4, 2}) || s.Sum[SizeLocals] != 5 || s.Max[SizeBytes] != (Peak{10, 2}) {
		t.Errorf("stats %+v", s)
	}
}

// TestEmptyModule: an empty module is one, and what it has none of is found nowhere.
func TestEmptyModule(t *testing.T) {
	t.Parallel()
	m := read(t, parts{}.bytes())
	if _, ok := m.Start(); ok || m.FuncName(0) != "" || len(m.Strip()) != 8 {
		t.Error("an empty module has something")
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "0: is empty",
		"\x00as":                               "3: the module is cut off",
		"\x00asm\x01\x00":                      "6: the module is cut off",
		"\x00asm\x02\x00\x00\x00":              "4: is WebAssembly of version 2, this host knows version 1",
		"(module (func))":                      "0: is WebAssembly text: translate it to a binary, as wat2wasm does",
		"\n ;; a comment\n(module)":            "0: is WebAssembly text: translate it to a binary, as wat2wasm does",
		"\x1f\x8b\x08\x00":                     "0: is no WebAssembly: it is gzip: unpack it",
		"\x28\xb5\x2f\xfd\x04":                 "0: is no WebAssembly: it is zstd: unpack it",
		"!<arch>\n":                            "0: is no WebAssembly: it is an archive of object files: link it",
		"BC\xc0\xde5":                          "0: is no WebAssembly: it is LLVM bitcode: link it",
		"<!DOCTYPE html><title>Log in</title>": "0: is no WebAssembly: it is an HTML page, perhaps an error or a login",
		"\r\n<html lang=en>":                   "0: is no WebAssembly: it is an HTML page, perhaps an error or a login",
		"PK\x03\x04":                           "0: is no WebAssembly: it is a zip archive: unpack it",
		"\x7fELF\x02":                          "0: is no WebAssembly: it is a program for this computer: build it for wasm32-wasip1",
		"{\"errors\":[]}":                      "0: is no WebAssembly: it is JSON",
		"version https://git-lfs.github.com":   "0: is no WebAssembly: it is a pointer of Git LFS: fetch the file itself",
		"not wasm at all":                      "0: is no WebAssembly: it does not begin with \\0asm",
		"\x00as\x00\x01\x00\x00\x00":           "0: is no WebAssembly: it does not begin with \\0asm",
	} {
		if bad := refused(t, []byte(in), Limits{}); bad.Kind != Malformed || bad.Error() != "wasm: byte "+want {
			t.Errorf("%q: got %q, want %q", in, bad, want)
		}
	}
	component := refused(t, []byte("\x00asm\x0d\x00\x01\x00rest"), Limits{})
	if component.Kind != Unsupported || component.Feature != "components" || !strings.Contains(component.Reason, "wasip1") {
		t.Error(component)
	}
}

// TestCutOff: no beginning of a module is a module, but where a section ends and nothing that was said is missing.
func TestCutOff(t *testing.T) {
	t.Parallel()
	b := base().bytes()
	m := read(t, b)
	whole := map[int]bool{8: true}
	for _, s := range m.Sections {
		if s.ID < SectionFunction {
			whole[int(s.End)] = true // later ones miss the bodies
		}
	}
	for n := range b {
		if whole[n] {
			read(t, b[:n])
			continue
		}
		if bad := refused(t, b[:n], Limits{}); bad.Kind != Malformed {
			t.Errorf("%d bytes: %v", n, bad)
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"section twice":         {append(base().bytes(), section(SectionData, []byte{0})...), "data section, byte 140: is there twice"},
		"section too late":      {append(base().bytes(), section(SectionType, []byte{0})...), "type section, byte 140: comes too late: sections have a fixed order"},
		"data count after code": {append(parts{SectionCode: {0}}.bytes(), section(SectionDataCount, []byte{0})...), "data count section, byte 11: comes too late: sections have a fixed order"},
		"section too long":      {with(SectionStart, []byte{1, 0}).bytes(), "start section, byte 97: 1 bytes too many"},
		"section beyond":        {append(base().bytes(), 0, 9, 1, 'x'), "custom section, byte 140: claims 9 bytes, the module has 2 left"},
		"unknown section":       {append(base().bytes(), 14, 0), "unknown (14) section, byte 140: no section of WebAssembly 2.0"},
		"size too long":         {append(base().bytes(), 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0), "data section, byte 141: a number takes more bytes than 32 bits need"},
		"size too large":        {append(base().bytes(), 0, 0x80, 0x80, 0x80, 0x80, 0x10), "data section, byte 141: a number does not fit into 32 bits"},
		"custom without name":   {append(base().bytes(), 0, 0), "custom section, byte 142: the module is cut off"},
		"custom name beyond":    {append(append(base().bytes(), 0, 1, 2), section(SectionCustom, []byte{0})...), "custom section, byte 143: reads beyond its end"},
		"name not UTF-8":        {base().bytes(custom("\xff")), "custom section, byte 142: a section's name is not UTF-8"},
		"import not UTF-8":      {with(SectionImport, vec(cat(str("\xc0\x80"), str("a"), []byte{0, 1}))).bytes(), "import section, byte 23: an import's module is not UTF-8"},
		"export not UTF-8":      {with(SectionExport, vec(cat(str("a\x80"), []byte{0, 1}))).bytes(), "export section, byte 73: an export's name is not UTF-8"},
		"form of a type":        {with(SectionType, []byte{1, 0x40, 0, 0}).bytes(), "type section, byte 11: 0x40 is no form of a type"},
		"value type":            {with(SectionType, []byte{1, 0x60, 1, 0x7a, 0}).bytes(), "type section, byte 13: 0x7a is no value type"},
		"kind of import":        {with(SectionImport, vec(cat(str("a"), str("b"), []byte{5, 1}))).bytes(), "import section, byte 27: 5 is no kind of import or export"},
		"type of import":        {with(SectionImport, vec(cat(str("a"), str("b"), []byte{0, 2}))).bytes(), "import section, byte 28: type 2, there are 2"},
		"type of function":      {with(SectionFunction, []byte{2, 0, 7}).bytes(), "function section, byte 49: type 7, there are 2"},
		"type of table":         {with(SectionTable, []byte{1, byte(I32), 0, 0}).bytes(), "table section, byte 53: 0x7f is no reference type"},
		"size of table":         {with(SectionTable, []byte{1, byte(FuncRef), 1, 9, 2}).bytes(), "table section, byte 54: a greatest size of 2 below the least, 9"},
		"form of size":          {with(SectionMemory, []byte{1, 0x10, 2}).bytes(), "memory section, byte 60: 0x10 is no form of a size"},
		"size of memory":        {with(SectionMemory, []byte{1, 0}, u(65537)).bytes(), "memory section, byte 60: a size above 65536"},
		"greatest of memory":    {with(SectionMemory, []byte{1, 1, 0}, u(65537)).bytes(), "memory section, byte 60: a size above 65536"},
		"mutability":            {with(SectionGlobal, []byte{1, byte(I32), 2, 0x41, 0, 0x0b}).bytes(), "global section, byte 67: 0x2 is no mutability"},
		"empty constant":        {with(SectionGlobal, []byte{1, byte(I32), 0, 0x0b, 0x0b, 0x0b}).bytes(), "global section, byte 67: a constant expression of 0 instructions"},
		"long constant":         {with(SectionGlobal, []byte{1, byte(I32), 0, 0x41, 0, 0x41, 0, 0x0b}).bytes(), "global section, byte 67: a constant expression of 2 instructions"},
		"endless constant":      {with(SectionGlobal, []byte{1, byte(I32), 0, 0x41, 0}).bytes(), "global section, byte 69: reads beyond its end"},
		"call as a constant":    {with(SectionGlobal, []byte{1, byte(I32), 0, 0x10, 0, 0x0b}).bytes(), "global section, byte 67: not a constant expression"},
		"constant's global":     {with(SectionGlobal, []byte{1, byte(I32), 0, 0x23, 9, 0x0b}).bytes(), "global section, byte 67: global.get of global 9, there are 1"},
		"constant's function":   {with(SectionGlobal, []byte{1, byte(FuncRef), 0, 0xd2, 9, 0x0b}).bytes(), "global section, byte 67: ref.func of function 9, there are 3"},
		"export twice":          {with(SectionExport, vec(cat(str("a"), []byte{0, 1}), cat(str("a"), []byte{2, 0}))).bytes(), "export section, byte 77: two exports have one name"},
		"exported function":     {with(SectionExport, vec(cat(str("a"), []byte{0, 3}))).bytes(), "export section, byte 76: function 3, there are 3"},
		"exported table":        {with(SectionExport, vec(cat(str("a"), []byte{1, 1}))).bytes(), "export section, byte 76: table 1, there are 1"},
		"exported memory":       {with(SectionExport, vec(cat(str("a"), []byte{2, 1}))).bytes(), "export section, byte 76: memory 1, there are 1"},
		"exported global":       {with(SectionExport, vec(cat(str("a"), []byte{3, 2}))).bytes(), "export section, byte 76: global 2, there are 2"},
		"kind of export":        {with(SectionExport, vec(cat(str("a"), []byte{9, 2}))).bytes(), "export section, byte 75: 9 is no kind of import or export"},
		"start":                 {with(SectionStart, []byte{3}).bytes(), "start section, byte 96: function 3, there are 3"},
		"start with values":     {with(SectionStart, []byte{2}).bytes(), "start section, byte 96: function 2 takes or gives values"},
		"form of elements":      {with(SectionElement, []byte{1, 8, 0, 0}).bytes(), "element section, byte 100: 8 is no form of an element segment"},
		"table of elements":     {with(SectionElement, []byte{1, 2, 1, 0x41, 0, 0x0b, 0, 0}).bytes(), "element section, byte 100: table 1, there are 1"},
		"kind of element":       {with(SectionElement, []byte{1, 1, 1, 0}).bytes(), "element section, byte 102: 0x1 is no kind of element"},
		"function of element":   {with(SectionElement, []byte{1, 1, 0, 1, 3}).bytes(), "element section, byte 103: function 3, there are 3"},
		"expression of element": {with(SectionElement, []byte{1, 5, byte(FuncRef), 1, 0xd2, 3, 0x0b}).bytes(), "element section, byte 103: ref.func of function 3, there are 3"},
		"form of data":          {with(SectionData, []byte{1, 3, 0, 0}).bytes(), "data section, byte 130: 3 is no form of a data segment"},
		"data beyond":           {with(SectionData, []byte{1, 1, 9, 0}).bytes(), "data section, byte 133: the module is cut off"},
		"data count":            {with(SectionDataCount, []byte{3}).bytes(), "byte 140: 3 data segments are announced, there are 2"},
		"bodies":                {with(SectionCode, vec(body(noLocals()))).bytes(), "code section, byte 112: 1 bodies for 2 functions"},
		"body beyond":           {with(SectionCode, []byte{2, 50, 0, 0x0b, 2, 0, 0x0b}).bytes(), `code section, function 1, "run", byte 113: a body claims 50 bytes, 5 are left`},
		"body too long":         {code(0, []byte{0x0b}), `code section, function 1, "run", byte 118: 1 bytes after the end of the body`},
		"body inside a block":   {code(0, []byte{2, 0x40}), `code section, function 1, "run", byte 120: the body ends inside a block`},
		"empty body":            {with(SectionCode, []byte{2, 0, 4, 0, 1, 1, 0x0b}).bytes(), `code section, function 1, "run", byte 114: reads beyond its end`},
		"type of locals":        {with(SectionCode, vec(body([]byte{1, 1, 0x40}), body(noLocals(), []byte{0x20, 0}))).bytes(), `code section, function 1, "run", byte 116: 0x40 is no value type`},
	} {
		if bad := refused(t, c.b, Limits{}); bad.Kind != Malformed || bad.Error() != "wasm: "+c.want {
			t.Errorf("%s: got %q, want %q", name, bad, c.want)
		}
	}
	without := base()
	delete(without, SectionCode)
	if bad := refused(t, without.bytes(), Limits{}); bad.Error() != "wasm: byte 123: 2 functions are declared, 0 have a body" {
		t.Error(bad)
	}
}

// TestMalformedCode: each index and block of a body is checked.
func TestMalformedCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code []byte
		want string
	}{
		"local":              {[]byte{0x20, 2}, "117: local.get of local 2, there are 2"},
		"global":             {[]byte{0x23, 2}, "117: global.get of global 2, there are 2"},
		"constant global":    {[]byte{0x24, 0}, "117: global.set of global 0, which is not mutable"},
		"function":           {[]byte{0x10, 3}, "117: call of function 3, there are 3"},
		"function reference": {[]byte{0xd2, 3}, "117: ref.func of function 3, there are 3"},
		"indirect type":      {[]byte{0x11, 2, 0}, "117: call_indirect of type 2, there are 2"},
		"indirect table":     {[]byte{0x11, 0, 1}, "117: call_indirect of table 1, there are 1"},
		"table":              {[]byte{0x25, 1}, "117: table.get of table 1, there are 1"},
		"table.fill":         {[]byte{0xfc, 0x11, 1}, "117: table.fill of table 1, there are 1"},
		"table.copy to":      {[]byte{0xfc, 0x0e, 1, 0}, "117: table.copy of table 1, there are 1"},
		"table.copy from":    {[]byte{0xfc, 0x0e, 0, 1}, "117: table.copy of table 1, there are 1"},
		"table.init":         {[]byte{0xfc, 0x0c, 0, 1}, "117: table.init of table 1, there are 1"},
		"table.init segment": {[]byte{0xfc, 0x0c, 1, 0}, "117: table.init of element segment 1, there are 1"},
		"elem.drop":          {[]byte{0xfc, 0x0d, 1}, "117: elem.drop of element segment 1, there are 1"},
		"data.drop":          {[]byte{0xfc, 9, 2}, "117: data.drop of data segment 2, there are 2"},
		"memory.init":        {[]byte{0xfc, 8, 2, 0}, "117: memory.init of data segment 2, there are 2"},
		"label":              {[]byte{2, 0x40, 0x0c, 2, 0x0b}, "119: br of label 2, there are 2"},
		"label of br_if":     {[]byte{0x0d, 1}, "117: br_if of label 1, there are 1"},
		"label of table":     {[]byte{0x0e, 1, 0, 1}, "117: br_table of label 1, there are 1"},
		"type of block":      {[]byte{2, 2, 0x0b}, "117: block of type 2, there are 2"},
		"block type":         {[]byte{3, 0x41, 0x0b}, "118: 0x41 is no block type"},
		"long block type":    {[]byte{3, 0xc0, 0x7f, 0x0b}, "118: block type -64"},
		"else of a block":    {[]byte{2, 0x40, 5, 0x0b}, "119: else outside of an if"},
		"second else":        {[]byte{4, 0x40, 5, 5, 0x0b}, "120: else outside of an if"},
		"else of the body":   {[]byte{5}, "117: else outside of an if"},
		"alignment":          {[]byte{0x28, 32, 0}, "118: alignment 2^32"},
		"select of none":     {[]byte{0x1c, 0}, "118: select names 0 types"},
		"select of two":      {[]byte{0x1c, 2, 0x7f, 0x7f}, "118: select names 2 types"},
		"null of a number":   {[]byte{0xd0, 0x7f}, "118: 0x7f is no reference type"},
		"unknown":            {[]byte{0xff}, "117: unknown instruction 0xff"},
		"unknown misc":       {[]byte{0xfc, 0x20}, "117: unknown instruction 0xfc20"},
		"far misc":           {[]byte{0xfc, 0x80, 0x10}, "117: unknown instruction 0xfc 0x800"},
		"unknown vector":     {[]byte{0xfd, 0x9a, 1}, "117: unknown instruction 0xfd9a"},
		"far vector":         {[]byte{0xfd, 0x80, 0x04}, "117: unknown instruction 0xfd 0x200"},
		// The runtime would take 0x8c for the number of another instruction and run what hides in the 16 bytes.
		"hidden code":  {cat([]byte{0xfd, 0x8c, 0x80, 0x00}, times(16, 1), []byte{0x1a}), "117: the number of a vector instruction takes more bytes than it needs"},
		"long vector":  {[]byte{0xfd, 0x80, 0x81, 0x00}, "117: the number of a vector instruction takes more bytes than it needs"},
		"i32 too long": {[]byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, "118: a number takes more bytes than 32 bits need"},
		"i32 too big":  {[]byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x08}, "118: a number does not fit into 32 bits"},
		"i32 unused":   {[]byte{0x41, 0xff, 0xff, 0xff, 0xff, 0x0f}, "118: a number does not fit into 32 bits"},
		"i64 too long": {[]byte{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, "118: a number takes more bytes than 64 bits need"},
		"i64 too big":  {[]byte{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, "118: a number does not fit into 64 bits"},
		"labels":       {[]byte{0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f}, "118: claims 4294967295 labels in 1 bytes"},
	} {
		bad := refused(t, code(2, c.code), Limits{})
		if bad.Kind != Malformed || bad.Error() != `wasm: code section, function 1, "run", byte `+c.want {
			t.Errorf("%s: got %q, want %q", name, bad, c.want)
		}
	}
	bare := func(code ...byte) []byte {
		return parts{SectionType: vec(funcType(0, 0)), SectionFunction: {1, 0}, SectionCode: vec(body(noLocals(), code))}.bytes()
	}
	for want, code := range map[string][]byte{
		"memory.size without a memory":                {0x3f, 0},
		"opcode 0x28 without a memory":                {0x28, 0, 0},
		"memory.fill without a memory":                {0xfc, 0x0b, 0},
		"data.drop without a data count section":      {0xfc, 9, 0},
		"memory.init without a data count section":    {0xfc, 8, 0, 0},
		"table.get of table 0, there are 0":           {0x25, 0},
		"opcode 0xfd54 without a memory":              {0xfd, 0x54, 0, 0, 0},
		"elem.drop of element segment 0, there are 0": {0xfc, 0x0d, 0},
	} {
		if bad := refused(t, bare(code...), Limits{}); bad.Error() != "wasm: code section, function 0, byte 23: "+want {
			t.Errorf("got %q, want %q", bad, want)
		}
	}
}

func TestLongNumbers(t *testing.T) {
	t.Parallel()
	// As long as their bits allow, but not longer: this is how linkers leave room for relocations.
	read(t, code(2, []byte{0x20, 0x81, 0x80, 0x80, 0x80, 0x00, 0x1a}))
	read(t, code(2, []byte{0x41, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x1a, 0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x1a}))
	read(t, code(2, []byte{2, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0b}))
	read(t, code(2, []byte{0x43, 0, 0, 0, 0, 0xfc, 0x80, 0x80, 0x00, 0x1a}))
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		b               []byte
		feature, at, by string
	}{
		"shared memory":         {with(SectionMemory, []byte{1, 3, 1, 1}).bytes(), "threads", "memory section, byte 60", "a shared memory"},
		"64-bit memory":         {with(SectionMemory, []byte{1, 4, 1}).bytes(), "64-bit memories", "memory section, byte 60", "a 64-bit size"},
		"page size":             {with(SectionMemory, []byte{1, 8, 1, 0}).bytes(), "custom page sizes", "memory section, byte 60", "a page size"},
		"second memory":         {with(SectionMemory, []byte{2, 0, 1, 0, 1}).bytes(), "multiple memories", "memory section, byte 62", "a second memory"},
		"data in second memory": {with(SectionData, []byte{1, 2, 1, 0x41, 0, 0x0b, 0}).bytes(), "multiple memories", "data section, byte 130", "data for a memory other than 0"},
		"tag section":           {append(parts{}.bytes(), 13, 0), "exceptions", "tag section, byte 8", "a tag section"},
		"imported tag":          {with(SectionImport, vec(cat(str("a"), str("b"), []byte{4, 0, 0}))).bytes(), "exceptions", "import section, byte 27", "an imported tag"},
		"exported tag":          {with(SectionExport, vec(cat(str("a"), []byte{4, 0}))).bytes(), "exceptions", "export section, byte 75", "an exported tag"},
		"recursive types":       {with(SectionType, []byte{1, 0x4e, 1, 0x60, 0, 0}).bytes(), "garbage collection", "type section, byte 11", "a type that is no function type"},
		"struct":                {with(SectionType, []byte{1, 0x5f, 0, 0}).bytes(), "garbage collection", "type section, byte 11", "a type that is no function type"},
		"typed reference":       {with(SectionType, []byte{1, 0x60, 1, 0x64, 0, 0}).bytes(), "typed function references", "type section, byte 13", "value type 0x64"},
		"anyref":                {with(SectionType, []byte{1, 0x60, 1, 0x6e, 0}).bytes(), "garbage collection", "type section, byte 13", "value type 0x6e"},
		"exnref":                {with(SectionGlobal, []byte{1, 0x69, 0, 0xd0, 0x69, 0x0b}).bytes(), "exceptions", "global section, byte 65", "value type 0x69"},
		"table with a value":    {with(SectionTable, []byte{1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b}).bytes(), "typed function references", "table section, byte 53", "a table with an initial value"},
		"sum as a constant":     {with(SectionGlobal, []byte{1, byte(I32), 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}).bytes(), "extended constant expressions", "global section, byte 71", "arithmetic in a constant"},
		"own global":            {with(SectionGlobal, []byte{2, byte(I32), 0, 0x41, 1, 0x0b, byte(I32), 0, 0x23, 1, 0x0b}).bytes(), "extended constant expressions", "global section, byte 72", "a constant made from a global of the module"},
		"try":                   {code(0, []byte{0x06, 0x40, 0x0b}), "exceptions", `code section, function 1, "run", byte 117`, "try"},
		"try_table":             {code(0, []byte{0x1f, 0x40, 0, 0x0b}), "exceptions", `code section, function 1, "run", byte 117`, "try_table"},
		"throw":                 {code(0, []byte{0x08, 0}), "exceptions", `code section, function 1, "run", byte 117`, "throw"},
		"return_call":           {code(0, []byte{0x12, 0}), "tail calls", `code section, function 1, "run", byte 117`, "return_call"},
		"return_call_indirect":  {code(0, []byte{0x13, 0, 0}), "tail calls", `code section, function 1, "run", byte 117`, "return_call_indirect"},
		"call_ref":              {code(0, []byte{0x14, 0}), "typed function references", `code section, function 1, "run", byte 117`, "call_ref"},
		"br_on_null":            {code(0, []byte{0xd5, 0}), "typed function references", `code section, function 1, "run", byte 117`, "br_on_null"},
		"struct.new":            {code(0, []byte{0xfb, 0, 0}), "garbage collection", `code section, function 1, "run", byte 117`, "opcode 0xfb"},
		"atomic":                {code(0, []byte{0xfe, 3, 0}), "threads", `code section, function 1, "run", byte 117`, "opcode 0xfe"},
		"wide arithmetic":       {code(0, []byte{0xfc, 0x13}), "wide arithmetic", `code section, function 1, "run", byte 117`, "opcode 0xfc13"},
		"relaxed vector":        {code(0, []byte{0xfd, 0x80, 0x02}), "relaxed SIMD", `code section, function 1, "run", byte 117`, "a relaxed vector instruction"},
		"load by memory":        {code(0, []byte{0x28, 0x42, 1, 0}), "multiple memories", `code section, function 1, "run", byte 118`, "a load or store that names its memory"},
		"size of a memory":      {code(0, []byte{0x3f, 1}), "multiple memories", `code section, function 1, "run", byte 118`, "an instruction on a memory other than 0"},
		"copy to a memory":      {code(0, []byte{0xfc, 0x0a, 0, 1}), "multiple memories", `code section, function 1, "run", byte 120`, "an instruction on a memory other than 0"},
		"block of a reference":  {code(0, []byte{2, 0x63, 0x70, 0x0b}), "typed function references", `code section, function 1, "run", byte 118`, "block type 0x63"},
		"select of a reference": {code(0, []byte{0x1c, 1, 0x63, 0x70}), "typed function references", `code section, function 1, "run", byte 119`, "value type 0x63"},
	} {
		bad := refused(t, c.b, Limits{})
		text := fmt.Sprintf("wasm: %s: uses %s (%s), which this host does not allow", c.at, c.feature, c.by)
		if bad.Kind != Unsupported || bad.Feature != c.feature || bad.Error() != text {
			t.Errorf("%s: got %q, want %q", name, bad, text)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	b := with(SectionCode, vec(body(noLocals()), body(noLocals(), []byte{0x12, 0}))).
		bytes(custom("name", nameMap(1, "imported", "main", "do\n"+strings.Repeat("x", 200))))
	bad := refused(t, b, Limits{})
	want := `wasm: code section, function 2, "do\n` + strings.Repeat("x", 97) +
		`", byte 118: uses tail calls (return_call), which this host does not allow`
	if bad.Error() != want {
		t.Errorf("got  %s\nwant %s", bad, want)
	}
	if s := Malformed.String() + Limit.String() + Unsupported.String(); s != "malformedlimitunsupported" {
		t.Error(s)
	}
}
