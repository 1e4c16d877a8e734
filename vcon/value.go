package vcon

import "iter"

// Value is the raw JSON text of one value, a part of a document's text; nil is no value.
type Value []byte

// ParseValue checks that text is one JSON value, within the limits that Parse has by default, and gives it without the
// white space around it. It keeps text. Error: *ParseError.
func ParseValue(text []byte) (Value, error) {
	l := Limits{}.withDefaults()
	if err := checkStart(text, l); err != nil {
		return nil, err
	}
	s := scanner{text: text, depth: l.Depth, number: l.Number, values: l.Elements}
	start, end := s.whole()
	if end < 0 {
		return nil, s.failure()
	}
	return Value(text[start:end:end]), nil
}

// Kind is the JSON type of a value.
type Kind uint8

// The kinds, numbered as the guest ABI numbers them.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Kind tells the type from the first byte.
func (v Value) Kind() Kind {
	if len(v) == 0 {
		return Absent
	}
	switch v[0] {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Text decodes a string value; false for another kind. A lone surrogate becomes U+FFFD.
func (v Value) Text() (string, bool) {
	if v.Kind() != String {
		return "", false
	}
	return unquote(v), true
}

// Get is VCon.Get below this value, without the tolerance for spellings: a value does not know where it stands.
func (v Value) Get(pointer string) (Value, error) {
	if v == nil {
		return nil, ErrAbsent
	}
	return find(place{text: v}, pointer)
}

// Elements are the items of an array with their indexes; none for another kind.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != Array {
			return
		}
		c := open(v)
		for n := 0; c.next(); n++ {
			if !yield(n, Value(v[c.at.start:c.at.end:c.at.end])) {
				return
			}
		}
	}
}

// Members are the members of an object with their decoded names, in document order, duplicates included (the last one
// is the one that reads see); none for another kind.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for c := open(v); c.next(); {
			if !yield(c.at.name(v), Value(v[c.at.start:c.at.end:c.at.end])) {
				return
			}
		}
	}
}
