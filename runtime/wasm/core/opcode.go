package core

import "fmt"

// Op is an instruction: its opcode, or for two-part opcodes the prefix and the second number, 0xfc11 for table.fill.
type Op uint16

// The instructions that users of a Decoder act upon.
const (
	OpUnreachable  Op = 0x00
	OpNop          Op = 0x01
	OpBlock        Op = 0x02
	OpLoop         Op = 0x03
	OpIf           Op = 0x04
	OpElse         Op = 0x05
	OpEnd          Op = 0x0b
	OpBr           Op = 0x0c
	OpBrIf         Op = 0x0d
	OpBrTable      Op = 0x0e
	OpReturn       Op = 0x0f
	OpCall         Op = 0x10
	OpCallIndirect Op = 0x11
	OpSelectTyped  Op = 0x1c
	OpLocalGet     Op = 0x20
	OpLocalSet     Op = 0x21
	OpLocalTee     Op = 0x22
	OpGlobalGet    Op = 0x23
	OpGlobalSet    Op = 0x24
	OpTableGet     Op = 0x25
	OpTableSet     Op = 0x26
	OpMemorySize   Op = 0x3f
	OpMemoryGrow   Op = 0x40
	OpI32Const     Op = 0x41
	OpI64Const     Op = 0x42
	OpF32Const     Op = 0x43
	OpF64Const     Op = 0x44
	OpRefNull      Op = 0xd0
	OpRefFunc      Op = 0xd2
	OpMemoryInit   Op = 0xfc08
	OpDataDrop     Op = 0xfc09
	OpMemoryCopy   Op = 0xfc0a
	OpMemoryFill   Op = 0xfc0b
	OpTableInit    Op = 0xfc0c
	OpElemDrop     Op = 0xfc0d
	OpTableCopy    Op = 0xfc0e
	OpTableGrow    Op = 0xfc0f
	OpTableSize    Op = 0xfc10
	OpTableFill    Op = 0xfc11
	OpV128Const    Op = 0xfd0c
)

// The first bytes of two-part opcodes.
const (
	prefixGC      = 0xfb
	prefixMisc    = 0xfc
	prefixVector  = 0xfd
	prefixThreads = 0xfe
)

// Imm is the form of an instruction's immediates: which fields of Instr it fills.
type Imm uint8

// The forms of immediates.
const (
	ImmNone         Imm = iota
	ImmBlock            // Block
	ImmLabel            // Index: a label
	ImmLabels           // Labels, the last one is the default
	ImmFunc             // Index: a function
	ImmCallIndirect     // Index: a type; Index2: a table
	ImmLocal            // Index: a local
	ImmGlobal           // Index: a global
	ImmTable            // Index: a table
	ImmTables           // Index: the table written; Index2: the table read
	ImmElem             // Index: an element segment
	ImmElemTable        // Index: an element segment; Index2: a table
	ImmData             // Index: a data segment
	ImmDataMemory       // Index: a data segment; the memory is 0
	ImmMemory           // the memory is 0
	ImmMemories         // both memories are 0
	ImmAccess           // Align, Offset
	ImmAccessLane       // Align, Offset, Lane
	ImmLane             // Lane
	ImmI32              // Value, sign extended
	ImmI64              // Value
	ImmF32              // Value: 32 bits
	ImmF64              // Value: 64 bits
	Imm16               // 16 bytes of a v128 or of lanes: the last 16 of the instruction
	ImmRef              // Type: a reference type
	ImmSelect           // Type
	immRefused          // no instruction of WebAssembly 2.0
	immPrefix           // the second part follows
)

