package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
)

// reactor is a module whose run is the given code.
func reactor(body string) string { return reactorWith("", body) }

// reactorWith also has other definitions.
func reactorWith(head, body string) string {
	return `(module
		(import "vcon:link/v1" "error_set" (func $error_set (param i32 i32) (result i32)))
		(import "vcon:link/v1" "tag_add" (func $tag_add (param i32 i32 i32 i32) (result i32)))
		(import "vcon:link/v1" "abi_info" (func $abi_info (result i64)))
		(import "vcon:link/v1" "retry_after" (func $retry_after (param i64) (result i32)))
		(import "vcon:link/v1" "doc_edit" (func $doc_edit (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 1024) "no luck today") ;; 13 bytes
		(data (i32.const 1040) "vip")
		(data (i32.const 1050) "/parties")
		(data (i32.const 1072) "\00\04\00\00\0d\00\00\00") ;; an iovec: 1024, 13
		` + head + `
		(func $run (export "vcon_link_run") (param $doc i32) (result i32) ` + body + `))`
}

func TestReactorResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		verdict    hostabi.Verdict
		class      Class  // "" = no error of ours
		text       string // in the error
	}{
		{"done", "i32.const 0", hostabi.Done, "", ""},
		{"halt", "i32.const 1", hostabi.Halt, "", ""},
		{"retry", "(drop (call $retry_after (i64.const 1500))) i32.const 2", hostabi.Retry, "", ""},
		{"retry with a reason", "(drop (call $error_set (i32.const 1024) (i32.const 13))) i32.const 2", hostabi.Retry, "", "no luck today"},
		{"no change", "i32.const 3", hostabi.NoChange, "", ""},
		{"another result", "i32.const 4", hostabi.Failed, ClassFailed, "vcon_link_run returned 4"},
		{"below zero", "i32.const -7", hostabi.Failed, ClassFailed, "vcon_link_run returned -7"},
		{"with a reason", "(drop (call $error_set (i32.const 1024) (i32.const 13))) i32.const -1", hostabi.Failed, ClassFailed, "no luck today"},
		{"denied", "(call $doc_edit (i32.const 1) (i32.const 2) (i32.const 1050) (i32.const 8) (i32.const 0) (i32.const 0))", hostabi.Failed, ClassDenied, "vcon_link_run returned -5"},
		{"exit", "(call $proc_exit (i32.const 0)) i32.const 0", hostabi.Failed, ClassFailed, "proc_exit(0)"},
		{"printed and exit", "(drop (call $fd_write (i32.const 2) (i32.const 1072) (i32.const 1) (i32.const 0))) (call $proc_exit (i32.const 2)) i32.const 0",
			hostabi.Failed, ClassFailed, "proc_exit(2): no luck today"},
		{"trap", "unreachable", hostabi.Failed, ClassTrap, "unreachable (in run)"},
		{"trap below", "(call $boom) i32.const 0", hostabi.Failed, ClassTrap, "integer divide by zero (in boom < run)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := over(t, open(t, reactorWith(`(func $boom (drop (i32.div_u (i32.const 1) (i32.const 0))))`, c.body), LinkOptions{}), nil)
			if r.verdict != c.verdict {
				t.Errorf("verdict %d, want %d (%v)", r.verdict, c.verdict, r.err)
			}
			var e *RunError
			switch errors.As(r.err, &e); {
			case c.class == "" && e != nil, c.class != "" && (e == nil || e.Class != c.class):
				t.Errorf("error %#v, want class %q", r.err, c.class)
			case !strings.Contains(fmt.Sprint(r.err), c.text):
				t.Errorf("error %q, want %q in it", r.err, c.text)
			}
			if c.class != "" && chain.Retryable(r.err) {
				t.Errorf("%v is worth another attempt", r.err)
			}
		})
	}
}

func TestStagedEdits(t *testing.T) {
	t.Parallel()
	r := over(t, open(t, reactor("(drop (call $tag_add (i32.const 1040) (i32.const 3) (i32.const 1040) (i32.const 3))) i32.const 0"), LinkOptions{}), nil)
	if r.err != nil || !strings.Contains(r.document(t), `"vip:vip"`) {
		t.Errorf("%v: %s", r.err, r.document(t))
	}
	if r.call.Memory() != pageSize || r.call.Used().HostCalls != 1 {
		t.Errorf("memory %d, used %+v", r.call.Memory(), r.call.Used())
	}
}

