package vcon

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in       string // members of the object
		encoding string
		want     string
		bad      bool
	}{
		{`"x":1`, "", "", false},
		{`"body":null,"encoding":"none"`, "", "", false},
		{`"body":"","encoding":"base64url"`, "", "", false},
		{`"body":{}`, "", "", false},
		{`"body":[]`, "", "", false},
		{`"body":[ ],"encoding":"json"`, "json", "[ ]", false},
		{`"body":"a\nb\u00e9\ud83d\ude00\ud800/","encoding":"none"`, "none", "a\nbé😀\ufffd/", false},
		{`"body":"{}","encoding":"none"`, "none", "{}", false},
		{`"body":"hi","mediatype":"text/plain; charset=utf-8"`, "none", "hi", false},
		{`"body":"hi","mimetype":"Text/HTML"`, "none", "hi", false},
		{`"body":"--x","mediatype":"multipart/mixed"`, "none", "--x", false},
		{`"body":{"a": 1.00},"encoding":"json"`, "json", `{"a": 1.00}`, false},
		{`"body":"{\"a\": 1.00}","encoding":"json"`, "json", `{"a": 1.00}`, false},
		{`"body":" 42 ","encoding":"json"`, "json", "42", false},
		{`"body":"plain words","encoding":"json"`, "json", "plain words", false},
		{`"body":"\"x\"","encoding":"json"`, "json", `"x"`, false},
		{`"body":7,"encoding":"json"`, "json", "7", false},
		{`"body":{"a":1},"encoding":"none"`, "json", `{"a":1}`, false},
		{`"body":["a:b"]`, "json", `["a:b"]`, false},
		{`"body":"{\"a\":1}"`, "json", `{"a":1}`, false},
		{`"body":"words"`, "json", `words`, false},
		{`"transcript":"{}"`, "json", `{}`, false},
		{`"body":"aGk","encoding":"base64url"`, "base64url", "hi", false},
		{`"body":"aGk=","encoding":"base64"`, "base64url", "hi", false},
		{`"body":"a G\r\nk\t=\n=","encoding":"BASE64URL"`, "base64url", "hi", false},
		{`"body":"-_+\/","encoding":"base64url"`, "base64url", "\xfb\xff\xbf", false},
		{`"body":"aGk","mediatype":"audio/x-wav"`, "base64url", "hi", false},
		{`"body":"aGk","encoding":"gzip","mediatype":"video/ogg"`, "base64url", "hi", false},
		{`"body":{"a":1},"encoding":"base64url"`, "json", `{"a":1}`, false},
		{`"body":"a","encoding":"base64url"`, "base64url", "", true},
		{`"body":"aGk$","encoding":"base64url"`, "base64url", "", true},
		{`"body":"aGk=aGk","encoding":"base64url"`, "base64url", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			b := BodyOf(Value("{" + tt.in + "}"))
			if b.Encoding() != tt.encoding || b.Empty() != (tt.encoding == "") {
				t.Errorf("encoding %q", b.Encoding())
			}
			got, err := b.Bytes()
			if tt.bad != (err != nil) || !tt.bad && string(got) != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
			streamed, err := io.ReadAll(iotest.OneByteReader(b.Reader()))
			if tt.bad != (err != nil) || !tt.bad && string(streamed) != tt.want {
				t.Errorf("streamed %q, %v", streamed, err)
			}
			if tt.bad && !strings.Contains(err.Error(), "body is not base64url") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBodyJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{`{"body":{"a":1},"encoding":"none"}`, `{"a":1}`},
		{`{"body":"[1]","encoding":"json"}`, `[1]`},
		{`{"body":"\"x\"","encoding":"json"}`, `"x"`},
		{`{"body":"words","encoding":"json"}`, `"words"`},
		{`{"body":"words","encoding":"none"}`, ``},
		{`{}`, ``},
	}
	for _, tt := range tests {
		if got, ok := BodyOf(Value(tt.in)).JSON(); string(got) != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %s, %t", tt.in, got, ok)
		}
	}
}

// A large recording is decoded into one buffer of its size, or streamed through a small one. Not parallel: what is
// allocated is counted for the whole process.
func TestLargeBody(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	object := Value(`{"encoding":"base64url","body":"` + base64.RawURLEncoding.EncodeToString(content) + `"}`)
	got, err := BodyOf(object).Bytes()
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	whole := allocated(func() { _, _ = BodyOf(object).Bytes() })
	if most := int64(len(content) + 64<<10); whole > most {
		t.Errorf("decoding takes %d bytes, at most %d are needed", whole, most)
	}
	if n := allocated(func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{BodyOf(object).Reader()}) }); n > 64<<10 {
		t.Errorf("streaming takes %d bytes", n)
	}
}

func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// Whatever the body, reading it never panics and both ways of reading agree; what encoding/base64 decodes, we decode.
func FuzzBody(f *testing.F) {
	f.Add("aGk=", "base64", "audio/x-wav")
	f.Add("a\nb\\u00e9", "none", "text/plain")
	f.Add(`{"a":[1,"x"]}`, "json", "")
	f.Add("-_+/ \t==", "base64url", "")
	f.Fuzz(func(t *testing.T, body, encoding, mediatype string) {
		object := fmt.Appendf(nil, `{"body":%s,"encoding":%s,"mediatype":%s}`,
			quote(nil, strings.ToValidUTF8(body, "")), quote(nil, strings.ToValidUTF8(encoding, "")),
			quote(nil, strings.ToValidUTF8(mediatype, "")))
		b := BodyOf(object)
		whole, err := b.Bytes()
		streamed, streamErr := io.ReadAll(iotest.HalfReader(b.Reader()))
		if (err == nil) != (streamErr == nil) || err == nil && !bytes.Equal(whole, streamed) {
			t.Fatalf("%q %v, streamed %q %v", whole, err, streamed, streamErr)
		}
		if want, plainErr := base64.RawURLEncoding.DecodeString(body); plainErr == nil && b.Encoding() == EncodingBase64URL {
			if !bytes.Equal(whole, want) {
				t.Fatalf("got %x, want %x", whole, want)
			}
		}
		if raw := b.Value(); b.Encoding() == EncodingBase64URL {
			if ok, _ := inspectBase64(raw.inner()); ok != (err == nil) {
				t.Fatalf("inspected %t, decoded %v: %s", ok, err, raw)
			}
		}
	})
}
