package vcon

import (
	"iter"
	"strconv"
)

// Change is one step from one JSON value to another. Op is add, replace or remove, as in RFC 6902, insert for an add
// before an element, or append to the array at Path:
//
//	{"add", "/subject", `"x"`}, {"insert", "/dialog/1", `{}`}, {"replace", "/subject", `"y"`}, {"remove", "/dialog/1", nil},
//	{"append", "/analysis", `{"type":"report"}`}
type Change struct {
	Op    string
	Path  string // in the value as the changes before have left it; but for insert, also in the first value
	Value Value  // part of the second value; nil for remove
}

// bulk is how many elements of one array may differ before it is replaced as a whole, where it may be: each element that
// is put in or taken out moves those behind it.
const bulk = 1000

// Diff yields the changes, in order, that make to of from, both valid JSON. What has the same value is not touched,
// however it is spelt, nor is a number that went through a float64. Objects are compared member by member, arrays
// element by element: equal elements are found again where others were put in or taken out, new ones at the end are
// appended, one by one. The body of a tags attachment is replaced as a whole, since its tags are a set. An array of which
// more than a thousand elements differ is replaced as a whole if whole says that the one at this pointer may be. The
// time grows with the length of the texts, times the logarithm for arrays.
func Diff(from, to Value, whole func(pointer string) bool) iter.Seq[Change] {
	return changes(from, to, whole, (*differ).values)
}

// DiffMerge yields the changes that the merge patch (RFC 7396) makes to from, where both are objects. Members that the
// patch sets to what they are, and all that Diff would not touch, stay as they are; arrays change as Diff changes them.
func DiffMerge(from, patch Value, whole func(pointer string) bool) iter.Seq[Change] {
	return changes(from, patch, whole, (*differ).merge)
}

func changes(from, to Value, whole func(string) bool, compare func(d *differ, f, t uint32, a area)) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		h := newHasher()
		d := &differ{from: h.tree(from), to: h.tree(to), whole: whole, yield: yield}
		compare(d, 0, 0, atTop)
	}
}

// differ is one comparison.
type differ struct {
	from, to tree
	path     []byte // of the pair that is compared
	whole    func(pointer string) bool
	yield    func(Change) bool
	stopped  bool // by whoever takes the changes
}

func (d *differ) emit(op string, value Value) {
	d.stopped = d.stopped || !d.yield(Change{Op: op, Path: string(d.path), Value: value})
}

// member runs f with the path of a member.
func (d *differ) member(name string, f func()) {
	n := len(d.path)
	d.path = appendToken(d.path, name)
	f()
	d.path = d.path[:n]
}

// element runs f with the path of an element.
func (d *differ) element(i int, f func()) {
	n := len(d.path)
	d.path = strconv.AppendInt(append(d.path, '/'), int64(i), 10)
	f()
	d.path = d.path[:n]
}

// values compares the value f of the first text with t of the second.
func (d *differ) values(f, t uint32, a area) {
	if d.stopped || d.from.branch[f].sum == d.to.branch[t].sum {
		return
	}
	from, to := d.from.value(f), d.to.value(t)
	switch kind := from.Kind(); {
	case kind == Object && to.Kind() == Object:
		d.objects(f, t, a)
	case kind == Array && to.Kind() == Array:
		d.arrays(f, t, a)
	case kind == Number && to.Kind() == Number && equalNumbers(throughFloat(from), to):
	default:
		d.emit("replace", to)
	}
}

// throughFloat is the number that remains of one that was kept as a float64 and written in the shortest way: many
// languages do that to all numbers of a document.
func throughFloat(v Value) Value {
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return v
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64)
}

func (d *differ) objects(f, t uint32, a area) {
	names, at := d.from.members(f)
	others, there := d.to.members(t)
	tags := a == atAttachment && d.isTags(at)
	for _, name := range names {
		if _, kept := there[name]; !kept {
			d.member(name, func() { d.emit("remove", nil) })
		}
	}
	for _, name := range names {
		k, kept := there[name]
		if kept {
			d.member(name, func() { d.pair(at[name], k, a.member(name), tags && name == "body") })
		}
	}
	for _, name := range others {
		if _, old := at[name]; !old {
			d.member(name, func() { d.emit("add", d.to.value(there[name])) })
		}
	}
}

// pair is values, or one change for the whole.
func (d *differ) pair(f, t uint32, a area, whole bool) {
	if whole && d.from.branch[f].sum != d.to.branch[t].sum {
		d.emit("replace", d.to.value(t))
		return
	}
	d.values(f, t, a)
}

// isTags reports whether an attachment with these members holds tags.
func (d *differ) isTags(at map[string]uint32) bool {
	for _, name := range []string{"purpose", "type"} {
		if k, ok := at[name]; ok && mustText(d.from.value(k)) == "tags" {
			return true
		}
	}
	return false
}

func (d *differ) arrays(f, t uint32, a area) {
	from, to := d.from.kids(f), d.to.kids(t)
	gaps := align(d.from.sums(from), d.to.sums(to))
	if differing(gaps, len(from)) > bulk && d.whole(string(d.path)) {
		d.emit("replace", d.to.value(t))
		return
	}
	for n := len(gaps) - 1; n >= 0 && !d.stopped; n-- {
		d.gap(gaps[n], from, to, a.element())
	}
}

// gap changes a run of elements into another. It begins at the end, so that the indexes before it stay true.
func (d *differ) gap(g gap, from, to []uint32, a area) {
	pairs := min(g.from.len(), g.to.len())
	for i := g.from.end - 1; i >= g.from.start+pairs; i-- {
		d.element(i, func() { d.emit("remove", nil) })
	}
	for i := g.to.start + pairs; i < g.to.end; i++ {
		value := d.to.value(to[i])
		if g.from.end == len(from) {
			d.emit("append", value)
			continue
		}
		d.element(g.from.end+i-g.to.start-pairs, func() { d.emit("insert", value) })
	}
	for i := pairs - 1; i >= 0; i-- {
		d.element(g.from.start+i, func() { d.values(from[g.from.start+i], to[g.to.start+i], a) })
	}
}
