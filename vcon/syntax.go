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
