package core

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// nameTable are the names of functions that a name section gives: sorted rows of function index and where in the module
// the name's length stands.
type nameTable struct {
	module []byte
	part   []byte // the sound part of the section: its map of function names
	rows   []nameRow
}

type nameRow struct{ fn, at uint32 }

// The name section: its name, and the number of the part that holds the names of functions.
const (
	nameSection   = "name"
	functionNames = 1
)

// readNames reads the names of the functions. Names are a courtesy: a section that is broken, or one of several, is as
// none. All numbers are checked like those of the module.
func readNames(m *Module) nameTable {
	sections := m.Custom(nameSection)
	if len(sections) != 1 {
		return nameTable{}
	}
	s := sections[0]
	c := cursor{b: m.bytes, at: s.Offset, end: s.Offset + len(s.Data), fn: -1}
	for c.left() > 0 {
		id := c.byte()
		size := c.u32()
		part := c.bytes(uint64(size))
		if id == functionNames && c.err == nil {
			return readFunctionNames(m.bytes, c.at-len(part), c.at)
		}
	}
	return nameTable{}
}

func readFunctionNames(module []byte, from, to int) nameTable {
	c := cursor{b: module, at: from, end: to, fn: -1}
	n := c.count(2, "names")
	t := nameTable{module: module, part: module[from:to], rows: make([]nameRow, 0, n)}
	for i := range n {
		fn, at := c.u32(), c.at
		name := c.bytes(uint64(c.u32()))
		if c.err != nil || !utf8.Valid(name) || i > 0 && fn <= t.rows[i-1].fn {
			return nameTable{}
		}
		t.rows = append(t.rows, nameRow{fn, uint32(at)})
	}
	if c.err != nil || c.left() > 0 {
		return nameTable{}
	}
	return t
}

// of is the name of a function, "" when there is none.
func (t *nameTable) of(fn uint32) string {
	i, ok := slices.BinarySearchFunc(t.rows, fn, func(r nameRow, fn uint32) int { return int(int64(r.fn) - int64(fn)) })
	if !ok {
		return ""
	}
	c := cursor{b: t.module, at: int(t.rows[i].at), end: len(t.module)}
	return string(c.bytes(uint64(c.u32())))
}

// appendSection appends a name section that holds the names of functions alone.
func (t *nameTable) appendSection(out []byte) []byte {
	if len(t.rows) == 0 {
		return out
	}
	var head []byte
	head = append(head, byte(len(nameSection)))
	head = append(head, nameSection...)
	head = append(head, functionNames)
	head = binary.AppendUvarint(head, uint64(len(t.part)))
	out = append(out, byte(SectionCustom))
	out = binary.AppendUvarint(out, uint64(len(head)+len(t.part)))
	out = append(out, head...)
	return append(out, t.part...)
}
