package core

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// u is a number in LEB128.
func u(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func str(s string) []byte { return cat(u(len(s)), []byte(s)) }

// vec are items behind their number.
func vec(items ...[]byte) []byte { return cat(u(len(items)), cat(items...)) }

// repeat is a vector of n times the same item.
func repeat(n int, item ...byte) []byte { return cat(u(n), bytes.Repeat(item, n)) }

// times is code n times.
func times(n int, code ...byte) []byte { return bytes.Repeat(code, n) }

// body is a function's body with its size: locals as groups, then code, to which the last end is added.
func body(locals []byte, code ...[]byte) []byte {
	b := cat(locals, cat(code...), []byte{0x0b})
	return cat(u(len(b)), b)
}

// i32s declares n locals.
func i32s(n int) []byte { return cat([]byte{1}, u(n), []byte{byte(I32)}) }

func noLocals() []byte { return []byte{0} }

func funcType(params, results int) []byte {
	return cat([]byte{0x60}, repeat(params, byte(I32)), repeat(results, byte(I32)))
}

// parts are the contents of sections.
type parts map[SectionID][]byte

// bytes is the module of these sections, and of custom sections at its end.
func (p parts) bytes(customs ...[]byte) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	ids := []SectionID{SectionType, SectionImport, SectionFunction, SectionTable, SectionMemory, SectionGlobal, SectionExport,
		SectionStart, SectionElement, SectionDataCount, SectionCode, SectionData}
	for _, id := range ids {
		if b, ok := p[id]; ok {
			out = append(out, section(id, b)...)
		}
	}
	return append(out, cat(customs...)...)
}

func section(id SectionID, content []byte) []byte {
	return cat([]byte{byte(id)}, u(len(content)), content)
}

func custom(name string, data ...[]byte) []byte {
	return section(SectionCustom, cat(str(name), cat(data...)))
}

// nameMap is a part of the name section: names by index.
func nameMap(id byte, names ...string) []byte {
	m := u(len(names))
	for i, n := range names {
		m = cat(m, u(i), str(n))
	}
	return cat([]byte{id}, u(len(m)), m)
}

// base has everything once. Functions: 0 imported (i32 i32)->i32, 1 ()->(), 2 as 0. Globals: 0 imported, 1 mutable.
func base() parts {
	return parts{
		SectionType:      vec(funcType(0, 0), funcType(2, 1)),
		SectionImport:    vec(cat(str("env"), str("add"), []byte{0, 1}), cat(str("env"), str("base"), []byte{3, byte(I32), 0})),
		SectionFunction:  []byte{2, 0, 1},
		SectionTable:     []byte{1, byte(FuncRef), 1, 2, 9},
		SectionMemory:    []byte{1, 0, 3},
		SectionGlobal:    []byte{1, byte(I64), 1, 0x42, 0x7f, 0x0b},
		SectionExport:    vec(cat(str("run"), []byte{0, 1}), cat(str("memory"), []byte{2, 0}), cat(str("sum"), []byte{0, 2})),
		SectionStart:     []byte{1},
		SectionElement:   []byte{1, 0, 0x41, 0, 0x0b, 2, 1, 2},
		SectionDataCount: []byte{2},
		SectionCode:      vec(body(noLocals()), body(i32s(3), []byte{0x20, 0, 0x20, 1, 0x10, 0})),
		SectionData:      []byte{2, 0, 0x23, 0, 0x0b, 2, 'h', 'i', 1, 1, '!'},
	}
}

// with is base with other contents of a section.
func with(id SectionID, content ...[]byte) parts {
	p := base()
	p[id] = cat(content...)
	return p
}

// code is base with other code in function 1, which has locals i32 locals.
func code(locals int, instructions ...[]byte) []byte {
	return with(SectionCode, vec(body(i32s(locals), instructions...), body(noLocals(), []byte{0x20, 0}))).bytes()
}
