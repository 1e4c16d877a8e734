package wasm

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/vconduit/vconduit/hostabi"
)

// hostFunction binds one function of the ABI to its method.
type hostFunction struct {
	name   string
	params []api.ValueType
	result api.ValueType
	call   func(c *hostabi.Call, m memory, s []uint64)
}

// Call runs the function for the guest that called it. It implements api.GoModuleFunction.
func (f *hostFunction) Call(ctx context.Context, mod api.Module, s []uint64) {
	g := guestOf(ctx)
	if g.call.Exhausted() {
		panic(limitError("host_calls", g.call.Limits().HostCalls))
	}
	f.call(g.call, memory{mod.Memory()}, s)
}

// exportHost makes the import module of the ABI.
func exportHost(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(hostabi.ImportModule)
	for _, f := range hostFunctions() {
		b.NewFunctionBuilder().WithGoModuleFunction(&f, f.params, []api.ValueType{f.result}).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// memory is a guest's memory as host functions see it. What it gives is valid during the call alone: nothing here may
// keep it.
type memory struct{ api.Memory }

// bytes is the range p..p+n; of no bytes it is empty, wherever p points.
func (m memory) bytes(p, n uint64) ([]byte, bool) {
	if uint32(n) == 0 {
		return nil, true
	}
	if m.Memory == nil {
		return nil, false
	}
	b, ok := m.Read(uint32(p), uint32(n))
	return b[:len(b):len(b)], ok
}

// notGiven is the length of an argument that is left out.
const notGiven = 0xffffffff

// optional is bytes, and nil for an argument that is left out.
func (m memory) optional(p, n uint64) ([]byte, bool) {
	switch uint32(n) {
	case notGiven:
		return nil, true
	case 0:
		return []byte{}, true
	}
	return m.bytes(p, n)
}

func encode32(v int32) uint64 { return uint64(uint32(v)) }

func encode64(v int64) uint64 { return uint64(v) }
