package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// instructions is how many WebAssembly 2.0 has, but for end and else: 172 of 1.0, 5 that extend signs, 8 conversions,
// 4 on memory and 8 on tables, 3 on references, select with a type, 236 vector instructions.
const instructions = 172 - 2 + 5 + 8 + 4 + 8 + 3 + 1 + 236

// TestOpcodes: each instruction, with all sorts of immediates, passes exactly when the runtime takes it; an opcode that
// is refused is so there. Behind unreachable the runtime's types are right for every instruction.
func TestOpcodes(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, wazero.NewRuntimeConfigInterpreter())
	passed := map[Op]bool{}
	for _, op := range opcodes() {
		for _, imm := range immediates() {
			code := cat(op, imm)
			var in Instr
			d := NewDecoder(code, 0, len(code))
			if d.Next(&in) && in.End != len(code) || d.err != nil && d.err.Offset == len(code) {
				continue // more than one instruction, or less
			}
			b := opcodeModule(code)
			_, err := Read(b, Limits{})
			if theirs := compile(t, r, b); (err == nil) != (theirs == nil) && !outOfRange(theirs) {
				t.Errorf("% x: we say %v, the runtime %v", code, err, theirs)
			}
			if err == nil {
				passed[in.Op] = true
			}
		}
	}
	if len(passed) != instructions {
		t.Errorf("%d instructions pass, want %d", len(passed), instructions)
	}
}

// outOfRange are the immediates that are left to the runtime.
func outOfRange(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "invalid lane index") || strings.Contains(err.Error(), "invalid memory alignment"))
}

// opcodes are all of one byte, and of two parts those that a byte or two can hold.
func opcodes() (all [][]byte) {
	for first := range 256 {
		switch {
		case first == prefixMisc || first == prefixVector:
			for n := range 0x180 {
				all = append(all, cat([]byte{byte(first)}, u(n)))
			}
		case first == int(OpEnd) || first == int(OpElse): // would end the body; TestMalformedCode has them
		default:
			all = append(all, []byte{byte(first)})
		}
	}
	return all
}

// immediates fit every form once at least.
func immediates() [][]byte {
	lanes := make([]byte, 16)
	return [][]byte{{}, {0x40}, {0}, {0, 0}, {0, 0, 0}, {0x80, 0}, {0x80, 0x80, 0}, {2, 0, 0, 0}, {0x70}, {0x6f}, {1, 0x7f}, {9}, {9, 9},
		lanes[:4], lanes[:8], lanes, {0x7f}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {0, 0xff, 0xff, 0xff, 0xff, 0x0f}}
}

// opcodeModule has one of everything, and a function with this code.
func opcodeModule(code []byte) []byte {
	var end []byte // of what the code opens
	switch Op(code[0]) {
	case OpBlock, OpLoop:
		end = []byte{0x0b, 0}
	case OpIf:
		end = []byte{5, 0, 0x0b, 0}
	}
	return parts{
		SectionType: vec(funcType(0, 0)), SectionFunction: {1, 0}, SectionTable: {1, byte(FuncRef), 0, 1}, SectionMemory: {1, 0, 1},
		SectionGlobal:    {1, byte(I32), 1, 0x41, 0, 0x0b},
		SectionElement:   {1, 1, 0, 1, 0},
		SectionDataCount: {1}, SectionData: {1, 1, 1, '!'},
		SectionCode: vec(body(i32s(1), []byte{0}, code, []byte{0}, end)),
	}.bytes()
}

// TestOpText: an instruction that an error may name has a name.
func TestOpText(t *testing.T) {
	t.Parallel()
	for op, want := range map[Op]string{OpCall: "call", OpTableFill: "table.fill", 0x12: "return_call", 0x6a: "opcode 0x6a", 0xfd54: "opcode 0xfd54"} {
		if got := fmt.Sprint(op); got != want {
			t.Errorf("%#x is %q, want %q", uint16(op), got, want)
		}
	}
}
