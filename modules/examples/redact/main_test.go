package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/vcon"
)

// open is the program as a module, with what README.md grants it.
func open(t testing.TB) chaintest.OpenLink {
	return wasmtest.Open(t, guesttest.Build(t, "modules/examples/redact"), wasm.LinkOptions{}, hostabi.Grants{
		Read:  hostabi.Paths{Allow: []string{"/parties", "/dialog"}},
		Write: hostabi.Paths{Allow: []string{"/parties/*/tel", "/parties/*/mailto", "/dialog/*/body"}},
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open(t))
}

// TestNotGranted: what the program may not mask fails the run; nothing is kept.
func TestNotGranted(t *testing.T) {
	t.Parallel()
	l, allowed, err := open(t)(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{"name":"Ann","tel":"+15550100999"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	call := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Config: json.RawMessage(`{"fields":["tel","name"]}`), Grants: allowed})
	defer call.Close()
	if verdict, err := l.Run(t.Context(), call); verdict != hostabi.Failed || err == nil || !strings.Contains(err.Error(), "/parties/0/name") {
		t.Errorf("%v, %v", verdict, err)
	}
}

func FuzzRun(f *testing.F) { chaintest.FuzzLink(f, json.RawMessage(`{"mask": "***"}`), open(f)) }

func TestPersonal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"call +49 (30) 1234-567 now":      "call * now",
		"0301234567":                      "*",
		"ann.lee+x@mail.example.com, bob": "*, bob",
		"order 4711, 3 items for 12.50":   "order 4711, 3 items for 12.50",
		"nothing":                         "nothing",
		"a@b":                             "a@b",
	} {
		if got := personal.ReplaceAllLiteralString(text, "*"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
