package vcon

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
)

// Apply splices edits that were made on another text of the same vCon (rebasing): appends and tags always fit, a set
// or remove only where the value it replaces is still there, an array element is found again by its hash when its index
// moved (of several equal ones elsewhere none is taken). A set that finds its value there already has nothing to do.
// Errors: ErrConflict, with the number of the edit, and *ParseError for a text beyond the limits; nothing is applied
// then.
func (v *VCon) Apply(edits []Edit) (*VCon, error) {
	a := applier{d: v.Draft(), met: map[meeting]*node{}, sums: map[*byte][sha256.Size]byte{}}
	for i := range edits {
		if err := a.apply(&edits[i]); err != nil {
			return nil, fmt.Errorf("apply edit %d: %w: %w", i, ErrConflict, err)
		}
	}
	return a.d.VCon()
}

// applier is one run of Apply.
type applier struct {
	d    *Draft
	met  map[meeting]*node           // values that earlier edits found
	sums map[*byte][sha256.Size]byte // of texts hashed so far, by their first byte
}

// meeting is a fingerprint that was found in an array: itself, or hash and serial when it came from outside.
type meeting struct {
	in     *node
	print  *fingerprint
	serial uint64
	sum    [sha256.Size]byte
}

func (a *applier) apply(e *Edit) error {
	d := a.d
	switch e.op {
	case opTag:
		return d.AddTag(e.name, e.text)
	case opUntag:
		_, err := d.RemoveTag(e.name, e.text, e.all)
		return err
	case opAppend:
		pointer, _, err := a.readdress(e.path, e.at)
		if err != nil {
			return err
		}
		return d.Append(pointer, e.value)
	case opInsert, opAdd, opSet, opRemove:
		return a.change(e)
	}
	return ErrValue
}

// change applies an edit that has a precondition.
func (a *applier) change(e *Edit) error {
	d := a.d
	if err := d.writable(e.path); err != nil {
		return err
	}
	parent, name := cutLast(e.path)
	pointer, p, err := a.readdress(parent, e.at)
	if err != nil {
		return err
	}
	if p.n == nil {
		return ErrAbsent
	}
	if p.n.kind() == Array {
		slot, err := a.element(p.n.opened(), name, e.was)
		if err != nil {
			return err
		}
		name = strconv.Itoa(slot)
	} else if done, err := a.member(e, p, name); done || err != nil {
		return err
	}
	pointer = string(appendToken([]byte(pointer), name))
	switch e.op {
	case opRemove:
		return d.Remove(pointer)
	case opSet:
		return d.Set(pointer, e.value)
	}
	return d.Add(pointer, e.value)
}

// member checks the precondition of a change to a member; done when there is nothing left to do.
func (a *applier) member(e *Edit, p path, name string) (done bool, err error) {
	if p.n.kind() != Object || e.op == opInsert {
		return false, ErrType
	}
	n := p.n.opened()
	slot := n.member(name)
	if e.op != opAdd {
		slot = n.slot(name, p.area)
	}
	switch {
	case slot < 0 && e.was == absent:
		return false, nil
	case slot < 0:
		return false, ErrAbsent
	case a.matches(e.was, n, slot):
		return false, nil
	case e.op != opRemove && string(n.child(slot).now(elsewhere).text) == string(e.value):
		return true, nil
	}
	return false, fmt.Errorf("%s is not what it was", e.path)
}

// readdress follows a pointer whose array elements are known by their fingerprints, and gives the pointer that reaches
// the same here, and the way.
func (a *applier) readdress(pointer string, at []*fingerprint) (string, path, error) {
	var here []byte
	n, area := a.d.root, atTop
	for i, rest := 0, pointer; rest != ""; i++ {
		var token string
		token, rest = cutToken(rest)
		print := printAt(at, i)
		if (print != nil) != (n.kind() == Array) {
			return "", path{}, ErrType
		}
		if print != nil {
			slot, err := a.element(n.opened(), token, print)
			if err != nil {
				return "", path{}, err
			}
			token = strconv.Itoa(slot)
		}
		here = appendToken(here, token)
		if n.kind() != Array && n.kind() != Object {
			return "", path{}, ErrAbsent
		}
		slot := n.opened().slot(token, area)
		if slot < 0 {
			if rest == "" && isCoreArray(pointer) {
				return pointer, path{}, nil // an append makes it
			}
			return "", path{}, ErrAbsent
		}
		area = n.below(area, slot)
		n = n.child(slot)
	}
	return string(here), path{n: n, area: area}, nil
}

// printAt is the fingerprint of the element at a position of a path; nil for a member.
func printAt(at []*fingerprint, i int) *fingerprint {
	if i >= len(at) {
		return nil
	}
	return at[i]
}

// element finds the element that had this index when its fingerprint was taken.
func (a *applier) element(n *node, token string, print *fingerprint) (int, error) {
	index, ok := arrayIndex(token)
	if !ok || print == nil || print == absent {
		return 0, ErrAbsent
	}
	key := meeting{in: n, print: print}
	if print.from == nil {
		key.print, key.serial, key.sum = nil, print.serial, print.sum()
	}
	slot := a.slotOf(n, a.met[key])
	if slot < 0 && index < len(n.kids) && a.matches(print, n, index) {
		slot = index
	}
	for i := 0; slot < 0 && i < len(n.kids); i++ {
		if !a.matches(print, n, i) {
			continue
		}
		for j := i + 1; j < len(n.kids); j++ {
			if a.matches(print, n, j) {
				return 0, fmt.Errorf("element %d moved, and more than one is like it", index)
			}
		}
		slot = i
	}
	if slot < 0 {
		return 0, fmt.Errorf("element %d is not there any more", index)
	}
	a.met[key] = n.child(slot)
	return slot, nil
}

// slotOf is where a child stands; -1 when it is not there.
func (a *applier) slotOf(n, child *node) int {
	for slot := range n.kids {
		if child != nil && n.kids[slot].n == child {
			return slot
		}
	}
	return -1
}

// matches reports whether the child of an opened node has the fingerprint, as it is now.
func (a *applier) matches(f *fingerprint, n *node, slot int) bool {
	k := n.kids[slot]
	switch {
	case f == absent:
		return false
	case k.n != nil && k.n.edits > 0:
		return k.n.hash() == f.sum()
	}
	text := Value(nil)
	if k.n != nil {
		text = k.n.text
	} else {
		text = n.kidText(k)
	}
	if f.from != nil && f.from.edits == 0 && bytes.Equal(f.from.text, text) {
		return true
	}
	sum, known := a.sums[&text[0]]
	if !known {
		sum = hashTokens(text)
		a.sums[&text[0]] = sum
	}
	return sum == f.sum()
}
