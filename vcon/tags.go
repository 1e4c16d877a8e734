package vcon

import "strings"

// Tags lie in attachments of the purpose (formerly the type) "tags". Their body is an array of "name:value" strings, or
// an object of names and values (a value being a string, another scalar, or an array of these), or a string with the
// JSON text of either. The first colon ends the name. Edits keep the form they find.

// Tags are the "name:value" texts of every tags attachment, in document order. Items that are no strings are left out.
func (d *Draft) Tags() []string {
	var tags []string
	d.eachTagSet(func(_ int, body tagBody) bool {
		tags = append(tags, body.pairs()...)
		return true
	})
	return tags
}

// Tag is the value of the first tag of this name.
func (d *Draft) Tag(name string) (value string, ok bool) {
	for _, tag := range d.Tags() {
		if value, ok = strings.CutPrefix(tag, name+":"); ok {
			return value, true
		}
	}
	return "", false
}

// AddTag adds "name:value" to the tags attachment, in whatever form the tags have; there already: no edit. In an object
// map a name that has another value gets an array of both. Without a tags attachment whose body can take it, one is
// made in the form of the current draft. Errors: ErrReadOnly, ErrValue (an empty name, a colon in it, not UTF-8),
// ErrType (attachments are no array).
func (d *Draft) AddTag(name, value string) error {
	if err := checkTag(name, value); err != nil {
		return err
	}
	if d.base.form != Unsigned {
		return ErrReadOnly
	}
	slot, there := -1, false
	d.eachTagSet(func(i int, body tagBody) bool {
		if slot < 0 {
			slot = i
		}
		there = body.has(name, value)
		return !there
	})
	if there {
		return nil
	}
	const values = 8 // that a tag adds at most
	w := write{steps: len(d.undo), values: values}
	d.epoch++ // the attachment changes without a fingerprint of what it was
	if err := d.writeTag(slot, name, value); err != nil {
		return err
	}
	return d.stage(w, Edit{op: opTag, name: name, text: value})
}

// writeTag adds the pair to the tags attachment at a slot, or to a new one.
func (d *Draft) writeTag(slot int, name, value string) error {
	if err := d.fits(5); err != nil {
		return err
	}
	if slot < 0 {
		return d.newTags(name, value)
	}
	return d.editTags(slot, func(u *undoLog, body *node) { u.addPair(body, name, value) })
}

// newTags appends a tags attachment, and makes the array for it when there is none.
func (d *Draft) newTags(name, value string) error {
	text := append([]byte(`{"purpose":"tags","encoding":"json","body":[`), quote(nil, name+":"+value)...)
	text = append(text, "]}"...)
	list := &node{text: append(append([]byte{'['}, text...), ']')}
	root := d.root.opened()
	slot := root.member("attachments")
	if slot < 0 {
		list.label = makeLabel("attachments")
		d.undo.insert(root, len(root.kids), list)
		return nil
	}
	switch n := root.child(slot); n.kind() {
	case Null:
		d.undo.replace(root, slot, list)
	case Array:
		d.undo.insert(n.opened(), len(n.kids), &node{text: text})
	default:
		return ErrType
	}
	return nil
}

// RemoveTag takes away "name:value", or every value of name when all is true, from every tags attachment; it returns
// how many. None: no edit. Errors: ErrReadOnly, ErrValue.
func (d *Draft) RemoveTag(name, value string, all bool) (int, error) {
	if err := checkTag(name, value); err != nil {
		return 0, err
	}
	if d.base.form != Unsigned {
		return 0, ErrReadOnly
	}
	var slots []int
	d.eachTagSet(func(i int, body tagBody) bool {
		if body.has(name, value) || all && body.hasName(name) {
			slots = append(slots, i)
		}
		return true
	})
	w, count := write{steps: len(d.undo)}, 0
	d.epoch++ // as in AddTag
	for _, slot := range slots {
		err := d.editTags(slot, func(u *undoLog, body *node) { count += u.dropPairs(body, name, value, all) })
		if err != nil {
			d.undo.undo(w.steps)
			return 0, err
		}
	}
	if count == 0 {
		return 0, nil
	}
	if all {
		value = ""
	}
	return count, d.stage(w, Edit{op: opUntag, name: name, text: value, all: all})
}

// eachTagSet calls f with the slot and the body of each tags attachment that can be read, until f returns false.
func (d *Draft) eachTagSet(f func(slot int, body tagBody) bool) {
	list, ok := d.top().member("attachments")
	if !ok || list.kind() != Array || d.base.form != Unsigned {
		return
	}
	for i := range list.count() {
		a, _ := list.element(i)
		if a.kind() != Object || !isTags(a, "purpose") && !isTags(a, "type") {
			continue
		}
		body, _ := a.member("body")
		if b, ok := d.readTags(body.value()); ok && !f(i, b) {
			return
		}
	}
}

func isTags(attachment spot, name string) bool {
	s, ok := attachment.member(name)
	if !ok || s.kind() != String {
		return false
	}
	text, _ := s.value().Text()
	return text == "tags"
}

// editTags lets f edit the list or map of the tags attachment at a slot. One that is JSON text in a string is edited
// apart and put back as a string.
func (d *Draft) editTags(slot int, f func(u *undoLog, body *node)) error {
	list := d.root.opened()
	list = list.child(list.member("attachments")).opened()
	attachment := list.child(slot).opened()
	at := attachment.member("body")
	body := attachment.child(at)
	if body.kind() != String {
		f(&d.undo, body.opened())
		return nil
	}
	read, _ := d.readTags(Value(body.text))
	inner, log := (&node{text: read.text}).opened(), undoLog{}
	f(&log, inner)
	text := quote(nil, string(inner.now(elsewhere).text))
	d.undo.replace(attachment, at, &node{text: text})
	return nil
}
