package vcon

import (
	"crypto/sha256"
	"errors"
	"iter"
	"math"
	"sync"
)

// Errors of reads and edits. Match with errors.Is.
var (
	ErrAbsent   = errors.New("vcon: no such value")               // the pointer is well formed, nothing is there
	ErrPointer  = errors.New("vcon: bad JSON pointer")            // not RFC 6901
	ErrValue    = errors.New("vcon: unfit value")                 // not one JSON value, too deep, a bad tag, or no vCon would be left
	ErrConflict = errors.New("vcon: edit does not fit this text") // Apply: what the edit replaces is not there any more
	ErrReadOnly = errors.New("vcon: this part cannot be written") // the root, /uuid, any part of a signed or encrypted vCon
	ErrID       = errors.New("vcon: not a UUID")                  // ParseID
	ErrType     = errors.New("vcon: value is of another type")    // append to something that is no array, and the like
)

// Form tells the three shapes of a vCon apart.
type Form uint8

// The forms, by section 11 of the format notes: what an object has decides.
const (
	Unsigned  Form = iota // uuid, or any of parties, dialog, analysis, attachments
	Signed                // payload and signatures: JWS, general JSON serialisation (RFC 7515)
	Encrypted             // ciphertext and recipients: JWE, general JSON serialisation (RFC 7516)
)

// Limits bound what Parse accepts, and what edits may make of it. A zero field takes its default.
type Limits struct {
	Bytes    int64 // of the text; default 128 MiB, never more than 2 GiB - 1
	Depth    int   // of nesting; default 128, never more
	Elements int   // values in all; default 4 Mi
	Number   int   // bytes of one number's spelling; default 1 KiB
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 128 << 20
	}
	if l.Depth <= 0 || l.Depth > 128 {
		l.Depth = 128
	}
	if l.Elements <= 0 {
		l.Elements = 4 << 20
	}
	if l.Number <= 0 {
		l.Number = 1 << 10
	}
	l.Bytes = min(l.Bytes, math.MaxInt32)
	return l
}

// VCon is one document: its text, immutable, and an index over it. Safe for concurrent use.
type VCon struct {
	text   []byte
	root   place // the object, without the white space around it
	before int   // white space before it
	values int   // at most so many are in it
	limits Limits
	id     ID
	form   Form
	// payload is the innermost vCon of a signed one; nil in the other forms.
	payload *VCon
	hashed  sync.Once
	sum     [32]byte // of text, once hashed
}

// Parse checks text as JSON within the default limits, finds the form and the uuid, and builds the index. It keeps
// text, which the caller must not change afterwards. Errors: *ParseError.
func Parse(text []byte) (*VCon, error) { return ParseWith(text, Limits{}) }

// ParseWith is Parse with limits of the caller's.
func ParseWith(text []byte, l Limits) (*VCon, error) { return parse(text, l.withDefaults(), 0) }

// parse is ParseWith inside so many signatures.
func parse(text []byte, l Limits, signatures int) (*VCon, error) {
	if err := checkStart(text, l); err != nil {
		return nil, err
	}
	var room [48]scanned
	s := scanner{text: text, depth: l.Depth, number: l.Number, values: l.Elements, level: indexed, open: room[:0]}
	start, end := s.whole()
	if end < 0 {
		return nil, s.failure()
	}
	v := &VCon{
		text: text, before: start, values: l.Elements - s.values, limits: l,
		root: place{text: text[start:end:end], idx: s.sub},
	}
	if err := v.identify(signatures); err != nil {
		return nil, err
	}
	return v, nil
}

// ID is the canonical form of the document's uuid.
func (v *VCon) ID() ID { return v.id }

// Form says whether the document is unsigned, signed or encrypted.
func (v *VCon) Form() Form { return v.form }

// Bytes is the text as received or spliced; the caller must not change it.
func (v *VCon) Bytes() []byte { return v.text }

// Hash is the SHA-256 of Bytes, computed once.
func (v *VCon) Hash() [32]byte {
	v.hashed.Do(func() { v.sum = sha256.Sum256(v.text) })
	return v.sum
}

// Get returns the raw text of the value at a JSON Pointer; "" is the whole, without white space around it. An exact
// member name wins; on core objects the other spelling of a renamed member is tried next. Of members with one name the
// last one counts. Errors: ErrPointer, ErrAbsent.
func (v *VCon) Get(pointer string) (Value, error) { return find(v.root, pointer) }

// Elements are the items of the array at a pointer, found through the index; none when no array is there.
func (v *VCon) Elements(pointer string) iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		n := 0
		for _, value := range v.children(pointer, Array) {
			if !yield(n, value) {
				return
			}
			n++
		}
	}
}

// Members are the members of the object at a pointer, found through the index, with their decoded names, in document
// order, duplicates included; none when no object is there.
func (v *VCon) Members(pointer string) iter.Seq2[string, Value] { return v.children(pointer, Object) }

func (v *VCon) children(pointer string, kind Kind) iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		p, err := locate(v.root, pointer)
		if err != nil || Value(p.text).Kind() != kind {
			return
		}
		idx := p.idx
		if idx == nil {
			idx = buildIndex(p.text)
		}
		for n := range idx.kids {
			c, name := &idx.kids[n], ""
			if kind == Object {
				name = c.name(p.text)
			}
			if !yield(name, Value(p.text[c.start:c.end:c.end])) {
				return
			}
		}
	}
}

// Count is the number of items or distinct members. Errors: ErrPointer, ErrAbsent, ErrType.
func (v *VCon) Count(pointer string) (int, error) { return v.Draft().Count(pointer) }

// Keys are the member names of an object, decoded, each once, in document order. Errors: ErrPointer, ErrAbsent, ErrType.
func (v *VCon) Keys(pointer string) ([]string, error) { return v.Draft().Keys(pointer) }

// Tags are the "name:value" texts of every tags attachment, in document order.
func (v *VCon) Tags() []string {
	if v.payload != nil {
		v = v.payload
	}
	return v.Draft().Tags()
}

// Draft begins edits over this text.
func (v *VCon) Draft() *Draft {
	return &Draft{base: v, root: &node{text: v.root.text, idx: v.root.idx}}
}
