package vcon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

const someID = "019543da-b5aa-8d63-9dd8-dd37220d739c"

func mustParse(t testing.TB, text string) *VCon {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return v
}

func TestSamplesRoundTrip(t *testing.T) {
	t.Parallel()
	forms := map[string]Form{"ietf-signed-jws.vcon": Signed, "ietf-encrypted-jwe.vcon": Encrypted}
	for name, text := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := Parse(bytes.Clone(text))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(v.Bytes(), text) {
				t.Error("the text changed")
			}
			if v.Hash() != sha256.Sum256(text) {
				t.Error("the hash is not of the text")
			}
			if v.Form() != forms[name] {
				t.Errorf("form %d", v.Form())
			}
			if v.ID().IsZero() {
				t.Error("no uuid")
			}
			checkReads(t, v)
		})
	}
}

// checkReads compares every value of the document, found by its pointer, with what encoding/json makes of it.
func checkReads(t *testing.T, v *VCon) {
	t.Helper()
	plain := decode(t, v.Bytes())
	var walk func(pointer string, want any)
	walk = func(pointer string, want any) {
		got, err := v.Get(pointer)
		if err != nil {
			t.Fatalf("get %s: %v", pointer, err)
		}
		switch want := want.(type) {
		case map[string]any:
			for name, member := range want {
				walk(string(appendToken([]byte(pointer), name)), member)
			}
		case []any:
			for n, element := range want {
				walk(fmt.Sprint(pointer, "/", n), element)
			}
			if _, err := v.Get(fmt.Sprint(pointer, "/", len(want))); !errors.Is(err, ErrAbsent) {
				t.Errorf("get behind the end of %s: %v", pointer, err)
			}
		case json.Number:
			if string(got) != want.String() {
				t.Errorf("%s: number %s, want %s", pointer, got, want)
			}
		case string:
			if text, ok := got.Text(); !ok || text != want {
				t.Errorf("%s: text %q, want %q", pointer, text, want)
			}
		}
	}
	walk("", plain)
}

