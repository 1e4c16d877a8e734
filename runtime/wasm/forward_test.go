package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// imported is one host function as a guest imports it.
type imported struct {
	module, name    string
	params, results []api.ValueType
}

// allImports is everything that a guest can import.
func allImports() (all []imported) {
	for _, f := range hostFunctions() {
		all = append(all, imported{hostabi.ImportModule, f.name, f.params, []api.ValueType{f.result}})
	}
	for _, f := range wasiFunctions() {
		params, results := f.types()
		all = append(all, imported{wasiModule, f.name, params, results})
	}
	return append(all, imported{envModule, "abort", abortParams, nil})
}

// forwarder is a reactor with one page of memory that exports each host function as it imports it: whoever calls the
// export is the guest.
func forwarder() []byte {
	all := allImports()
	var types, imports, funcs, exports, code []byte
	str := func(s string) []byte { return append(binary.AppendUvarint(nil, uint64(len(s))), s...) }
	for i, f := range all {
		types = append(types, 0x60)
		types = append(append(types, byte(len(f.params))), f.params...)
		types = append(append(types, byte(len(f.results))), f.results...)
		imports = append(append(imports, str(f.module)...), str(f.name)...)
		imports = binary.AppendUvarint(append(imports, 0), uint64(i))
		funcs = binary.AppendUvarint(funcs, uint64(i))
		body := []byte{0}
		for p := range f.params {
			body = append(body, 0x20, byte(p))
		}
		body = append(binary.AppendUvarint(append(body, 0x10), uint64(i)), 0x0b)
		code = append(binary.AppendUvarint(code, uint64(len(body))), body...)
		exports = append(exports, str(f.module+"."+f.name)...)
		exports = binary.AppendUvarint(append(exports, 0), uint64(len(all)+i))
	}
	n := len(all)
	// vcon_link_run: (i32) -> i32, 3 = no change.
	types = append(types, 0x60, 1, 0x7f, 1, 0x7f)
	funcs = binary.AppendUvarint(funcs, uint64(n))
	code = append(code, 4, 0, 0x41, 3, 0x0b)
	exports = binary.AppendUvarint(append(append(exports, str(exportRun)...), 0), uint64(2*n))
	exports = append(append(exports, str("memory")...), 2, 0)
	module := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, count int, content []byte) {
		content = append(binary.AppendUvarint(nil, uint64(count)), content...)
		module = append(binary.AppendUvarint(append(module, id), uint64(len(content))), content...)
	}
	section(1, n+1, types)
	section(2, n, imports)
	section(3, n+1, funcs)
	section(5, 1, []byte{0, 1})
	section(7, n+2, exports)
	section(10, n+1, code)
	return module
}

// held is a guest of the forwarder in the middle of its run.
type held struct {
	*guest
	*run
	ctx context.Context
}

// hold instantiates the forwarder for a run that is granted everything.
func hold(t testing.TB, module *Module, change func(*hostabi.Options)) *held {
	t.Helper()
	r := &run{}
	o := r.options(t)
	o.Grants.TTL, o.Grants.Create, o.Grants.KV, o.Grants.Queues = true, true, true, []string{"done"}
	o.KV = kvMap{}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	r.call = hostabi.New(ctx, o)
	g := &guest{call: r.call, mem: allocator{limit: 1 << 20}, stdout: &answer{limit: 1 << 16}, stderr: &answer{limit: 1 << 16}}
	g.args, g.env, g.stdin = []string{"guest"}, r.call.Environ(), []byte(conversation)
	t.Cleanup(func() { g.close(); r.call.Close(); cancel() })
	inside := g.enter(ctx)
	if err := g.instantiate(inside, module); err != nil {
		t.Fatal(err)
	}
	return &held{g, r, inside}
}

// do calls a host function as the guest.
func (h *held) do(name string, args ...uint64) (int64, error) {
	f := h.mod.ExportedFunction(name)
	results, err := f.Call(h.ctx, args[:len(f.Definition().ParamTypes())]...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	if f.Definition().ResultTypes()[0] == api.ValueTypeI32 {
		return int64(int32(uint32(results[0]))), nil
	}
	return int64(results[0]), nil
}

// kvMap is a store in memory.
type kvMap map[string][]byte

func (m kvMap) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := m[key]
	return v, ok, nil
}

func (m kvMap) Put(_ context.Context, key string, v []byte, _ time.Duration) error {
	m[key] = bytes.Clone(v)
	return nil
}

