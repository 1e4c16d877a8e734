package vcon

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// The benchmarks stand side by side in sub-benchmarks, ours first, so that ratios can be read from one run:
//
//	go test ./vcon -run '^$' -bench . -benchtime 0.2s

// benchText makes a document of about size bytes. Text: dialogs and a transcript, indented as Python's json writes it;
// audio: one recording with its body inline.
func benchText(shape string, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"vcon": "0.0.1", "uuid": %q, "created_at": "2025-02-26T10:00:00+00:00", "parties": [`, someID)
	b.WriteString(`{"tel": "+15550100", "name": "Ann"}, {"mailto": "bob@example.com", "name": "Bob", "role": "agent"}], "dialog": [`)
	if shape == "audio" {
		audio := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0, 1, 0x7f, 0xfe, 0x33}, size*3/20))
		fmt.Fprintf(&b, `{"type": "recording", "start": "2025-02-26T10:00:00Z", "parties": [0, 1], "mediatype": "audio/x-wav", "encoding": "base64url", "body": %q}`, audio)
	} else {
		for n := 0; b.Len() < size/2; n++ {
			fmt.Fprintf(&b, `{"type": "text", "start": "2025-02-26T10:%02d:00Z", "parties": [%d], "duration": %d.5, "mediatype": "text/plain", "body": "Good morning, this is line %d of what we said, with a \"quote\"."}, `, n%60, n%2, n%9, n)
		}
		b.WriteString(`{"type": "text", "parties": [0, 1], "body": ""}`)
	}
	b.WriteString(`], "analysis": [{"type": "transcript", "vendor": "x", "dialog": 0, "encoding": "json", "body": {"segments": [`)
	for n := 0; shape == "text" && b.Len() < size; n++ {
		fmt.Fprintf(&b, `{"id": %d, "start": %d.25, "end": %d.75, "text": "and so on and so forth", "confidence": 0.9%d, "words": []}, `, n, n, n, n%10)
	}
	b.WriteString(`{}]}}], "attachments": [{"purpose": "tags", "encoding": "json", "body": ["lang:en"]}]}`)
	return b.Bytes()
}

func eachShape(b *testing.B, f func(b *testing.B, text []byte)) {
	for _, shape := range []string{"text", "audio"} {
		for _, size := range []int{4_000, 400_000, 20_000_000} {
			text := benchText(shape, size)
			name := fmt.Sprintf("%s/%dkB", shape, size/1000)
			b.Run(name, func(b *testing.B) { f(b, text) })
		}
	}
}

func BenchmarkParse(b *testing.B) {
	eachShape(b, func(b *testing.B, text []byte) {
		run := func(name string, f func() bool) {
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if !f() {
						b.Fatal("refused")
					}
				}
			})
		}
		run("vcon", func() bool { _, err := Parse(text); return err == nil })
		run("gjson-valid", func() bool { return gjson.ValidBytes(text) })
		run("json-valid", func() bool { return json.Valid(text) })
		run("json-decode", func() bool { var v any; return json.Unmarshal(text, &v) == nil })
	})
}

func BenchmarkRead(b *testing.B) {
	eachShape(b, func(b *testing.B, text []byte) {
		v := mustParse(b, string(text))
		last, _ := v.Count("/dialog")
		run := func(name string, f func() bool) {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !f() {
						b.Fatal("not found")
					}
				}
			})
		}
		get := func(pointer string) func() bool {
			return func() bool { _, err := v.Get(pointer); return err == nil }
		}
		run("last-dialog/vcon", get(fmt.Sprintf("/dialog/%d/type", last-1)))
		run("last-dialog/gjson", func() bool { return gjson.GetBytes(text, fmt.Sprintf("dialog.%d.type", last-1)).Exists() })
		run("tag/vcon", get("/attachments/0/body/0"))
		run("tag/gjson", func() bool { return gjson.GetBytes(text, "attachments.0.body.0").Exists() })
		run("deep/vcon", get("/analysis/0/body/segments/0"))
		run("deep/gjson", func() bool { return gjson.GetBytes(text, "analysis.0.body.segments.0").Exists() })
		run("tag/json-decode", func() bool {
			var doc struct {
				Attachments []struct{ Body []string }
			}
			return json.Unmarshal(text, &doc) == nil && len(doc.Attachments[0].Body) == 1
		})
	})
}

func BenchmarkEdit(b *testing.B) {
	analysis := []byte(`{"type":"report","vendor":"x","encoding":"json","body":{"ok":true}}`)
	eachShape(b, func(b *testing.B, text []byte) {
		v := mustParse(b, string(text))
		run := func(name string, f func() int) {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if f() <= len(text) {
						b.Fatal("not edited")
					}
				}
			})
		}
		stage := func() *Draft {
			d := v.Draft()
			if d.Append("/analysis", analysis) != nil || d.AddTag("seen", "yes") != nil {
				b.Fatal("not edited")
			}
			return d
		}
		run("stage/vcon", func() int { return len(text) + len(stage().Edits()) })
		run("splice/vcon", func() int {
			spliced, err := stage().VCon()
			if err != nil {
				return 0
			}
			return len(spliced.Bytes())
		})
		run("splice/sjson", func() int {
			out, _ := sjson.SetRawBytes(text, "analysis.-1", analysis)
			out, _ = sjson.SetBytes(out, "attachments.0.body.-1", "seen:yes")
			return len(out)
		})
		run("splice/json", func() int {
			var doc map[string]any
			if json.Unmarshal(text, &doc) != nil {
				return 0
			}
			doc["analysis"] = append(doc["analysis"].([]any), json.RawMessage(analysis))
			tags := doc["attachments"].([]any)[0].(map[string]any)
			tags["body"] = append(tags["body"].([]any), "seen:yes")
			out, _ := json.Marshal(doc)
			return len(out) + len(text)
		})
		run("copy", func() int { return len(bytes.Clone(text)) + 1 })
	})
}

// BenchmarkDiff finds one analysis that was added, in a text that another program wrote anew.
func BenchmarkDiff(b *testing.B) {
	const analysis = `,{"type":"report","vendor":"x","encoding":"json","body":{"ok":true}}`
	eachShape(b, func(b *testing.B, text []byte) {
		at := bytes.LastIndex(text, []byte(`], "attachments"`))
		more := slices.Concat(text[:at], []byte(analysis), text[at:])
		var compact bytes.Buffer
		if err := json.Compact(&compact, more); err != nil {
			b.Fatal(err)
		}
		run := func(name string, f func() bool) {
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if !f() {
						b.Fatal("not one append")
					}
				}
			})
		}
		run("vcon", func() bool {
			changes := slices.Collect(Diff(text, compact.Bytes(), func(string) bool { return false }))
			return len(changes) == 1 && changes[0].Op == "append" && changes[0].Path == "/analysis"
		})
		run("json-decode-both", func() bool {
			var from, to any
			return json.Unmarshal(text, &from) == nil && json.Unmarshal(compact.Bytes(), &to) == nil && !reflect.DeepEqual(from, to)
		})
	})
}
