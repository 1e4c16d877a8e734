package vcon

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Prose is what a document says in words, for full-text search.
type Prose struct {
	Subject string
	Parties string // names, telephone numbers as written and as digits alone, mail addresses; a party a line
	Body    string // dialogs that are text, then analyses that are text or JSON; a text a line
}

// Prose collects the words of a document, at most limit bytes in all: the subject first, then the parties, the dialogs
// and the analyses. Of a JSON body it takes the strings, without member names and without lists of single words, which
// repeat a text that is there. Recordings, images and long codes are left out. A signed vCon is read through its payload;
// an encrypted one has no prose. Safe on any document: it never fails, and reads little more than it takes.
func (v *VCon) Prose(limit int) Prose {
	left := limit
	collect := func(fill func(*words)) string {
		w := &words{left: left}
		fill(w)
		left = w.left
		return w.b.String()
	}
	return Prose{
		Subject: collect(func(w *words) { w.line(v.Subject()) }),
		Parties: collect(v.partyWords),
		Body:    collect(v.bodyWords),
	}
}

func (v *VCon) partyWords(w *words) {
	for _, p := range v.Parties() {
		if w.left <= 0 {
			return
		}
		tel := trimScheme("tel", p.Tel())
		w.text(p.Name() + " " + tel + " " + trimScheme("mailto", p.Mailto()))
		if digits := digitsOf(tel); digits != tel {
			w.text(" " + digits)
		}
		w.put("\n")
	}
}

// digitsOf is a telephone number as one word, however it is grouped.
func digitsOf(tel string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, tel)
}

func (v *VCon) bodyWords(w *words) {
	for _, d := range v.Dialogs() {
		w.content(d.holder)
	}
	for _, a := range v.Analyses() {
		w.content(a.holder)
	}
}

// words gathers text up to a number of bytes.
type words struct {
	b    strings.Builder
	left int
}

// line is a text on a line of its own.
func (w *words) line(s string) {
	if s == "" || w.left <= 0 {
		return
	}
	w.text(s)
	w.put("\n")
}

// codeLen is from how many bytes on a run of letters and digits without a space is no word: a hash, a key, a line of
// base64.
const codeLen = 60

// text takes s without the codes in it.
func (w *words) text(s string) {
	for w.left > 0 {
		from, to := findCode(s)
		w.put(s[:from])
		if from == len(s) {
			return
		}
		s = s[to:]
	}
}

// put takes s as far as there is room, up to a whole character.
func (w *words) put(s string) {
	if len(s) > w.left {
		n := w.left
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s, w.left = s[:n], n
	}
	w.b.WriteString(s)
	w.left -= len(s)
}

// findCode is the first code in s; its length twice when there is none.
func findCode(s string) (from, to int) {
	for i := range len(s) {
		if ofCode(s[i]) {
			continue
		}
		if i-from >= codeLen {
			return from, i
		}
		from = i + 1
	}
	if len(s)-from >= codeLen {
		return from, len(s)
	}
	return len(s), len(s)
}

func ofCode(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '+' || c == '/' || c == '-' || c == '_' || c == '='
}

// content takes what the body of a dialog or an analysis says.
func (w *words) content(o holder) {
	if w.left <= 0 {
		return
	}
	media, _, _ := strings.Cut(strings.ToLower(o.Mediatype()), ";")
	media = strings.TrimSpace(media)
	kind, _, _ := strings.Cut(media, "/")
	if kind == "audio" || kind == "video" || kind == "image" {
		return
	}
	b := o.Body()
	switch b.Encoding() {
	case EncodingJSON:
		v, _ := b.JSON()
		w.value(v, jsonLevels)
	case EncodingBase64URL:
		if kind == "text" {
			w.stream(b.Reader(), media)
		}
	case EncodingNone:
		w.stream(b.Reader(), media)
	}
}

// readAhead is how many times the room that is left is read of one body: it may begin with what is no text.
const readAhead = 4

func (w *words) stream(r io.Reader, media string) {
	text, _ := io.ReadAll(io.LimitReader(r, int64(w.left)*readAhead)) // what decodes is taken, bad base64 ends it
	s := strings.ToValidUTF8(string(text), " ")
	if media == "text/html" {
		s = withoutTags(s)
	}
	w.line(s)
}

// withoutTags leaves out what stands in angle brackets.
func withoutTags(s string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(s, "<")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		b.WriteByte(' ')
		if _, s, found = strings.Cut(rest, ">"); !found {
			return b.String()
		}
	}
}

// jsonLevels is how deep the strings of a JSON body are looked for: transcripts of all vendors have theirs above.
const jsonLevels = 16

// value takes the strings of a JSON value.
func (w *words) value(v Value, levels int) {
	if w.left <= 0 || levels == 0 {
		return
	}
	switch v.Kind() {
	case String:
		s, _ := v.Text()
		w.line(s)
	case Array:
		for _, e := range v.Elements() {
			if w.value(e, levels-1); w.left <= 0 {
				return
			}
		}
	case Object:
		for name, e := range v.Members() {
			if name == "words" || name == "tokens" {
				continue
			}
			if w.value(e, levels-1); w.left <= 0 {
				return
			}
		}
	}
}
