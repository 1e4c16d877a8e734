package vcon

import (
	"crypto/sha256"
	"math/rand/v2"
	"sync"
)

// fingerprint identifies a value by its raw text, for finding it again in another text of the same vCon. White space
// between tokens does not count: it may depend on whether edits were spliced together or one after the other, and
// others that rewrite the document change it. The hash is only computed for edits that leave the process or meet
// another text.
type fingerprint struct {
	from   *node  // the value as it was; nil when only the hash is known
	serial uint64 // tells values apart that have the same text
	sum    func() [sha256.Size]byte
}

// absent is the fingerprint of no value.
var absent = &fingerprint{}

func newFingerprint(n *node, serial uint64) *fingerprint {
	f := &fingerprint{from: n, serial: serial}
	f.sum = sync.OnceValue(func() [sha256.Size]byte { return n.hash() })
	return f
}

func fingerprintOf(sum [sha256.Size]byte, serial uint64) *fingerprint {
	return &fingerprint{serial: serial, sum: func() [sha256.Size]byte { return sum }}
}

// hash is of the text with the edits, without white space between tokens.
func (n *node) hash() [sha256.Size]byte { return hashTokens(n.now(elsewhere).text) }

// hashTokens is the SHA-256 of a valid text without the white space between its tokens.
func hashTokens(text []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	from := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			i = skipString(text, i)
		case c > ' ':
			i++
		default:
			h.Write(text[from:i])
			i = skipSpace(text, i)
			from = i
		}
	}
	h.Write(text[from:])
	h.Sum(sum[:0])
	return sum
}

// nextSerial counts from a random number: a journal may hold the edits of several drafts, and what one of them says of
// an element must not be taken for what another says of one that is like it.
func (d *Draft) nextSerial() {
	if d.serial == 0 {
		d.serial = rand.Uint64()
	}
	d.serial++
}

// printOf is the fingerprint of a value of the draft. All edits since a mark that pass through one value carry the same:
// of its state at the first of them. So each names it as the text before them all knows it.
func (d *Draft) printOf(n *node) *fingerprint {
	if n.print == nil || n.epoch != d.epoch {
		d.nextSerial()
		n.print, n.epoch = newFingerprint(n.freeze(), d.serial), d.epoch
	}
	return n.print
}
