package vcon

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrNoPayload means that a vCon has no payload that can be read without a key: it is unsigned or encrypted.
var ErrNoPayload = errors.New("vcon: no readable payload")

// Payload is the vCon that a signed one carries; where that is signed in turn, the innermost. Parse has decoded it
// within its limits, nothing is verified. The result reads like any vCon; editing it makes a vCon without signatures.
// Error: ErrNoPayload for the other forms.
func (v *VCon) Payload() (*VCon, error) {
	if v.payload == nil {
		return nil, ErrNoPayload
	}
	return v.payload, nil
}

// protectedHeader is the object that a protected header encodes; nil when there is none to be read.
func protectedHeader(v Value) Value {
	encoded, ok := v.Text()
	if !ok {
		return nil
	}
	text, ok := decodeBase64URL(encoded)
	if !ok {
		return nil
	}
	if h := jsonValue(text); h.Kind() == Object {
		return h
	}
	return nil
}

// decodeBase64URL decodes as RFC 7515 wants it: no padding, no white space. The library passes over line breaks.
func decodeBase64URL(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	return b, err == nil
}

// jsonValue is the one JSON value that a text holds, nil when it holds something else.
func jsonValue(text []byte) Value {
	l := Limits{}.withDefaults()
	s := scanner{text: text, depth: l.Depth, number: l.Number, values: l.Elements}
	start, end := s.whole()
	if end < 0 {
		return nil
	}
	return text[start:end:end]
}

// mustText is the text of a string value, "" for another kind.
func mustText(v Value) string {
	s, _ := v.Text()
	return s
}
