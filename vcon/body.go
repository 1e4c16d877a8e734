package vcon

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
)

// The encodings of a body, as Body.Encoding gives them.
const (
	EncodingNone      = "none"      // the text itself
	EncodingJSON      = "json"      // a JSON value
	EncodingBase64URL = "base64url" // bytes
)

// Body is the inline content of a dialog, an analysis or an attachment. It reads every style that documents have: JSON as
// a value or as a text in a string, base64url with and without padding, in the standard alphabet, with white space;
// objects under "none"; no encoding at all. Nothing is decoded before Bytes or Reader. The zero Body is empty.
type Body struct {
	raw      Value
	encoding string // effective; "" when empty
}

// BodyOf is the body of a dialog, an analysis or an attachment, given as its JSON text.
func BodyOf(object Value) Body {
	return holder{newPart(object, atDialog|atAnalysis|atAttachment)}.Body()
}

// holder is a dialog, an analysis or an attachment as far as these have the same members.
type holder struct{ part }

// Mediatype is the content's media type as written, parameters included.
func (o holder) Mediatype() string { return o.Text("mediatype") }

// Filename is the content's name.
func (o holder) Filename() string { return o.Text("filename") }

// URL is where external content is; "" = none. It is hostile input.
func (o holder) URL() string { return o.Text("url") }

// ContentHashes are the hashes of the external content.
func (o holder) ContentHashes() []ContentHash { return o.contentHashes() }

// Body is the inline content; an analysis of 0.0.1 calls it transcript.
func (o holder) Body() Body {
	raw := o.Get("body")
	encoding := o.Text("encoding")
	if raw.emptyBody(encoding) {
		return Body{}
	}
	return Body{raw: raw, encoding: effectiveEncoding(raw, encoding, o.Text("mediatype"))}
}

// emptyBody: null and "" are no body; {} and [] are one only where the encoding says that the value itself counts.
func (v Value) emptyBody(encoding string) bool {
	switch v.Kind() {
	case Absent, Null:
		return true
	case Object, Array:
		return encoding == "" && v.isEmpty()
	}
	return v.isEmpty()
}

// effectiveEncoding decides how a body is read; what is written in the document is a hint that the value can overrule.
func effectiveEncoding(raw Value, written, mediatype string) string {
	if raw.Kind() != String {
		return EncodingJSON
	}
	switch strings.ToLower(written) {
	case "base64url", "base64":
		return EncodingBase64URL
	case "json":
		return EncodingJSON
	case "none":
		return EncodingNone
	}
	kind, _, _ := strings.Cut(strings.ToLower(mediatype), "/")
	switch kind {
	case "text", "multipart", "message":
		return EncodingNone
	case "audio", "video", "image":
		return EncodingBase64URL
	}
	return EncodingJSON
}

// Empty reports that there is no inline content.
func (b Body) Empty() bool { return b.encoding == "" }

// Encoding is how the content is to be read, whatever the document calls it; "" for an empty body.
func (b Body) Encoding() string { return b.encoding }

// Value is the body member as it stands in the document; nil for an empty body.
func (b Body) Value() Value { return b.raw }

// JSON is the value of a body whose encoding is json: the body itself, or the value whose text the string holds. A
// string that holds no JSON is its own value. False for other encodings.
func (b Body) JSON() (Value, bool) {
	if b.encoding != EncodingJSON {
		return nil, false
	}
	if b.raw.Kind() != String {
		return b.raw, true
	}
	if inner := b.innerJSON(); inner != nil {
		return inner, true
	}
	return b.raw, true
}

// innerJSON is the value in a string that holds JSON text, nil when it holds none.
func (b Body) innerJSON() Value {
	s, _ := b.raw.Text()
	return jsonValue([]byte(s))
}

// Bytes is the content decoded: the bytes behind base64, the text in UTF-8, the text of a JSON value. The caller must
// not change the result. Errors: base64 that does not decode.
func (b Body) Bytes() ([]byte, error) {
	switch b.encoding {
	case "":
		return nil, nil
	case EncodingBase64URL:
		return b.decode()
	}
	if v, ok := b.JSON(); ok && v.Kind() != String {
		return v, nil
	}
	s, _ := b.raw.Text()
	return []byte(s), nil
}

// decode reads base64 into a buffer of the final size: a large recording is never there twice.
func (b Body) decode() ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(b.raw))+bytes.MinRead))
	if _, err := buf.ReadFrom(b.Reader()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// Reader streams the same bytes as Bytes: base64 and text are decoded as they are read, in constant memory.
func (b Body) Reader() io.Reader {
	switch b.encoding {
	case EncodingBase64URL:
		return &base64Reader{text: textReader{rest: b.raw.inner()}}
	case EncodingNone:
		return &textReader{rest: b.raw.inner()}
	}
	content, _ := b.Bytes()
	return bytes.NewReader(content)
}
