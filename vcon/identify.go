package vcon

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// maxSignatures is how often a document may be signed over and over: an archive signs anew what is signed already.
const maxSignatures = 8

// A gzip payload may unpack to so many times its size, and to payloadSlack in any case.
const (
	payloadRatio = 100
	payloadSlack = 1 << 20
)

// checkStart refuses what is not worth scanning.
func checkStart(text []byte, l Limits) *ParseError {
	switch {
	case int64(len(text)) > l.Bytes:
		return &ParseError{Rule: "V02", Offset: -1, Reason: "the text is larger than the limit allows"}
	case len(text) == 0:
		return &ParseError{Rule: "V01", Offset: 0, Reason: "the text is empty"}
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")), bytes.HasPrefix(text, []byte("\xff\xfe")),
		bytes.HasPrefix(text, []byte("\xfe\xff")):
		return &ParseError{Rule: "V01", Offset: 0, Reason: "a byte order mark stands before the document"}
	case isGzip(text):
		return &ParseError{Rule: "V01", Offset: 0, Reason: "the text is gzip data, not JSON"}
	}
	return nil
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte{0x1f, 0x8b}) }

// identify finds form and uuid.
func (v *VCon) identify(signatures int) error {
	if Value(v.root.text).Kind() != Object {
		return &ParseError{Rule: "V01", Offset: v.before, Type: typeDict, Reason: "the document is not a JSON object"}
	}
	form, ok := formOf(func(name string) bool { _, has := v.root.member(name); return has })
	if !ok {
		return &ParseError{
			Rule: "V04", Offset: -1, Pointer: "/uuid", Type: typeMissing,
			Reason: "the object is no vCon: no uuid, parties, dialog, analysis or attachments, no JWS, no JWE",
		}
	}
	v.form = form
	switch form {
	case Signed:
		return v.identifySigned(signatures)
	case Encrypted:
		return v.identifyEncrypted()
	}
	v.root.area = atTop
	uuid, _ := v.root.member("uuid")
	return v.takeID(uuid.text, "/uuid")
}

// formOf tells the form by the members that the object has; false when it is none of the three.
func formOf(has func(name string) bool) (Form, bool) {
	switch {
	case has("payload") && has("signatures"):
		return Signed, true
	case has("ciphertext") && has("recipients"):
		return Encrypted, true
	}
	for _, name := range []string{"uuid", "parties", "dialog", "analysis", "attachments"} {
		if has(name) {
			return Unsigned, true
		}
	}
	return Unsigned, false
}

// takeID reads the uuid from the value that stands at a pointer.
func (v *VCon) takeID(value Value, pointer string) error {
	fail := func(reason string) error {
		return &ParseError{Rule: "T01", Offset: -1, Pointer: pointer, Type: uuidType(value), Reason: reason}
	}
	if value.Kind() == Absent {
		return fail("the uuid is missing")
	}
	text, ok := value.Text()
	if !ok {
		return fail("the uuid is not a string")
	}
	id, err := ParseID(text)
	if err != nil {
		return fail("the uuid is not of the form 8-4-4-4-12 hexadecimal digits")
	}
	v.id = id
	return nil
}

// uuidType is the kind of error that a value makes which is no uuid.
func uuidType(value Value) string {
	switch value.Kind() {
	case Absent:
		return typeMissing
	case Null:
		return typeNone
	}
	return typeUUID
}

// identifySigned takes the uuid from the payload; the headers', which nothing protects, do not count.
func (v *VCon) identifySigned(signatures int) error {
	if signatures >= maxSignatures {
		return &ParseError{Rule: "V02", Offset: -1, Pointer: "/payload", Reason: "signed over and over more often than the limit allows"}
	}
	text, err := v.payloadText()
	if err != nil {
		return err
	}
	inner, err := parse(text, v.limits, signatures+1)
	if bad, ok := errors.AsType[*ParseError](err); ok {
		return &ParseError{
			Rule: bad.Rule, Offset: -1, Pointer: "/payload", Type: bad.Type, Reason: "in the signed payload " + bad.Reason,
		}
	}
	if err != nil {
		return err
	}
	v.id, v.payload = inner.id, inner
	if inner.form == Signed {
		v.payload = inner.payload
	}
	return nil
}

// payloadText decodes the payload of a signed vCon: base64url, and gzip where it is that.
func (v *VCon) payloadText() ([]byte, error) {
	fail := func(rule, reason string) error {
		return &ParseError{Rule: rule, Offset: -1, Pointer: "/payload", Reason: reason}
	}
	payload, _ := v.root.member("payload")
	encoded, ok := Value(payload.text).Text()
	if !ok {
		return nil, fail("S01", "the signed payload is not a string")
	}
	text, ok := decodeBase64URL(encoded)
	if !ok {
		return nil, fail("S01", "the signed payload is not base64url")
	}
	if !isGzip(text) {
		return text, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fail("S01", "the signed payload is broken gzip data")
	}
	limit := min(v.limits.Bytes, payloadSlack+payloadRatio*int64(len(text)))
	text, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fail("S01", "the signed payload is broken gzip data")
	}
	if int64(len(text)) > limit {
		return nil, fail("V02", "the signed payload is larger than the limit allows")
	}
	return text, nil
}

// identifyEncrypted takes the uuid from the header of a JWE: the protected part first, then those that are not.
func (v *VCon) identifyEncrypted() error {
	if protected, err := v.Get("/protected"); err == nil {
		if uuid, err := protectedHeader(protected).Get("/uuid"); err == nil {
			return v.takeID(uuid, "/protected")
		}
	}
	for _, pointer := range []string{"/unprotected/uuid", "/recipients/0/header/uuid"} {
		if uuid, err := v.Get(pointer); err == nil {
			return v.takeID(uuid, pointer)
		}
	}
	return v.takeID(nil, "/unprotected/uuid")
}
