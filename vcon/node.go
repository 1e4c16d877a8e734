package vcon

import (
	"cmp"
	"slices"
)

// node is a value in a draft. Until something at or below it is edited it is no more than its text; then it is opened,
// and holds its children one by one. Only the path to an edit is opened ever.
type node struct {
	label []byte // `"name":` of a member that the draft made
	text  []byte // as it came into the draft: of the base, or as written
	idx   *index // over text; of an opened node always there
	up    *node
	kids  []kid // when opened
	edits int   // edits that hold at or below
	print *fingerprint
	epoch int   // of print
	cache place // text and index with the edits, while known
}

// kid is a child of an opened node.
type kid struct {
	n    *node // nil while the child is as in the parent's text
	base int32 // its number in the parent's text; -1 for one that the draft made
}

func (n *node) kind() Kind { return Value(n.text).Kind() }

// opened readies a container for edits.
func (n *node) opened() *node {
	if n.kids != nil {
		return n
	}
	if n.idx == nil {
		n.idx = buildIndex(n.text)
	}
	n.kids = make([]kid, len(n.idx.kids), len(n.idx.kids)+1)
	for i := range n.kids {
		n.kids[i].base = int32(i)
	}
	return n
}

// kidText is the text of an untouched child.
func (n *node) kidText(k kid) []byte {
	c := &n.idx.kids[k.base]
	return n.text[c.start:c.end:c.end]
}

// child is the node of a child of an opened node.
func (n *node) child(slot int) *node {
	k := &n.kids[slot]
	if k.n == nil {
		text := n.kidText(*k)
		k.n = &node{text: text, idx: n.idx.sub(int(k.base), text), up: n}
	}
	return k.n
}

// nameOf is the decoded name of a child of an opened object.
func (n *node) nameOf(slot int) string {
	if k := n.kids[slot]; k.base >= 0 {
		return n.idx.kids[k.base].name(n.text)
	}
	label := n.kids[slot].n.label
	return unquote(label[:len(label)-1])
}

func makeLabel(name string) []byte { return append(quote(nil, name), ':') }

// slot finds a child of an opened node by its token, as place.step does; -1 when there is none.
func (n *node) slot(token string, a area) int {
	if n.kind() == Array {
		if i, ok := arrayIndex(token); ok && i < len(n.kids) {
			return i
		}
		return -1
	}
	found := n.member(token)
	for i := 0; found < 0 && a != elsewhere; i++ {
		other := a.otherName(token, i)
		if other == "" {
			break
		}
		found = n.member(other)
	}
	return found
}

// member finds the last child of an opened object with exactly this name. Members that the draft made stand behind
// those of the text.
func (n *node) member(name string) int {
	label := makeLabel(name)
	slot := len(n.kids) - 1
	for ; slot >= 0 && n.kids[slot].base < 0; slot-- {
		if string(n.kids[slot].n.label) == string(label) {
			return slot
		}
	}
	return n.textMember(slot+1, name)
}

// textMember is member among the first children, which are of the text and ascend there.
func (n *node) textMember(count int, name string) int {
	number := n.idx.member(n.text, name)
	if number < 0 {
		return -1
	}
	slot, there := slices.BinarySearchFunc(n.kids[:count], int32(number), func(k kid, base int32) int {
		return cmp.Compare(k.base, base)
	})
	if there {
		return slot
	}
	for slot--; slot >= 0; slot-- { // the last one of the name was taken away; another may stand before it
		if n.idx.kids[n.kids[slot].base].is(n.text, name) {
			return slot
		}
	}
	return -1
}

// below is the area of a child.
func (n *node) below(a area, slot int) area {
	switch {
	case a == elsewhere:
		return elsewhere
	case n.kind() == Array:
		return a.element()
	}
	return a.member(n.nameOf(slot))
}

// touch counts edits in or out, here and above.
func (n *node) touch(edits int) {
	for ; n != nil; n = n.up {
		n.edits += edits
		n.cache = place{}
	}
}

// freeze copies what an edit could change.
func (n *node) freeze() *node {
	if n.edits == 0 {
		return &node{label: n.label, text: n.text, idx: n.idx}
	}
	c := &node{label: n.label, text: n.text, idx: n.idx, edits: n.edits, cache: n.cache}
	c.kids = make([]kid, len(n.kids))
	for i, k := range n.kids {
		if c.kids[i] = k; k.n != nil {
			c.kids[i].n = k.n.freeze()
		}
	}
	return c
}

// undoLog records what was done to opened nodes, so that it can be undone, last first.
type undoLog []undoStep

type undoStep struct {
	n    *node
	slot int
	was  kid
	what change
}

type change uint8

const (
	inserted change = iota
	replaced
	removed
)

// insert puts a new child before a slot, or at the end.
func (u *undoLog) insert(n *node, slot int, child *node) {
	child.up = n
	n.put(slot, kid{n: child, base: -1})
	u.did(undoStep{n: n, slot: slot, what: inserted})
}

// replace puts a new value in the place of a child, which keeps its name.
func (u *undoLog) replace(n *node, slot int, child *node) {
	old := n.kids[slot]
	if child.up = n; old.base < 0 {
		child.label = old.n.label
	}
	n.kids[slot] = kid{n: child, base: old.base}
	u.did(undoStep{n: n, slot: slot, was: old, what: replaced})
}

func (u *undoLog) remove(n *node, slot int) {
	u.did(undoStep{n: n, slot: slot, was: n.kids[slot], what: removed})
	n.take(slot)
}

func (u *undoLog) did(s undoStep) {
	*u = append(*u, s)
	s.n.touch(1)
}

// undo goes back to the time when the log had so many steps.
func (u *undoLog) undo(steps int) {
	for len(*u) > steps {
		s := (*u)[len(*u)-1]
		(*u)[len(*u)-1] = undoStep{}
		*u = (*u)[:len(*u)-1]
		switch s.what {
		case inserted:
			s.n.take(s.slot)
		case replaced:
			s.n.kids[s.slot] = s.was
		case removed:
			s.n.put(s.slot, s.was)
		}
		s.n.touch(-1)
	}
}

func (n *node) put(slot int, k kid) {
	n.kids = append(n.kids, kid{})
	copy(n.kids[slot+1:], n.kids[slot:])
	n.kids[slot] = k
}

func (n *node) take(slot int) {
	copy(n.kids[slot:], n.kids[slot+1:])
	n.kids[len(n.kids)-1] = kid{}
	n.kids = n.kids[:len(n.kids)-1]
}
