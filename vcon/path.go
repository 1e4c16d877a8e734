package vcon

// path is the way to a container that is to be edited: every node on it is opened but the last.
type path struct {
	n      *node
	slot   int // of n in its parent
	area   area
	prints []*fingerprint // of the array elements on the way, nil for members; none when there are no elements
}

// reach opens the way to a value.
func (d *Draft) reach(pointer string) (path, error) {
	p := path{n: d.root, area: atTop}
	for i := 0; pointer != ""; i++ {
		var token string
		token, pointer = cutToken(pointer)
		n := p.n
		if n.kind() != Array && n.kind() != Object {
			return path{}, ErrAbsent
		}
		if p.slot = n.opened().slot(token, p.area); p.slot < 0 {
			return path{}, ErrAbsent
		}
		p.area = n.below(p.area, p.slot)
		p.n = n.child(p.slot)
		if n.kind() == Array {
			for len(p.prints) < i {
				p.prints = append(p.prints, nil)
			}
			p.prints = append(p.prints, d.printOf(p.n))
		}
	}
	return p, nil
}

// spot is a place in the staged state: a node where edits hold at or below it, else a place in a text.
type spot struct {
	n *node
	place
}

// at finds the spot of a pointer.
func (d *Draft) at(pointer string) (spot, error) {
	if err := checkPointer(pointer); err != nil {
		return spot{}, err
	}
	s := d.top()
	for pointer != "" {
		if s.n == nil {
			p, err := locate(s.place, pointer)
			return spot{place: p}, err
		}
		var token string
		token, pointer = cutToken(pointer)
		var ok bool
		if s, ok = s.step(token); !ok {
			return spot{}, ErrAbsent
		}
	}
	return s, nil
}

func (d *Draft) top() spot {
	a := elsewhere
	if d.base.form == Unsigned {
		a = atTop
	}
	return newSpot(d.root, a)
}

func newSpot(n *node, a area) spot {
	if n.edits > 0 && n.cache.text == nil && n.kids != nil {
		return spot{n: n, place: place{area: a}}
	}
	return spot{place: n.now(a)}
}

// step goes to a child.
func (s spot) step(token string) (spot, bool) {
	if s.n == nil {
		p, ok := s.place.step(token)
		return spot{place: p}, ok
	}
	slot := s.n.slot(token, s.area)
	if slot < 0 {
		return spot{}, false
	}
	return s.kid(slot), true
}

// element goes to an element of an array.
func (s spot) element(i int) (spot, bool) {
	if s.n == nil {
		p, ok := s.place.element(i)
		return spot{place: p}, ok
	}
	if i >= len(s.n.kids) {
		return spot{}, false
	}
	return s.kid(i), true
}

// member goes to the member of exactly this name.
func (s spot) member(name string) (spot, bool) {
	if s.kind() != Object {
		return spot{}, false
	}
	if s.n == nil {
		p, ok := s.place.member(name)
		return spot{place: p}, ok
	}
	slot := s.n.member(name)
	if slot < 0 {
		return spot{}, false
	}
	return s.kid(slot), true
}

func (s spot) kid(slot int) spot {
	n, a := s.n, s.n.below(s.area, slot)
	if k := n.kids[slot]; k.n != nil {
		return newSpot(k.n, a)
	}
	text := n.kidText(n.kids[slot])
	return spot{place: place{text, n.idx.sub(int(n.kids[slot].base), text), a}}
}

func (s spot) kind() Kind {
	if s.n != nil {
		return s.n.kind()
	}
	return Value(s.text).Kind()
}

func (s spot) value() Value {
	if s.n != nil {
		return Value(s.n.now(s.area).text)
	}
	return Value(s.text)
}

// count is the number of children, duplicates included.
func (s spot) count() int {
	switch {
	case s.n != nil:
		return len(s.n.kids)
	case s.idx != nil:
		return len(s.idx.kids)
	}
	n := 0
	for c := open(s.text); c.next(); {
		n++
	}
	return n
}

// names are the member names, each once.
func (s spot) names() []string {
	var names []string
	switch {
	case s.n != nil:
		for slot := range s.n.kids {
			names = append(names, s.n.nameOf(slot))
		}
	default:
		for name := range Value(s.text).Members() {
			names = append(names, name)
		}
	}
	return distinct(names)
}

// distinct keeps the first of equal names.
func distinct(names []string) []string {
	seen := make(map[string]struct{}, len(names))
	kept := names[:0]
	for _, name := range names {
		if _, again := seen[name]; !again {
			seen[name] = struct{}{}
			kept = append(kept, name)
		}
	}
	return kept
}
