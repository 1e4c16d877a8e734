package vcon

import "strings"

// isMediatype reports type/subtype without parameters, by the restricted names of RFC 6838.
func isMediatype(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	return ok && isRestrictedName(kind, "!#$&-^_") && isRestrictedName(sub, "!#$&-^_.+")
}

// isRestrictedName reports a letter or digit, followed by such and by the marks given.
func isRestrictedName(s, marks string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && (i == 0 || strings.IndexByte(marks, s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool       { return c|0x20-'a' < 26 }
func isAlphanumeric(c byte) bool { return isLetter(c) || c-'0' < 10 }

// schemeOf is the scheme of an absolute URL: what stands before "://" and at least one more character; "" when s is none.
func schemeOf(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || rest == "" || rest[0] == '\n' || scheme == "" || !isLetter(scheme[0]) {
		return ""
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isAlphanumeric(c) && c != '+' && c != '-' && c != '.' {
			return ""
		}
	}
	return scheme
}

// The kinds of bytes in base64.
const (
	b64Bad      = iota
	b64Both     // in both alphabets
	b64URL      // - and _
	b64Standard // + and /
	b64Space
	b64Pad
)

// base64Kinds sorts the bytes.
var base64Kinds = [256]uint8{
	'A': b64Both, 'B': b64Both, 'C': b64Both, 'D': b64Both, 'E': b64Both, 'F': b64Both, 'G': b64Both, 'H': b64Both, 'I': b64Both, 'J': b64Both, 'K': b64Both, 'L': b64Both, 'M': b64Both,
	'N': b64Both, 'O': b64Both, 'P': b64Both, 'Q': b64Both, 'R': b64Both, 'S': b64Both, 'T': b64Both, 'U': b64Both, 'V': b64Both, 'W': b64Both, 'X': b64Both, 'Y': b64Both, 'Z': b64Both,
	'a': b64Both, 'b': b64Both, 'c': b64Both, 'd': b64Both, 'e': b64Both, 'f': b64Both, 'g': b64Both, 'h': b64Both, 'i': b64Both, 'j': b64Both, 'k': b64Both, 'l': b64Both, 'm': b64Both,
	'n': b64Both, 'o': b64Both, 'p': b64Both, 'q': b64Both, 'r': b64Both, 's': b64Both, 't': b64Both, 'u': b64Both, 'v': b64Both, 'w': b64Both, 'x': b64Both, 'y': b64Both, 'z': b64Both,
	'0': b64Both, '1': b64Both, '2': b64Both, '3': b64Both, '4': b64Both, '5': b64Both, '6': b64Both, '7': b64Both, '8': b64Both, '9': b64Both,
	'-': b64URL, '_': b64URL, '+': b64Standard, '/': b64Standard, '=': b64Pad,
	' ': b64Space, '\t': b64Space, '\n': b64Space, '\v': b64Space, '\f': b64Space, '\r': b64Space,
}

// inspectBase64 tells whether the inside of a JSON string decodes as base64 of any kind, and whether it is plain
// base64url: without padding, white space or the standard alphabet. Nothing is decoded.
func inspectBase64(s []byte) (ok, plain bool) {
	var counts [6]int
	var one [4]byte
	for i := 0; i < len(s); i++ {
		kind := base64Kinds[s[i]]
		if s[i] == '\\' {
			decoded, n := unescape(one[:0], s[i:])
			kind = base64Kinds[decoded[0]]
			i += n - 1
		}
		counts[kind]++
		if counts[b64Pad] > 0 && kind < b64Space {
			return false, false
		}
	}
	digits := counts[b64Both] + counts[b64URL] + counts[b64Standard]
	ok = counts[b64Bad] == 0 && digits%4 != 1
	return ok, ok && digits == len(s) && counts[b64Standard] == 0
}
