// Package wasm runs links that are WebAssembly modules: it checks and compiles a module once per digest, and runs every
// vCon in an instance of its own.
//
// Threat: anybody wrote the module. Invariants: bytes are looked at by package core before the runtime sees them; a
// module imports the host functions of hostabi and a small WASI without files, sockets and fine clocks, nothing else;
// what it may do is decided by its hostabi.Call alone; memory and wall time are bounded, the time for its start, its
// run, host calls and sleeps together; nothing of a guest lives on after its vCon; a trap, an exit or a limit ends one
// run and nothing else.
//
// Known gaps, until modules are metered: code that neither loops nor calls the host is not stopped at its deadline, only
// after it; compiling happens in this process.
//
// Left to others: where bytes come from (modules), what is granted (hostabi), retries and dead letters (runtime/chain).
// Sources: WebAssembly 2.0, WASI preview 1, wazero v1.12, hostabi/ABI.md.
package wasm
