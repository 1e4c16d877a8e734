package vcon

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Draft is a vCon with staged edits. Reads see them. Not safe for concurrent use.
//
// Pointers of reads, Set, Remove and Append reach a member of the core under any of its spellings (the exact one wins);
// Add writes the name it is given. Nothing can be written at the root, at /uuid or in a signed or encrypted vCon:
// ErrReadOnly. Values are copied; one that is not JSON within the document's limits, or would be nested deeper than
// they allow, is ErrValue. An edit that fails changes nothing.
type Draft struct {
	base   *VCon
	root   *node
	log    []staged
	undo   undoLog
	values int    // at most so many more than in the base
	epoch  int    // of marks, rollbacks and tags: while it lasts, fingerprints stay
	serial uint64 // of the newest fingerprint; 0 before the first
}

// staged is an edit with what it costs.
type staged struct {
	edit   Edit
	steps  int // in the undo log before it
	values int
}

// Base is the document that the edits are staged over.
func (d *Draft) Base() *VCon { return d.base }

// Get is VCon.Get over the staged state. The result is valid until the next edit. Errors: ErrPointer, ErrAbsent.
func (d *Draft) Get(pointer string) (Value, error) {
	s, err := d.at(pointer)
	if err != nil {
		return nil, err
	}
	return s.value(), nil
}

// Count is the number of items or distinct members. Errors: ErrPointer, ErrAbsent, ErrType.
func (d *Draft) Count(pointer string) (int, error) {
	s, err := d.at(pointer)
	if err != nil {
		return 0, err
	}
	switch s.kind() {
	case Array:
		return s.count(), nil
	case Object:
		return len(s.names()), nil
	}
	return 0, ErrType
}

// Keys are the member names of an object, decoded, each once, in document order. Errors: ErrPointer, ErrAbsent, ErrType.
func (d *Draft) Keys(pointer string) ([]string, error) {
	s, err := d.at(pointer)
	if err != nil {
		return nil, err
	}
	if s.kind() != Object {
		return nil, ErrType
	}
	return s.names(), nil
}

// Append adds value at the end of the array at pointer; one of the four core arrays is made when absent or null.
// Errors: ErrPointer, ErrReadOnly, ErrValue, ErrAbsent, ErrType.
func (d *Draft) Append(pointer string, value []byte) error {
	w, err := d.write(pointer, value, 1)
	if err != nil {
		return err
	}
	path, err := d.reach(pointer)
	if err != nil {
		if !isCoreArray(pointer) {
			return err
		}
		if w, err = d.wrap(w); err != nil {
			return err
		}
		w.child.label = makeLabel(pointer[1:])
		d.undo.insert(d.root, len(d.root.kids), w.child)
		return d.stage(w, Edit{op: opAppend, path: pointer})
	}
	n := path.n
	switch {
	case n.kind() == Array:
		d.undo.insert(n.opened(), len(n.kids), w.child)
	case n.kind() == Null && isCoreArray(pointer):
		if w, err = d.wrap(w); err != nil {
			return err
		}
		d.undo.replace(d.root, path.slot, w.child)
	default:
		return ErrType
	}
	return d.stage(w, Edit{op: opAppend, path: pointer, at: path.prints})
}

// Add is RFC 6902 add: sets or makes a member, inserts before an index, appends at "-". The parent must be there.
// Errors: ErrPointer, ErrReadOnly, ErrValue, ErrAbsent, ErrType.
func (d *Draft) Add(pointer string, value []byte) error {
	w, err := d.write(pointer, value, 0)
	if err != nil {
		return err
	}
	parent, name := cutLast(pointer)
	path, err := d.reach(parent)
	if err != nil {
		return err
	}
	n := path.n
	if n.kind() == Array {
		return d.addElement(w, path, pointer, name)
	}
	if n.kind() != Object {
		return ErrType
	}
	return d.putMember(w, path, n.opened().member(name), name, Edit{op: opAdd, path: pointer})
}

