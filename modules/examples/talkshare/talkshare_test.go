package talkshare_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/modules/examples/talkshare"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/sdk/go/linktest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	allowed := linktest.Allowed()
	allowed.HTTP = outbound.Policy{Rules: []outbound.Rule{{Scheme: "https", Host: "reports.example"}}}
	chaintest.Link(t, "testdata", wasmtest.Open(t, talkshare.Module(), wasm.LinkOptions{}, allowed))
}

func FuzzRun(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"report_to": "https://collector.example/"}`), wasmtest.Open(f, talkshare.Module(), wasm.LinkOptions{}, linktest.Allowed()))
}

// TestCommitted: the module is what its source gives.
func TestCommitted(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(guesttest.Build(t, "modules/examples/talkshare"), talkshare.Module()) {
		t.Error("talkshare.wasm is not what talkshare.ts gives: see make guests")
	}
}

// TestSmall: a module needs no SDK and little room, and imports what it uses.
func TestSmall(t *testing.T) {
	t.Parallel()
	info, err := wasm.Inspect(talkshare.Module())
	if err != nil {
		t.Fatal(err)
	}
	if info.Size > 20<<10 || info.Kind != wasm.Reactor || len(info.Imports) > 12 {
		t.Errorf("%d bytes, %s, imports %v", info.Size, info.Kind, info.Imports)
	}
}
