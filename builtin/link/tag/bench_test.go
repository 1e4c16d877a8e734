package tag_test

import (
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
)

// BenchmarkGuest is the way into a guest and out of it, around a link that does little: a fresh instance of a Go module
// for each vCon, against a call of the same function.
func BenchmarkGuest(b *testing.B) {
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{"tel":"+1"}],"dialog":[]}`)
	wasmtest.Compare(b, doc, json.RawMessage(`{"tags": ["vip", "desk:support"]}`), open, guesttest.Build(b, "builtin/link/tag/guest"))
}
