package vcon

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// str checks the string whose opening quote is at i: escapes, control characters, UTF-8. Eight bytes at a time are
// passed over while none of them needs a look.
func (s *scanner) str(i int) int {
	text := s.text
	i++
	for {
		i = plainRun(text, i)
		if i >= len(text) {
			return s.fail(i, "the text ends too early")
		}
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			n := escapeLen(text[i:])
			s.esc = true
			if n == 0 {
				return s.fail(i, "an escape in a string is malformed")
			}
			i += n
		case c < 0x20:
			return s.fail(i, "a control character stands unescaped in a string")
		case c < utf8.RuneSelf:
			i++
		default:
			n := runesLen(text[i:])
			if n == 0 {
				return s.fail(i, "a string is not UTF-8")
			}
			i += n
		}
	}
}

// plainRun is the offset of the first notable byte from i, or of the last few bytes of the text. Most strings are
// short, so it looks at a few words one by one before it takes four at a time.
func plainRun(text []byte, i int) int {
	for range 4 {
		if i+8 > len(text) {
			return i
		}
		if m := notable(binary.LittleEndian.Uint64(text[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for ; i+32 <= len(text); i += 32 {
		w := text[i : i+32 : i+32]
		m := notable(binary.LittleEndian.Uint64(w)) | notable(binary.LittleEndian.Uint64(w[8:])) |
			notable(binary.LittleEndian.Uint64(w[16:])) | notable(binary.LittleEndian.Uint64(w[24:]))
		if m != 0 {
			break
		}
	}
	for ; i+8 <= len(text); i += 8 {
		if m := notable(binary.LittleEndian.Uint64(text[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// notable has the high bit set in each byte of x that is a quote, a backslash, below space or above ASCII. Borrows can
// set more bits, but only above the lowest that is true.
func notable(x uint64) uint64 {
	return (((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones) | (x - 0x20*ones) | x) & highs
}

// escapeLen is the length of the escape at the start of b, 0 when it is malformed.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }

// runesLen is the length of the run of characters above ASCII at the start of b; 0 when its first one is malformed.
func runesLen(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}
