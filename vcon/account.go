package vcon

import "crypto/sha256"

// Sum is the SHA-256 of the value that the edit brings, without white space between its tokens, and its size in bytes as
// it was given; of a tag that of name:value. A removal brings nothing: size 0.
func (e Edit) Sum() (sum [sha256.Size]byte, size int) {
	switch e.op {
	case opTag, opUntag:
		pair := e.name + ":" + e.text
		return sha256.Sum256([]byte(pair)), len(pair)
	case opRemove, opNone:
		return sum, 0
	}
	return hashTokens(e.value), len(e.value)
}

// Replaced is the SHA-256 of the value that the edit takes the place of or removes, without white space between its
// tokens; ok false when there is none, or the edit does not say.
func (e Edit) Replaced() (sum [sha256.Size]byte, ok bool) {
	if e.was == nil || e.was == absent {
		return sum, false
	}
	return e.was.sum(), true
}