// TestNothingIsKept: an instance serves one vCon.
func TestNothingIsKept(t *testing.T) {
	t.Parallel()
	l := open(t, reactorWith("(global $n (mut i32) (i32.const 0))", `
		(if (global.get $n) (then (return (i32.const 100))))
		(if (i32.load (i32.const 4096)) (then (return (i32.const 101))))
		(if (i32.ne (memory.size) (i32.const 1)) (then (return (i32.const 102))))
		(global.set $n (i32.const 1)) (i32.store (i32.const 4096) (i32.const 1)) (drop (memory.grow (i32.const 1))) i32.const 0`), LinkOptions{})
	for range 3 {
		if r := over(t, l, nil); r.err != nil {
			t.Fatal(r.err)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, head, body string
		o                LinkOptions
		change           func(*hostabi.Options)
		text             string
	}{
		{"endless loop", "", "(loop $l (br $l)) unreachable", LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"endless start function", "(func $s (loop $l (br $l))) (start $s)", "i32.const 0", LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"endless _initialize", `(func (export "_initialize") (loop $l (br $l)))`, "i32.const 0", LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"endless init", `(func (export "vcon_link_init") (result i32) (loop $l (br $l)) unreachable)`, "i32.const 0", LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"sleep", "(data (i32.const 2072) \"\\00\\00\\00\\00\\ff\\ff\\ff\\00\")",
			"(call $poll_oneoff (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 4000))", LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"printing without end", "", "(loop $l (drop (call $fd_write (i32.const 2) (i32.const 1072) (i32.const 1) (i32.const 0))) (br $l)) unreachable",
			LinkOptions{Time: 50 * time.Millisecond}, nil, "time: more than 50ms"},
		{"memory", "", "(if (i32.eq (memory.grow (i32.const 31)) (i32.const -1)) (then unreachable)) (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) i32.const 0",
			LinkOptions{Memory: 2 << 20}, nil, "memory: more than 2097152 bytes; unreachable"},
		{"host calls", "", "(loop $l (drop (call $abi_info)) (br $l)) unreachable", LinkOptions{},
			func(o *hostabi.Options) { o.Limits.HostCalls = 1000 }, "host_calls: more than 1000"},
		{"recursion", "(func $r (call $r))", "(call $r) i32.const 0", LinkOptions{}, nil, "stack overflow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := over(t, open(t, reactorWith(c.head, c.body), c.o), c.change)
			var e *RunError
			if !errors.As(r.err, &e) || !strings.Contains(e.Error(), c.text) {
				t.Fatalf("error %v, want %q", r.err, c.text)
			}
			if e.Class != ClassLimit && c.name != "recursion" {
				t.Errorf("class %s, want limit", e.Class)
			}
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestMemoryWithinTheLimit: the limit itself may be used up.
func TestMemoryWithinTheLimit(t *testing.T) {
	t.Parallel()
	r := over(t, open(t, reactor("(i32.store (i32.const 2097148) (i32.const 1)) i32.const 0"), LinkOptions{Memory: 2 << 20}), nil)
	if r.err == nil {
		t.Error("a store outside the memory did not trap")
	}
	r = over(t, open(t, reactor("(drop (memory.grow (i32.const 31))) (i32.store (i32.const 2097148) (i32.const 1)) i32.const 0"), LinkOptions{Memory: 2 << 20}), nil)
	if r.err != nil || r.call.Memory() != 2<<20 {
		t.Errorf("%v, memory %d", r.err, r.call.Memory())
	}
}

// TestPrintingIsBounded: 100,000 times the same MiB, in one call.
func TestPrintingIsBounded(t *testing.T) {
	t.Parallel()
	l := open(t, reactor(`
		(local $i i32)
		(drop (memory.grow (i32.const 40)))
		(loop $l
			(i32.store (i32.add (i32.const 1500000) (local.get $i)) (i32.const 65536))
			(i32.store (i32.add (i32.const 1500004) (local.get $i)) (i32.const 1048576))
			(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 800000))))
		(call $fd_write (i32.const 1) (i32.const 1500000) (i32.const 100000) (i32.const 0))`), LinkOptions{})
	if r := over(t, l, nil); r.err != nil || len(r.lines) > 1 {
		t.Errorf("%v, %d lines", r.err, len(r.lines))
	}
}

func TestPrintedLines(t *testing.T) {
	t.Parallel()
	l := open(t, reactorWith(`(data (i32.const 2048) "one\ntw\ff\1b[31m\r\n\nthree") (data (i32.const 2080) "\00\08\00\00\14\00\00\00")`,
		"(drop (call $fd_write (i32.const 1) (i32.const 2080) (i32.const 1) (i32.const 0))) i32.const 0"), LinkOptions{})
	r := over(t, l, nil)
	if got, want := strings.Join(r.lines, "|"), "one|tw\uFFFD\\x1b[31m|three"; got != want {
		t.Errorf("lines %q, want %q", got, want)
	}
}

// TestContextEnds: the end of the context is told as it is, not as a fault of the guest.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	l := open(t, reactor("(loop $l (br $l)) unreachable"), LinkOptions{})
	called := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(called) })
	r := &run{}
	call := hostabi.New(ctx, r.options(t))
	defer call.Close()
	if _, err := l.Run(ctx, call); err != called {
		t.Errorf("error %v, want %v", err, called)
	}
}

// TestStart finds what does not start before any vCon comes.
func TestStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ head, text string }{
		"fine":             {`(func (export "vcon_link_init") (result i32) i32.const 0)`, ""},
		"without init":     {"", ""},
		"init refuses":     {`(func (export "vcon_link_init") (result i32) (drop (call $error_set (i32.const 1024) (i32.const 13))) i32.const 1)`, "no luck today"},
		"init says no":     {`(func (export "vcon_link_init") (result i32) i32.const -3)`, "vcon_link_init returned -3"},
		"init traps":       {`(func $i (export "vcon_link_init") (result i32) unreachable)`, "unreachable (in i)"},
		"start traps":      {`(func $s unreachable) (start $s)`, "unreachable (in s)"},
		"init exits":       {`(func (export "vcon_link_init") (result i32) (call $proc_exit (i32.const 0)) i32.const 0)`, "proc_exit(0)"},
		"init never ends":  {`(func (export "vcon_link_init") (result i32) (loop $l (br $l)) unreachable)`, "time: more than"},
		"init edits":       {`(func (export "vcon_link_init") (result i32) (call $tag_add (i32.const 1040) (i32.const 3) (i32.const 1040) (i32.const 3)))`, "vcon_link_init returned -10"},
		"data out of room": {`(data (i32.const 65530) "0123456789")`, "out of bounds memory access"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t, reactorWith(c.head, "i32.const 0"), LinkOptions{Time: 100 * time.Millisecond})
			err := l.Start(t.Context(), hostabi.New(t.Context(), hostabi.Options{Link: "guest"}))
			var refusal *RefusedError
			if c.text == "" && err != nil || c.text != "" && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), c.text)) {
				t.Errorf("error %v, want %q", err, c.text)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	text := `(module
		(import "env" "abort" (func $abort (param i32 i32 i32 i32)))
		(memory (export "memory") 1)
		(data (i32.const 100) "\06\00\00\00b\00\e9\00d\00")
		(data (i32.const 200) "\08\00\00\00a\00.\00t\00s\00")
		(func $run (export "vcon_link_run") (param i32) (result i32)
			(call $abort (i32.const %d) (i32.const 204) (i32.const 7) (i32.const 3)) unreachable))`
	for at, want := range map[int]string{104: "abort: béd in a.ts:7:3 (in run)", 0: "abort: ? in a.ts:7:3", 3: "abort: ? in", -1: "abort: ? in"} {
		r := over(t, open(t, fmt.Sprintf(text, at), LinkOptions{}), nil)
		var e *RunError
		if !errors.As(r.err, &e) || e.Class != ClassTrap || !strings.Contains(e.Error(), want) {
			t.Errorf("at %d: %v, want %q", at, r.err, want)
		}
	}
}

