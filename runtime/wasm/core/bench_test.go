package core

import (
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
)

// BenchmarkRead reads a link in Go, 4 MB. A link costs that each time it is compiled.
func BenchmarkRead(b *testing.B) {
	module := guesttest.Build(b, "builtin/link/webhook/guest")
	b.SetBytes(int64(len(module)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(module, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStrip copies the same module.
func BenchmarkStrip(b *testing.B) {
	module := guesttest.Build(b, "builtin/link/webhook/guest")
	m, err := Read(module, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(module)))
	for b.Loop() {
		if len(m.Strip()) == 0 {
			b.Fatal("nothing is left")
		}
	}
}
