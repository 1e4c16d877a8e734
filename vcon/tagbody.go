package vcon

import (
	"slices"
	"strings"
)

// tagBody is the list or map in which tags stand: the body itself, or what the string in the body holds.
type tagBody struct{ text Value }

// readTags reads a body; false when it can hold no tags. A string that cannot be written back as it was is none.
func (d *Draft) readTags(body Value) (tagBody, bool) {
	if text, ok := body.Text(); ok {
		if loneSurrogate(body) {
			return tagBody{}, false
		}
		inner, _, err := d.scan([]byte(text), 0)
		if err != nil {
			return tagBody{}, false
		}
		body = inner
	}
	return tagBody{body}, body.Kind() == Array || body.Kind() == Object
}

// TagsIn are the "name:value" texts in the body of a tags attachment; false when it holds anything but tags.
func TagsIn(body Value) ([]string, bool) {
	if text, ok := body.Text(); ok {
		inner, err := ParseValue([]byte(text))
		if err != nil || loneSurrogate(body) {
			return nil, false
		}
		body = inner
	}
	if body.Kind() != Array && body.Kind() != Object || !onlyTags(body) {
		return nil, false
	}
	pairs := tagBody{body}.pairs()
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, ":")
		if !ok || checkTag(name, value) != nil {
			return nil, false
		}
	}
	return pairs, true
}

// onlyTags reports whether every item of a list or map is text, or in a map what counts as text.
func onlyTags(body Value) bool {
	for _, item := range body.Elements() {
		if item.Kind() != String {
			return false
		}
	}
	for _, value := range body.Members() {
		want := 1
		if value.Kind() == Array {
			want = 0
			for range value.Elements() {
				want++
			}
		}
		if len(tagValues(value)) != want {
			return false
		}
	}
	return true
}

// pairs are the "name:value" texts.
func (b tagBody) pairs() []string {
	var pairs []string
	for _, item := range b.text.Elements() {
		if text, ok := item.Text(); ok {
			pairs = append(pairs, text)
		}
	}
	for name, value := range b.text.Members() {
		for _, text := range tagValues(value) {
			pairs = append(pairs, name+":"+text)
		}
	}
	return pairs
}

func (b tagBody) has(name, value string) bool {
	for _, pair := range b.pairs() {
		if pair == name+":"+value {
			return true
		}
	}
	return false
}

func (b tagBody) hasName(name string) bool {
	for _, pair := range b.pairs() {
		if strings.HasPrefix(pair, name+":") {
			return true
		}
	}
	return false
}

// tagValues are the texts of a value in an object map.
func tagValues(v Value) []string {
	if v.Kind() == Array {
		var all []string
		for _, item := range v.Elements() {
			if text, ok := tagText(item); ok {
				all = append(all, text)
			}
		}
		return all
	}
	if text, ok := tagText(v); ok {
		return []string{text}
	}
	return nil
}

func tagText(v Value) (string, bool) {
	switch v.Kind() {
	case String:
		return v.Text()
	case Number, Bool:
		return string(v), true
	}
	return "", false
}

// addPair adds a tag to an opened list or map.
func (u *undoLog) addPair(body *node, name, value string) {
	if body.kind() == Array {
		u.insert(body, len(body.kids), &node{text: quote(nil, name+":"+value)})
		return
	}
	slot := body.member(name)
	if slot < 0 {
		u.insert(body, len(body.kids), &node{label: makeLabel(name), text: quote(nil, value)})
		return
	}
	old := body.child(slot)
	if old.kind() == Array {
		u.insert(old.opened(), len(old.kids), &node{text: quote(nil, value)})
		return
	}
	both := []byte{'['}
	if old.kind() != Null {
		both = append(append(both, old.now(elsewhere).text...), ',')
	}
	u.replace(body, slot, &node{text: append(quote(both, value), ']')})
}

// dropPairs removes a tag, or all of a name, from an opened list or map. As in pairs, the first colon ends the name,
// also where it stands in the name of a map's member.
func (u *undoLog) dropPairs(body *node, name, value string, all bool) int {
	gone := func(pair string) bool { return pair == name+":"+value || all && strings.HasPrefix(pair, name+":") }
	if body.kind() == Array {
		return u.dropElements(body, gone)
	}
	count := 0
	for slot := len(body.kids) - 1; slot >= 0; slot-- {
		member, prefix := body.child(slot), body.nameOf(slot)+":"
		texts := tagValues(Value(member.now(elsewhere).text))
		kept := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return gone(prefix + text) })
		switch dropped := len(texts) - len(kept); {
		case dropped == 0:
		case len(kept) == 0:
			count += dropped
			u.remove(body, slot)
		default:
			count += u.dropElements(member.opened(), func(text string) bool { return gone(prefix + text) })
		}
	}
	return count
}

// dropElements removes the scalars of an opened array whose text is to go.
func (u *undoLog) dropElements(list *node, gone func(text string) bool) int {
	count := 0
	for slot := len(list.kids) - 1; slot >= 0; slot-- {
		text, ok := tagText(Value(list.child(slot).now(elsewhere).text))
		if ok && gone(text) {
			u.remove(list, slot)
			count++
		}
	}
	return count
}
