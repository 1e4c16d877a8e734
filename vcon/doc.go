// Package vcon is the document: a lossless view over the received bytes of one vCon.
//
// A VCon keeps the text exactly as it came and an index over it. Reads address values by JSON Pointer (RFC 6901) and
// return the raw text without decoding the rest; edits are staged in a Draft and spliced into a new text, so a 20 MB
// document with inline audio costs what its edits cost. Unknown members, member order, number spelling and white space
// survive. Views and pointers read old and new field names alike; what is stored is never rewritten for it.
//
// Guarantees: Parse then Bytes gives the same bytes; a Draft's untouched parts keep theirs; a VCon is immutable and
// safe for concurrent use, a Draft is not. Left to others: fetching external content, verifying signatures, decrypting.
//
// Source: draft-ietf-vcon-vcon-core-04 and its predecessors; RFC 8259, 6901, 7515, 7516, 9562.
package vcon
