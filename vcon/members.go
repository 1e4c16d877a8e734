package vcon

import "bytes"

// members are the members of one core object, gathered in one walk and used again for the next one.
type members struct {
	object  Value
	known   [numFields]Value
	present []field
	unknown []child
	again   []child // names that came before in the same object
}

// read forgets the last object and gathers another. The last of two members with one name counts.
func (m *members) read(p place) {
	for _, f := range m.present {
		m.known[f] = nil
	}
	m.object, m.present, m.unknown, m.again = p.text, m.present[:0], m.unknown[:0], m.again[:0]
	switch {
	case m.object.Kind() != Object:
		return
	case p.idx != nil:
		for i := range p.idx.kids {
			m.take(p.idx.kids[i])
		}
	default:
		for c := open(p.text); c.next(); {
			m.take(c.at)
		}
	}
	m.findRepeats()
}

func (m *members) take(c child) {
	f := fieldOf(c.rawName(m.object))
	switch {
	case f == fUnknown:
		m.unknown = append(m.unknown, c)
		return
	case m.known[f] != nil:
		m.again = append(m.again, c)
	default:
		m.present = append(m.present, f)
	}
	m.known[f] = m.object[c.start:c.end]
}

// rawName is the name of a member; only one with escapes is decoded.
func (c *child) rawName(container []byte) []byte {
	if c.key&escaped != 0 {
		return []byte(c.name(container))
	}
	at := c.key.offset()
	return container[at+1 : skipString(container, at)-1]
}

// fewNames is how many names are compared with each other; more are put into a map, so that the time stays linear.
const fewNames = 12

func (m *members) findRepeats() {
	if len(m.unknown) > fewNames {
		m.findManyRepeats()
		return
	}
	for i := range m.unknown {
		name := m.unknown[i].rawName(m.object)
		for j := range i {
			if bytes.Equal(name, m.unknown[j].rawName(m.object)) {
				m.again = append(m.again, m.unknown[i])
				break
			}
		}
	}
}

func (m *members) findManyRepeats() {
	seen := make(map[string]struct{}, len(m.unknown))
	for i := range m.unknown {
		name := string(m.unknown[i].rawName(m.object))
		if _, ok := seen[name]; ok {
			m.again = append(m.again, m.unknown[i])
		}
		seen[name] = struct{}{}
	}
}

// get is a member that is there and not null.
func (m *members) get(f field) Value {
	if v := m.known[f]; v.Kind() != Null {
		return v
	}
	return nil
}

// either is the member under its present name, else under an old one, and the name it has.
func (m *members) either(now, old field) (Value, field) {
	if v := m.get(now); v != nil {
		return v, now
	}
	if v := m.get(old); v != nil {
		return v, old
	}
	return nil, now
}
