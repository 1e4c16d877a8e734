package hostabi

import (
	"strings"
	"unicode/utf8"
)

// checkPointer refuses what is no JSON Pointer (RFC 6901) in UTF-8.
func checkPointer(p []byte) *callError {
	if !utf8.Valid(p) {
		return failure(Invalid, "a pointer is not UTF-8")
	}
	if len(p) > 0 && p[0] != '/' {
		return failure(BadPointer, "%q is no JSON pointer: it must be empty or begin with /", p)
	}
	for i, b := range p {
		if b == '~' && (i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1') {
			return failure(BadPointer, "%q is no JSON pointer: ~ must be written ~0", p)
		}
	}
	return nil
}

// unescape decodes one step of a pointer.
func unescape(step string) string {
	if !strings.Contains(step, "~") {
		return step
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}

// escapeStep writes a name as one step of a pointer.
func escapeStep(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// cut splits a non-empty pointer into its parent and its last step, decoded.
func cut(pointer string) (parent, last string) {
	i := strings.LastIndexByte(pointer, '/')
	return pointer[:i], unescape(pointer[i+1:])
}

// depthOf is how many steps a pointer has.
func depthOf(pointer string) int { return strings.Count(pointer, "/") }

// within reports whether inner is outer or below it.
func within(inner, outer string) bool {
	return inner == outer || strings.HasPrefix(inner, outer+"/")
}
