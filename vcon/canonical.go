package vcon

import "strings"

// Canonical is a pointer with the members of the core in their current spelling, so that the pointers under which Get
// finds one value become one. Steps that name no such member stay, also "*" and "-"; a pointer that is not well formed
// is given back as far as it reads.
//
//	Canonical("/dialog/0/mimetype") == "/dialog/0/mediatype"
func Canonical(pointer string) string {
	out := make([]byte, 0, len(pointer))
	a := atTop
	for strings.HasPrefix(pointer, "/") {
		var name string
		name, pointer = cutToken(pointer)
		name = a.currentName(name)
		out = appendToken(out, name)
		if next := a.element(); next != elsewhere {
			a = next
		} else {
			a = a.member(name)
		}
	}
	return string(out)
}

// currentName is the newest spelling of a member's name in this area.
func (a area) currentName(name string) string {
	for i := range renames {
		if r := &renames[i]; r.at&a != 0 && r.old == name {
			return r.now
		}
	}
	return name
}
