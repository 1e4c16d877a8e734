package hostabi

import (
	"encoding/base64"
	"html"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// masked stands where the value of a secret stood: a word that means nothing, not the placeholder, which would be filled
// again when the link sends on what it got. Where a value has a star, the mark and what stands beside it could be that
// value again; so maskedStar stands there, whose character no value has.
const (
	masked     = "***"
	maskedStar = "\uFFFD\uFFFD\uFFFD"
)

// masker finds the values of secrets. The nil masker finds nothing.
type masker struct {
	forms  []string  // values, as requests hold them too, and what is seen of these in base64; in a text any of their characters may be escaped
	mark   string    // masked or maskedStar
	starts [256]bool // bytes that a find can begin with
}

func newMasker(secrets []Secret) *masker {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s Secret) bool { return s.value == "" })
	if len(secrets) == 0 {
		return nil
	}
	m := &masker{mark: masked}
	for _, s := range secrets {
		m.forms = append(append(m.forms, s.written...), s.coded...)
		if strings.Contains(s.value, "*") {
			m.mark = maskedStar
		}
	}
	for _, form := range m.forms {
		m.starts[form[0]] = true
	}
	for _, b := range []byte(escapeBegins) {
		m.starts[b] = true
	}
	return m
}

// mask replaces the values in text; text itself is not changed. It stops when the result has limit bytes, below 0 never.
func (m *masker) mask(text []byte, limit int) []byte {
	if m == nil {
		return text
	}
	if limit < 0 {
		limit = math.MaxInt
	}
	var out []byte
	done := 0 // text up to here is in out
	i := 0
	for i < len(text) && len(out)+i-done < limit {
		n := 0
		if m.starts[text[i]] {
			n = m.find(text[i:])
		}
		if n == 0 {
			i++
			continue
		}
		out = append(append(out, text[done:i]...), m.mark...)
		i += n
		done = i
	}
	if i == len(text) && done == 0 {
		return text
	}
	return append(out, text[done:i]...)
}

func (m *masker) text(s string) string {
	if m == nil {
		return s
	}
	return string(m.mask([]byte(s), -1))
}

func (m *masker) hits(s string) bool { return m.text(s) != s }

// header masks values, and leaves out fields whose name is a secret.
func (m *masker) header(h http.Header) http.Header {
	if m == nil {
		return h
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		if m.named(name) {
			continue
		}
		for _, v := range values {
			out[name] = append(out[name], m.text(v))
		}
	}
	return out
}

// named: the names of headers come in a case of their own.
func (m *masker) named(header string) bool {
	return slices.ContainsFunc(m.forms, func(v string) bool { return strings.Contains(strings.ToLower(header), strings.ToLower(v)) })
}

// find is the length of the longest secret that text begins with, 0 when it begins with none.
func (m *masker) find(text []byte) (longest int) {
	if len(text) < 2 {
		return 0
	}
	char, escaped := unescapeChar(text)
	plain := escaped == 0 && !mayEscape(text[1])
	for _, form := range m.forms {
		begins := form[0] == text[0] && (!plain || form[1] == text[1]) || escaped > 0 && strings.HasPrefix(form, char)
		if begins { // nearly nothing does
			longest = max(longest, escapedPrefix(text, form))
		}
	}
	return longest
}

// escapeBegins are the bytes that an escaped character begins with.
const escapeBegins = `%\&`

// mayEscape: b begins an escaped character, or is the + that a form writes for a space.
func mayEscape(b byte) bool { return b == '%' || b == '\\' || b == '&' || b == '+' }

// escapedPrefix is the length of what text begins with if that is value with none, some or all of its characters
// escaped for a URL, JSON or HTML; 0 when it is not. Where a value looks like an escape itself, both readings are tried,
// and the longest counts.
func escapedPrefix(text []byte, value string) (longest int) {
	r := readings{open: make([]reading, 1, 8)}
	for len(r.open) > 0 {
		at := r.open[len(r.open)-1]
		r.open = r.open[:len(r.open)-1]
		if end := r.follow(text, value, at); end.value == len(value) {
			longest = max(longest, end.text)
		}
	}
	return longest
}

// reading is how far a text has been read as a value.
type reading struct{ text, value int }

// readings are those still to be followed, and the places where there were two.
type readings struct {
	open []reading
	seen map[reading]bool
}

// follow reads on to where the value ends or the text differs. A character that may stand for itself or begin an escape
// is read as an escape, and the other reading is left in open.
func (r *readings) follow(text []byte, value string, at reading) reading {
	for at.value < len(value) && at.text < len(text) {
		b := text[at.text]
		plain := b == value[at.value] || b == '+' && value[at.value] == ' ' // a form writes + for a space
		char, n := "", 0
		if mayEscape(b) {
			char, n = unescapeChar(text[at.text:])
		}
		escaped := n > 0 && strings.HasPrefix(value[at.value:], char)
		if plain && escaped {
			if r.seen[at] {
				return at
			}
			if r.seen == nil {
				r.seen = map[reading]bool{}
			}
			r.seen[at] = true
			r.open = append(r.open, reading{at.text + 1, at.value + 1})
		}
		switch {
		case escaped:
			at.text, at.value = at.text+n, at.value+len(char)
		case plain:
			at.text, at.value = at.text+1, at.value+1
		default:
			return at
		}
	}
	return at
}

// unescapeChar is the character that text begins with in an escaped form, and the length of that; 0 when it is in none.
func unescapeChar(text []byte) (char string, n int) {
	switch text[0] {
	case '%':
		if len(text) >= 3 {
			if b, err := strconv.ParseUint(string(text[1:3]), 16, 8); err == nil {
				return string([]byte{byte(b)}), 3
			}
		}
	case '\\':
		return unescapeJSON(text)
	case '&':
		if end := slices.Index(text[:min(len(text), maxEntity)], ';'); end > 0 {
			return html.UnescapeString(string(text[:end+1])), end + 1
		}
	}
	return "", 0
}

// maxEntity is the length of the longest entity that a character is written as: &#x10ffff; and some zeros.
const maxEntity = 12

func unescapeJSON(text []byte) (char string, n int) {
	if len(text) >= 2 && strings.IndexByte(`"\/`, text[1]) >= 0 {
		return string(text[1:2]), 2
	}
	r, ok := jsonUnit(text)
	if !ok {
		return "", 0
	}
	if utf16.IsSurrogate(r) {
		low, ok := jsonUnit(text[6:])
		if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
			return string(both), 12
		}
		return "", 0
	}
	return string(r), 6
}

// jsonUnit reads one UTF-16 unit, as four hex digits behind \u.
func jsonUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(r), err == nil
}

// insideBase64 is what of a value is seen in base64, in both alphabets, when 0, 1 or 2 bytes more than a multiple of
// three stand before it. The characters at its ends that depend on the neighbours are left out.
func insideBase64(value string) []string {
	var all []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte("\x00\x00"[:before] + value))
			from := (before*8 + 5) / 6
			to := (before + len(value)) * 8 / 6
			if text = text[min(from, to):to]; text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

// Mask replaces the values of the link's secrets in a text that leaves by a way that Call does not see, such as a line
// that a guest prints.
func (c *Call) Mask(text string) string { return c.masker.text(text) }