func (d *Draft) addElement(w write, path path, pointer, token string) error {
	n := path.n.opened()
	slot, ok := arrayIndex(token)
	switch {
	case token == "-" || ok && slot == len(n.kids):
		parent, _ := cutLast(pointer)
		d.undo.insert(n, len(n.kids), w.child)
		return d.stage(w, Edit{op: opAppend, path: parent, at: path.prints})
	case !ok || slot > len(n.kids):
		return ErrAbsent
	}
	e := Edit{op: opInsert, path: pointer, at: path.prints, was: d.printOf(n.child(slot))}
	d.undo.insert(n, slot, w.child)
	return d.stage(w, e)
}

// putMember replaces the member at a slot, or makes one of this name when the slot is -1.
func (d *Draft) putMember(w write, path path, slot int, name string, e Edit) error {
	n := path.n
	e.at = path.prints
	if slot >= 0 {
		e.was = d.printOf(n.child(slot))
		d.undo.replace(n, slot, w.child)
		return d.stage(w, e)
	}
	if n == d.root && !d.staysUnsigned(name) {
		return fmt.Errorf("%w: the result would be no unsigned vCon", ErrValue)
	}
	e.was = absent
	w.child.label = makeLabel(name)
	d.undo.insert(n, len(n.kids), w.child)
	return d.stage(w, e)
}

// staysUnsigned reports whether the document keeps its form when it gets a member of this name.
func (d *Draft) staysUnsigned(name string) bool {
	form, ok := formOf(func(other string) bool { return other == name || d.root.opened().member(other) >= 0 })
	return ok && form == Unsigned
}

// Set replaces the value at pointer, or makes the member when only that is missing. Errors: ErrPointer, ErrReadOnly,
// ErrValue, ErrAbsent, ErrType.
func (d *Draft) Set(pointer string, value []byte) error {
	w, err := d.write(pointer, value, 0)
	if err != nil {
		return err
	}
	parent, name := cutLast(pointer)
	path, err := d.reach(parent)
	if err != nil {
		return err
	}
	n := path.n
	if n.kind() != Array && n.kind() != Object {
		return ErrType
	}
	slot := n.opened().slot(name, path.area)
	if slot < 0 && n.kind() == Array {
		return ErrAbsent
	}
	return d.putMember(w, path, slot, name, Edit{op: opSet, path: pointer})
}

// Remove takes the value at pointer away; of a member that stands there more than once, all. Errors: ErrPointer,
// ErrReadOnly, ErrAbsent, ErrType.
func (d *Draft) Remove(pointer string) error {
	if err := d.writable(pointer); err != nil {
		return err
	}
	parent, name := cutLast(pointer)
	path, err := d.reach(parent)
	if err != nil {
		return err
	}
	n := path.n
	if n.kind() != Array && n.kind() != Object {
		return ErrType
	}
	slot := n.opened().slot(name, path.area)
	if slot < 0 {
		return ErrAbsent
	}
	e := Edit{op: opRemove, path: pointer, at: path.prints, was: d.printOf(n.child(slot))}
	steps := len(d.undo)
	d.undo.removeMember(n, slot)
	return d.stage(write{steps: steps}, e)
}

// removeMember takes a child away with all others of its name.
func (u *undoLog) removeMember(n *node, slot int) {
	if n.kind() == Array {
		u.remove(n, slot)
		return
	}
	for name := n.nameOf(slot); slot >= 0; slot = n.member(name) {
		u.remove(n, slot)
	}
}

// Test reports whether the value at pointer equals value: numbers by their value, strings by their text, objects
// without order (of members with one name the last one counts). Errors: ErrPointer, ErrAbsent, ErrValue.
func (d *Draft) Test(pointer string, value []byte) (bool, error) {
	have, err := d.Get(pointer)
	if err != nil {
		return false, err
	}
	want, _, err := d.scan(value, 0)
	if err != nil {
		return false, err
	}
	return have.Equal(want), nil
}

// Mark is a state of a Draft.
type Mark int

// Mark remembers the present state for Rollback and EditsSince.
func (d *Draft) Mark() Mark {
	d.epoch++
	return Mark(len(d.log))
}

// Rollback drops every edit staged after the mark.
func (d *Draft) Rollback(m Mark) {
	d.epoch++
	if int(m) >= len(d.log) {
		return
	}
	d.undo.undo(d.log[m].steps)
	for _, s := range d.log[m:] {
		d.values -= s.values
	}
	clear(d.log[m:])
	d.log = d.log[:m]
}

