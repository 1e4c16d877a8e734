package link

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Kind is the JSON type of a value.
type Kind int32

// The kinds.
const (
	Absent Kind = iota // nothing is there, or it may not be read
	Null
	Bool
	Number
	String
	Array
	Object
)

// Place is a value of the vCon, by where it stands. Making one reads nothing; it stays good whatever is edited, and
// names what stands there then. Old and new names of core members are both understood.
type Place struct {
	call    *Call
	pointer string
}

// At names a place by steps from the root: texts for members, whole numbers for elements.
//
//	name, err := c.At("parties", 0, "name").Text()
func (c *Call) At(path ...any) Place { return Place{call: c}.At(path...) }

// Pointer names a place by a JSON Pointer (RFC 6901); "" is the whole vCon.
//
//	kind := c.Pointer("/dialog/0/body").Kind()
func (c *Call) Pointer(pointer string) Place { return Place{c, pointer} }

// At names a place below p.
//
//	for dialog := range c.At("dialog").Each() {
//		start, err := dialog.At("start").Text()
//	}
func (p Place) At(path ...any) Place {
	var b strings.Builder
	b.WriteString(p.pointer)
	for _, step := range path {
		b.WriteByte('/')
		b.WriteString(escape(fmt.Sprint(step)))
	}
	return Place{p.call, b.String()}
}

func escape(step string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
}

// String is the JSON Pointer of the place.
func (p Place) String() string { return p.pointer }

// Kind is the type of the value, Absent when there is none.
func (p Place) Kind() Kind { return Kind(max(p.call.Host.DocType(1, []byte(p.pointer)), 0)) }

// Exists reports whether a value is there; null is one.
func (p Place) Exists() bool { return p.Kind() != Absent }

// Len is the number of elements or members; 0 for anything else.
//
//	if c.At("analysis").Len() == 0 { … }
func (p Place) Len() int { return int(max(p.call.Host.DocCount(1, []byte(p.pointer)), 0)) }

// Keys are the names of an object's members, in document order. Errors: NotFound, WrongType.
func (p Place) Keys() ([]string, error) {
	list, err := p.call.sized("doc_keys", func(out []byte) int64 { return p.call.Host.DocKeys(1, []byte(p.pointer), out) })
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00"), nil
}

// Each goes over the elements of an array; over nothing when it is none.
//
//	for party := range c.At("parties").Each() {
//		tel, _ := party.At("tel").Text()
//	}
func (p Place) Each() iter.Seq[Place] {
	return func(yield func(Place) bool) {
		if p.Kind() != Array {
			return
		}
		for i := range p.Len() {
			if !yield(Place{p.call, p.pointer + "/" + strconv.Itoa(i)}) {
				return
			}
		}
	}
}

// The ways of doc_read.
const (
	asText   = 0
	asString = 1
	asBody   = 2
	asFormat = 3
)

// JSON is the text of the value as it stands in the document. Errors: NotFound, Denied.
//
//	text, err := c.At("dialog", 0).JSON()
func (p Place) JSON() ([]byte, error) { return p.read(asText) }

// Text is a string. Errors: NotFound, WrongType when the value is no string.
//
//	subject, err := c.At("subject").Text()
func (p Place) Text() (string, error) {
	text, err := p.read(asString)
	return string(text), err
}

// Into decodes the value as encoding/json does.
//
//	var party struct{ Name, Tel string }
//	err := c.At("parties", 0).Into(&party)
func (p Place) Into(v any) error {
	text, err := p.JSON()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", p.pointer, err)
	}
	return nil
}

// Body is the decoded content of a dialog, an analysis or an attachment, whatever its encoding. p is the element, not
// its body member. Errors: NotFound when it has no inline body, WrongType when its encoding is broken.
//
//	audio, err := c.At("dialog", 0).Body()
func (p Place) Body() ([]byte, error) { return p.At("body").read(asBody) }

// Document is the text of the whole vCon, in the format version that receivers of this link are to get.
//
//	text, err := c.Document()
func (c *Call) Document() ([]byte, error) { return Place{call: c}.read(asFormat) }

func (p Place) read(as int32) ([]byte, error) {
	pointer := []byte(p.pointer)
	n := p.call.Host.DocRead(1, pointer, as, 0, nil)
	if n < 0 {
		return nil, p.call.fail("doc_read", n)
	}
	out := make([]byte, n)
	if n = p.call.Host.DocRead(1, pointer, as, 0, out); n < 0 {
		return nil, p.call.fail("doc_read", n)
	}
	return out, nil
}

// The operations of doc_edit.
const (
	opAdd    = 0
	opRemove = 2
	opAppend = 3
	opTest   = 4
)

// Set makes v (as encoding/json writes it; json.RawMessage as it is) the value of an object's member, or of an element
// that is there. Errors: NotFound when what it stands in is not there, Denied, Invalid, OverQuota.
//
//	err := c.At("subject").Set("Billing")
func (p Place) Set(v any) error {
	op := int32(opAdd)
	parent := p.pointer[:max(strings.LastIndexByte(p.pointer, '/'), 0)]
	if (Place{p.call, parent}).Kind() == Array {
		op = 1 // add would insert before the element
	}
	return p.edit(op, v)
}

// Append adds v at the end of an array; the four arrays of a vCon are made when they are missing.
//
//	err := c.At("analysis").Append(map[string]any{"type": "summary", "vendor": "acme", "encoding": "none", "body": text})
func (p Place) Append(v any) error { return p.edit(opAppend, v) }

// Test fails with Conflict when the value is not v.
//
//	err := c.At("parties", 0, "name").Test("Alice")
func (p Place) Test(v any) error { return p.edit(opTest, v) }

// Remove takes the value away. Errors: NotFound, Denied.
//
//	err := c.At("dialog", 0, "body").Remove()
func (p Place) Remove() error {
	return p.call.done("doc_edit", p.call.Host.DocEdit(1, opRemove, []byte(p.pointer), nil))
}

func (p Place) edit(op int32, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", p.pointer, err)
	}
	return p.call.done("doc_edit", p.call.Host.DocEdit(1, op, []byte(p.pointer), text))
}

// Patch applies an RFC 6902 patch to the vCon, all or nothing.
//
//	err := c.Patch([]byte(`[{"op":"add","path":"/subject","value":"Billing"}]`))
func (c *Call) Patch(patch []byte) error { return c.done("doc_patch", c.Host.DocPatch(1, patch)) }
