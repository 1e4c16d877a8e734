package hostabi

import (
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// Paths are granted pointer patterns. All grants everything; Not takes away. A pattern grants what it names and all
// below; "*" stands for any one step, "-" for an append. Old and new names of core members are one name here, so that
// neither spelling slips through.
type Paths struct {
	All   bool
	Allow []string
	Not   []string

	// Within bounds all of this from above; nil: nothing does.
	Within *Paths
}

// reach says how much of a value is granted.
type reach uint8

const (
	reachNone reach = iota
	reachPart       // something below is granted, or not
	reachAll
)

// reach of the value at pointer, which is absolute and well formed.
func (p Paths) reach(pointer string) reach {
	got := p.own(pointer)
	if p.Within != nil && got != reachNone {
		got = min(got, p.Within.reach(pointer))
	}
	return got
}

// own is reach without Within.
func (p Paths) own(pointer string) reach {
	if p.All && len(p.Not) == 0 {
		return reachAll
	}
	steps := grantSteps(pointer)
	got := reachNone
	if p.All {
		got = reachAll
	}
	for _, pattern := range p.Allow {
		got = max(got, patternReach(grantSteps(pattern), steps))
	}
	for _, pattern := range p.Not {
		switch patternReach(grantSteps(pattern), steps) {
		case reachAll:
			return reachNone
		case reachPart:
			got = min(got, reachPart)
		}
	}
	return got
}

// patternReach is how much of the value at steps a pattern names.
func patternReach(pattern, steps []string) reach {
	for i, want := range pattern {
		if i == len(steps) {
			return reachPart
		}
		if want != steps[i] && want != "*" {
			return reachNone
		}
	}
	return reachAll
}

// grantSteps splits a pointer into steps, core members in their current spelling.
func grantSteps(pointer string) []string {
	switch {
	case pointer == "":
		return nil
	case pointer[0] != '/': // a word such as "tags" names no value
		return []string{"\x00"}
	}
	steps := strings.Split(vcon.Canonical(pointer)[1:], "/")
	for i, s := range steps {
		steps[i] = unescape(s)
	}
	return steps
}

// mayRead refuses what may not be read whole: what is not granted is absent, what is granted in part is refused.
func (c *Call) mayRead(pointer string) *callError {
	switch c.o.Grants.Read.reach(pointer) {
	case reachAll:
		return nil
	case reachPart:
		return failure(Denied, "%q: only parts of it may be read; name these", pointer)
	default:
		return unseen(pointer)
	}
}

// mayWrite refuses what may not be written.
func (c *Call) mayWrite(pointer string) *callError {
	if c.sealed != "" {
		return failure(Denied, "%s", c.sealed)
	}
	if pointer == "" || grantSteps(pointer)[0] == "uuid" {
		return failure(Denied, "%q is never writable", pointer)
	}
	if c.o.Grants.Write.reach(pointer) != reachAll {
		return failure(Denied, "%q: writing is not granted; allow it with write: [%q]", pointer, pointer)
	}
	return nil
}
