package hostabi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// aSecret makes a secret that may go to hosts, in places.
func aSecret(t testing.TB, name, value string, hosts []string, in ...string) Secret {
	t.Helper()
	s, err := NewSecret(name, value, hosts, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// echoes are the ways in which a peer may give back what it got.
var echoes = map[string]func(value string) string{
	"plain":         func(v string) string { return v },
	"query":         url.QueryEscape,
	"path":          url.PathEscape,
	"percent":       func(v string) string { return percent(v, "%%%02X") },
	"percent small": func(v string) string { return percent(v, "%%%02x") },
	"percent some":  func(v string) string { return percent(v[:3], "%%%02x") + v[3:] },
	"json":          func(v string) string { return jsonText(v) },
	"json ascii":    asciiJSON,
	"json slashes":  func(v string) string { return strings.ReplaceAll(jsonText(v), "/", `\/`) },
	"html":          html.EscapeString,
	"html numbers":  func(v string) string { return htmlNumbers(v) },
	"base64":        func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) },
	"base64 1":      func(v string) string { return base64.StdEncoding.EncodeToString([]byte("a" + v + "b")) },
	"base64 2":      func(v string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + v + "b")) },
	"base64 basic":  basic,
	"base64 json":   func(v string) string { return strings.ReplaceAll(basic(v), "/", `\/`) },
	"base64 ascii":  func(v string) string { return strings.ReplaceAll(basic(v), "+", `\u002b`) },
	"base64 query":  func(v string) string { return url.QueryEscape(basic(v)) },
	"base64 bytes":  func(v string) string { return percent(basic(v), "%%%02x") },
	"base64url":     func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) },
	"base64url 1":   func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte("?" + v + "~~")) },
	"base64url 2":   func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte("~~" + v + "?")) },
	"twice":         func(v string) string { return v + v },
}

// basic is what stands in an Authorization header.
func basic(v string) string { return base64.StdEncoding.EncodeToString([]byte("user:" + v)) }

func percent(v, format string) string {
	var b strings.Builder
	for i := range len(v) {
		fmt.Fprintf(&b, format, v[i])
	}
	return b.String()
}

func jsonText(v string) string {
	text, _ := json.Marshal(v)
	return string(text[1 : len(text)-1])
}

