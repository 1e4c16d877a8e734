package postgres

import (
	"bytes"
	"slices"
	"strconv"
)

// representable gives JSON that JSONB can hold: escapes of NUL and of lone surrogates, which are no characters that
// PostgreSQL has, become U+FFFD, written as an escape of the same length. changed is false, and text itself returned,
// when there are none. text must be JSON.
func representable(text []byte) (_ []byte, changed bool) {
	out := text
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\\') // JSON has it in strings alone
		if i < 0 || at+i+1 == len(text) {
			return out, changed
		}
		at += i
		unit, ok := unitOf(text[at:])
		switch {
		case !ok:
			at += 2
			continue
		case isHigh(unit) && isLow(next(text[at+escapeLen:])):
			at += 2 * escapeLen
			continue
		case unit == 0 || isHigh(unit) || isLow(unit):
			if !changed {
				out, changed = slices.Clone(text), true
			}
			copy(out[at:], `\ufffd`)
		}
		at += escapeLen
	}
}

// escapeLen is the length of an escape such as \u0000.
const escapeLen = 6

// unitOf reads the UTF-16 unit of an escape with four hexadecimal digits that text begins with.
func unitOf(text []byte) (unit uint64, ok bool) {
	if len(text) < escapeLen || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:escapeLen]), 16, 16)
	return unit, err == nil
}

// next is the unit that text begins with, 0 if it begins with something else.
func next(text []byte) uint64 {
	if len(text) == 0 || text[0] != '\\' {
		return 0
	}
	unit, _ := unitOf(text)
	return unit
}

func isHigh(unit uint64) bool { return unit >= 0xD800 && unit < 0xDC00 }
func isLow(unit uint64) bool  { return unit >= 0xDC00 && unit < 0xE000 }
