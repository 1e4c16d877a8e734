package wasm

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// envModule holds env.abort alone, which AssemblyScript imports.
const envModule = "env"

var abortParams = []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}

func exportAbort(ctx context.Context, r wazero.Runtime) error {
	_, err := r.NewHostModuleBuilder(envModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(abort), abortParams, nil).Export("abort").Instantiate(ctx)
	return err
}

// abort ends a run of AssemblyScript as a trap: abort(message, file name, line, column), both texts of that language.
func abort(_ context.Context, mod api.Module, s []uint64) {
	m := memory{mod.Memory()}
	panic(&RunError{Class: ClassTrap, Reason: fmt.Sprintf("abort: %s in %s:%d:%d", m.text16(s[0]), m.text16(s[1]), uint32(s[2]), uint32(s[3]))})
}

// text16 reads a text as AssemblyScript keeps it: UTF-16, its length in bytes in the four bytes before it.
func (m memory) text16(p uint64) string {
	length, ok := m.bytes(uint64(uint32(p)-4), 4)
	if uint32(p) < 4 || !ok {
		return "?"
	}
	b, ok := m.bytes(p, uint64(min(binary.LittleEndian.Uint32(length), maxLine)))
	if !ok {
		return "?"
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return strings.Map(printable, string(utf16.Decode(units)))
}

// printable leaves control characters out.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
