package vcon

import (
	"bytes"
	"cmp"
	"slices"
)

// splice replaces a range of a text.
type splice struct {
	start, end int
	with       string
}

// rewriter gathers splices in any order.
type rewriter struct{ edits []splice }

func (w *rewriter) splice(start, end int, with string) {
	w.edits = append(w.edits, splice{start, end, with})
}

// apply makes the new text in one copy. Splices never overlap; of two at one place the one made first comes first.
func (w *rewriter) apply(text []byte) []byte {
	slices.SortStableFunc(w.edits, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	size := len(text)
	for _, e := range w.edits {
		size += len(e.with) - (e.end - e.start)
	}
	out, at := make([]byte, 0, size), 0
	for _, e := range w.edits {
		out = append(append(out, text[at:e.start]...), e.with...)
		at = e.end
	}
	return append(out, text[at:]...)
}

// objectEdit changes the members of one object. Edits are noted by member and turned into splices by close.
type objectEdit struct {
	w     *rewriter
	text  Value
	at    int // of the object in the document
	kids  []child
	names []string // of the kids, with the edits
	gone  []bool
	more  []byte // members to be added, each with a comma before it
}

func (w *rewriter) object(text Value, at int) *objectEdit {
	o := &objectEdit{w: w, text: text, at: at}
	for c := open(text); c.next(); {
		o.kids = append(o.kids, c.at)
		o.names = append(o.names, c.at.name(text))
	}
	o.gone = make([]bool, len(o.kids))
	return o
}

func (o *objectEdit) value(i int) Value { return Value(o.text[o.kids[i].start:o.kids[i].end]) }
func (o *objectEdit) offset(i int) int  { return o.at + int(o.kids[i].start) }

// last is the member of that name that counts, -1 when there is none.
func (o *objectEdit) last(name string) int {
	for i := len(o.kids) - 1; i >= 0; i-- {
		if !o.gone[i] && o.names[i] == name {
			return i
		}
	}
	return -1
}

func (o *objectEdit) has(name string) bool { return o.last(name) >= 0 }

func (o *objectEdit) get(name string) Value {
	if i := o.last(name); i >= 0 {
		return o.value(i)
	}
	return nil
}

// renameUnless gives a member another name; where that is there, it wins.
func (o *objectEdit) renameUnless(from, to string) {
	if o.has(to) {
		o.remove(from)
		return
	}
	o.rename(from, to)
}

func (o *objectEdit) rename(from, to string) {
	for i, k := range o.kids {
		if !o.gone[i] && o.names[i] == from {
			key := k.key.offset()
			o.names[i] = to
			o.w.splice(o.at+key, o.at+skipString(o.text, key), `"`+to+`"`)
		}
	}
}

func (o *objectEdit) remove(name string) {
	for i := range o.kids {
		o.gone[i] = o.gone[i] || o.names[i] == name
	}
}

// add makes a member unless it is there.
func (o *objectEdit) add(name, value string) {
	if !o.has(name) {
		o.set(name, value)
	}
}

// set gives a member a value, and makes the member when it is not there.
func (o *objectEdit) set(name, value string) {
	i := o.last(name)
	if i < 0 {
		o.more = append(append(append(append(o.more, `,"`...), name...), `":`...), value...)
		return
	}
	if string(o.value(i)) != value {
		o.w.splice(o.offset(i), o.at+int(o.kids[i].end), value)
	}
}

// close takes members away and adds others behind the last one.
func (o *objectEdit) close() {
	kept, end := false, 1
	for i, k := range o.kids {
		start := end
		if !kept {
			start = k.key.offset()
		}
		end = int(k.end)
		switch {
		case !o.gone[i]:
			kept = true
		case !kept && i+1 < len(o.kids):
			o.w.splice(o.at+start, o.at+o.kids[i+1].key.offset(), "")
		default:
			o.w.splice(o.at+start, o.at+end, "")
		}
	}
	if len(o.more) == 0 {
		return
	}
	if !kept {
		o.more = bytes.TrimPrefix(o.more, []byte(","))
	}
	o.w.splice(o.at+end, o.at+end, string(o.more))
}
