package core

import "math/bits"

// walk goes over the instructions of one body: it checks that blocks match and indexes exist, and measures.
//
// The measures follow how a compiler in one pass over structured code works. It cuts the body into pieces at each branch.
// Looking for the value of a local it walks back over pieces that have one way in, until it meets a definition or a place
// where ways merge; there it adds a parameter that each way has to pass. So chain, the number of pieces since the last
// merge, is what a local.get may cost, and what each way into a merge may cost for each local. Finding the loops, it walks
// from each piece towards the entry: at most all pieces for each piece.
type walk struct {
	Decoder
	in     Instr // that is looked at
	r      *reader
	frames []frame
	loops  int    // that are open
	chain  uint64 // pieces since the last merge
	dead   bool   // the code here cannot be reached; compilers skip it

	sizes  Sizes
	merges uint64 // ways into merges
	steps  uint64 // pieces that ways into merges walk back
	gets   uint64 // pieces that local.gets walk back
}

// frame is a block that is open.
type frame struct {
	op    Op     // that opened it; OpElse behind the else of an if; OpEnd for the body itself
	dead  bool   // it begins in code that cannot be reached
	arity uint32 // values that a branch to its label takes
	other uint64 // of an if: chain where the else begins
	ways  uint64 // branches to its label that can be reached, and the way in through its beginning or end
	steps uint64 // sum of the chains of these ways, and one for each
}

// run reads the body of a function with so many results.
func (w *walk) run(results int) {
	w.loops, w.chain, w.dead = 0, 0, false
	w.merges, w.steps, w.gets = 0, 0, 0
	w.frames = append(w.frames[:0], frame{op: OpEnd, arity: uint32(results)})
	for in := &w.in; len(w.frames) > 0 && w.Next(in); {
		w.sizes[SizeInstrs]++
		w.sizes[SizeWeight] += weigh(in)
		w.instr(in)
	}
	switch {
	case w.err != nil:
	case len(w.frames) > 0:
		w.broken(w.end, "the body ends inside a block")
	case w.left() > 0:
		w.broken(w.at, "%d bytes after the end of the body", w.left())
	}
	w.measure()
}

// Weights of instructions, in microseconds of compile time.
const (
	trapWeight     = 4 // checks its operands
	accessWeight   = 8
	callWeight     = 5
	indirectWeight = 25
	labelWeight    = 5
	bulkWeight     = 40
)

// bodyWork is the compile work of an empty body.
const bodyWork = 5

func weigh(in *Instr) uint64 {
	switch in.Imm {
	case ImmNone:
		if op := in.Op; op >= 0x6d && op <= 0x70 || op >= 0x7f && op <= 0x82 || op >= 0xa8 && op <= 0xb1 && op != 0xac && op != 0xad {
			return trapWeight // division and conversion to integers
		}
	case ImmAccess, ImmAccessLane:
		return accessWeight
	case ImmFunc, ImmMemory, ImmData:
		if in.Op == OpMemoryFill {
			return bulkWeight
		}
		return callWeight
	case ImmCallIndirect:
		return indirectWeight
	case ImmLabels:
		return labelWeight * uint64(len(in.Labels))
	case ImmTable, ImmTables, ImmElem, ImmElemTable, ImmDataMemory, ImmMemories:
		return bulkWeight
	}
	return 1
}

// measure sums up the body.
func (w *walk) measure() {
	locals, blocks := w.sizes[SizeLocals], w.sizes[SizeBlocks]
	params := product(w.merges, locals)
	w.sizes[SizeMerges] = params
	w.sizes[SizeWork] = bodyWork + w.sizes[SizeWeight] + w.sizes[SizeMoved] +
		product(blocks, blocks)/200 + // 5 ns each
		params + product(params, locals)/2000 + // parameters of a merge are looked through for each of them
		(product(w.steps, locals)+w.gets)/250 // 4 ns each
}

// endless is what a product that is larger is taken for. Some of them can be added up.
const endless = 1 << 60

// times multiplies without wrapping: limits that were raised let a body have 2^32 locals.
func product(a, b uint64) uint64 {
	if high, low := bits.Mul64(a, b); high == 0 {
		return min(low, endless)
	}
	return endless
}

func (w *walk) instr(in *Instr) {
	m := w.r.m
	switch in.Imm {
	case ImmNone:
		w.control(in)
	case ImmLocal:
		w.index(in, in.Index, int64(w.sizes[SizeLocals]), "local")
		if in.Op == OpLocalGet && !w.dead {
			w.gets += w.chain
		}
	case ImmAccess, ImmAccessLane, ImmMemory, ImmMemories:
		w.memoryExists(in)
	case ImmGlobal:
		if w.index(in, in.Index, int64(len(m.Globals)), "global") && in.Op == OpGlobalSet && !m.Globals[in.Index].Mutable {
			w.broken(in.Start, "global.set of global %d, which is not mutable", in.Index)
		}
	case ImmBlock:
		w.push(in)
	case ImmLabel:
		w.branch(in)
	case ImmLabels:
		w.table(in)
	case ImmFunc:
		if w.index(in, in.Index, int64(len(m.Funcs)), "function") && in.Op == OpCall {
			w.moved(m.Types[m.Funcs[in.Index]])
		}
	case ImmCallIndirect:
		if w.index(in, in.Index, int64(len(m.Types)), "type") && w.index(in, in.Index2, int64(len(m.Tables)), "table") {
			w.moved(m.Types[in.Index])
		}
	default:
		w.segment(in)
	}
	if in.Op == OpMemoryFill || in.Op == OpTableFill {
		w.pieces(3) // a loop
	}
}

