package vcon

import (
	"iter"
	"math"
	"strconv"
)

// part is one object of a vCon; it reads members under either spelling and decodes nothing ahead.
type part struct{ at place }

func newPart(object Value, a area) part { return part{place{text: object, area: a}} }

// Value is the object's JSON text as it stands in the document.
func (o part) Value() Value { return o.at.text }

// Get is the raw value of a member, under either of its names when it was renamed: the name given wins, unless null
// stands there. Of members with one name the last one counts. Nil when absent.
func (o part) Get(name string) Value {
	if Value(o.at.text).Kind() != Object {
		return nil
	}
	p, ok := o.at.member(name)
	for n := 0; !ok || Value(p.text).Kind() == Null; n++ {
		other := o.at.area.otherName(name, n)
		if other == "" {
			break
		}
		if q, has := o.at.member(other); has {
			p, ok = q, true
		}
	}
	return p.text
}

// own is the raw value of the member of exactly this name.
func (o part) own(name string) Value {
	p, _ := o.at.member(name)
	return p.text
}

// Text is a member's text, "" when it is absent or no string.
func (o part) Text(name string) string {
	s, _ := o.Get(name).Text()
	return s
}

// index is a member that counts from 0: one integer, or an array of one as drafts 01 to 03 wrote. False otherwise.
func (o part) index(name string) (int, bool) {
	v := o.Get(name)
	if v.Kind() == Array {
		for _, first := range v.Elements() {
			return first.integer()
		}
	}
	return v.integer()
}

// integer reads a number without a fraction; 2.0 and 2e0 are integers too.
func (v Value) integer() (int, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return int(n), true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || math.Abs(f) > 1<<53 || f != math.Trunc(f) {
		return 0, false
	}
	return int(f), true
}

// integers are the integers of v: itself, or the elements of its nested arrays, in order.
func (v Value) integers() iter.Seq[int] {
	return func(yield func(int) bool) { v.eachInteger(yield, nesting) }
}

// nesting is how deep arrays of indexes are read: one for the list, one for the people on one channel.
const nesting = 2

func (v Value) eachInteger(yield func(int) bool, depth int) bool {
	if n, ok := v.integer(); ok {
		return yield(n)
	}
	if v.Kind() != Array || depth == 0 {
		return true
	}
	for _, e := range v.Elements() {
		if !e.eachInteger(yield, depth-1) {
			return false
		}
	}
	return true
}

// texts are the strings of an array, or the one string that stands in its place.
func (v Value) texts() []string {
	if s, ok := v.Text(); ok {
		return []string{s}
	}
	var all []string
	if v.Kind() == Array {
		for _, e := range v.Elements() {
			if s, ok := e.Text(); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// isEmpty reports what counts as absent for an optional member: nothing, null, "", [] and {}.
func (v Value) isEmpty() bool {
	switch v.Kind() {
	case Absent, Null:
		return true
	case String:
		return len(v) == 2
	case Array, Object:
		return isBlank(v.inner())
	}
	return false
}

func isBlank(s []byte) bool {
	for _, c := range s {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
