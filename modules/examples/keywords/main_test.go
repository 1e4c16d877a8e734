package main

import (
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/sdk/go/linktest"
)

// guest is the link as a module; an author who trusts the SDK tests natively alone.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "modules/examples/keywords"), linktest.Open(Run, linktest.Allowed()))
}

func TestRun(t *testing.T) {
	t.Parallel()
	linktest.Golden(t, "testdata", Run, linktest.Allowed(), guest(t))
}

func FuzzRun(f *testing.F) {
	linktest.Fuzz(f, `{"words": ["refund", "Straße"], "tag": "said"}`, Run, linktest.Allowed(), guest(f))
}