func (m kvMap) CAS(_ context.Context, key string, old, v []byte, _ time.Duration) (bool, error) {
	if have, ok := m[key]; ok != (old != nil) || !bytes.Equal(have, old) {
		return false, nil
	}
	if v == nil {
		delete(m, key)
		return true, nil
	}
	m[key] = bytes.Clone(v)
	return true, nil
}

func (m kvMap) Del(_ context.Context, key string) (bool, error) {
	_, ok := m[key]
	delete(m, key)
	return ok, nil
}

// TestMatrixOutsideMemory: every pair of pointer and length of every function, outside the memory in each way, is -4,
// whatever else is wrong, and nothing is written.
func TestMatrixOutsideMemory(t *testing.T) {
	t.Parallel()
	m := compile(t, forwarder(), false)
	for _, f := range hostabi.Functions() {
		at := 0
		for _, p := range f.Params {
			if p.Size == "" {
				at += len(p.Types())
				continue
			}
			for _, wild := range [][2]uint64{{65536, 1}, {65535, 2}, {0, 65537}, {0xffffffff, 1}, {0xffffffff, 0xfffffffe}, {1, 0xffffffff}, {0x80000000, 0x80000000}} {
				if p.Kind == hostabi.OptIn && wild[1] == notGiven {
					continue
				}
				h := hold(t, m, nil)
				args := make([]uint64, 8)
				args[at], args[at+1] = wild[0], wild[1]
				got, err := h.do(hostabi.ImportModule+"."+f.Name, args...)
				if err != nil || got != int64(hostabi.BadMemory) {
					t.Errorf("%s with %s, %s = %#x, %#x: %d, %v; want -4", f.Name, p.Name, p.Size, wild[0], wild[1], got, err)
				}
				if b, _ := h.mod.Memory().Read(0, 65536); len(bytes.Trim(b, "\x00")) > 0 {
					t.Errorf("%s with %#x, %#x wrote into the memory", f.Name, wild[0], wild[1])
				}
			}
			at += 2
		}
	}
}

// TestMatrixOfNothing: a length of 0 never fails for its pointer.
func TestMatrixOfNothing(t *testing.T) {
	t.Parallel()
	m := compile(t, forwarder(), false)
	for _, f := range hostabi.Functions() {
		h := hold(t, m, nil)
		args := make([]uint64, 8)
		at := 0
		for _, p := range f.Params {
			if p.Size != "" {
				args[at] = 0xfffffff0
			}
			at += len(p.Types())
		}
		if got, err := h.do(hostabi.ImportModule+"."+f.Name, args...); err != nil || got == int64(hostabi.BadMemory) {
			t.Errorf("%s of nothing: %d, %v", f.Name, got, err)
		}
	}
}

// TestMatrixWhileStarting: what the table says works while a module starts, and all else answers -10.
func TestMatrixWhileStarting(t *testing.T) {
	t.Parallel()
	m := compile(t, forwarder(), false)
	for _, f := range hostabi.Functions() {
		h := hold(t, m, nil)
		h.guest.call.Starting(true)
		got, err := h.do(hostabi.ImportModule+"."+f.Name, make([]uint64, 8)...)
		if err != nil || (got == int64(hostabi.Unsupported)) == f.Starts {
			t.Errorf("%s while starting: %d, %v; starts: %v", f.Name, got, err, f.Starts)
		}
	}
}

// TestMatrixCounts: every call counts, the refused one too, and one too many ends the run.
func TestMatrixCounts(t *testing.T) {
	t.Parallel()
	m := compile(t, forwarder(), false)
	for _, f := range hostabi.Functions() {
		h := hold(t, m, func(o *hostabi.Options) { o.Limits.HostCalls = 2 })
		name := hostabi.ImportModule + "." + f.Name
		for range 2 {
			if _, err := h.do(name, make([]uint64, 8)...); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
		}
		var e *RunError
		if _, err := h.do(name, make([]uint64, 8)...); !errors.As(err, &e) || e.Class != ClassLimit {
			t.Errorf("%s, once too often: %v", f.Name, err)
		}
	}
}