// segment checks the instructions on tables and segments.
func (w *walk) segment(in *Instr) {
	m := w.r.m
	switch in.Imm {
	case ImmTable:
		w.index(in, in.Index, int64(len(m.Tables)), "table")
	case ImmTables:
		w.index(in, in.Index, int64(len(m.Tables)), "table")
		w.index(in, in.Index2, int64(len(m.Tables)), "table")
	case ImmElem:
		w.index(in, in.Index, int64(m.Stats.Elements), "element segment")
	case ImmElemTable:
		w.index(in, in.Index, int64(m.Stats.Elements), "element segment")
		w.index(in, in.Index2, int64(len(m.Tables)), "table")
	case ImmData, ImmDataMemory:
		if w.r.dataCount < 0 {
			w.broken(in.Start, "%v without a data count section", in.Op)
			return
		}
		w.index(in, in.Index, w.r.dataCount, "data segment")
		if in.Imm == ImmDataMemory {
			w.memoryExists(in)
		}
	}
}

func (w *walk) memoryExists(in *Instr) {
	if len(w.r.m.Memories) == 0 {
		w.broken(in.Start, "%v without a memory", in.Op)
	}
}

// index refuses an index of something that there are n of.
func (w *walk) index(in *Instr, i uint32, n int64, what string) bool {
	if int64(i) < n {
		return true
	}
	w.broken(in.Start, "%v of %s %d, there are %d", in.Op, what, i, n)
	return false
}

func (w *walk) moved(t FuncType) { w.sizes[SizeMoved] += uint64(len(t.Params) + len(t.Results)) }

func (w *walk) pieces(n uint64) {
	if !w.dead {
		w.sizes[SizeBlocks] += n
	}
}

// control handles the instructions without immediates that change the flow.
func (w *walk) control(in *Instr) {
	switch in.Op {
	case OpEnd:
		w.pop()
	case OpElse:
		f := &w.frames[len(w.frames)-1]
		if f.op != OpIf {
			w.broken(in.Start, "else outside of an if")
			return
		}
		f.op = OpElse
		w.way(f, w.chain)
		w.chain, w.dead = f.other, f.dead
	case OpReturn:
		w.sizes[SizeMoved] += uint64(w.frames[0].arity)
		w.dead = true
	case OpUnreachable:
		w.dead = true
	}
}

func (w *walk) push(in *Instr) {
	var t FuncType
	f := frame{op: in.Op, dead: w.dead}
	switch {
	case in.Block >= 0:
		if int64(in.Block) >= int64(len(w.r.m.Types)) {
			w.broken(in.Start, "%v of type %d, there are %d", in.Op, in.Block, len(w.r.m.Types))
			return
		}
		t = w.r.m.Types[in.Block]
		f.arity = uint32(len(t.Results))
	case in.Block != NoResult:
		f.arity = 1
	}
	w.moved(t)
	switch in.Op {
	case OpBlock:
		w.pieces(1)
	case OpLoop:
		w.pieces(2)
		f.arity = uint32(len(t.Params))
		w.way(&f, w.chain)
		w.chain = 0
		w.loops++
		w.deep(in, SizeLoopDepth, w.loops)
	case OpIf:
		w.pieces(3)
		w.chain++
		f.other = w.chain
	}
	w.frames = append(w.frames, f)
	w.deep(in, SizeNesting, len(w.frames)-1)
}

// deep notes a depth, and refuses one above the limit before anything is kept for what lies deeper.
func (w *walk) deep(in *Instr, s Size, depth int) {
	if w.err == nil && uint64(depth) > w.sizes[s] {
		w.sizes[s] = uint64(depth)
		w.over(in.Start, s.String(), uint64(depth), w.r.l.of(s), sizeLimits[s].what)
	}
}

func (w *walk) pop() {
	f := w.frames[len(w.frames)-1]
	w.frames = w.frames[:len(w.frames)-1]
	if f.op == OpLoop {
		w.loops--
	}
	switch {
	case f.dead:
		w.dead = true
	case f.op == OpLoop: // its beginning is where ways merge; its end has one way in
		w.merge(&f)
		w.chain++
	default:
		w.leave(&f)
	}
}

// leave ends a block or an if: the code behind it has as many ways in as branches to its label, and its end.
func (w *walk) leave(f *frame) {
	if len(w.frames) == 0 {
		return // behind the body nobody looks for locals
	}
	w.way(f, w.chain)
	if w.dead = false; f.op == OpIf {
		w.way(f, f.other)
	}
	switch f.ways {
	case 0:
		w.dead = true
	case 1:
		w.chain = f.steps
	default:
		w.merge(f)
		w.chain = 0
	}
}

func (w *walk) merge(f *frame) {
	w.merges += f.ways
	w.steps += f.steps
}

// way adds a way to the label of a frame.
func (w *walk) way(f *frame, chain uint64) {
	if !w.dead {
		f.ways++
		f.steps += chain + 1
	}
}

func (w *walk) branch(in *Instr) {
	w.to(in, in.Index, w.chain)
	if in.Op == OpBr {
		w.dead = true
		return
	}
	w.pieces(2)
	w.chain++
}

func (w *walk) table(in *Instr) {
	n := uint64(len(in.Labels))
	w.sizes[SizeLabels] += n
	w.pieces(n)
	for _, label := range in.Labels {
		if w.to(in, label, w.chain+1); w.err != nil {
			return
		}
	}
	w.dead = true
}

// to is a branch to a label.
func (w *walk) to(in *Instr, label uint32, chain uint64) {
	if !w.index(in, label, int64(len(w.frames)), "label") {
		return
	}
	f := &w.frames[len(w.frames)-1-int(label)]
	w.way(f, chain)
	w.sizes[SizeMoved] += uint64(f.arity)
}
