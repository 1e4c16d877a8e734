package vcon

import "strings"

// checkPointer says whether p is a JSON Pointer (RFC 6901): empty, or begun by a slash, each "~" followed by 0 or 1.
func checkPointer(p string) error {
	if p != "" && p[0] != '/' {
		return ErrPointer
	}
	for rest := p; ; {
		at := strings.IndexByte(rest, '~')
		if at < 0 {
			return nil
		}
		if at+1 >= len(rest) || rest[at+1] != '0' && rest[at+1] != '1' {
			return ErrPointer
		}
		rest = rest[at+2:]
	}
}

// cutToken takes the first token off a checked pointer that is not empty.
func cutToken(p string) (token, rest string) {
	p = p[1:]
	if at := strings.IndexByte(p, '/'); at >= 0 {
		p, rest = p[:at], p[at:]
	}
	return decodeToken(p), rest
}

// cutLast splits a checked pointer that is not empty into its parent and its last token.
func cutLast(p string) (parent, token string) {
	at := strings.LastIndexByte(p, '/')
	return p[:at], decodeToken(p[at+1:])
}

func decodeToken(token string) string {
	if strings.IndexByte(token, '~') < 0 {
		return token
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// appendToken appends a slash and the token, escaped.
func appendToken(p []byte, token string) []byte {
	p = append(p, '/')
	for i := range len(token) {
		switch c := token[i]; c {
		case '~':
			p = append(p, '~', '0')
		case '/':
			p = append(p, '~', '1')
		default:
			p = append(p, c)
		}
	}
	return p
}

// arrayIndex reads a token as an array index: digits without leading zeros, at most nine of them (no text within the
// limits has more elements).
func arrayIndex(token string) (int, bool) {
	if token == "" || len(token) > 9 || token[0] == '0' && len(token) > 1 {
		return 0, false
	}
	n := 0
	for i := range len(token) {
		c := token[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
