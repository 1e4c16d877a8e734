package wasm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// wasiModule is the import module of WASI preview 1.
const wasiModule = "wasi_snapshot_preview1"

// Errors of WASI preview 1.
const (
	wasiOK         = 0
	wasiBadFile    = 8
	wasiFault      = 21
	wasiInvalid    = 28
	wasiNotSup     = 58
	wasiSeek       = 70
	wasiNotCapable = 76
)

// clockStep is the resolution of every clock: finer ones measure what other tenants do.
const clockStep = time.Millisecond

// wasiFunction is one function of WASI: its type, one letter a parameter (i = i32, I = i64), and what it does. Each gives
// an errno but proc_exit, which gives nothing.
type wasiFunction struct {
	name, params string
	call         func(ctx context.Context, g *guest, m memory, s []uint64) uint64
}

// wasiFunctions are all of WASI preview 1. There are no files, no folders and no sockets: what is about them says so.
func wasiFunctions() []wasiFunction {
	answer := func(errno uint64) func(context.Context, *guest, memory, []uint64) uint64 {
		return func(context.Context, *guest, memory, []uint64) uint64 { return errno }
	}
	noFile, noPath, noSocket := answer(wasiBadFile), answer(wasiNotCapable), answer(wasiNotSup)
	return []wasiFunction{
		{"args_get", "ii", argsGet},
		{"args_sizes_get", "ii", argsSizesGet},
		{"clock_res_get", "ii", clockResGet},
		{"clock_time_get", "iIi", clockTimeGet},
		{"environ_get", "ii", environGet},
		{"environ_sizes_get", "ii", environSizesGet},
		{"fd_advise", "iIIi", noFile},
		{"fd_allocate", "iII", noFile},
		{"fd_close", "i", stdioOnly},
		{"fd_datasync", "i", stdioOnly},
		{"fd_fdstat_get", "ii", fdStatGet},
		{"fd_fdstat_set_flags", "ii", stdioOnly},
		{"fd_fdstat_set_rights", "iII", stdioOnly},
		{"fd_filestat_get", "ii", fdFileStatGet},
		{"fd_filestat_set_size", "iI", noFile},
		{"fd_filestat_set_times", "iIIi", noFile},
		{"fd_pread", "iiiIi", noFile},
		{"fd_prestat_dir_name", "iii", noFile},
		{"fd_prestat_get", "ii", noFile},
		{"fd_pwrite", "iiiIi", noFile},
		{"fd_read", "iiii", fdRead},
		{"fd_readdir", "iiiIi", noFile},
		{"fd_renumber", "ii", noFile},
		{"fd_seek", "iIii", fdSeek},
		{"fd_sync", "i", stdioOnly},
		{"fd_tell", "ii", fdSeek},
		{"fd_write", "iiii", fdWrite},
		{"path_create_directory", "iii", noPath},
		{"path_filestat_get", "iiiii", noPath},
		{"path_filestat_set_times", "iiiiIIi", noPath},
		{"path_link", "iiiiiii", noPath},
		{"path_open", "iiiiiIIii", noPath},
		{"path_readlink", "iiiiii", noPath},
		{"path_remove_directory", "iii", noPath},
		{"path_rename", "iiiiii", noPath},
		{"path_symlink", "iiiii", noPath},
		{"path_unlink_file", "iii", noPath},
		{"poll_oneoff", "iiii", pollOneoff},
		{"proc_exit", "i", procExit},
		{"proc_raise", "i", noSocket},
		{"random_get", "ii", randomGet},
		{"sched_yield", "", schedYield},
		{"sock_accept", "iii", noSocket},
		{"sock_recv", "iiiiii", noSocket},
		{"sock_send", "iiiii", noSocket},
		{"sock_shutdown", "ii", noSocket},
	}
}

// types are the function's WebAssembly types.
func (f *wasiFunction) types() (params, results []api.ValueType) {
	for _, p := range f.params {
		t := api.ValueTypeI32
		if p == 'I' {
			t = api.ValueTypeI64
		}
		params = append(params, t)
	}
	if f.name == "proc_exit" {
		return params, nil
	}
	return params, []api.ValueType{api.ValueTypeI32}
}

