package wasm

import (
	"context"
	"errors"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/modules/examples/talkshare"
)

// FuzzModule: bytes that anybody sends are refused with reasons, or are compiled, and nothing of it panics.
func FuzzModule(f *testing.F) {
	module := talkshare.Module()
	f.Add(module)
	f.Add(module[:len(module)/2])
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\xff\xff\xff\xff\x0f"))
	f.Add([]byte("(module)"))
	f.Add(guesttest.WAT(f, command("x", "unreachable")))
	e, err := NewEngine(EngineOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 32<<10 {
			return
		}
		m, err := e.Compile(t.Context(), text, false)
		if err != nil {
			if _, refused := errors.AsType[*RefusedError](err); !refused {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