// TestInterpreter: the other engine gives the same.
func TestInterpreter(t *testing.T) {
	t.Parallel()
	module := guesttest.WAT(t, reactor("(drop (call $tag_add (i32.const 1040) (i32.const 3) (i32.const 1040) (i32.const 3))) i32.const 1"))
	var documents []string
	for _, interpreter := range []bool{false, true} {
		l, err := NewLink(compile(t, module, interpreter), LinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := over(t, l, nil)
		documents = append(documents, fmt.Sprint(r.verdict, r.err, r.document(t)))
	}
	if documents[0] != documents[1] {
		t.Errorf("compiled: %s\ninterpreted: %s", documents[0], documents[1])
	}
}

// TestNeighbours: guests that fail in every way at once do nothing to one that works.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	good := open(t, reactor("(drop (call $tag_add (i32.const 1040) (i32.const 3) (i32.const 1040) (i32.const 3))) i32.const 0"), LinkOptions{})
	var bad []*Link
	for _, body := range []string{"unreachable", "(loop $l (br $l)) unreachable", "(call $proc_exit (i32.const 1)) unreachable",
		"(drop (memory.grow (i32.const 5000))) unreachable", "(loop $l (drop (call $abi_info)) (br $l)) unreachable"} {
		bad = append(bad, open(t, reactor(body), LinkOptions{Time: 30 * time.Millisecond}))
	}
	var wg sync.WaitGroup
	for i := range 4 * len(bad) {
		wg.Go(func() {
			if r := over(t, bad[i%len(bad)], nil); r.err == nil {
				t.Errorf("bad guest %d did not fail", i%len(bad))
			}
		})
		wg.Go(func() {
			for range 5 {
				if r := over(t, good, nil); r.err != nil || !strings.Contains(r.document(t), `"vip:vip"`) {
					t.Errorf("the good guest: %v", r.err)
				}
			}
		})
	}
	wg.Wait()
}
