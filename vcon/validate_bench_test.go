package vcon

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

// ordinary is a chat of about so many bytes, as adapters send them.
func ordinary(size int) string {
	const turn = `{"type":"text","start":"2025-02-19T16:15:50-05:00","parties":[0],"originator":1,"mimetype":"text/plain",` +
		`"body":"Hello, thank you for calling. How may I help you with your account today?","encoding":"none"}`
	text := head + `"vcon":"0.0.1","created_at":"2025-03-21T06:59:56.598303+00:00","redacted":{},"group":[],` +
		`"parties":[{"tel":"+16366861771","mailto":"a@example.com","name":"Ann","role":"agent"},{"tel":"+16366861772"}],"dialog":[`
	return text + strings.Repeat(turn+",", max(0, size/len(turn)-2)) + turn + `],"analysis":[],"attachments":[` +
		`{"purpose":"tags","body":["a:b"],"encoding":"json"}]}`
}

// recorded is a vCon with an inline recording of about so many bytes.
func recorded(size int) string {
	return head + `"parties":[{}],"dialog":[{"type":"recording","start":"2025-02-19T16:15:50-05:00","parties":0,` +
		`"mediatype":"audio/x-wav","encoding":"base64url","body":"` + strings.Repeat("AB-_", size/4) + `"}]}`
}

func BenchmarkValidate(b *testing.B) {
	for _, bench := range []struct {
		name string
		text string
	}{{"chat 4 kB", ordinary(4 << 10)}, {"chat 400 kB", ordinary(400 << 10)}, {"audio 20 MB", recorded(20 << 20)}} {
		for m, mode := range [...]string{Lenient: "lenient", Strict: "strict", Upstream: "upstream"} {
			b.Run(fmt.Sprintf("%s/%s", bench.name, mode), func(b *testing.B) {
				v := mustParse(b, bench.text)
				b.SetBytes(int64(len(bench.text)))
				b.ReportAllocs()
				for b.Loop() {
					Validate(v, Mode(m))
				}
			})
		}
	}
}

func BenchmarkTerms(b *testing.B) {
	v := mustParse(b, ordinary(4<<10))
	b.ReportAllocs()
	for b.Loop() {
		v.Terms()
		v.CreatedAt()
	}
}

func BenchmarkBodyStream(b *testing.B) {
	v := mustParse(b, recorded(20<<20))
	object, _ := v.Get("/dialog/0")
	b.SetBytes(int64(len(object)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{BodyOf(object).Reader()}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBodyPlainBase64(b *testing.B) {
	text := strings.Repeat("AB-_", 5<<20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := base64.RawURLEncoding.DecodeString(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDowngrade(b *testing.B) {
	for _, text := range []string{ordinary(4 << 10), ordinary(400 << 10), recorded(20 << 20)} {
		b.Run(fmt.Sprintf("%d kB", len(text)>>10), func(b *testing.B) {
			v := mustParse(b, text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Downgrade("0.0.1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
