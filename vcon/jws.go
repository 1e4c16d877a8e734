package vcon

import (
	"encoding/base64"
	"errors"
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
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	if h := jsonValue(text); h.Kind() == Object {
		return h
	}
	return nil
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
