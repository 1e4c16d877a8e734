package vcon

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFindingsAreCapped(t *testing.T) {
	t.Parallel()
	v := mustParse(t, head+`"attachments":[`+strings.Repeat("{},", 999)+`{}],"dialog":[{"parties":[`+strings.Repeat("7,", 99)+`7]}]}`)
	got := Validate(v, Lenient)
	var errors, warnings int
	for _, f := range got[:len(got)-1] {
		if f.Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	if errors != maxReported || warnings != maxReported {
		t.Errorf("%d errors, %d warnings", errors, warnings)
	}
	last := got[len(got)-1]
	if last.Rule != "MORE" || last.Severity != Error || last.Message != "50 more errors and 3951 more warnings are not listed" {
		t.Errorf("got %v", last)
	}
	for _, f := range Validate(mustParse(t, head+`"attachments":[`+strings.Repeat("{},", 999)+`{}]}`), Lenient) {
		if f.Severity == Error {
			t.Errorf("only warnings were left out: %v", f)
		}
	}
}

// Time grows with the size of the document and not with its square, whatever it is made of: 16 times the size may take
// 96 times as long, caches and garbage collection included, where the square would take 256. Not parallel: it measures.
func TestValidateIsLinear(t *testing.T) {
	for name, build := range hostile {
		for mode, word := range map[Mode]string{Lenient: "lenient", Strict: "strict", Upstream: "upstream"} {
			t.Run(name+" "+word, func(t *testing.T) {
				small, large := mustParse(t, build(1<<11)), mustParse(t, build(1<<15))
				a, b := time.Hour, time.Hour
				for range 5 { // a machine that is busy with other things is no reason
					a, b = min(a, elapsed(small, mode)), min(b, elapsed(large, mode))
					if b < 96*a || b < 100*time.Millisecond {
						return
					}
				}
				t.Errorf("16 times the size takes %v instead of %v", b, a)
			})
		}
	}
}

func elapsed(v *VCon, m Mode) time.Duration {
	start := time.Now()
	Validate(v, m)
	return time.Since(start)
}

// hostile are documents that take long to check where something is done once per pair.
var hostile = map[string]func(n int) string{
	"parties": func(n int) string { return list("parties", `{"tel":1}`, n) },
	"members": func(n int) string {
		return head + `"parties":[{` + numbered(n, `"m%d":1`) + `}]}`
	},
	"one member": func(n int) string { return head + strings.Repeat(`"subject":"x",`, n) + `"x":1}` },
	"indexes": func(n int) string {
		return head + `"parties":[{}],"dialog":[{"type":"text","parties":[` + strings.Repeat("[9],", n) + `0]}]}`
	},
	"transfers": func(n int) string { return list("dialog", `{"type":"transfer","original":1,"transferee":[0]}`, n) },
	"sets": func(n int) string {
		return head + `"dialog":[{"type":"recording-set","recordings":[` + numbered(n, "%d") + `]},` +
			strings.Repeat(`{"type":"recording","recording_set":0},`, n) + `{}]}`
	},
	"history": func(n int) string {
		return head + `"dialog":[{"party_history":[` + strings.Repeat(`{"event":"keyup"},`, n) + `{}]}]}`
	},
	"extensions": func(n int) string {
		return head + `"extensions":[` + numbered(n, `"e%d"`) + `],"critical":[` + numbered(n, `"e%d"`) + `]}`
	},
	"body": func(n int) string {
		return head + `"dialog":[{"encoding":"base64url","body":"` + strings.Repeat(`A\/A\n`, n) + `"}]}`
	},
	"text body": func(n int) string {
		return head + `"analysis":[{"encoding":"json","body":"` + strings.Repeat(`[`, n) + `"}]}`
	},
	"segments": func(n int) string {
		return head + `"analysis":[{"type":"wtf_transcription","body":{"segments":[` + strings.Repeat(`{"start":2,"end":1},`, n) + `{}]}}]}`
	},
	"civic address": func(n int) string { return head + `"parties":[{"civicaddress":{` + numbered(n, `"x%d":1`) + `}}]}` },
	"deep": func(n int) string {
		return head + `"dialog":[{"parties":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]}`
	},
}

func list(name, item string, n int) string {
	return head + `"` + name + `":[` + strings.Repeat(item+",", n-1) + item + `]}`
}

func numbered(n int, format string) string {
	var out strings.Builder
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, format, i)
	}
	return out.String()
}

// A payload that unpacks to far more than its size is refused before it is unpacked.
func TestPayloadBomb(t *testing.T) {
	t.Parallel()
	bomb := zipped(t, append([]byte(head+`"x":"`), bytes.Repeat([]byte("x"), 64<<20)...))
	_, err := Parse([]byte(sealed(bomb)))
	if bad, ok := errors.AsType[*ParseError](err); !ok || bad.Rule != "V02" || bad.Pointer != "/payload" {
		t.Errorf("got %v", err)
	}
}

