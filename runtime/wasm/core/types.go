package core

import "fmt"

// ValType is the type of a value, in the number of the binary format.
type ValType byte

// The types of WebAssembly 2.0.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
)

func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("type %#02x", byte(t))
}

// valid reports whether t is a type of WebAssembly 2.0.
func (t ValType) valid() bool { return t >= V128 && t <= I32 || t.ref() }

func (t ValType) ref() bool { return t == FuncRef || t == ExternRef }

// typeFeature is the feature that a number for a type belongs to; "" for a number without meaning.
func typeFeature(n byte) string {
	switch {
	case n == 0x63 || n == 0x64:
		return featFuncRefs
	case n == 0x69 || n == 0x74:
		return featExceptions
	case n >= 0x6a && n <= 0x6e || n >= 0x71 && n <= 0x73 || n == 0x78 || n == 0x77:
		return featGC
	}
	return ""
}

func (c *cursor) valType() ValType {
	t := ValType(c.byte())
	if !t.valid() {
		c.badType(byte(t), "value type")
	}
	return t
}

func (c *cursor) refType() ValType {
	t := ValType(c.byte())
	if !t.ref() {
		c.badType(byte(t), "reference type")
	}
	return t
}

func (c *cursor) badType(n byte, what string) {
	if c.err != nil {
		return
	}
	if f := typeFeature(n); f != "" {
		c.refuse(c.at-1, f, fmt.Sprintf("%s %#02x", what, n))
		return
	}
	c.broken(c.at-1, "%#02x is no %s", n, what)
}

// BlockType is the type of a block, loop or if: the index of a function type, or -1 minus the number of its only result's
// type, or NoResult.
type BlockType int64

// NoResult is the type of a block that neither takes nor gives values.
const NoResult BlockType = -1

func (c *cursor) blockType() BlockType {
	if c.at >= c.end {
		c.cut()
		return NoResult
	}
	first := c.b[c.at]
	if first >= 0x80 || first < 0x40 {
		return BlockType(c.typeIndex())
	}
	c.at++
	if first == 0x40 {
		return NoResult
	}
	if !ValType(first).valid() {
		c.badType(first, "block type")
	}
	return -1 - BlockType(first)
}

// typeIndex reads the index of a type where 33 bits are allowed, so that none is taken for a value type.
func (c *cursor) typeIndex() int64 {
	start := c.at
	n := c.signed(33)
	if n < 0 && c.err == nil {
		c.broken(start, "block type %d", n)
	}
	return n
}

// Result is the type of the only result of a block that is not described by a function type; 0 for none.
func (t BlockType) Result() ValType {
	if t >= NoResult {
		return 0
	}
	return ValType(-1 - t)
}

// FuncType is the signature of a function.
type FuncType struct {
	Params, Results []ValType
}

func (t FuncType) String() string { return fmt.Sprintf("%v -> %v", t.Params, t.Results) }

// Span are the least and the greatest size of a memory, in pages of 64 KiB, or of a table, in entries.
type Span struct {
	Min    uint32
	Max    uint32 // if HasMax
	HasMax bool
}

// Memory is the linear memory.
type Memory struct {
	Span
	Imported bool
}

// Table holds references.
type Table struct {
	Span
	Type     ValType
	Imported bool
}

// Global is a variable of the module.
type Global struct {
	Type     ValType
	Mutable  bool
	Imported bool
	Init     Expr // not of imported ones
}

// Expr is a constant expression: one instruction and its end, at these offsets of the module.
type Expr struct {
	Start, End uint32
}

// External is the kind of thing that is imported or exported, in the numbers of the binary format.
type External byte

// The kinds of imports and exports.
const (
	ExternalFunc External = iota
	ExternalTable
	ExternalMemory
	ExternalGlobal
)

func (x External) String() string {
	switch x {
	case ExternalFunc:
		return "function"
	case ExternalTable:
		return "table"
	case ExternalMemory:
		return "memory"
	case ExternalGlobal:
		return "global"
	}
	return fmt.Sprintf("kind %d", byte(x))
}

// Import is what a module wants from its host.
type Import struct {
	Module, Name string
	Kind         External
	Index        uint32 // among the things of its kind
}

// Export is what a module offers.
type Export struct {
	Name  string
	Kind  External
	Index uint32 // among the things of its kind, imported ones counted
}
