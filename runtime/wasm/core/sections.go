package core

import "math"

func (r *reader) types() {
	start := r.at
	n := r.count(3, "types")
	if r.over(start, "Types", uint64(n), r.l.Types, "types") {
		return
	}
	r.m.Types = make([]FuncType, 0, n)
	values := make([]ValType, 0, r.left()) // of all types: each takes one byte
	for range n {
		start := r.at
		if form := r.byte(); form != 0x60 && r.err == nil {
			r.badForm(start, form)
		}
		values = r.valTypes(values, "Params", r.l.Params, "parameters of a type")
		params := len(values)
		values = r.valTypes(values, "Results", r.l.Results, "results of a type")
		if r.err != nil {
			return
		}
		r.m.Types = append(r.m.Types, FuncType{Params: values[:params:params], Results: values[params:len(values):len(values)]})
		values = values[len(values):]
	}
}

func (r *reader) badForm(start int, form byte) {
	switch form {
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		r.refuse(start, featGC, "a type that is no function type")
	default:
		r.broken(start, "%#x is no form of a type", form)
	}
}

func (r *reader) valTypes(to []ValType, limit string, most int, what string) []ValType {
	start := r.at
	n := r.count(1, what)
	if r.over(start, limit, uint64(n), most, what) {
		return to
	}
	for range n {
		to = append(to, r.valType())
	}
	return to
}

func (r *reader) imports() {
	start := r.at
	n := r.count(4, "imports")
	if r.over(start, "Imports", uint64(n), r.l.Imports, "imports") {
		return
	}
	r.m.Imports = make([]Import, 0, n)
	for range n {
		module, name := r.name(r.l.NameBytes, "an import's module"), r.name(r.l.NameBytes, "an import's name")
		at := r.at
		kind := External(r.byte())
		if r.err != nil {
			return
		}
		r.m.Imports = append(r.m.Imports, Import{Module: module, Name: name, Kind: kind, Index: r.importOne(at, kind)})
	}
}

// importOne reads what is imported and gives its index among its kind.
func (r *reader) importOne(at int, kind External) uint32 {
	m := r.m
	switch kind {
	case ExternalFunc:
		m.Funcs = append(m.Funcs, r.funcType())
		m.imported++
		return uint32(len(m.Funcs) - 1)
	case ExternalTable:
		r.table(true)
		return uint32(len(m.Tables) - 1)
	case ExternalMemory:
		r.memory(true)
		return uint32(len(m.Memories) - 1)
	case ExternalGlobal:
		r.global(true)
		return uint32(len(m.Globals) - 1)
	}
	r.badExternal(at, kind, "an imported tag")
	return 0
}

func (r *reader) badExternal(at int, kind External, tag string) {
	if kind == 4 {
		r.refuse(at, featExceptions, tag)
		return
	}
	r.broken(at, "%d is no kind of import or export", byte(kind))
}

func (r *reader) functions() {
	start := r.at
	n := r.count(1, "functions")
	if r.over(start, "Functions", uint64(n)+uint64(r.m.imported), r.l.Functions, "functions") {
		return
	}
	funcs := make([]uint32, len(r.m.Funcs), len(r.m.Funcs)+n)
	copy(funcs, r.m.Funcs)
	for range n {
		if r.err != nil {
			return
		}
		funcs = append(funcs, r.funcType())
	}
	r.m.Funcs = funcs
}

// funcType reads the index of a type.
func (r *reader) funcType() uint32 { return r.index(len(r.m.Types), "type") }

// index reads an index of something that there are n of.
func (r *reader) index(n int, what string) uint32 {
	start := r.at
	i := r.u32()
	if uint64(i) >= uint64(n) && r.err == nil {
		r.broken(start, "%s %d, there are %d", what, i, n)
	}
	return i
}

func (r *reader) tables() {
	n := r.count(3, "tables")
	for range n {
		if r.err != nil {
			return
		}
		r.table(false)
	}
}

func (r *reader) table(imported bool) {
	start := r.at
	if r.left() > 0 && r.b[r.at] == 0x40 {
		r.refuse(start, featFuncRefs, "a table with an initial value")
		return
	}
	t := Table{Type: r.refType(), Imported: imported}
	t.Span = r.span(math.MaxUint32)
	if r.err != nil {
		return
	}
	r.m.Tables = append(r.m.Tables, t)
	r.entries += uint64(t.Min)
	r.over(start, "Tables", uint64(len(r.m.Tables)), r.l.Tables, "tables")
	r.over(start, "TableEntries", r.entries, r.l.TableEntries, "entries of tables")
}

