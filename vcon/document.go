package vcon

import "errors"

// Errors of reads and edits. Match with errors.Is.
var (
	ErrAbsent   = errors.New("vcon: no such value")               // the pointer is well formed, nothing is there
	ErrPointer  = errors.New("vcon: bad JSON pointer")            // not RFC 6901
	ErrValue    = errors.New("vcon: not one JSON value")          // the value to be written does not parse
	ErrConflict = errors.New("vcon: edit does not fit this text") // Apply: what the edit replaces is not there any more
	ErrReadOnly = errors.New("vcon: this part cannot be written") // the root, /uuid, any part of a signed or encrypted vCon
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

// Limits bound what Parse accepts. A zero field takes its default.
type Limits struct {
	Bytes    int64 // of the text; default 128 MiB
	Depth    int   // of nesting; default 128, never more
	Elements int   // values in all; default 4 Mi
	Number   int   // bytes of one number's spelling; default 1 KiB
}

// VCon is one document: its text, immutable, and an index over it. Safe for concurrent use.
type VCon struct{ text []byte }

// Parse checks text as JSON within the default limits, finds the form and the uuid, and builds the index. It keeps
// text, which the caller must not change afterwards. Errors: *ParseError.
func Parse(text []byte) (*VCon, error) { return ParseWith(text, Limits{}) }

// ParseWith is Parse with limits of the caller's.
func ParseWith(text []byte, l Limits) (*VCon, error) { panic("vcon: next commit") }

// ID is the canonical form of the document's uuid.
func (v *VCon) ID() ID { panic("vcon: next commit") }

// Form says whether the document is unsigned, signed or encrypted.
func (v *VCon) Form() Form { panic("vcon: next commit") }

// Bytes is the text as received or spliced; the caller must not change it.
func (v *VCon) Bytes() []byte { return v.text }

// Hash is the SHA-256 of Bytes, computed once.
func (v *VCon) Hash() [32]byte { panic("vcon: next commit") }

// Get returns the raw text of the value at a JSON Pointer; "" is the whole. An exact member name wins; on core objects
// the other spelling of a renamed member is tried next. Errors: ErrPointer, ErrAbsent.
func (v *VCon) Get(pointer string) (Value, error) { panic("vcon: next commit") }

// Draft begins edits over this text.
func (v *VCon) Draft() *Draft { panic("vcon: next commit") }

// Apply splices edits that were made on another text of the same vCon (rebasing): appends and tags always fit, a set
// or remove only where the value it replaces is still there, an array element is found again by its hash when its index
// moved. Errors: ErrConflict; nothing is applied then.
func (v *VCon) Apply(edits []Edit) (*VCon, error) { panic("vcon: next commit") }
