// Package core reads core WebAssembly binaries, before a runtime sees them.
//
// Threat: modules come from anybody. A runtime trusts the numbers in one: 14 bytes that claim 2^28 imports, or 22 bytes
// that claim as many names, end the whole process; a few kilobytes of loops keep its compiler busy for minutes; bytes
// that two readers understand differently let code run that the other, which adds the metering, never saw.
//
// Read looks at every byte of the module but the contents of custom sections. It guarantees of a Module that
//   - every count, size and index was checked before anything was allocated or followed;
//   - each number and instruction has one reading: what Decoder sees is what the runtime runs;
//   - only features of WebAssembly 2.0 occur;
//   - Limits hold: sizes, and with them the time and memory that compiling takes.
//
// It is no validator: whether the values on the operand stack have the right types, and whether a lane or an alignment
// fits its instruction, is for the runtime to check. Whether
// the imports and exports fit is for the caller, as is to hand the runtime Module.Strip and not the bytes as they came:
// custom sections mean nothing here, but names and debug information are parsed by runtimes.
//
// Source: WebAssembly Core Specification 2.0, chapter 5 (binary format) and 7.4.1 (name section).
package core
