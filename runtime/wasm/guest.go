package wasm

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/vconduit/vconduit/hostabi"
)

// guest is one instance of a module. It serves one run and is closed.
type guest struct {
	call *hostabi.Call
	mod  api.Module
	mem  allocator

	// What WASI shows.
	args, env      []string
	stdin          []byte
	stdout, stderr writer
}

// guestContext carries the guest to its host functions; it is the outermost context of every call into a guest, so that
// finding the guest costs no search.
type guestContext struct {
	context.Context
	g *guest
}

type guestKey struct{}

// Value implements context.Context.
func (c *guestContext) Value(key any) any {
	if key == (guestKey{}) {
		return c.g
	}
	return c.Context.Value(key)
}

func guestOf(ctx context.Context) *guest {
	if c, ok := ctx.(*guestContext); ok {
		return c.g
	}
	return ctx.Value(guestKey{}).(*guest)
}

// enter is the context of every call into the guest.
func (g *guest) enter(ctx context.Context) context.Context {
	return &guestContext{experimental.WithMemoryAllocator(ctx, &g.mem), g}
}

// instantiate makes the instance; the module's start function runs.
func (g *guest) instantiate(ctx context.Context, m *Module) (err error) {
	g.mod, err = m.runtime.InstantiateModule(ctx, m.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	return err
}

// invoke calls an exported function; one that is not there gives 0.
func (g *guest) invoke(ctx context.Context, name string, args ...uint64) (int32, error) {
	f := g.mod.ExportedFunction(name)
	if f == nil {
		return 0, nil
	}
	results, err := f.Call(ctx, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return int32(uint32(results[0])), nil
}

// close ends the instance and gives back its memory.
func (g *guest) close() {
	if g.mem.memory != nil {
		g.call.NoteMemory(int64(g.mem.memory.used))
	}
	if g.mod != nil {
		g.mod.Close(context.Background()) // frees memory, which cannot fail
	} else if g.mem.memory != nil {
		g.mem.memory.Free() // the start function failed
	}
}