// Call implements api.GoModuleFunction.
func (f *wasiFunction) Call(ctx context.Context, mod api.Module, s []uint64) {
	errno := f.call(ctx, guestOf(ctx), memory{mod.Memory()}, s)
	if len(s) > 0 {
		s[0] = errno
	}
}

func exportWASI(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(wasiModule)
	for _, f := range wasiFunctions() {
		params, results := f.types()
		b.NewFunctionBuilder().WithGoModuleFunction(&f, params, results).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func argsGet(_ context.Context, g *guest, m memory, s []uint64) uint64 {
	return m.putStrings(g.args, s[0], s[1])
}

func argsSizesGet(_ context.Context, g *guest, m memory, s []uint64) uint64 {
	return m.putSizes(g.args, s[0], s[1])
}

func environGet(_ context.Context, g *guest, m memory, s []uint64) uint64 {
	return m.putStrings(g.env, s[0], s[1])
}

func environSizesGet(_ context.Context, g *guest, m memory, s []uint64) uint64 {
	return m.putSizes(g.env, s[0], s[1])
}

// put32 and put64 write a number, little-endian.
func (m memory) put32(p uint64, v uint32) bool {
	b, ok := m.bytes(p, 4)
	if ok {
		binary.LittleEndian.PutUint32(b, v)
	}
	return ok
}

func (m memory) put64(p, v uint64) bool {
	b, ok := m.bytes(p, 8)
	if ok {
		binary.LittleEndian.PutUint64(b, v)
	}
	return ok
}

// putSizes writes how many texts there are and how many bytes they have with a NUL after each.
func (m memory) putSizes(texts []string, count, size uint64) uint64 {
	total := 0
	for _, t := range texts {
		total += len(t) + 1
	}
	if !m.put32(count, uint32(len(texts))) || !m.put32(size, uint32(total)) {
		return wasiFault
	}
	return wasiOK
}

// putStrings writes texts one after the other to buf, and where each begins to list.
func (m memory) putStrings(texts []string, list, buf uint64) uint64 {
	for i, t := range texts {
		room, ok := m.bytes(buf, uint64(len(t)+1))
		if !ok || !m.put32(uint64(uint32(list)+uint32(4*i)), uint32(buf)) {
			return wasiFault
		}
		copy(room, t)
		room[len(t)] = 0
		buf = uint64(uint32(buf) + uint32(len(t)+1))
	}
	return wasiOK
}

// The clocks of WASI: wall, monotonic, and the CPU's, which are shown as the monotonic one.
const clockWall, clockLast = 0, 3

func clockResGet(_ context.Context, _ *guest, m memory, s []uint64) uint64 {
	if uint32(s[0]) > clockLast {
		return wasiInvalid
	}
	if !m.put64(s[1], uint64(clockStep)) {
		return wasiFault
	}
	return wasiOK
}

// processStart is where monotonic clocks begin.
var processStart = time.Now()

// clock is the time of a clock in ns, in steps.
func clock(id uint32) uint64 {
	if id == clockWall {
		return uint64(time.Now().Truncate(clockStep).UnixNano())
	}
	return uint64((time.Since(processStart) + time.Hour).Truncate(clockStep))
}

func clockTimeGet(_ context.Context, _ *guest, m memory, s []uint64) uint64 {
	if uint32(s[0]) > clockLast {
		return wasiInvalid
	}
	if !m.put64(s[2], clock(uint32(s[0]))) {
		return wasiFault
	}
	return wasiOK
}

func randomGet(_ context.Context, _ *guest, m memory, s []uint64) uint64 {
	b, ok := m.bytes(s[0], s[1])
	if !ok {
		return wasiFault
	}
	rand.Read(b) // never fails
	return wasiOK
}

func schedYield(context.Context, *guest, memory, []uint64) uint64 {
	runtime.Gosched()
	return wasiOK
}

// procExit ends the run, not the module: the instance is closed by who made it.
func procExit(_ context.Context, _ *guest, _ memory, s []uint64) uint64 {
	panic(sys.NewExitError(uint32(s[0])))
}
