package core

import (
	"bytes"
	"encoding/binary"
)

const preambleBytes = 8

var magic = []byte("\x00asm")

// preamble reads the first bytes: magic and version.
func (r *reader) preamble() {
	b := r.b
	if n := min(len(b), len(magic)); len(b) == 0 || !bytes.Equal(b[:n], magic[:n]) {
		r.broken(0, "%s", foreign(b))
		return
	}
	if len(b) < preambleBytes {
		r.broken(len(b), "the module is cut off")
		return
	}
	switch version := binary.LittleEndian.Uint32(b[len(magic):]); {
	case version == 1:
		r.at = preambleBytes
	case version>>16 == 1:
		r.fail(&Error{Kind: Unsupported, Offset: len(magic), Feature: featComponents,
			Reason: "is a component, this host runs core modules: build for wasm32-wasip1, not wasip2"})
	default:
		r.broken(len(magic), "is WebAssembly of version %d, this host knows version 1", version)
	}
}

// beginnings of what is taken for modules by mistake.
var beginnings = []struct{ prefix, is string }{
	{"\x1f\x8b", "is gzip: unpack it"},
	{"\x28\xb5\x2f\xfd", "is zstd: unpack it"},
	{"PK\x03\x04", "is a zip archive: unpack it"},
	{"\x7fELF", "is a program for this computer: build it for wasm32-wasip1"},
	{"!<arch>", "is an archive of object files: link it"},
	{"BC\xc0\xde", "is LLVM bitcode: link it"},
	{"version https://git-lfs", "is a pointer of Git LFS: fetch the file itself"},
	{"{", "is JSON"},
}

// foreign says what bytes are that do not begin like a module.
func foreign(b []byte) string {
	if len(b) == 0 {
		return "is empty"
	}
	for _, f := range beginnings {
		if bytes.HasPrefix(b, []byte(f.prefix)) {
			return "is no WebAssembly: it " + f.is
		}
	}
	text := bytes.TrimLeft(b[:min(len(b), 512)], " \t\r\n\uFEFF")
	switch low := bytes.ToLower(text); {
	case bytes.HasPrefix(text, []byte("(")), bytes.HasPrefix(text, []byte(";;")):
		return "is WebAssembly text: translate it to a binary, as wat2wasm does"
	case bytes.HasPrefix(low, []byte("<!doctype")), bytes.HasPrefix(low, []byte("<html")):
		return "is no WebAssembly: it is an HTML page, perhaps an error or a login"
	}
	return "is no WebAssembly: it does not begin with \\0asm"
}
