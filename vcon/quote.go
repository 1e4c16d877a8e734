package vcon

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote decodes a valid JSON string with its quotes.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	cut := bytes.IndexByte(raw, '\\')
	if cut < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for cut >= 0 {
		out = append(out, raw[:cut]...)
		var n int
		out, n = unescape(out, raw[cut:])
		raw = raw[cut+n:]
		cut = bytes.IndexByte(raw, '\\')
	}
	return string(append(out, raw...))
}

// unescape appends what the valid escape at the start of raw stands for, and returns its length. A surrogate pair
// counts as one escape.
func unescape(out, raw []byte) ([]byte, int) {
	switch raw[1] {
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	case 'u':
		r := hex4(raw[2:])
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(out, r), 6
		}
		if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(raw[8:])); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), 12
			}
		}
		return utf8.AppendRune(out, utf8.RuneError), 6
	}
	return append(out, raw[1]), 2
}

// loneSurrogate reports whether a valid JSON string has half a surrogate pair, which no decoded text can hold.
func loneSurrogate(raw []byte) bool {
	for at := bytes.IndexByte(raw, '\\'); at >= 0; at = bytes.IndexByte(raw, '\\') {
		raw = raw[at:]
		_, n := unescape(nil, raw)
		if n == 6 && utf16.IsSurrogate(hex4(raw[2:])) {
			return true
		}
		raw = raw[n:]
	}
	return false
}

// hex4 reads four hex digits known to be such.
func hex4(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n)
}

// quote appends s as a JSON string; only what must be escaped is. s must be UTF-8.
func quote(out []byte, s string) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(out, s[from:]...), '"')
}
