package vcon

import "fmt"

// Mode chooses the rules of Validate.
type Mode uint8

// The modes. Lenient is the server's default: it accepts what conserver clients send today.
const (
	Lenient  Mode = iota
	Strict        // the current draft to the letter
	Upstream      // the Python server's rules
)

// Severity of a Finding.
type Severity uint8

// Only Error refuses a document.
const (
	Warn Severity = iota
	Error
)

// Finding is one thing that validation has to say.
type Finding struct {
	Rule     string   // "D05": id of the rule, docs/validation.md
	Severity Severity //
	Pointer  string   // JSON Pointer of the value, "" = the whole
	Type     string   // the kind that API clients know: "value_error.missing", "type_error.list", "value_error" ...
	Message  string   // one sentence; never a value of the document longer than a word, never the content
	Limit    *float64 // bound, for value_error.number.*
}

func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Rule, f.Pointer, f.Message) }

// Validate reports every finding of the mode's rules at once, in document order. It never changes the text.
func Validate(v *VCon, m Mode) []Finding { panic("vcon: next commit") }
