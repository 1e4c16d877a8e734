package hostabi

import (
	"strconv"

	"github.com/vconduit/vconduit/vcon"
)

// view is what a link sees of the value at pointer: members that it may not read are left out, elements stand as null,
// so that indexes stay those of the stored document. Nil when nothing is to be seen. A text or number of which a grant
// names only what would be below it is not seen: a text may be JSON, and hide there what was taken away.
func (p Paths) view(pointer string, v vcon.Value) vcon.Value {
	switch p.reach(pointer) {
	case reachNone:
		return nil
	case reachAll:
		return v
	}
	switch v.Kind() {
	case vcon.Object:
		return p.viewMembers(pointer, v)
	case vcon.Array:
		return p.viewElements(pointer, v)
	}
	return nil
}

// shows reports whether there is a view of a value of this kind.
func (p Paths) shows(pointer string, kind vcon.Kind) bool {
	switch p.reach(pointer) {
	case reachNone:
		return false
	case reachAll:
		return true
	}
	return kind == vcon.Object || kind == vcon.Array
}

// unseen is the answer for what may not be read: the same as for what is not there.
func unseen(pointer string) *callError {
	return failure(NotFound, "%q: nothing is there that may be read", pointer)
}

func (p Paths) viewMembers(pointer string, v vcon.Value) vcon.Value {
	out := vcon.Value{'{'}
	for name, member := range v.Members() {
		seen := p.view(pointer+"/"+escapeStep(name), member)
		if seen == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(appendQuoted(out, name), ':'), seen...)
	}
	return append(out, '}')
}

func (p Paths) viewElements(pointer string, v vcon.Value) vcon.Value {
	out := vcon.Value{'['}
	for i, element := range v.Elements() {
		if i > 0 {
			out = append(out, ',')
		}
		seen := p.view(pointer+"/"+strconv.Itoa(i), element)
		if seen == nil {
			seen = vcon.Value("null")
		}
		out = append(out, seen...)
	}
	return append(out, ']')
}
