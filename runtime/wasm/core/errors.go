package core

import (
	"fmt"
	"strings"
)

// Kind says what is wrong with a module.
type Kind uint8

// The kinds of an Error.
const (
	Malformed   Kind = iota + 1 // no core WebAssembly binary, a broken one, or an index that points nowhere
	Limit                       // in order, but larger than a limit allows
	Unsupported                 // uses a feature beyond WebAssembly 2.0, or is a component
)

func (k Kind) String() string {
	switch k {
	case Malformed:
		return "malformed"
	case Limit:
		return "limit"
	case Unsupported:
		return "unsupported"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is why Read refused a module. It quotes nothing of the module but the name of a function.
type Error struct {
	Kind    Kind
	Offset  int    // of the bytes at fault, from the start of the module
	Section string // "type", "import", "code"…; "" before the first section
	Func    int    // index of the function whose body is at fault, imported ones counted; -1 none
	Name    string // of that function, from the exports or the name section; "" unknown
	Reason  string // one clause, without the place

	Limit      string // Kind Limit: the field of Limits…
	Value, Max uint64 // …what the module has, and what is allowed
	Feature    string // Kind Unsupported: the feature, as "tail calls"
}

// maxShownName is the number of bytes of a function's name in the text of an error: a name can have megabytes.
const maxShownName = 100

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wasm: ")
	if e.Section != "" {
		fmt.Fprintf(&b, "%s section, ", e.Section)
	}
	if e.Func >= 0 {
		fmt.Fprintf(&b, "function %d, ", e.Func)
		if e.Name != "" {
			fmt.Fprintf(&b, "%q, ", e.Name[:min(len(e.Name), maxShownName)])
		}
	}
	fmt.Fprintf(&b, "byte %d: %s", e.Offset, e.Reason)
	return b.String()
}
