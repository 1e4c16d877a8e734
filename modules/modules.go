// Package modules turns a module ref and a pin into the verified bytes of a .wasm file.
//
// Threat: the place that a module comes from, the way to it and the cache on this machine may all be in wrong hands, and
// a ref may be written to make the server call what only it can reach. Invariants: bytes are given out only if their
// SHA-256 is the pin, checked on each Get, whether they come from a file, the network or the cache; there is no Get
// without a pin. A fetch speaks TLS to public addresses and to the networks that its source lists, checked when they are
// dialled and on each redirect; credentials go to URLs below their source's match and nowhere else; sizes and times are
// bounded, on the wire and unpacked. Queries of URLs, tokens and what a server sent are in no log and no error.
//
// A module fetched once is there without the network: the cache is by digest. A file: ref is read where it lies, each
// time, and never cached.
//
// Left to others: when to try again, which pins hold (config), whether the bytes are a module that may run (the engine).
package modules

// Module is a module whose bytes are what its pin says.
type Module struct {
	Ref    Ref
	Digest Digest
	Wasm   []byte // shared with other callers: not to be changed
}
