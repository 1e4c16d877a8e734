package wasm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
)

// command is a program whose main is the given code; it may print the n bytes at 1024 to a file.
func command(data, body string) string {
	return `(module
		(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
		(import "vcon:link/v1" "tag_add" (func $tag_add (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 2)
		(data (i32.const 1024) "` + strings.ReplaceAll(data, `"`, `\"`) + `")
		(func $print (param $fd i32) (param $p i32) (param $n i32)
			(i32.store (i32.const 0) (local.get $p)) (i32.store (i32.const 4) (local.get $n))
			(drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
		(func $main (export "_start") ` + body + `))`
}

// printed prints all of data to a file.
func printed(fd int, data string) string {
	return fmt.Sprintf("(call $print (i32.const %d) (i32.const 1024) (i32.const %d))", fd, len(data))
}

func TestCommandEnds(t *testing.T) {
	t.Parallel()
	const patch = `[{"op":"replace","path":"/subject","value":"Sales"}]`
	const words = "no luck today"
	for _, c := range []struct {
		name, data, body string
		verdict          hostabi.Verdict
		class            Class
		text, document   string
	}{
		{"nothing", "", "", hostabi.Done, "", "", `"Billing"`},
		{"exit 0", "", "(call $proc_exit (i32.const 0))", hostabi.Done, "", "", `"Billing"`},
		{"a patch", patch, printed(stdout, patch), hostabi.Done, "", "", `"Sales"`},
		{"a patch and halt", patch, printed(stdout, patch) + "(call $proc_exit (i32.const 10))", hostabi.Halt, "", "", `"Sales"`},
		{"retry later", words, printed(stderr, words) + "(call $proc_exit (i32.const 11))", hostabi.Retry, "", words, ""},
		{"a failure", words, printed(stderr, words) + "(call $proc_exit (i32.const 3))", hostabi.Failed, ClassFailed, "exit code 3: no luck today", ""},
		{"a trap", words, printed(stderr, words) + "unreachable", hostabi.Failed, ClassTrap, "unreachable: no luck today (in main)", ""},
		{"no patch", words, printed(stdout, words), hostabi.Failed, ClassFailed, "standard output", ""},
		{"not granted", `[{"op":"remove","path":"/parties"}]`, printed(stdout, `[{"op":"remove","path":"/parties"}]`), hostabi.Failed, ClassDenied, "/parties", ""},
		{"host functions first", "vip", "(drop (call $tag_add (i32.const 1024) (i32.const 3) (i32.const 1024) (i32.const 3)))", hostabi.Done, "", "", `"vip:vip"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := over(t, open(t, command(c.data, c.body), LinkOptions{}), nil)
			var e *RunError
			errors.As(r.err, &e)
			if r.verdict != c.verdict || (e == nil) != (c.class == "") || e != nil && e.Class != c.class || !strings.Contains(fmt.Sprint(r.err), c.text) {
				t.Errorf("verdict %d, error %v; want %d, %q in class %q", r.verdict, r.err, c.verdict, c.text, c.class)
			}
			if c.document != "" && !strings.Contains(r.document(t), c.document) {
				t.Errorf("document %s, want %s in it", r.document(t), c.document)
			}
		})
	}
}

// TestCommandReads: standard input is the vCon, the environment tells options and place.
func TestCommandReads(t *testing.T) {
	t.Parallel()
	const echo = `(local $n i32)
		(i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (i32.const 60000))
		(drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
		(local.set $n (i32.load (i32.const 24)))
		(drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
		(if (i32.load (i32.const 24)) (then unreachable))
		(i32.store (i32.const 16) (i32.const 65536))
		(call $print (i32.const 2) (i32.const 65536) (local.get $n))`
	const environ = `
		(drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
		(drop (call $environ_get (i32.const 2048) (i32.const 4096)))
		(call $print (i32.const 2) (i32.load (i32.const 2048)) (i32.load (i32.const 20)))`
	for _, c := range []struct{ name, body, want string }{
		{"standard input", echo, conversation},
		{"environment", environ, `VCON_LINK_OPTIONS={"a":1}\x00VCON_LINK_NAME=guest\x00VCON_LINK_ATTEMPT=2\x00VCON_LINK_CHAIN=main\x00VCON_LINK_LIST=calls\x00`},
		{"arguments", "(drop (call $args_get (i32.const 2048) (i32.const 4096))) (call $print (i32.const 2) (i32.load (i32.const 2048)) (i32.const 6))", `guest\x00`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := over(t, open(t, command("", c.body), LinkOptions{}), nil)
			if got := strings.Join(r.lines, "\n"); r.err != nil || got != c.want {
				t.Errorf("%v: got %q, want %q", r.err, got, c.want)
			}
		})
	}
}

func TestCommandPrintsTooMuch(t *testing.T) {
	t.Parallel()
	l := open(t, command("x", "(loop $l "+printed(stdout, "x")+" (br $l))"), LinkOptions{})
	r := over(t, l, func(o *hostabi.Options) { o.Limits.Edits = 5000 })
	var e *RunError
	if !errors.As(r.err, &e) || e.Class != ClassLimit || !strings.Contains(e.Reason, "5000 bytes on standard output") {
		t.Errorf("error %v", r.err)
	}
}