// plain are the one-byte opcodes that are not ImmNone; 0x45 to 0xc4, the arithmetic, all are.
var plain = [256]Imm{
	0x02: ImmBlock, 0x03: ImmBlock, 0x04: ImmBlock,
	0x06: immRefused, 0x07: immRefused, 0x08: immRefused, 0x09: immRefused, 0x0a: immRefused,
	0x0c: ImmLabel, 0x0d: ImmLabel, 0x0e: ImmLabels,
	0x10: ImmFunc, 0x11: ImmCallIndirect,
	0x12: immRefused, 0x13: immRefused, 0x14: immRefused, 0x15: immRefused, 0x16: immRefused, 0x17: immRefused,
	0x18: immRefused, 0x19: immRefused,
	0x1c: ImmSelect,
	0x1d: immRefused, 0x1e: immRefused, 0x1f: immRefused,
	0x20: ImmLocal, 0x21: ImmLocal, 0x22: ImmLocal, 0x23: ImmGlobal, 0x24: ImmGlobal, 0x25: ImmTable, 0x26: ImmTable,
	0x27: immRefused,
	0x28: ImmAccess, 0x29: ImmAccess, 0x2a: ImmAccess, 0x2b: ImmAccess, 0x2c: ImmAccess, 0x2d: ImmAccess, 0x2e: ImmAccess, 0x2f: ImmAccess,
	0x30: ImmAccess, 0x31: ImmAccess, 0x32: ImmAccess, 0x33: ImmAccess, 0x34: ImmAccess, 0x35: ImmAccess, 0x36: ImmAccess, 0x37: ImmAccess,
	0x38: ImmAccess, 0x39: ImmAccess, 0x3a: ImmAccess, 0x3b: ImmAccess, 0x3c: ImmAccess, 0x3d: ImmAccess, 0x3e: ImmAccess,
	0x3f: ImmMemory, 0x40: ImmMemory,
	0x41: ImmI32, 0x42: ImmI64, 0x43: ImmF32, 0x44: ImmF64,
	0xc5: immRefused, 0xc6: immRefused, 0xc7: immRefused, 0xc8: immRefused, 0xc9: immRefused, 0xca: immRefused, 0xcb: immRefused,
	0xcc: immRefused, 0xcd: immRefused, 0xce: immRefused, 0xcf: immRefused,
	0xd0: ImmRef, 0xd2: ImmFunc,
	0xd3: immRefused, 0xd4: immRefused, 0xd5: immRefused, 0xd6: immRefused, 0xd7: immRefused, 0xd8: immRefused, 0xd9: immRefused,
	0xda: immRefused, 0xdb: immRefused, 0xdc: immRefused, 0xdd: immRefused, 0xde: immRefused, 0xdf: immRefused,
	0xe0: immRefused, 0xe1: immRefused, 0xe2: immRefused, 0xe3: immRefused, 0xe4: immRefused, 0xe5: immRefused, 0xe6: immRefused,
	0xe7: immRefused, 0xe8: immRefused, 0xe9: immRefused, 0xea: immRefused, 0xeb: immRefused, 0xec: immRefused, 0xed: immRefused,
	0xee: immRefused, 0xef: immRefused,
	0xf0: immRefused, 0xf1: immRefused, 0xf2: immRefused, 0xf3: immRefused, 0xf4: immRefused, 0xf5: immRefused, 0xf6: immRefused,
	0xf7: immRefused, 0xf8: immRefused, 0xf9: immRefused, 0xfa: immRefused, 0xfb: immRefused,
	0xfc: immPrefix, 0xfd: immPrefix,
	0xfe: immRefused, 0xff: immRefused,
}

// misc are the instructions behind 0xfc: saturating conversions, bulk memory, tables.
var misc = [...]Imm{
	0x08: ImmDataMemory, 0x09: ImmData, 0x0a: ImmMemories, 0x0b: ImmMemory,
	0x0c: ImmElemTable, 0x0d: ImmElem, 0x0e: ImmTables, 0x0f: ImmTable, 0x10: ImmTable, 0x11: ImmTable,
}

