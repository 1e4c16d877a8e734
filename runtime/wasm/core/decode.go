package core

import "encoding/binary"

// Instr is one instruction. Of the immediates those are set that its Imm names; all others are zero.
type Instr struct {
	Op         Op
	Imm        Imm
	Start, End int // where it lies in the module, opcode and immediates

	Block         BlockType
	Index, Index2 uint32
	Align         uint32 // exponent of 2
	Offset        uint32 // bytes, added to the address on the stack
	Lane          byte
	Type          ValType
	Value         uint64
	Labels        []uint32 // until the next Next
}

// Decoder walks over the instructions of one function or constant expression, in order and once. It knows the format
// alone: that blocks match and indexes exist is for its user to check, as Read did.
type Decoder struct {
	cursor
	labels []uint32
}

// NewDecoder reads the instructions in module[from:to]. An instruction that would need more is an error.
func NewDecoder(module []byte, from, to int) *Decoder {
	return &Decoder{cursor: cursor{b: module, at: from, end: to, fn: -1}}
}

// Err is the problem that ended the walk, an *Error; nil at the end of the code.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// Next reads the next instruction into in. It reports false at the end of the code and at the first problem.
func (d *Decoder) Next(in *Instr) bool {
	if d.at >= d.end {
		return false
	}
	*in = Instr{Start: d.at}
	first := d.b[d.at]
	d.at++
	in.Op, in.Imm = Op(first), plain[first]
	if in.Imm >= immRefused {
		d.prefixed(in)
	}
	if in.Imm != ImmNone {
		d.immediates(in)
	}
	in.End = d.at
	return d.err == nil
}

// prefixed reads the second part of an opcode, or refuses a first part that WebAssembly 2.0 does not have.
func (d *Decoder) prefixed(in *Instr) {
	if in.Imm == immRefused {
		d.refuseOp(in.Start, in.Op)
		return
	}
	start := d.at
	n := d.u32()
	if d.err != nil {
		return
	}
	switch {
	case in.Op == prefixVector:
		in.Imm = vector(n)
		// The runtime takes the first byte alone for the number and the second, 1, for a nop. With a number in more bytes
		// than it needs it would run other instructions than are read here.
		if d.at-start > 2 || d.at-start == 2 && n < 0x80 {
			d.broken(in.Start, "the number of a vector instruction takes more bytes than it needs")
			return
		}
	case n < uint32(len(misc)):
		in.Imm = misc[n]
	default:
		in.Imm = immRefused
	}
	if in.Imm == immRefused && n > 0xff {
		d.refuseVector(in, n)
		return
	}
	in.Op = in.Op<<8 | Op(n)
	if in.Imm == immRefused {
		d.refuseOp(in.Start, in.Op)
	}
}

func (d *Decoder) refuseVector(in *Instr, n uint32) {
	if in.Op == prefixVector && n < 0x200 {
		d.refuse(in.Start, featRelaxed, "a relaxed vector instruction")
		return
	}
	d.broken(in.Start, "unknown instruction %#x %#x", uint16(in.Op), n)
}

func (d *Decoder) refuseOp(offset int, op Op) {
	if f := feature(op); f != "" {
		d.refuse(offset, f, op.String())
		return
	}
	d.broken(offset, "unknown instruction %#x", uint16(op))
}

func (d *Decoder) immediates(in *Instr) {
	switch in.Imm {
	case ImmLabel, ImmFunc, ImmLocal, ImmGlobal, ImmTable, ImmElem, ImmData:
		in.Index = d.u32()
	case ImmCallIndirect, ImmTables, ImmElemTable:
		in.Index, in.Index2 = d.u32(), d.u32()
	case ImmAccess:
		d.access(in)
	case ImmI32:
		in.Value = uint64(d.signed(32))
	case ImmI64:
		in.Value = uint64(d.signed(64))
	case ImmBlock:
		in.Block = d.blockType()
	default:
		d.rareImmediates(in)
	}
}

func (d *Decoder) rareImmediates(in *Instr) {
	switch in.Imm {
	case ImmLabels:
		in.Labels = d.labelList()
	case ImmDataMemory:
		in.Index = d.u32()
		d.memory()
	case ImmMemory:
		d.memory()
	case ImmMemories:
		d.memory()
		d.memory()
	case ImmAccessLane:
		d.access(in)
		in.Lane = d.byte()
	case ImmLane:
		in.Lane = d.byte()
	case ImmF32:
		if b := d.bytes(4); b != nil {
			in.Value = uint64(binary.LittleEndian.Uint32(b))
		}
	case ImmF64:
		if b := d.bytes(8); b != nil {
			in.Value = binary.LittleEndian.Uint64(b)
		}
	case Imm16:
		d.bytes(16)
	case ImmRef:
		in.Type = d.refType()
	case ImmSelect:
		if n := d.byte(); n != 1 && d.err == nil {
			d.broken(d.at-1, "select names %d types", n)
		}
		in.Type = d.valType()
	}
}

// access reads where a load or store goes.
func (d *Decoder) access(in *Instr) {
	start := d.at
	in.Align = d.u32()
	switch {
	case in.Align&^0x3f == 0x40: // this bit says that the number of a memory follows
		d.refuse(start, featMemories, "a load or store that names its memory")
	case in.Align >= 32:
		d.broken(start, "alignment 2^%d", in.Align)
	}
	in.Offset = d.u32()
}

// memory reads the number of the only memory, which must be one zero byte.
func (d *Decoder) memory() {
	if n := d.byte(); n != 0 && d.err == nil {
		d.refuse(d.at-1, featMemories, "an instruction on a memory other than 0")
	}
}

func (d *Decoder) labelList() []uint32 {
	n := d.count(1, "labels")
	d.labels = d.labels[:0]
	for range n + 1 { // the default
		d.labels = append(d.labels, d.u32())
	}
	return d.labels
}
