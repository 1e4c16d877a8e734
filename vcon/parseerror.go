package vcon

import "fmt"

// ParseError says why a text is no document that we take.
type ParseError struct {
	Rule    string // V01 syntax or encoding, V02 a limit, V04 no known form, T01 uuid
	Offset  int    // byte offset, -1 when it does not apply
	Pointer string // where, as far as known; "/uuid" for T01
	Type    string // as in Finding; "" = by Rule: V01 value_error.jsondecode, T01 type_error.uuid, else value_error
	Reason  string
}

func (e *ParseError) Error() string {
	if e.Offset >= 0 {
		return fmt.Sprintf("vcon: %s at byte %d (%s)", e.Reason, e.Offset, e.Rule)
	}
	return fmt.Sprintf("vcon: %s (%s)", e.Reason, e.Rule)
}

// Finding is the error in the form in which Validate reports, so that both are answered alike: a missing uuid says
// "field required" with the type value_error.missing.
func (e *ParseError) Finding() Finding {
	f := Finding{Rule: e.Rule, Severity: Error, Pointer: e.Pointer, Type: e.Type, Message: e.Reason}
	if f.Type == "" {
		f.Type = parseErrorType(e.Rule)
	}
	if m := typeMessage(f.Type); m != "" {
		f.Message = m
	}
	return f
}

func parseErrorType(rule string) string {
	switch rule {
	case "V01":
		return typeJSON
	case "T01":
		return typeUUID
	}
	return typeValue
}
