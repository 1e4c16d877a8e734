// Package examples_test runs the examples that have no Go beside them.
package examples_test

import (
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/sdk/go/linktest"
)

func language(t testing.TB) chaintest.OpenLink {
	return wasmtest.Open(t, guesttest.Build(t, "modules/examples/language"), wasm.LinkOptions{}, linktest.Allowed())
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "language/testdata", language(t))
}

func FuzzLanguage(f *testing.F) { chaintest.FuzzLink(f, json.RawMessage(`{}`), language(f)) }