// FuzzHostFunctions calls any host function with any arguments over any memory: it answers, or ends the run in one of
// the ways that are meant; what is staged stays a vCon of the same uuid.
func FuzzHostFunctions(f *testing.F) {
	all := allImports()
	for i := range all {
		f.Add(uint16(i), uint64(1), uint64(0), uint64(16), uint64(64), uint64(32), uint64(128), uint64(64), []byte(`/subject        ["/subject","/a"]`))
		f.Add(uint16(i), uint64(0), uint64(8), uint64(0), uint64(8), uint64(0), uint64(0xffffffff), uint64(0), []byte(`{"url":"https://a/"}`))
		f.Add(uint16(i), uint64(65530), uint64(8), uint64(65535), uint64(1), uint64(1<<40), uint64(3), uint64(9), []byte("\xff\x00tag"))
	}
	e, err := NewEngine(EngineOptions{})
	if err != nil {
		f.Fatal(err)
	}
	m, err := e.Compile(f.Context(), forwarder(), false)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint16, a, b, c, d, e, g, i uint64, content []byte) {
		h := hold(t, m, nil)
		f := all[int(which)%len(all)]
		if f.name == "poll_oneoff" || f.name == "abort" || f.name == "proc_exit" {
			f = all[0] // they wait, or end the run: that is what they are for
		}
		h.mod.Memory().Write(0, content[:min(len(content), 65536)])
		got, err := h.do(f.module+"."+f.name, a, b, c, d, e, g, i, 0, 0)
		var exit *sys.ExitError
		var limit *RunError
		if err != nil && !errors.As(err, &exit) && !errors.As(err, &limit) {
			t.Fatalf("%s: %v", f.name, err)
		}
		if f.module == hostabi.ImportModule && got < int64(hostabi.Cancelled) && f.name != "abi_info" && f.name != "now" {
			t.Errorf("%s gave %d, which is no code", f.name, got)
		}
		if got < 0 && f.module == hostabi.ImportModule && err == nil {
			if n, _ := h.do(hostabi.ImportModule+".error_text", 0, 0); n <= 0 {
				t.Errorf("%s gave %d without a text", f.name, got)
			}
		}
		doc, err := vcon.Parse([]byte(h.document(t)))
		if err != nil || !strings.Contains(conversation, doc.ID().String()) {
			t.Errorf("%s left no vCon: %v", f.name, err)
		}
	})
}

// TestPollOneoff waits for the first of several clocks and tells of nothing else.
func TestPollOneoff(t *testing.T) {
	t.Parallel()
	m := compile(t, forwarder(), false)
	subscription := func(userdata uint64, kind byte, id uint32, timeout time.Duration, flags uint16) []byte {
		b := make([]byte, subscriptionSize)
		binary.LittleEndian.PutUint64(b, userdata)
		b[8] = kind
		binary.LittleEndian.PutUint32(b[16:], id)
		binary.LittleEndian.PutUint64(b[24:], uint64(timeout))
		binary.LittleEndian.PutUint16(b[40:], flags)
		return b
	}
	for _, c := range []struct {
		name string
		subs [][]byte
		want string // userdata/error of each event
	}{
		{"first of two", [][]byte{subscription(1, 0, 1, time.Hour, 0), subscription(2, 0, 1, time.Millisecond, 0)}, "2/0 "},
		{"both", [][]byte{subscription(1, 0, 1, 0, 0), subscription(2, 0, 0, 0, 0)}, "1/0 2/0 "},
		{"past", [][]byte{subscription(1, 0, 0, time.Hour, pollAbsolute)}, "1/0 "},
		{"not due though near", [][]byte{subscription(1, 0, 1, time.Duration(clock(1))+30*time.Hour, pollAbsolute), subscription(2, 0, 1, time.Millisecond, 0)}, "2/0 "},
		{"files are ready", [][]byte{subscription(1, 0, 1, time.Hour, 0), subscription(2, 1, 0, 0, 0), subscription(3, 2, 2, 0, 0)}, "2/0 3/0 "},
		{"no such file", [][]byte{subscription(4, 1, 9, 0, 0)}, "4/8 "},
	} {
		h := hold(t, m, nil)
		h.mod.Memory().Write(1024, bytes.Join(c.subs, nil))
		errno, err := h.do(wasiModule+".poll_oneoff", 1024, 4096, uint64(len(c.subs)), 8)
		n, _ := h.mod.Memory().ReadUint32Le(8)
		got := ""
		for i := range n {
			userdata, _ := h.mod.Memory().ReadUint64Le(4096 + i*eventSize)
			code, _ := h.mod.Memory().ReadUint16Le(4096 + i*eventSize + 8)
			got += fmt.Sprintf("%d/%d ", userdata, code)
		}
		if err != nil || errno != 0 || got != c.want {
			t.Errorf("%s: events %q, errno %d, %v; want %q", c.name, got, errno, err, c.want)
		}
	}
	for name, n := range map[string]uint64{"none": 0, "too many": maxSubscriptions + 1} {
		if errno, err := hold(t, m, nil).do(wasiModule+".poll_oneoff", 1024, 4096, n, 8); errno != wasiInvalid || err != nil {
			t.Errorf("%s: errno %d, %v", name, errno, err)
		}
	}
}