// vector is the form of an instruction behind 0xfd.
func vector(n uint32) Imm {
	switch {
	case n <= 0x0b || n == 0x5c || n == 0x5d:
		return ImmAccess
	case n == 0x0c || n == 0x0d:
		return Imm16
	case n >= 0x15 && n <= 0x22:
		return ImmLane
	case n >= 0x54 && n <= 0x5b:
		return ImmAccessLane
	case n > 0xff:
		return immRefused
	}
	switch n {
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee:
		return immRefused
	}
	return ImmNone
}

// String is the name of the instruction where errors need it, else its number.
func (o Op) String() string {
	switch o {
	case OpBlock:
		return "block"
	case OpLoop:
		return "loop"
	case OpIf:
		return "if"
	case OpElse:
		return "else"
	case OpEnd:
		return "end"
	case OpBr:
		return "br"
	case OpBrIf:
		return "br_if"
	case OpBrTable:
		return "br_table"
	case OpReturn:
		return "return"
	case OpCall:
		return "call"
	case OpCallIndirect:
		return "call_indirect"
	case OpLocalGet:
		return "local.get"
	case OpLocalSet:
		return "local.set"
	case OpLocalTee:
		return "local.tee"
	case OpGlobalGet:
		return "global.get"
	case OpGlobalSet:
		return "global.set"
	case OpTableGet:
		return "table.get"
	case OpTableSet:
		return "table.set"
	case OpMemorySize:
		return "memory.size"
	case OpMemoryGrow:
		return "memory.grow"
	case OpRefFunc:
		return "ref.func"
	case OpMemoryInit:
		return "memory.init"
	case OpDataDrop:
		return "data.drop"
	case OpMemoryCopy:
		return "memory.copy"
	case OpMemoryFill:
		return "memory.fill"
	case OpTableInit:
		return "table.init"
	case OpElemDrop:
		return "elem.drop"
	case OpTableCopy:
		return "table.copy"
	case OpTableGrow:
		return "table.grow"
	case OpTableSize:
		return "table.size"
	case OpTableFill:
		return "table.fill"
	case 0x06:
		return "try"
	case 0x07:
		return "catch"
	case 0x08:
		return "throw"
	case 0x09:
		return "rethrow"
	case 0x0a:
		return "throw_ref"
	case 0x18:
		return "delegate"
	case 0x19:
		return "catch_all"
	case 0x1f:
		return "try_table"
	case 0x12:
		return "return_call"
	case 0x13:
		return "return_call_indirect"
	case 0x14:
		return "call_ref"
	case 0x15:
		return "return_call_ref"
	case 0xd3:
		return "ref.eq"
	case 0xd4:
		return "ref.as_non_null"
	case 0xd5:
		return "br_on_null"
	case 0xd6:
		return "br_on_non_null"
	}
	return fmt.Sprintf("opcode %#02x", uint16(o))
}

// Features beyond WebAssembly 2.0, as errors name them.
const (
	featExceptions = "exceptions"
	featTailCalls  = "tail calls"
	featFuncRefs   = "typed function references"
	featGC         = "garbage collection"
	featThreads    = "threads"
	featMemories   = "multiple memories"
	featMemory64   = "64-bit memories"
	featPages      = "custom page sizes"
	featRelaxed    = "relaxed SIMD"
	featWide       = "wide arithmetic"
	featConst      = "extended constant expressions"
	featComponents = "components"
)

// feature is the one that a refused instruction belongs to; "" for an instruction that no proposal known here has.
func feature(op Op) string {
	switch {
	case op >= 0x06 && op <= 0x0a || op == 0x18 || op == 0x19 || op == 0x1f:
		return featExceptions
	case op == 0x12 || op == 0x13 || op == 0x15:
		return featTailCalls
	case op == 0x14 || op >= 0xd4 && op <= 0xd6:
		return featFuncRefs
	case op == 0xd3 || op == prefixGC:
		return featGC
	case op == prefixThreads:
		return featThreads
	case op >= 0xfc13 && op <= 0xfc16:
		return featWide
	}
	return ""
}