func (r *reader) memories() {
	n := r.count(2, "memories")
	for range n {
		if r.err != nil {
			return
		}
		r.memory(false)
	}
}

// maxPages is the size of a 32-bit address space in pages.
const maxPages = 1 << 16

func (r *reader) memory(imported bool) {
	start := r.at
	s := r.span(maxPages)
	if r.err != nil {
		return
	}
	if r.m.Memories = append(r.m.Memories, Memory{Span: s, Imported: imported}); len(r.m.Memories) > 1 {
		r.refuse(start, featMemories, "a second memory")
		return
	}
	r.over(start, "MemoryPages", uint64(s.Min), r.l.MemoryPages, "initial pages of memory")
}

// span reads the size of a memory or table.
func (r *reader) span(most uint32) Span {
	start := r.at
	var s Span
	switch form := r.byte(); {
	case form <= 1:
		s.HasMax = form == 1
	case form <= 3:
		r.refuse(start, featThreads, "a shared memory")
	case form <= 7:
		r.refuse(start, featMemory64, "a 64-bit size")
	case form <= 15:
		r.refuse(start, featPages, "a page size")
	default:
		r.broken(start, "%#x is no form of a size", form)
	}
	if s.Min = r.u32(); s.HasMax {
		s.Max = r.u32()
	}
	switch {
	case r.err != nil:
	case s.Min > most || s.HasMax && s.Max > most:
		r.broken(start, "a size above %d", most)
	case s.HasMax && s.Max < s.Min:
		r.broken(start, "a greatest size of %d below the least, %d", s.Max, s.Min)
	}
	return s
}

func (r *reader) globals() {
	start := r.at
	n := r.count(4, "globals")
	if r.over(start, "Globals", uint64(n)+uint64(len(r.m.Globals)), r.l.Globals, "globals") {
		return
	}
	for range n {
		if r.err != nil {
			return
		}
		r.global(false)
	}
}

func (r *reader) global(imported bool) {
	start := r.at
	g := Global{Type: r.valType(), Imported: imported}
	switch at, mutable := r.at, r.byte(); mutable {
	case 0, 1:
		g.Mutable = mutable == 1
	default:
		r.broken(at, "%#x is no mutability", mutable)
	}
	if !imported {
		g.Init = r.expr()
	}
	if r.err == nil {
		r.m.Globals = append(r.m.Globals, g)
		r.over(start, "Globals", uint64(len(r.m.Globals)), r.l.Globals, "globals")
	}
}

func (r *reader) exports() {
	start := r.at
	n := r.count(3, "exports")
	if r.over(start, "Exports", uint64(n), r.l.Exports, "exports") {
		return
	}
	r.m.Exports = make([]Export, 0, n)
	seen := make(map[string]bool, n)
	for range n {
		start := r.at
		e := Export{Name: r.name(r.l.NameBytes, "an export's name")}
		at := r.at
		e.Kind = External(r.byte())
		if r.err != nil {
			return
		}
		switch e.Kind {
		case ExternalFunc:
			e.Index = r.index(len(r.m.Funcs), "function")
		case ExternalTable:
			e.Index = r.index(len(r.m.Tables), "table")
		case ExternalMemory:
			e.Index = r.index(len(r.m.Memories), "memory")
		case ExternalGlobal:
			e.Index = r.index(len(r.m.Globals), "global")
		default:
			r.badExternal(at, e.Kind, "an exported tag")
		}
		if seen[e.Name] {
			r.broken(start, "two exports have one name")
			return
		}
		seen[e.Name] = true
		r.m.Exports = append(r.m.Exports, e)
	}
}

func (r *reader) startFunction() {
	start := r.at
	fn := r.index(len(r.m.Funcs), "function")
	if r.err != nil {
		return
	}
	if t := r.m.Types[r.m.Funcs[fn]]; len(t.Params)+len(t.Results) > 0 {
		r.broken(start, "function %d takes or gives values", fn)
		return
	}
	r.m.start = int(fn)
}
