package hostabi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

// bodyCache keeps what was decoded last, for reads by range; edits empty it.
type bodyCache struct {
	pointer string
	as      int32
	data    []byte
	full    bool
}

func (b *bodyCache) get(pointer string, as int32, decode func() ([]byte, *callError)) ([]byte, *callError) {
	if b.full && b.pointer == pointer && b.as == as {
		return b.data, nil
	}
	data, err := decode()
	if err == nil {
		*b = bodyCache{pointer, as, data, true}
	}
	return data, err
}

// decodeBody gives the bytes that a body member stands for, as vcon.BodyOf reads it.
func (c *Call) decodeBody(pointer string) ([]byte, *callError) {
	parent, _ := cut(pointer)
	object, err := c.doc.Get(parent)
	if err != nil {
		return nil, documentError(parent, err)
	}
	data, err := vcon.BodyOf(object).Bytes()
	if err != nil {
		return nil, failure(WrongType, "%q: the body does not decode", pointer)
	}
	return data, nil
}

// isBody: the pointer names the body of a dialog, an analysis or an attachment.
func isBody(pointer string) bool {
	steps := grantSteps(pointer)
	return len(steps) == 3 && steps[2] == "body" && slices.Contains(bodyKinds[:], "/"+steps[0])
}

// textAt is the string at pointer, "" when there is none.
func (c *Call) textAt(pointer string) string {
	v, err := c.doc.Get(pointer)
	if err != nil {
		return ""
	}
	text, _ := v.Text()
	return text
}

// The kinds of doc_append_body.
var bodyKinds = [...]string{"/dialog", "/analysis", "/attachments"}

// DocAppendBody appends an element with the content of stream s as its body. h must be 1; kind is 0 dialog, 1 analysis,
// 2 attachment; meta is a JSON object without body and url. Its encoding is obeyed and checked: base64url, json (the
// body becomes the value), none (the body must be UTF-8); without one, text media types get none and all others
// base64url. Errors: -11, -5, -6, -2 when the content does not fit its encoding.
func (c *Call) DocAppendBody(h, kind int32, meta []byte, s int32) int32 {
	if e := c.enter("doc_append_body"); e != 0 {
		return int32(e)
	}
	if err := c.appendBody(h, kind, meta, s); err != nil {
		return int32(c.fail(err))
	}
	return 0
}

func (c *Call) appendBody(h, kind int32, meta []byte, s int32) *callError {
	from, err := handle[*stream](c, s, "stream")
	switch {
	case h != 1:
		return failure(Invalid, "doc_append_body: handle %d is not the vCon", h)
	case err != nil:
		return err
	case kind < 0 || int(kind) >= len(bodyKinds):
		return failure(Invalid, "doc_append_body: kind %d is unknown", kind)
	}
	m, err := parseMeta(meta)
	if err != nil {
		return err
	}
	if err := c.mayWrite(bodyKinds[kind] + "/-"); err != nil {
		return err
	}
	content, err := from.bytes()
	if err != nil {
		return err
	}
	element, err := m.element(content)
	if err != nil {
		return err
	}
	return c.stage(len(element), func() error { return c.doc.Append(bodyKinds[kind], element) }, bodyKinds[kind]+"/-")
}

// bodyMeta is the element to be, without its body.
type bodyMeta struct {
	text     []byte // of the object, trimmed
	empty    bool   // it has no members
	encoding string
	written  bool // the object has a member encoding already
}

func parseMeta(meta []byte) (bodyMeta, *callError) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(meta, &members); err != nil || members == nil || !utf8.Valid(meta) {
		return bodyMeta{}, failure(Invalid, "doc_append_body: meta is no JSON object")
	}
	for _, name := range []string{"body", "url"} {
		if _, has := members[name]; has {
			return bodyMeta{}, failure(Invalid, "doc_append_body: meta must not have a member %q", name)
		}
	}
	m := bodyMeta{text: bytes.TrimSpace(meta), empty: len(members) == 0}
	if raw, has := members["encoding"]; has {
		m.written = true
		m.encoding, _ = vcon.Value(raw).Text()
	} else {
		m.encoding = encodingFor(members)
	}
	switch m.encoding {
	case "base64url", "json", "none":
		return m, nil
	}
	return m, failure(Invalid, "doc_append_body: encoding must be base64url, json or none")
}

func encodingFor(members map[string]json.RawMessage) string {
	for _, name := range []string{"mediatype", "mimetype"} {
		if text, ok := vcon.Value(members[name]).Text(); ok {
			if strings.HasPrefix(strings.ToLower(text), "text/") {
				return "none"
			}
			return "base64url"
		}
	}
	return "base64url"
}

// element is the text of the element with content as its body.
func (m bodyMeta) element(content []byte) ([]byte, *callError) {
	text := append(make([]byte, 0, len(m.text)+len(content)*4/3+64), m.text[:len(m.text)-1]...)
	if !m.empty {
		text = append(text, ',')
	}
	if !m.written {
		text = append(append(append(text, `"encoding":"`...), m.encoding...), `",`...)
	}
	text = append(text, `"body":`...)
	switch m.encoding {
	case "json":
		if !json.Valid(content) {
			return nil, failure(WrongType, "doc_append_body: the content is not one JSON value")
		}
		text = append(text, bytes.TrimSpace(content)...)
	case "none":
		if !utf8.Valid(content) {
			return nil, failure(WrongType, "doc_append_body: the content is not UTF-8, which encoding none asks for")
		}
		text = appendQuoted(text, string(content))
	default:
		text = append(base64.RawURLEncoding.AppendEncode(append(text, '"'), content), '"')
	}
	return append(text, '}'), nil
}

// appendQuoted appends s as a JSON string, without escaping what need not be.
func appendQuoted(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string always encodes, a bytes.Buffer always takes it
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}
