package queue

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds of a query, so that none costs much more than another.
const (
	MaxQuery   = 1024 // bytes
	MaxPhrases = 32
)

// Phrase is one condition of a full-text query: these words, next to each other, in one of a document's texts.
type Phrase struct {
	Words  []string // of letters, digits and marks alone, at least one; case and accents do not count
	Prefix bool     // the last word may go on
	Not    bool     // documents that have it are left out
}

// QueryError says what is wrong with a full-text query. Its text repeats nothing of the query.
type QueryError struct{ Reason string }

func (e *QueryError) Error() string { return "search text: " + e.Reason }

// ParseQuery reads a full-text query. All that it names must be in a document:
//
//	refund order      both words, anywhere
//	"refund order"    the words next to each other; what is glued together is taken so too: ann@example.com
//	ord*              a word that begins so; "refund ord*" likewise
//	-refund           not this word, or, before a quote, not this phrase
//
// Signs besides these separate words. Nothing else is an operator, and no text is a mistake but one that has nothing to
// look for, more than MaxQuery bytes or more than MaxPhrases conditions. Error: *QueryError.
func ParseQuery(text string) ([]Phrase, error) {
	if len(text) > MaxQuery {
		return nil, &QueryError{"more than 1024 bytes"}
	}
	var all []Phrase
	wanted := false
	for rest := text; rest != ""; {
		var p Phrase
		if p, rest = nextPhrase(rest); len(p.Words) == 0 {
			continue
		}
		if len(all) == MaxPhrases {
			return nil, &QueryError{"more than 32 words and phrases"}
		}
		all = append(all, p)
		wanted = wanted || !p.Not
	}
	if !wanted {
		return nil, &QueryError{"it names no word to look for"}
	}
	return all, nil
}

// nextPhrase takes one condition off the front; one without words stands for signs or space alone.
func nextPhrase(s string) (p Phrase, rest string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	s, p.Not = strings.CutPrefix(s, "-")
	var part string
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		part, rest, _ = strings.Cut(quoted, `"`)
		if after, ok := strings.CutPrefix(rest, "*"); ok {
			part, rest = part+"*", after
		}
	} else {
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
		if end < 0 {
			end = len(s)
		}
		part, rest = s[:end], s[end:]
	}
	p.Words = strings.FieldsFunc(part, func(r rune) bool { return !inWord(r) })
	p.Words = slices.DeleteFunc(p.Words, func(w string) bool { return !strings.ContainsFunc(w, starts) })
	p.Prefix = strings.HasSuffix(part, "*")
	return p, rest
}

// starts reports what a word has at least one of.
func starts(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// inWord reports what words are made of. Marks count, because a letter may be written as itself and its accent.
func inWord(r rune) bool { return starts(r) || unicode.IsMark(r) }
