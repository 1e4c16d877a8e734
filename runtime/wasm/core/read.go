package core

import (
	"fmt"
	"math"
)

// Read checks a module against the limits and takes it apart. It copies names and keeps b, which must not change while
// the Module is used. What it allocates is in proportion to len(b), whatever the module claims, and smaller than the
// limits allow; its time is in proportion to len(b).
//
// Errors: an *Error, the first problem found. Sections are looked at in the order in which they lie, after all their
// headers.
func Read(b []byte, l Limits) (*Module, error) {
	r := &reader{
		cursor:    cursor{b: b, end: len(b), fn: -1},
		l:         l.withDefaults(),
		m:         &Module{bytes: b, start: -1},
		dataCount: -1,
	}
	if r.read(); r.err != nil {
		if r.err.Func >= 0 {
			r.err.Name = r.m.FuncName(uint32(r.err.Func))
		}
		return nil, r.err
	}
	return r.m, nil
}

// reader is one Read.
type reader struct {
	cursor
	l Limits
	m *Module

	dataCount int64  // of the data count section; -1 none
	entries   uint64 // initial ones of all tables
	walk      walk   // over one body after the other
}

func (r *reader) read() {
	most := min(r.l.ModuleBytes, math.MaxInt32) // so that offsets fit
	if r.over(0, "ModuleBytes", uint64(len(r.b)), most, "bytes") {
		return
	}
	if r.preamble(); r.err != nil {
		return
	}
	if r.headers(); r.err != nil {
		return
	}
	r.customs()
	r.m.names = readNames(r.m)
	for _, s := range r.m.Sections {
		if s.ID != SectionCustom && r.err == nil {
			r.content(s)
		}
	}
	if r.err == nil {
		r.whole()
	}
}

// headers finds the sections: their order, and that each ends within the module.
func (r *reader) headers() {
	for last := 0; r.at < r.end; {
		start := r.at
		id := SectionID(r.byte())
		size := r.u32()
		if r.section = id.String(); r.err == nil {
			last = r.inOrder(start, id, last)
		}
		if r.err == nil && uint64(size) > uint64(r.left()) {
			r.broken(start, "claims %d bytes, the module has %d left", size, r.left())
		}
		if r.err != nil {
			return
		}
		s := Section{ID: id, Header: uint32(start), Start: uint32(r.at), End: uint32(r.at) + size}
		r.m.Sections = append(r.m.Sections, s)
		r.at = int(s.End)
	}
}

// inOrder checks that a section may follow one of the rank last, and gives its own rank.
func (r *reader) inOrder(start int, id SectionID, last int) int {
	rank := id.rank()
	switch {
	case id == SectionCustom:
		r.m.Stats.Customs++
		r.over(start, "Customs", uint64(r.m.Stats.Customs), r.l.Customs, "custom sections")
		return last
	case id == sectionTag:
		r.refuse(start, featExceptions, "a tag section")
	case rank < 0:
		r.broken(start, "no section of WebAssembly 2.0")
	case rank == last:
		r.broken(start, "is there twice")
	case rank < last:
		r.broken(start, "comes too late: sections have a fixed order")
	}
	return rank
}

// customs reads the names of the custom sections.
func (r *reader) customs() {
	for _, s := range r.m.Sections {
		if s.ID != SectionCustom || !r.enter(s) {
			continue
		}
		name := r.name(r.l.NameBytes, "a section's name")
		if r.err != nil {
			return
		}
		r.m.Customs = append(r.m.Customs, Custom{Name: name, Offset: r.at, Data: r.b[r.at:r.end:r.end]})
		r.m.Stats.CustomBytes += int(s.End - s.Header)
		if r.over(int(s.Header), "CustomBytes", uint64(r.m.Stats.CustomBytes), r.l.CustomBytes, "bytes of custom sections") {
			return
		}
	}
}

// enter begins to read a section's content; false after an error.
func (r *reader) enter(s Section) bool {
	if r.err != nil {
		return false
	}
	r.at, r.end, r.section = int(s.Start), int(s.End), s.ID.String()
	return true
}

// content reads a section that is no custom one.
func (r *reader) content(s Section) {
	if !r.enter(s) {
		return
	}
	switch s.ID {
	case SectionType:
		r.types()
	case SectionImport:
		r.imports()
	case SectionFunction:
		r.functions()
	case SectionTable:
		r.tables()
	case SectionMemory:
		r.memories()
	case SectionGlobal:
		r.globals()
	case SectionExport:
		r.exports()
	case SectionStart:
		r.startFunction()
	case SectionElement:
		r.elements()
	case SectionDataCount:
		r.dataCount = int64(r.u32())
	case SectionCode:
		r.code()
	case SectionData:
		r.data()
	}
	if r.err == nil && r.left() > 0 {
		r.broken(r.at, "%d bytes too many", r.left())
	}
}

// whole checks what only the sections together show.
func (r *reader) whole() {
	r.at, r.end, r.section = len(r.b), len(r.b), ""
	m := r.m
	m.Stats.Bytes = len(r.b)
	if defined := len(m.Funcs) - m.imported; defined != len(m.Bodies) {
		r.broken(r.end, "%d functions are declared, %d have a body", defined, len(m.Bodies))
		return
	}
	if r.dataCount >= 0 && r.dataCount != int64(m.Stats.DataSegments) {
		r.broken(r.end, "%d data segments are announced, there are %d", r.dataCount, m.Stats.DataSegments)
	}
}

// SectionID is the kind of a section, in the numbers of the binary format.
type SectionID byte

// The sections of WebAssembly 2.0.
const (
	SectionCustom SectionID = iota
	SectionType
	SectionImport
	SectionFunction
	SectionTable
	SectionMemory
	SectionGlobal
	SectionExport
	SectionStart
	SectionElement
	SectionCode
	SectionData
	SectionDataCount
	sectionTag
)

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
	"element", "code", "data", "data count", "tag"}

func (id SectionID) String() string {
	if int(id) < len(sectionNames) {
		return sectionNames[id]
	}
	return fmt.Sprintf("unknown (%d)", byte(id))
}

// rank is the place of a section in the order that the format demands: the data count comes before the code. -1: unknown.
func (id SectionID) rank() int {
	switch {
	case id == SectionDataCount:
		return int(SectionElement)*2 + 1
	case id < SectionDataCount:
		return int(id) * 2
	}
	return -1
}