func asciiJSON(v string) string {
	var b strings.Builder
	for _, r := range v {
		if r >= 0x10000 {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func htmlNumbers(v string) string {
	var b strings.Builder
	for _, r := range v {
		fmt.Fprintf(&b, "&#x%X;&#8203;", r)
	}
	return strings.ReplaceAll(b.String(), "&#8203;", "")
}

// awkwardValues are secrets of every kind of character.
var awkwardValues = []string{
	"s3cr3t-k3y", `q"uo\te/sl<a>sh&'`, "50%41%2541+x", "pass word with spaces", "pässwörd-日本-😀", `\\\\\\\\`, "%%%%%%%%", "&amp;&lt;x", "~~~???>>>", strings.Repeat("long", 4000),
	`a\u0041bcdef`, "++++++++", "12345678", "*stars*at*both*ends*", "********", "user??>>//key-~~~",
}

// leaks reports whether a text gives a value away in any of the forms that are masked.
func leaks(text, value string) bool {
	for _, form := range echoes {
		if strings.Contains(text, form(value)) {
			return true
		}
	}
	for _, part := range insideBase64(value) {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, value := range awkwardValues {
		m := newMasker([]Secret{{}, aSecret(t, "A", value, []string{"a.example"})})
		for name, form := range echoes {
			for _, around := range [][2]string{{"", ""}, {"before ", " after"}, {`{"k":"`, `"}`}, {"%", "%"}, {`\`, `\`}, {"&", ";"}} {
				text := around[0] + form(value) + around[1]
				got := m.text(text)
				// Where what stands around could be of the value, which of it is masked does not matter.
				kept := strings.ContainsAny(value, around[0]+around[1]) || strings.HasPrefix(got, around[0]) && strings.HasSuffix(got, around[1])
				if leaks(got, value) || !strings.Contains(got, m.mark) || !kept {
					t.Errorf("%q as %s in %q: %q", value, name, around, got)
				}
			}
		}
	}
}

// TestMaskWhatWasWritten: a peer that shows the request itself escapes what the host has escaped already.
func TestMaskWhatWasWritten(t *testing.T) {
	t.Parallel()
	written := map[string]func(string) string{"query": escapeQuery, "json": insideJSON, "xml": html.EscapeString}
	for _, value := range append(awkwardValues, secretValue) {
		m := newMasker([]Secret{aSecret(t, "A", value, []string{"a.example"})})
		for place, write := range written {
			for name, form := range echoes {
				text := `{"data": "` + form(write(value)) + `"}`
				if got := m.text(text); got == text || strings.Contains(got, form(write(value))) || leaks(got, value) {
					t.Errorf("%q written as %s, shown as %s: %q", value, place, name, got)
				}
			}
		}
	}
}

func TestMaskKeepsTheRest(t *testing.T) {
	t.Parallel()
	m := newMasker([]Secret{aSecret(t, "A", "s3cr3t-k3y", []string{"a.example"}), aSecret(t, "B", "s3cr3t-k3y-and-more", []string{"a.example"})})
	for text, want := range map[string]string{
		"": "", "s3cr3t-k3": "s3cr3t-k3", "S3CR3T-K3Y": "S3CR3T-K3Y", "as3cr3t-k3yb": "a***b", "s3cr3t-k3y-and-more": "***", "s3cr3t-k3y-and-mor": "***-and-mor", "s3s3cr3t-k3y": "s3***",
		"%": "%", "%7": "%7", "%zz": "%zz", `\`: `\`, `\u00`: `\u00`, `\ud800`: `\ud800`, `\ud800\u0041`: `\ud800\u0041`, "&": "&", "&amp": "&amp", "&#x110000;": "&#x110000;", "s": "s", "\xff\xfe": "\xff\xfe",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	var none *masker
	header := http.Header{"A": {"s3cr3t-k3y"}}
	if none.text("s3cr3t-k3y") != "s3cr3t-k3y" || none.hits("s3cr3t-k3y") || none.header(header).Get("A") != "s3cr3t-k3y" || newMasker([]Secret{{}}) != nil {
		t.Error("no secrets")
	}
	text := []byte("a s3cr3t-k3y")
	if m.mask(text, -1); string(text) != "a s3cr3t-k3y" {
		t.Errorf("the text itself became %q", text)
	}
	got := m.header(http.Header{"X-S3cr3t-K3y": {"a"}, "X-A": {"b", "s3cr3t-k3y"}})
	if len(got) != 1 || strings.Join(got["X-A"], " ") != "b ***" || header.Get("A") != "s3cr3t-k3y" {
		t.Errorf("header %v", got)
	}
}

// TestMaskMakesNoValue: the mark and what stands around it are no value, whatever characters that has.
func TestMaskMakesNoValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"*abcdefgh", "abcdefgh*", "abcd***efgh", "***********", "ab*cdefgh"} {
		m := newMasker([]Secret{aSecret(t, "A", value, []string{"a.example"}), aSecret(t, "B", "12345678", []string{"a.example"})})
		for at := range len(value) + 1 {
			for _, inner := range []string{value, "12345678"} {
				text := value[:at] + inner + value[at:]
				if got := m.text(text); strings.Contains(got, value) || m.hits(got) {
					t.Errorf("%q in %q: %q", value, text, got)
				}
			}
		}
	}
}

// TestMaskLongest: of two values that begin at one place the longer is masked, whichever was granted first.
func TestMaskLongest(t *testing.T) {
	t.Parallel()
	short, long := aSecret(t, "A", "s3cr3t-k3y", []string{"a.example"}), aSecret(t, "B", "s3cr3t-k3y-and-more", []string{"a.example"})
	for _, secrets := range [][]Secret{{short, long}, {long, short}} {
		if got := newMasker(secrets).text("<s3cr3t-k3y-and-more><s3cr3t%2Dk3y%2Dand-more><s3cr3t-k3y>"); got != "<***><***><***>" {
			t.Errorf("%q", got)
		}
	}
}

// TestMaskStops: a limit cuts the result, and never within a value.
func TestMaskStops(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("0123456789", 10)
	m := newMasker([]Secret{aSecret(t, "A", value, []string{"a.example"})})
	for before := range 40 {
		text := strings.Repeat("x", before) + strings.Repeat(value, 100)
		for limit := range 40 {
			got := string(m.mask([]byte(text), limit))
			if strings.ContainsAny(got, "0123456789") || len(got) < limit || len(got) > limit+len(masked) {
				t.Fatalf("%d x, limit %d: %q", before, limit, got)
			}
		}
	}
}

func BenchmarkMask(b *testing.B) {
	var secrets []Secret
	for i := range 4 {
		secrets = append(secrets, aSecret(b, fmt.Sprint("S", i), fmt.Sprintf("%d-secret-value-of-some-length", i), []string{"a.example"}))
	}
	m := newMasker(secrets)
	for name, text := range map[string]string{
		"json":   strings.Repeat(`{"text":"a line of a \"transcript\" that somebody said","n":12},`, 1<<14),
		"base64": base64.StdEncoding.EncodeToString([]byte(strings.Repeat("audio, more or less\x00\x01\xfe", 1<<15))),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.mask([]byte(text), -1)
			}
		})
	}
}

// FuzzMask: what is masked holds the value in no form, masking it again finds nothing, and a text without a find is
// given back as it is.
func FuzzMask(f *testing.F) {
	for _, value := range awkwardValues {
		if len(value) > 100 {
			continue
		}
		for _, form := range echoes {
			f.Add(value, "before ", form(value), value)
		}
	}
	f.Add("*abcdefgh", "", "*abcdefgh", "abcdefgh")
	f.Fuzz(func(t *testing.T, value, before, middle, after string) {
		s, err := NewSecret("A", value, []string{"a.example"}, nil)
		if err != nil {
			return
		}
		m := newMasker([]Secret{s})
		for _, text := range []string{before + middle + after, before + value + after, before + basic(value) + after, before + url.QueryEscape(value) + after} {
			got := m.text(text)
			if leaks(got, value) || m.hits(got) {
				t.Fatalf("%q in %q: %q", value, text, got)
			}
			if !strings.Contains(got, m.mark) && got != text {
				t.Fatalf("%q became %q", text, got)
			}
			// Nothing that could be an escape, and no form of the value: not a byte changes.
			if !strings.ContainsAny(text, escapeBegins+"+") && !leaks(text, value) && got != text {
				t.Fatalf("without %q, %q became %q", value, text, got)
			}
		}
	})
}

// FuzzPlaceholders: a request is filled or refused, and no value goes where it is not granted.
func FuzzPlaceholders(f *testing.F) {
	for _, seed := range []string{"", "{{secret:KEY}}", "a={{secret:KEY}}&b", "%7b%7bsecret%3AKEY%7D%7D", "{{secret:", "{{secret:KEY", "{{{secret:KEY}}}", "#{{secret:KEY}}", "/{{secret:KEY}}"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, tail, value string) {
		c := newCall(t, document, func(o *Options) {
			o.Grants.Secrets = []Secret{aSecret(t, "KEY", "s3cr3t-k3y", []string{"a.example"}, "header")}
		})
		rawURL := "https://a.example/" + tail
		if checkPlaceholders("http_send", rawURL, http.Header{"A": {value}}) != nil {
			return
		}
		filling, err := c.newFilling("http_send", rawURL)
		if err != nil {
			return
		}
		if filled, err := filling.url(rawURL); err == nil && strings.Contains(filled, "s3cr3t-k3y") {
			t.Fatalf("%q became %q", rawURL, filled)
		}
		filled, err := filling.header(http.Header{"A": {value}})
		if err == nil && strings.Contains(filled.Get("A"), "{{secret:KEY}}") {
			t.Fatalf("%q became %q", value, filled.Get("A"))
		}
	})
}