// TestPayloadIsBase64URL: a signature is over the payload's text, which RFC 7515 wants without padding and white space.
func TestPayloadIsBase64URL(t *testing.T) {
	t.Parallel()
	good := sealed([]byte(whole("")))
	mustParse(t, good)
	for _, odd := range []string{`\n`, `\r`, " ", "=", `\u003d`, "+", "\\u0000"} {
		_, err := Parse([]byte(strings.Replace(good, `{"payload":"`, `{"payload":"`+odd, 1)))
		if bad, ok := errors.AsType[*ParseError](err); !ok || bad.Rule != "S01" || bad.Pointer != "/payload" {
			t.Errorf("%q: %v", odd, err)
		}
	}
	broken := mustParse(t, strings.Replace(good, `"protected":"e30"`, `"protected":"e3\n0"`, 1))
	if got := severityAt(Validate(broken, Lenient), "S01", "/signatures/0/protected"); got != "error" {
		t.Errorf("a line break in a protected header: %s", got)
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	inner := whole(`"subject":"inside","attachments":[{"type":"tags","body":"[\"a:b\"]"}]`)
	forms := map[string]string{
		"plain":  sealed([]byte(inner)),
		"gzip":   sealed(zipped(t, []byte(inner))),
		"nested": sealed([]byte(sealed(zipped(t, []byte(sealed([]byte(inner))))))),
	}
	for name, text := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := mustParse(t, text)
			p, err := v.Payload()
			if err != nil || string(p.Bytes()) != inner || p.ID() != v.ID() {
				t.Fatalf("payload %v", err)
			}
			if at, ok := v.CreatedAt(); !ok || v.Subject() != "inside" || at.Year() != 2025 || len(v.Terms()) != 2 ||
				!slices.Equal(v.Tags(), []string{"a:b"}) {
				t.Error("the views do not read the payload")
			}
		})
	}
	for _, text := range []string{inner, jwe + "}"} {
		v := mustParse(t, text)
		if _, err := v.Payload(); !errors.Is(err, ErrNoPayload) {
			t.Errorf("got %v", err)
		}
	}
	if v := mustParse(t, jwe+`,"subject":"x","parties":[{"tel":"1"}]}`); v.Subject() != "" || len(v.Terms()) != 0 {
		t.Error("the views read members of a JWE")
	}
}

func sealed(payload []byte) string {
	return `{"payload":"` + base64.RawURLEncoding.EncodeToString(payload) + `","signatures":[{"protected":"e30","signature":"AA"}]}`
}

func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever the document, validation does not panic, does not change it, says the same twice, points at what is there or
// at a member that is missing, and is never stricter in lenient mode than in strict.
func FuzzValidate(f *testing.F) {
	for _, text := range samples(f) {
		f.Add(text)
	}
	for _, tt := range ruleCases {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		before := bytes.Clone(text)
		counts := map[Mode]int{}
		for _, m := range []Mode{Lenient, Strict, Upstream} {
			first, second := Validate(v, m), Validate(v, m)
			if fmt.Sprint(first) != fmt.Sprint(second) {
				t.Fatalf("%v\n%v", first, second)
			}
			for _, finding := range first {
				checkFinding(t, finding)
				if finding.Severity == Error {
					counts[m]++
				}
			}
		}
		if counts[Lenient] > 0 && counts[Strict] == 0 {
			t.Error("lenient refuses what strict accepts")
		}
		if !bytes.Equal(before, v.Bytes()) {
			t.Error("the text changed")
		}
		read(v)
	})
}

func checkFinding(t *testing.T, f Finding) {
	t.Helper()
	if checkPointer(f.Pointer) != nil || f.Rule == "" || f.Type == "" || f.Message == "" || len(f.Message) > 512 {
		t.Errorf("%+v", f)
	}
	if m := typeMessage(f.Type); m != "" && f.Message != m && f.Type != typeFloat && f.Type != typeInteger {
		t.Errorf("%s says %q", f.Type, f.Message)
	}
}

// Whatever is signed, reading it does not panic and stays within the limits.
func FuzzPayload(f *testing.F) {
	f.Add([]byte(whole("")), false)
	f.Add([]byte(sealed([]byte(whole("")))), true)
	f.Add([]byte("\x1f\x8b\x08"), false)
	f.Fuzz(func(t *testing.T, payload []byte, zip bool) {
		if zip {
			payload = zipped(t, payload)
		}
		v, err := ParseWith([]byte(sealed(payload)), Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		p, err := v.Payload()
		if err != nil || p.Form() != Unsigned || p.ID() != v.ID() || len(p.Bytes()) > 1<<16 {
			t.Fatalf("%v", err)
		}
		Validate(v, Strict)
	})
}
