// Package talkshare holds the module of the link talkshare, written in AssemblyScript (talkshare.ts): it measures who
// says how much in a conversation of texts. The demo of the server runs it.
package talkshare

import (
	"bytes"
	_ "embed"
)

//go:embed talkshare.wasm
var module []byte

// Module is the WebAssembly module; `make guests` proves that it is what talkshare.ts gives.
func Module() []byte { return bytes.Clone(module) }
