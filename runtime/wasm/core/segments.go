package core

// expr reads a constant expression: one instruction and its end.
func (r *reader) expr() Expr {
	start, n, w := r.at, 0, &r.walk
	w.cursor, w.in = r.cursor, Instr{}
	for ; w.Next(&w.in) && w.in.Op != OpEnd; n++ {
		r.constant(&w.in)
	}
	switch {
	case w.err != nil:
	case w.in.Op != OpEnd:
		w.cut()
	case n != 1:
		w.broken(start, "a constant expression of %d instructions", n)
	}
	r.cursor = w.cursor
	return Expr{Start: uint32(start), End: uint32(r.at)}
}

// constant checks that an instruction may stand in a constant expression, and its index.
func (r *reader) constant(in *Instr) {
	w := &r.walk
	switch in.Op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const, OpV128Const, OpRefNull:
	case OpRefFunc:
		w.index(in, in.Index, int64(len(r.m.Funcs)), "function")
	case OpGlobalGet:
		if w.index(in, in.Index, int64(len(r.m.Globals)), "global") && !r.m.Globals[in.Index].Imported {
			w.refuse(in.Start, featConst, "a constant made from a global of the module")
		}
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul of i32 and i64
		w.refuse(in.Start, featConst, "arithmetic in a constant")
	default:
		w.broken(in.Start, "not a constant expression")
	}
}

// elements reads the element segments: the entries of tables.
func (r *reader) elements() {
	start := r.at
	n := r.count(3, "element segments")
	if r.over(start, "Elements", uint64(n), r.l.Elements, "element segments") {
		return
	}
	for range n {
		if r.err != nil {
			return
		}
		r.element()
	}
}

// element reads one segment. The bits of its form: 1 passive or declared, 2 a table is named (with 1: declared), 4 the
// entries are expressions.
func (r *reader) element() {
	start := r.at
	form := r.u32()
	if form > 7 {
		r.broken(start, "%d is no form of an element segment", form)
		return
	}
	if active := form&1 == 0; active {
		table := uint32(0)
		if form&2 != 0 {
			table = r.u32()
		}
		if r.err == nil && uint64(table) >= uint64(len(r.m.Tables)) {
			r.broken(start, "table %d, there are %d", table, len(r.m.Tables))
		}
		r.expr()
	}
	if form&3 != 0 {
		r.elementType(form&4 != 0)
	}
	r.items(start, form&4 != 0)
	r.m.Stats.Elements++
}

func (r *reader) elementType(exprs bool) {
	if exprs {
		r.refType()
		return
	}
	if at, kind := r.at, r.byte(); kind != 0 {
		r.broken(at, "%#x is no kind of element", kind)
	}
}

func (r *reader) items(start int, exprs bool) {
	size := 1
	if exprs {
		size = 2
	}
	n := r.count(size, "entries")
	r.m.Stats.ElementEntries += n
	if r.over(start, "ElementEntries", uint64(r.m.Stats.ElementEntries), r.l.ElementEntries, "entries of element segments") {
		return
	}
	for range n {
		if r.err != nil {
			return
		}
		if exprs {
			r.expr()
		} else {
			r.index(len(r.m.Funcs), "function")
		}
	}
}

// data reads the data segments: the first content of the memory.
func (r *reader) data() {
	start := r.at
	n := r.count(2, "data segments")
	if r.over(start, "DataSegments", uint64(n), r.l.DataSegments, "data segments") {
		return
	}
	for range n {
		if r.err != nil {
			return
		}
		r.dataSegment()
	}
	r.m.Stats.DataSegments = n
}

func (r *reader) dataSegment() {
	start := r.at
	form := r.u32()
	switch form {
	case 1: // passive
	case 2:
		if memory := r.u32(); memory != 0 {
			r.refuse(start, featMemories, "data for a memory other than 0")
		}
		fallthrough
	case 0:
		if len(r.m.Memories) == 0 {
			r.broken(start, "data for a memory, there is none")
		}
		r.expr()
	default:
		r.broken(start, "%d is no form of a data segment", form)
	}
	b := r.bytes(uint64(r.u32()))
	r.m.Stats.DataBytes += len(b)
	r.over(start, "DataBytes", uint64(r.m.Stats.DataBytes), r.l.DataBytes, "bytes of data")
}
