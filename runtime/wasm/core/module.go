package core

import "slices"

// Module is what Read took apart. It is read only and safe for concurrent use.
type Module struct {
	Sections []Section
	Types    []FuncType
	Imports  []Import
	Exports  []Export
	Funcs    []uint32 // type of each function, imported ones first
	Tables   []Table
	Memories []Memory
	Globals  []Global
	Bodies   []Body // of the functions that are not imported
	Customs  []Custom
	Stats    Stats

	bytes    []byte
	imported int // functions
	start    int // function; -1 none
	names    nameTable
}

// Section is where a section lies in the module: its header, then its content.
type Section struct {
	ID                 SectionID
	Header, Start, End uint32
}

// Custom is a section that has a name and no meaning for the machine. Data is part of the module.
type Custom struct {
	Name   string
	Offset int // of Data
	Data   []byte
}

// Body is where the body of a function lies in the module: first its locals, then its instructions.
type Body struct {
	Start, Code, End uint32
	Locals           uint32 // parameters not counted
}

// Start is the function that runs when the module is instantiated.
func (m *Module) Start() (fn uint32, ok bool) { return uint32(m.start), m.start >= 0 }

// ImportedFuncs is the number of functions that are imported: the index of the first one with a body.
func (m *Module) ImportedFuncs() int { return m.imported }

// FuncType is the signature of a function; false when there is none of this index.
func (m *Module) FuncType(fn uint32) (FuncType, bool) {
	if int64(fn) >= int64(len(m.Funcs)) {
		return FuncType{}, false
	}
	return m.Types[m.Funcs[fn]], true
}

// ExportedFunc is the index of the function that is exported under a name.
func (m *Module) ExportedFunc(name string) (fn uint32, ok bool) {
	i := slices.IndexFunc(m.Exports, func(e Export) bool { return e.Kind == ExternalFunc && e.Name == name })
	if i < 0 {
		return 0, false
	}
	return m.Exports[i].Index, true
}

// Custom are the sections of a name, in the order of the module.
func (m *Module) Custom(name string) []Custom {
	var out []Custom
	for _, c := range m.Customs {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Code walks over the instructions of m.Bodies[body], the last end included.
func (m *Module) Code(body int) *Decoder {
	b := m.Bodies[body]
	return NewDecoder(m.bytes, int(b.Code), int(b.End))
}

// Expr walks over the instructions of a constant expression of m.
func (m *Module) Expr(e Expr) *Decoder { return NewDecoder(m.bytes, int(e.Start), int(e.End)) }

// FuncName is the name of a function: from the name section, else the one that it is exported under; "" when unknown.
// It is what the module's author wrote: bytes of UTF-8, perhaps long, perhaps with control characters.
func (m *Module) FuncName(fn uint32) string {
	if name := m.names.of(fn); name != "" {
		return name
	}
	for _, e := range m.Exports {
		if e.Kind == ExternalFunc && e.Index == fn {
			return e.Name
		}
	}
	return ""
}

// Strip is the module as it should be handed to a runtime: all sections as they are, but of the custom ones only the
// names of functions, if they are sound. A runtime that parses names or debug information trusts their counts and
// offsets; these bytes leave it nothing to trust.
func (m *Module) Strip() []byte {
	out := make([]byte, 0, len(m.bytes))
	out = append(out, m.bytes[:preambleBytes]...)
	for _, s := range m.Sections {
		if s.ID != SectionCustom {
			out = append(out, m.bytes[s.Header:s.End]...)
		}
	}
	return m.names.appendSection(out)
}
