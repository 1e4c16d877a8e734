package vcon

// Value is the raw JSON text of one value, a part of a document's text; nil is no value.
type Value []byte

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
func (v Value) Kind() Kind { panic("vcon: next commit") }

// Text decodes a string value; false for another kind. A lone surrogate becomes U+FFFD.
func (v Value) Text() (string, bool) { panic("vcon: next commit") }