func decode(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	in := func(s string) string { return `{"uuid":"` + someID + `","x":` + s + `}` }
	deep := func(n int) string { return in(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	signed := func(payload string) string {
		return `{"payload":"` + base64.RawURLEncoding.EncodeToString([]byte(payload)) + `","signatures":[]}`
	}
	tests := []struct {
		name, text, rule string
		offset           int
		pointer, reason  string
	}{
		{"empty", "", "V01", 0, "", "empty"},
		{"white space", " \n", "V01", 2, "", "too early"},
		{"byte order mark", "\xef\xbb\xbf{}", "V01", 0, "", "byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "V01", 0, "", "byte order mark"},
		{"gzip", "\x1f\x8b\x08", "V01", 0, "", "gzip"},
		{"array", " []", "V01", 1, "", "not a JSON object"},
		{"string", `"x"`, "V01", 0, "", "not a JSON object"},
		{"garbage behind", `{"uuid":1} x`, "V01", 11, "", "after the end"},
		{"two documents", "{}\n{}", "V01", 3, "", "after the end"},
		{"cut in a string", `{"uuid":"0`, "V01", 10, "/uuid", "too early"},
		{"cut in an object", `{"a":1`, "V01", 6, "", "too early"},
		{"cut after a comma", `{"a":[1,`, "V01", 8, "/a/1", "too early"},
		{"comma before the end", `{"a":1,}`, "V01", 7, "", "member name"},
		{"comma in an array", `{"a":[1,]}`, "V01", 8, "/a/1", "value is expected"},
		{"no colon", `{"a" 1}`, "V01", 5, "", "colon"},
		{"no comma", `{"a":1 "b":2}`, "V01", 7, "", "comma"},
		{"no comma in an array", `{"a":[1 2]}`, "V01", 8, "/a", "comma"},
		{"bare name", `{a:1}`, "V01", 1, "", "member name"},
		{"single quotes", `{'a':1}`, "V01", 1, "", "member name"},
		{"comment", `{/**/"a":1}`, "V01", 1, "", "member name"},
		{"NaN", `{"a":NaN}`, "V01", 5, "/a", "value is expected"},
		{"half a literal", `{"a":tru}`, "V01", 5, "/a", "value is expected"},
		{"leading zero", `{"a":01}`, "V01", 5, "/a", "number"},
		{"plus", `{"a":+1}`, "V01", 5, "/a", "value is expected"},
		{"bare minus", `{"a":-}`, "V01", 6, "/a", "number"},
		{"bare dot", `{"a":1.}`, "V01", 7, "/a", "number"},
		{"bare exponent", `{"a":1e+}`, "V01", 8, "/a", "number"},
		{"control character", "{\"a\":\"x\x01\"}", "V01", 7, "/a", "control character"},
		{"raw line break", "{\"a\":\"x\n\"}", "V01", 7, "/a", "control character"},
		{"bad escape", `{"a":"\x"}`, "V01", 6, "/a", "escape"},
		{"short escape", `{"a":"\u12"}`, "V01", 6, "/a", "escape"},
		{"not UTF-8", "{\"a\":\"longer than eight \xff\"}", "V01", 24, "/a", "UTF-8"},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", "V01", 6, "/a", "UTF-8"},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "V01", 6, "/a", "UTF-8"},
		{"vertical tab", "{\v}", "V01", 1, "", "member name"},
		{"too deep", deep(128), "V02", -2, strings.Repeat("/0", 0), "nested deeper"},
		{"long number", in(strings.Repeat("1", 1025)), "V02", -2, "/x", "number is longer"},
		{"no vCon", `{"a":{"uuid":1}}`, "V04", -1, "/uuid", "no vCon"},
		{"empty object", `{}`, "V04", -1, "/uuid", "no vCon"},
		{"no uuid", `{"parties":[]}`, "T01", -1, "/uuid", "missing"},
		{"uuid null", `{"uuid":null}`, "T01", -1, "/uuid", "not a string"},
		{"uuid empty", `{"uuid":""}`, "T01", -1, "/uuid", "of the form"},
		{"uuid sample", `{"uuid":"SAMPLE-1"}`, "T01", -1, "/uuid", "of the form"},
		{"payload no string", `{"payload":1,"signatures":[]}`, "S01", -1, "/payload", "not a string"},
		{"payload no base64url", `{"payload":"%","signatures":[]}`, "S01", -1, "/payload", "not base64url"},
		{"payload no JSON", signed("x"), "V01", -1, "/payload", "in the signed payload"},
		{"payload no uuid", signed(`{"parties":[]}`), "T01", -1, "/payload", "uuid is missing"},
		{"payload broken gzip", signed("\x1f\x8b\x08"), "S01", -1, "/payload", "gzip"},
		{"encrypted without uuid", `{"ciphertext":"","recipients":[]}`, "T01", -1, "/unprotected/uuid", "missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text))
			bad, ok := errors.AsType[*ParseError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if bad.Rule != tt.rule || tt.offset != -2 && bad.Offset != tt.offset {
				t.Errorf("got %s at %d: %v", bad.Rule, bad.Offset, bad)
			}
			if tt.offset != -2 && bad.Pointer != tt.pointer {
				t.Errorf("pointer %q, want %q", bad.Pointer, tt.pointer)
			}
			if !strings.Contains(bad.Reason, tt.reason) {
				t.Errorf("reason %q, want %q", bad.Reason, tt.reason)
			}
		})
	}
	if _, err := Parse([]byte(deep(127))); err != nil {
		t.Errorf("128 levels: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	text := []byte(`{"uuid":"` + someID + `","a":[1,2,[3]]}`)
	for _, tt := range []struct {
		limits Limits
		ok     bool
	}{
		{Limits{}, true},
		{Limits{Bytes: int64(len(text))}, true},
		{Limits{Bytes: int64(len(text)) - 1}, false},
		{Limits{Depth: 3}, true},
		{Limits{Depth: 2}, false},
		{Limits{Elements: 7}, true},
		{Limits{Elements: 6}, false},
	} {
		if _, err := ParseWith(text, tt.limits); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.limits, err)
		}
	}
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	v := mustParse(t, string(samples(t)["awkward.vcon.json"]))
	for pointer, want := range map[string]string{
		"/amended":                         `null`,
		"/dialog/0/mediatype":              `"multipart/mixed; \r\n\tboundary=\"=_x\""`,
		"/dialog/1/mimetype":               `"audio/x-wav"`,
		"/dialog/1/transfer_target":        `1`,
		"/dialog/2/target-dialog":          `1`,
		"/dialog/2/target_dialog":          `0`,
		"/dialog/0/party_history/0/button": `"5"`,
		"/analysis/0/schema":               `"s1"`,
		"/analysis/1/schema":               `"s2"`,
		"/analysis/1/product":              `"p"`,
		"/analysis/2/body":                 `"hello"`,
		"/attachments/0/purpose":           `"tags"`,
		"/unknown/dup":                     `2`,
		"/unknown/escaped":                 `true`,
		"/unknown/sla~1sh":                 `1`,
		"/unknown/til~0de":                 `2`,
		"/unknown/":                        `3`,
		"/unknown/qu\"ote":                 `4`,
		"/subject":                         `"second \u00e9\ud83d\ude00 \ud800 \/ \b\f\n\r\t\"\\"`,
	} {
		if got, err := v.Get(pointer); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", pointer, got, err)
		}
	}
	for _, pointer := range []string{
		"/parties/0/purpose", "/analysis/0/purpose", "/unknown/mediatype", "/dialog/-", "/dialog/00", "/dialog/x",
		"/dialog/99999999999999999999", "/parties/0/tel/x", "/dialog/0/body/mimetype", "/", "/critical",
	} {
		if got, err := v.Get(pointer); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %s, %v", pointer, got, err)
		}
	}
	for _, pointer := range []string{"x", "dialog/0", "/a~", "/a~2", "/nothing/~x"} {
		if got, err := v.Get(pointer); !errors.Is(err, ErrPointer) {
			t.Errorf("%s: %s, %v", pointer, got, err)
		}
	}
}

func TestSignedID(t *testing.T) {
	t.Parallel()
	samples := samples(t)
	if text := samples["ietf-signed-jws.vcon"]; text != nil {
		if got := mustParse(t, string(text)).ID().String(); got != "019f15a6-a752-826f-b9a2-279e0d16bc46" {
			t.Errorf("signed: %s", got)
		}
		if got := mustParse(t, string(samples["ietf-encrypted-jwe.vcon"])).ID().String(); got != "019f15a6-a752-826f-b9a2-279e0d16bc46" {
			t.Errorf("encrypted: %s", got)
		}
	}
}

// TestDuplicateFlood parses and reads an object of very many members of one name; it would take hours if any step were
// quadratic.
func TestDuplicateFlood(t *testing.T) {
	t.Parallel()
	const n = 200_000
	v := mustParse(t, `{"uuid":"`+someID+`","x":{`+strings.Repeat(`"a":1,`, n)+`"a":2},`+strings.Repeat(`"a":1,`, n)+`"a":3}`)
	for range 1000 {
		for pointer, want := range map[string]string{"/a": "3", "/x/a": "2"} {
			if got, err := v.Get(pointer); err != nil || string(got) != want {
				t.Fatalf("%s: %s, %v", pointer, got, err)
			}
		}
	}
}

func TestIteration(t *testing.T) {
	t.Parallel()
	v := mustParse(t, body(`,"x":{"a":1,"\u0061":2,"b":[true,null]},"y":[`+strings.Repeat(`{"long":"enough for an index"},`, 30)+`7]`))
	var members []string
	for name, value := range v.Members("/x") {
		members = append(members, name+"="+string(value))
	}
	if got := strings.Join(members, " "); got != "a=1 a=2 b=[true,null]" {
		t.Errorf("members: %s", got)
	}
	last, kind := -1, Absent
	for n, value := range v.Elements("/y") {
		if n != last+1 {
			t.Errorf("element %d after %d", n, last)
		}
		last, kind = n, value.Kind()
	}
	if last != 30 || kind != Number {
		t.Errorf("last element %d of kind %d", last, kind)
	}
	for range v.Members("/y") {
		t.Error("an array has a member")
	}
	for range v.Elements("/x") {
		t.Error("an object has an element")
	}
	for range v.Elements("/none") {
		t.Error("nothing has an element")
	}
	for range v.Elements("/y") {
		break
	}
	if n, err := v.Count("/x"); n != 2 || err != nil {
		t.Errorf("count: %d, %v", n, err)
	}
	if keys, err := v.Keys("/x"); strings.Join(keys, " ") != "a b" || err != nil {
		t.Errorf("keys: %q, %v", keys, err)
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	for text, kind := range map[string]Kind{
		"": Absent, "null": Null, "true": Bool, "false": Bool, "-1": Number, "0": Number, `""`: String, "[]": Array, "{}": Object,
	} {
		v := Value(text)
		if v.Kind() != kind {
			t.Errorf("%q: kind %d", text, v.Kind())
		}
		if _, ok := v.Text(); ok != (kind == String) {
			t.Errorf("%q: text %v", text, ok)
		}
	}
	if got, err := Value(`{"a":[1,{"b":2}]}`).Get("/a/1/b"); string(got) != "2" || err != nil {
		t.Errorf("get: %s, %v", got, err)
	}
	if _, err := Value(nil).Get(""); !errors.Is(err, ErrAbsent) {
		t.Errorf("get of nothing: %v", err)
	}
	names := ""
	for name, value := range Value(`{"a":[1,2]}`).Members() {
		for n := range value.Elements() {
			names += fmt.Sprint(name, n)
		}
	}
	if names != "a0a1" {
		t.Errorf("members: %s", names)
	}
}

// TestConcurrentReads lets many read, and so index, one document at a time; the race detector watches.
func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	v := mustParse(t, string(benchText("text", 100_000)))
	many := `"x":{` + strings.Repeat(`"k":0,`, 100) + `"z":1},`
	w := mustParse(t, `{`+many+`"uuid":"`+someID+`"}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, pointer := range []string{"/analysis/0/body/segments/100/id", "/analysis/0/body/segments/7/words", "/dialog/9/type"} {
				if _, err := v.Get(pointer); err != nil {
					t.Errorf("%s: %v", pointer, err)
				}
			}
			if got, err := w.Get("/x/z"); err != nil || string(got) != "1" {
				t.Errorf("%s, %v", got, err)
			}
			d := v.Draft()
			do(t, d, "append /analysis 1", "tag a b")
			if spliced, err := d.VCon(); err != nil || spliced.Hash() == v.Hash() {
				t.Errorf("splice: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestValuesAreCapped: appending to a value that was read must not write into the document.
func TestValuesAreCapped(t *testing.T) {
	t.Parallel()
	v := mustParse(t, body(`,"x":{"a":[1,2],"b":"c"}`))
	before := v.Hash()
	for _, pointer := range []string{"", "/uuid", "/x", "/x/a", "/x/a/0", "/x/b"} {
		got, err := v.Get(pointer)
		if err != nil || cap(got) != len(got) {
			t.Errorf("%s: capacity %d of %d, %v", pointer, cap(got), len(got), err)
		}
	}
	for _, value := range v.Members("/x") {
		_ = append(value, "spoilt"...)
	}
	if sha256.Sum256(v.Bytes()) != before {
		t.Error("the text was changed")
	}
}

// TestEveryByteAnywhere puts each byte at each place of strings shorter and longer than the words the scanner reads.
func TestEveryByteAnywhere(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 7, 8, 9, 31, 33, 64, 100} {
		text := []byte(body(`,"x":"` + strings.Repeat("a", length) + `"`))
		from := len(text) - 2 - length
		for at := from; at < from+length; at++ {
			for c := range 256 {
				text[at] = byte(c)
				_, err := Parse(text)
				if taken := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; taken != (err == nil) {
					if c != '\\' || json.Valid(text) != (err == nil) {
						t.Fatalf("byte %#x at %d of %d: %v", c, at-from, length, err)
					}
				}
			}
			text[at] = 'a'
		}
	}
}
