package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

type valueKind uint8

const (
	nullValue valueKind = iota
	boolValue
	numberValue
	stringValue
	listValue
	objectValue
)

// value is JSON that keeps the order of members and the spelling of numbers.
type value struct {
	kind  valueKind
	yes   bool
	text  string   // number or string
	keys  []string // of an object
	items []value  // of a list, or the members of an object
}

// maxDepth bounds the nesting of YAML and of JSON that comes back for it.
const maxDepth = 100

func (v value) member(key string) (value, bool) {
	for i, k := range v.keys {
		if k == key {
			return v.items[i], true
		}
	}
	return value{}, false
}

// with gives v with one member replaced, or added at the end.
func (v value) with(key string, m value) value {
	out := value{kind: objectValue, keys: append([]string(nil), v.keys...), items: append([]value(nil), v.items...)}
	for i, k := range out.keys {
		if k == key {
			out.items[i] = m
			return out
		}
	}
	out.keys, out.items = append(out.keys, key), append(out.items, m)
	return out
}

// equal compares meaning: order of members counts, the spelling of numbers does not.
func (v value) equal(w value) bool {
	if v.kind != w.kind || len(v.items) != len(w.items) {
		return false
	}
	switch v.kind {
	case boolValue:
		return v.yes == w.yes
	case stringValue:
		return v.text == w.text
	case numberValue:
		return v.text == w.text || sameNumber(v.text, w.text)
	}
	for i := range v.items {
		if v.kind == objectValue && v.keys[i] != w.keys[i] || !v.items[i].equal(w.items[i]) {
			return false
		}
	}
	return true
}

// sameNumber takes 1.0 and 1 as the same, because JavaScript clients cannot tell them apart; beyond 2^53 they cannot be
// trusted with digits either.
func sameNumber(a, b string) bool {
	const exact = 1 << 53
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y && x < exact && x > -exact
}

func (v value) appendJSON(b []byte) []byte {
	switch v.kind {
	case nullValue:
		return append(b, "null"...)
	case boolValue:
		return strconv.AppendBool(b, v.yes)
	case numberValue:
		return append(b, v.text...)
	case stringValue:
		return appendString(b, v.text)
	}
	open, end := byte('['), byte(']')
	if v.kind == objectValue {
		open, end = '{', '}'
	}
	b = append(b, open)
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == objectValue {
			b = append(appendString(b, v.keys[i]), ':')
		}
		b = item.appendJSON(b)
	}
	return append(b, end)
}

func appendString(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// parseJSON reads exactly one JSON value; of a repeated member the last wins, in the place of the first.
func parseJSON(text []byte) (value, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return value{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("something follows the JSON value")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (value, error) {
	t, err := dec.Token()
	if err != nil {
		return value{}, noEOF(err)
	}
	switch t := t.(type) {
	case bool:
		return value{kind: boolValue, yes: t}, nil
	case json.Number:
		return value{kind: numberValue, text: t.String()}, nil
	case string:
		return value{kind: stringValue, text: t}, nil
	case json.Delim:
		if depth >= maxDepth {
			return value{}, fmt.Errorf("nested deeper than %d", maxDepth)
		}
		return readContainer(dec, t, depth+1)
	}
	return value{}, nil
}

func readContainer(dec *json.Decoder, open json.Delim, depth int) (value, error) {
	v := value{kind: listValue}
	if open == '{' {
		v.kind = objectValue
	}
	at := map[string]int{}
	for dec.More() {
		i := len(v.items)
		if v.kind == objectValue {
			t, err := dec.Token()
			if err != nil {
				return value{}, noEOF(err)
			}
			key, _ := t.(string)
			if j, again := at[key]; again {
				i = j
			} else {
				at[key] = i
				v.keys = append(v.keys, key)
			}
		}
		item, err := readValue(dec, depth)
		if err != nil {
			return value{}, err
		}
		if i == len(v.items) {
			v.items = append(v.items, item)
		} else {
			v.items[i] = item
		}
	}
	_, err := dec.Token()
	return v, noEOF(err)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
