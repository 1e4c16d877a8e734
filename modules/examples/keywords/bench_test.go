package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/sdk/go/linktest"
)

// BenchmarkGuest is a task of a usual size: find words in 4 kB of conversation, decode and encode JSON on the way.
func BenchmarkGuest(b *testing.B) {
	text := strings.Repeat("I want my refund, and I want it now. ", 100)
	doc := fmt.Appendf(nil, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{"tel":"+1"}],"dialog":[{"type":"text","parties":[0],"mediatype":"text/plain","encoding":"none","body":%q}]}`, text)
	wasmtest.Compare(b, doc, json.RawMessage(`{"words": ["refund", "now"]}`), linktest.Open(Run, linktest.Allowed()), guesttest.Build(b, "modules/examples/keywords"))
}
