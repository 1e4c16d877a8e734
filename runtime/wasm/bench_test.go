package wasm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/vcon"
)

// caller is a guest that makes the same call rounds times, and one that makes none.
const caller = `(module
	(import "vcon:link/v1" "abi_info" (func $abi_info (result i64)))
	(import "vcon:link/v1" "doc_read" (func $doc_read (param i32 i32 i32 i32 i64 i32 i32) (result i64)))
	(memory (export "memory") 1)
	(data (i32.const 16) "/parties/0/tel")
	(func (export "vcon_link_run") (param $doc i32) (result i32) (local $i i32)
		(local.set $i (i32.const %d))
		(block $end (loop $next
			(br_if $end (i32.eqz (local.get $i)))
			(local.set $i (i32.sub (local.get $i) (i32.const 1)))
			%s
			(br $next)))
		(i32.const 3)))`

const rounds = 10_000

// BenchmarkCall is one host call of a guest against the same method called natively, ns each; x-native is the ratio. The
// reads are of one pointer near the start of documents of 4 kB, 400 kB and 20 MB.
func BenchmarkCall(b *testing.B) {
	read := `(drop (call $doc_read (local.get $doc) (i32.const 16) (i32.const 14) (i32.const 1) (i64.const 0) (i32.const 64) (i32.const 32)))`
	out := make([]byte, 32)
	for _, c := range []struct {
		name, code string
		size       int
		native     func(*hostabi.Call)
	}{
		{"abi_info", `(drop (call $abi_info))`, 1 << 10, func(c *hostabi.Call) { c.ABIInfo() }},
		{"doc_read/4kB", read, 4 << 10, func(c *hostabi.Call) { c.DocRead(1, []byte("/parties/0/tel"), 1, 0, out) }},
		{"doc_read/400kB", read, 400 << 10, func(c *hostabi.Call) { c.DocRead(1, []byte("/parties/0/tel"), 1, 0, out) }},
		{"doc_read/20MB", read, 20 << 20, func(c *hostabi.Call) { c.DocRead(1, []byte("/parties/0/tel"), 1, 0, out) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, empty := benchLink(b, rounds, c.code), benchLink(b, 0, c.code)
			doc := benchDocument(b, c.size)
			var guest, idle, native time.Duration
			for b.Loop() {
				guest += timed(b, doc, func(call *hostabi.Call) { mustRun(b, l, call) })
				idle += timed(b, doc, func(call *hostabi.Call) { mustRun(b, empty, call) })
				native += timed(b, doc, func(call *hostabi.Call) {
					for range rounds {
						c.native(call)
					}
				})
			}
			each := float64(b.N) * rounds
			b.ReportMetric(float64(guest-idle)/each, "ns/op")
			b.ReportMetric(float64(native)/each, "native-ns/op")
			b.ReportMetric(float64(guest-idle)/float64(native), "x-native")
			b.ReportMetric(float64(idle)/float64(b.N), "ns/run")
		})
	}
}

func benchLink(b *testing.B, rounds int, code string) *Link {
	l, err := NewLink(compile(b, guesttest.WAT(b, fmt.Sprintf(caller, rounds, code)), false), LinkOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func benchDocument(b *testing.B, size int) *vcon.VCon {
	body := strings.Repeat("words ", size/6)
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{"tel":"+15550100"}],"dialog":[{"type":"text","parties":[0],"body":%q}]}`, body))
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

func timed(b *testing.B, doc *vcon.VCon, run func(*hostabi.Call)) time.Duration {
	call := hostabi.New(b.Context(), hostabi.Options{Doc: doc.Draft(), Grants: hostabi.Grants{Read: hostabi.Paths{All: true}}})
	defer call.Close()
	began := time.Now()
	run(call)
	return time.Since(began)
}

func mustRun(b *testing.B, l *Link, call *hostabi.Call) {
	if verdict, err := l.Run(b.Context(), call); err != nil || verdict != hostabi.NoChange {
		b.Fatal(verdict, err)
	}
}
