package vcon

import (
	"bytes"
	"crypto/sha256"
	"sync"
)

// fingerprint identifies a value by its raw text, for finding it again in another text of the same vCon. The hash is
// only computed for edits that leave the process or meet another text.
type fingerprint struct {
	from *node // the value as it was; nil when only the hash is known
	sum  func() [sha256.Size]byte
}

// absent is the fingerprint of no value.
var absent = &fingerprint{}

func newFingerprint(n *node) *fingerprint {
	f := &fingerprint{from: n}
	f.sum = sync.OnceValue(func() [sha256.Size]byte { return n.hash() })
	return f
}

func fingerprintOf(sum [sha256.Size]byte) *fingerprint {
	return &fingerprint{sum: func() [sha256.Size]byte { return sum }}
}

// hash is of the text with the edits.
func (n *node) hash() [sha256.Size]byte { return sha256.Sum256(n.now(elsewhere).text) }

// printOf is the fingerprint of a value of the draft. All edits since a mark that pass through one value carry the same:
// of its state at the first of them. So each names it as the text before them all knows it.
func (d *Draft) printOf(n *node) *fingerprint {
	if n.print == nil || n.epoch != d.epoch || n.edits == 0 {
		n.print, n.epoch = newFingerprint(n.freeze()), d.epoch
	}
	return n.print
}

// matches reports whether n stands for the value, as it is now.
func (f *fingerprint) matches(n *node) bool {
	switch {
	case f == absent:
		return false
	case f.from != nil && f.from.edits == 0 && n.edits == 0:
		return bytes.Equal(f.from.text, n.text)
	case f.from != nil && f.from.size() != n.size():
		return false
	}
	return f.sum() == n.hash()
}
