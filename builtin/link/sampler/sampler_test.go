package sampler_test

import (
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.sampler", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/sampler/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"method": "modulo", "value": 2}`), open, guest(f))
}

// BenchmarkGuest is a fresh instance of the module for each vCon against a call of the same function.
func BenchmarkGuest(b *testing.B) {
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[{"purpose":"tags","body":["vip:vip"]}]}`)
	wasmtest.Compare(b, doc, json.RawMessage(`{"method": "modulo", "value": 2}`), open, guesttest.Build(b, "builtin/link/sampler/guest"))
}

// TestGuestDrawsAnew: each run of a module draws its own number, though each begins with the same memory.
func TestGuestDrawsAnew(t *testing.T) {
	t.Parallel()
	const runs = 1000
	l, grants, err := guest(t).Open(json.RawMessage(`{"value": 50}`))
	if err != nil {
		t.Fatal(err)
	}
	doc := chaintest.Document(t, "")
	kept := 0
	for range runs {
		c := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Config: json.RawMessage(`{"value": 50}`), Grants: grants})
		verdict, err := l.Run(t.Context(), c)
		c.Close()
		if err != nil {
			t.Fatal(err)
		}
		if verdict == hostabi.NoChange {
			kept++
		}
	}
	if kept < 400 || kept > 600 {
		t.Errorf("%d of %d vCons are kept at 50 %%", kept, runs)
	}
}
