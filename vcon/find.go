package vcon

// place is one value of a document while a pointer is followed: its text, its index if it has one, and where it stands.
type place struct {
	text []byte
	idx  *index
	area area
}

// find is the text at a pointer from a place.
func find(p place, pointer string) (Value, error) {
	p, err := locate(p, pointer)
	return Value(p.text), err
}

// locate follows a pointer from a place.
func locate(p place, pointer string) (place, error) {
	if err := checkPointer(pointer); err != nil {
		return place{}, err
	}
	for pointer != "" {
		var token string
		token, pointer = cutToken(pointer)
		var ok bool
		if p, ok = p.step(token); !ok {
			return place{}, ErrAbsent
		}
	}
	return p, nil
}

// step goes to a child: the element of that index, or the member of that name or, on core objects, of another spelling.
func (p place) step(token string) (place, bool) {
	switch Value(p.text).Kind() {
	case Array:
		if n, ok := arrayIndex(token); ok {
			return p.element(n)
		}
	case Object:
		if q, ok := p.member(token); ok {
			return q, true
		}
		for n := 0; p.area != elsewhere; n++ {
			other := p.area.otherName(token, n)
			if other == "" {
				break
			}
			if q, ok := p.member(other); ok {
				return q, true
			}
		}
	}
	return place{}, false
}

func (p place) element(n int) (place, bool) {
	if p.idx != nil {
		if n >= len(p.idx.kids) {
			return place{}, false
		}
		return p.kid(n, p.area.element()), true
	}
	for c := open(p.text); c.next(); n-- {
		if n == 0 {
			return place{text: p.text[c.at.start:c.at.end:c.at.end], area: p.area.element()}, true
		}
	}
	return place{}, false
}

// member goes to the last member of exactly this name.
func (p place) member(name string) (place, bool) {
	if p.idx != nil {
		n := p.idx.member(p.text, name)
		if n < 0 {
			return place{}, false
		}
		return p.kid(n, p.area.member(name)), true
	}
	var found []byte
	for c := open(p.text); c.next(); {
		if c.at.is(p.text, name) {
			found = p.text[c.at.start:c.at.end:c.at.end]
		}
	}
	return place{text: found, area: p.area.member(name)}, found != nil
}

// kid goes to an indexed child.
func (p place) kid(n int, a area) place {
	c := &p.idx.kids[n]
	text := p.text[c.start:c.end:c.end]
	return place{text: text, idx: p.idx.sub(n, text), area: a}
}