// Edits are all staged edits, in order, fit for VCon.Apply on this or a newer text.
func (d *Draft) Edits() []Edit { return d.EditsSince(0) }

// EditsSince are the edits staged after the mark.
func (d *Draft) EditsSince(m Mark) []Edit {
	if int(m) >= len(d.log) {
		return nil
	}
	edits := make([]Edit, 0, len(d.log)-int(m))
	for _, s := range d.log[m:] {
		edits = append(edits, s.edit)
	}
	return edits
}

// VCon splices the edits into a new text: one copy of the document at most, none without edits. The draft can be edited
// on. Error: *ParseError when the text would be beyond the limits of the base.
func (d *Draft) VCon() (*VCon, error) {
	if len(d.log) == 0 {
		return d.base, nil
	}
	b := d.base
	after := b.text[b.before+len(b.root.text):]
	size := b.before + d.root.size() + len(after)
	if int64(size) > b.limits.Bytes {
		return nil, &ParseError{Rule: "V02", Offset: -1, Reason: "the edited text is larger than the limit allows"}
	}
	text := append(make([]byte, 0, size), b.text[:b.before]...)
	text, idx := d.root.splice(text)
	end := len(text)
	text = append(text, after...)
	if b.values+d.values > b.limits.Elements {
		return ParseWith(text, b.limits) // counts what is there now
	}
	return &VCon{
		text: text, root: place{text[b.before:end:end], idx, atTop}, before: b.before,
		values: b.values + d.values, limits: b.limits, id: b.id, form: b.form,
	}, nil
}

// write is a value on its way into the draft.
type write struct {
	value  []byte
	child  *node
	values int
	steps  int
}

// write checks that pointer can be written and value is fit to stand so many levels below it.
func (d *Draft) write(pointer string, value []byte, below int) (write, error) {
	if err := d.writable(pointer); err != nil {
		return write{}, err
	}
	depth := below + bytes.Count([]byte(pointer), []byte{'/'})
	raw, s, err := d.scan(value, depth)
	if err != nil {
		return write{}, err
	}
	raw = bytes.Clone(raw)
	return write{value: raw, child: &node{text: raw, idx: s.sub}, values: d.base.limits.Elements - s.values, steps: len(d.undo)}, nil
}

// wrap makes the value the only element of a new core array.
func (d *Draft) wrap(w write) (write, error) {
	if err := d.fits(2); err != nil {
		return w, err
	}
	w.child = &node{text: append(append([]byte{'['}, w.value...), ']')}
	w.values++
	return w, nil
}

// fits says whether containers may be nested so deep.
func (d *Draft) fits(depth int) error {
	if depth > d.base.limits.Depth {
		return fmt.Errorf("%w: nested deeper than the limit allows", ErrValue)
	}
	return nil
}

// scan checks a value that is to stand at a depth, and strips the white space around it.
func (d *Draft) scan(value []byte, depth int) (Value, *scanner, error) {
	l := d.base.limits
	s := &scanner{text: value, depth: l.Depth - depth, number: l.Number, values: l.Elements, level: indexed}
	start, end := s.whole()
	if end < 0 {
		return nil, nil, fmt.Errorf("%w: %s at byte %d", ErrValue, s.err.Reason, s.err.Offset)
	}
	return Value(value[start:end]), s, nil
}

// writable says whether a pointer may be written.
func (d *Draft) writable(pointer string) error {
	if err := checkPointer(pointer); err != nil {
		return err
	}
	if !utf8.ValidString(pointer) {
		return ErrPointer
	}
	if pointer == "" || d.base.form != Unsigned {
		return ErrReadOnly
	}
	if name, _ := cutToken(pointer); name == "uuid" {
		return ErrReadOnly
	}
	return nil
}

// stage records an edit that was done.
func (d *Draft) stage(w write, e Edit) error {
	e.value = w.value
	d.log = append(d.log, staged{edit: e, steps: w.steps, values: w.values})
	d.values += w.values
	return nil
}

func isCoreArray(pointer string) bool {
	switch pointer {
	case "/parties", "/dialog", "/analysis", "/attachments":
		return true
	}
	return false
}
