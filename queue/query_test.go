package queue

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func words(s string) Phrase { return Phrase{Words: strings.Fields(s)} }

func prefix(s string) Phrase { return Phrase{Words: strings.Fields(s), Prefix: true} }

func not(p Phrase) Phrase {
	p.Not = true
	return p
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Phrase{
		"refund":                        {words("refund")},
		" refund\torder ":               {words("refund"), words("order")},
		`"refund order"`:                {words("refund order")},
		`a"b c"d`:                       {words("a"), words("b c"), words("d")},
		`"never closed`:                 {words("never closed")},
		"ord*":                          {prefix("ord")},
		`"big ord*"`:                    {prefix("big ord")},
		`"big ord"*`:                    {prefix("big ord")},
		"o*d":                           {words("o d")},
		"order -refund":                 {words("order"), not(words("refund"))},
		`-"a b" order -x*`:              {not(words("a b")), words("order"), not(prefix("x"))},
		"ann@example.com":               {words("ann example com")},
		"+1-555":                        {words("1 555")},
		"cafe\u0301 straße 電話":          {words("cafe\u0301"), words("straße"), words("電話")},
		"a AND b OR NOT NEAR(c)":        {words("a"), words("AND"), words("b"), words("OR"), words("NOT"), words("NEAR c")},
		"subject:x ^y {a b}: \x00 \xff": {words("subject x"), words("y"), words("a"), words("b")},
		`- * "" "-" x`:                  {words("x")},
		"\u0301 x \u0301*":              {words("x")},
		"--x y":                         {not(words("x")), words("y")},
	} {
		got, err := ParseQuery(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                            "no word",
		`-x "" *`:                     "no word",
		strings.Repeat("x", 1025):     "1024",
		strings.Repeat("x ", 33):      "32",
		strings.Repeat("x ", 32):      "",
		strings.Repeat("é", 512):      "",
		strings.Repeat("- \"*\" ", 9): "no word",
	} {
		_, err := ParseQuery(text)
		if bad := (*QueryError)(nil); want == "" && err != nil || want != "" && (!errors.As(err, &bad) || !strings.Contains(bad.Reason, want)) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParseQuery: whatever is typed, words hold nothing that could be an operator of anybody.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"refund", `"a b*" -c`, `-"x" y*`, `""*"`, "a\x00b", "\xff*", "cafe\u0301", "NEAR(a b, 3)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseQuery(text)
		if err != nil {
			return
		}
		if len(all) == 0 || len(all) > MaxPhrases {
			t.Fatalf("%d phrases", len(all))
		}
		for _, p := range all {
			if len(p.Words) == 0 {
				t.Fatal("a phrase without words")
			}
			for _, w := range p.Words {
				if w == "" || strings.ContainsFunc(w, func(r rune) bool {
					return unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsSpace(r) || unicode.IsControl(r)
				}) {
					t.Fatalf("word %q", w)
				}
			}
		}
	})
}
