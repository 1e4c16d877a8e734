package vcon

import "bytes"

var comma = []byte{','}

// now is the value with the edits at and below it: its text as it came where there are none.
func (n *node) now(a area) place {
	if n.edits == 0 {
		return place{n.text, n.idx, a}
	}
	if n.cache.text == nil {
		text := make([]byte, 0, n.size())
		text, idx := n.splice(text)
		n.cache = place{text: text, idx: idx}
	}
	return place{n.cache.text, n.cache.idx, a}
}

// size is the length of the text with the edits.
func (n *node) size() int {
	if n.edits == 0 {
		return len(n.text)
	}
	total := len(n.head()) + len(n.tail())
	for slot, k := range n.kids {
		total += len(n.gap(slot)) + len(n.name(slot))
		if k.n != nil {
			total += k.n.size()
		} else {
			total += len(n.kidText(k))
		}
	}
	return total
}

// splice appends the text with the edits and makes its index. What no edit touched is copied as it is: the white space
// before a child goes with it, a comma is written only before a child that the draft made or moved behind one.
func (n *node) splice(out []byte) ([]byte, *index) {
	if n.edits == 0 {
		return append(out, n.text...), n.idx
	}
	start := len(out)
	x := &index{kids: make([]child, len(n.kids))}
	out = append(out, n.head()...)
	for slot := 0; slot < len(n.kids); slot++ {
		out = append(out, n.gap(slot)...)
		k := n.kids[slot]
		if k.n == nil {
			run := n.run(slot)
			out = n.copyRun(out, start, slot, run, x)
			slot += run - 1
			continue
		}
		c := &x.kids[slot]
		if n.text[0] == '{' {
			c.key = n.keyAt(slot, len(out)-start)
			out = append(out, n.name(slot)...)
		}
		c.start = uint32(len(out) - start)
		var sub *index
		if out, sub = k.n.splice(out); sub != nil {
			x.setSub(slot, sub)
		}
		c.end = uint32(len(out) - start)
	}
	return append(out, n.tail()...), x
}

// run counts the untouched children from a slot that stand in the text one after the other.
func (n *node) run(slot int) int {
	end := slot + 1
	for end < len(n.kids) && n.kids[end].n == nil && n.kids[end].base == n.kids[end-1].base+1 {
		end++
	}
	return end - slot
}

// copyRun appends a run of untouched children with what stands between them.
func (n *node) copyRun(out []byte, start, slot, run int, x *index) []byte {
	first := int(n.kids[slot].base)
	from, to := n.idx.kids[first].begin(), n.idx.kids[first+run-1].end
	shift := uint32(len(out)-start) - from // wraps when the run moves to the front; the sums below wrap back
	subs := n.idx.subs.Load()
	for i := range run {
		c := n.idx.kids[first+i]
		if n.text[0] == '{' {
			c.key += key(shift)
		}
		x.kids[slot+i] = child{c.key, c.start + shift, c.end + shift}
		if subs == nil {
			continue
		}
		if sub := (*subs)[first+i].Load(); sub != nil {
			x.setSub(slot+i, sub)
		}
	}
	return append(out, n.text[from:to]...)
}

// begin is where a child begins, with its name.
func (c *child) begin() uint32 {
	if c.key != 0 {
		return uint32(c.key &^ escaped)
	}
	return c.start
}

// head is what stands before the first child of the text.
func (n *node) head() []byte {
	if len(n.idx.kids) == 0 {
		return n.text[:1]
	}
	return n.text[:n.idx.kids[0].begin()]
}

// tail is what stands behind the last child of the text.
func (n *node) tail() []byte {
	if len(n.idx.kids) == 0 {
		return n.text[1:]
	}
	return n.text[n.idx.kids[len(n.idx.kids)-1].end:]
}

// gap is what stands between a child and the one before.
func (n *node) gap(slot int) []byte {
	if slot == 0 {
		return nil
	}
	if base := n.kids[slot].base; base > 0 {
		return n.text[n.idx.kids[base-1].end:n.idx.kids[base].begin()]
	}
	return comma
}

// name is a member's name with colon and white space; empty in an array.
func (n *node) name(slot int) []byte {
	if base := n.kids[slot].base; base >= 0 {
		c := &n.idx.kids[base]
		return n.text[c.begin():c.start]
	}
	return n.kids[slot].n.label
}

// keyAt is the key of a child whose name is written at an offset.
func (n *node) keyAt(slot, offset int) key {
	if base := n.kids[slot].base; base >= 0 {
		return key(offset) | n.idx.kids[base].key&escaped
	}
	return newKey(offset, bytes.IndexByte(n.kids[slot].n.label, '\\') >= 0)
}
