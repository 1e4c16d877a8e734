package vcon

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"
)

func proseOf(t *testing.T, members string) Prose {
	t.Helper()
	v, err := Parse([]byte(`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334"` + members + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return v.Prose(1 << 10)
}

func TestProse(t *testing.T) {
	t.Parallel()
	code := strings.Repeat("aGVsbG8g", 10)
	for _, c := range []struct {
		name, members string
		want          Prose
	}{
		{"nothing", ``, Prose{}},
		{"subject", `,"subject":"Refund \u00fcber all"`, Prose{Subject: "Refund über all\n"}},
		{"parties", `,"parties":[{"name":"Ann","tel":"tel:+1 (555) 0001"},{"mailto":"mailto:bob@example.com"},7]`,
			Prose{Parties: "Ann +1 (555) 0001  15550001\n  bob@example.com\n"}},
		{"text dialog", `,"dialog":[{"type":"text","encoding":"none","body":"my \"order\""}]`, Prose{Body: "my \"order\"\n"}},
		{"no encoding", `,"dialog":[{"type":"text","body":"plain words"}]`, Prose{Body: "plain words\n"}},
		{"html", `,"dialog":[{"type":"text","mediatype":"text/html; charset=utf-8","body":"<p class='x'>Hi<br>Bob</p> 1 < 2"}]`,
			Prose{Body: " Hi Bob  1  \n"}},
		{"recording", `,"dialog":[{"type":"recording","mediatype":"audio/x-wav","encoding":"none","body":"words"}]`, Prose{}},
		{"bytes of no type", `,"dialog":[{"type":"recording","encoding":"base64url","body":"d29yZHM"}]`, Prose{}},
		{"text in base64", `,"dialog":[{"mediatype":"text/plain","encoding":"base64url","body":"` +
			base64.RawURLEncoding.EncodeToString([]byte("caf\xe9 words")) + `"}]`, Prose{Body: "caf  words\n"}},
		{"codes", `,"dialog":[{"encoding":"none","body":"before ` + code + ` after"}]`, Prose{Body: "before  after\n"}},
		{"code alone", `,"subject":"` + code + `"`, Prose{Subject: "\n"}},
		{"transcript", `,"analysis":[{"type":"transcript","encoding":"json","body":{"transcript":{"text":"good morning","confidence":0.5},
			"segments":[{"text":"good"},{"text":"morning","words":["good"]}],"tokens":["x"]}}]`, Prose{Body: "good morning\ngood\nmorning\n"}},
		{"JSON in a string", `,"analysis":[{"type":"summary","encoding":"json","body":"{\"summary\":\"in short\"}"}]`, Prose{Body: "in short\n"}},
		{"summary", `,"analysis":[{"type":"summary","body":"in short","encoding":"none"}]`, Prose{Body: "in short\n"}},
		{"encrypted", `,"ciphertext":"abc","recipients":[{}],"subject":"x","unprotected":{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334"}`, Prose{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := proseOf(t, c.members); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A signed vCon says what its payload says.
func TestProseOfSigned(t *testing.T) {
	t.Parallel()
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","subject":"inside"}`))
	v, err := Parse([]byte(`{"payload":"` + payload + `","signatures":[{"protected":"","signature":""}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Prose(100); got.Subject != "inside\n" {
		t.Errorf("%q", got)
	}
}

// The bound holds over all parts together and never cuts a character.
func TestProseIsBounded(t *testing.T) {
	t.Parallel()
	v, err := Parse([]byte(`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","subject":"abc","parties":[{"name":"ü"}],
		"dialog":[{"body":"` + strings.Repeat("üü ", 1000) + `"}],"analysis":[{"body":["` + strings.Repeat(`ü","`, 1000) + `x"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for limit := range 200 {
		p := v.Prose(limit)
		all := p.Subject + p.Parties + p.Body
		if len(all) > limit || len(all) < limit-1 || !utf8.ValidString(all) {
			t.Fatalf("limit %d: %d bytes, %q", limit, len(all), all)
		}
	}
}

func FuzzProse(f *testing.F) {
	for _, seed := range []string{
		`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","subject":"a\u00e9\ud800","parties":[{"tel":"tel:+1"}]}`,
		`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","dialog":[{"mediatype":"text/html","body":"<a<b>c"},{"encoding":"base64url","mediatype":"text/x","body":"!!"}]}`,
		`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","analysis":[{"body":[[[[{"words":[],"x":["deep"]}]]]],"encoding":"json"},{"body":"{\"a\":[\"b\"]}"}]}`,
	} {
		f.Add([]byte(seed), 64)
	}
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		v, err := Parse(text)
		if err != nil || limit < 0 || limit > 1<<20 {
			return
		}
		p := v.Prose(limit)
		if n := len(p.Subject) + len(p.Parties) + len(p.Body); n > limit {
			t.Fatalf("%d bytes, the limit is %d", n, limit)
		}
	})
}
