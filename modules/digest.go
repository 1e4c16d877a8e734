package modules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// Digest is the SHA-256 of a module's bytes: its identity in pins, cache and logs. The zero Digest is none.
type Digest [sha256.Size]byte

const digestPrefix = "sha256:"

// ParseDigest reads 64 hex digits of either case, with or without "sha256:" before them.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	sum, err := hex.DecodeString(strings.TrimPrefix(text, digestPrefix))
	if err != nil || len(sum) != len(d) {
		return Digest{}, errors.New("a digest is 64 hex digits, with or without sha256: before them")
	}
	if copy(d[:], sum); d.IsZero() {
		return Digest{}, errors.New("64 zeros are the digest of nothing")
	}
	return d, nil
}

// DigestOf is the digest of a module's bytes.
func DigestOf(wasm []byte) Digest { return sha256.Sum256(wasm) }

// Hex is the digest as 64 lower-case hex digits: what a config has as sha256.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// String is "sha256:" and Hex.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// IsZero says that this is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// isWasm tells a module's bytes from another file's by their first four.
func isWasm(b []byte) bool { return bytes.HasPrefix(b, []byte("\x00asm")) }
