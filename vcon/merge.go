package vcon

// merge compares the object f of the first text with the merge patch t (RFC 7396).
func (d *differ) merge(f, t uint32, a area) {
	_, at := d.from.members(f)
	names, patch := d.to.members(t)
	for _, name := range names {
		if _, there := at[name]; there && d.to.value(patch[name]).Kind() == Null {
			d.member(name, func() { d.emit("remove", nil) })
		}
	}
	for _, name := range names {
		if k, there := at[name]; there && d.to.value(patch[name]).Kind() != Null {
			d.member(name, func() { d.mergeMember(k, patch[name], a.member(name)) })
		}
	}
	for _, name := range names {
		if _, there := at[name]; !there && d.to.value(patch[name]).Kind() != Null {
			d.member(name, func() { d.emit("add", d.to.withoutNulls(patch[name])) })
		}
	}
}

// mergeMember merges a member into one that is there.
func (d *differ) mergeMember(f, t uint32, a area) {
	switch {
	case d.stopped:
	case d.to.value(t).Kind() != Object:
		d.values(f, t, a)
	case d.from.value(f).Kind() == Object:
		d.merge(f, t, a)
	default:
		d.emit("replace", d.to.withoutNulls(t))
	}
}

// withoutNulls is the value that a merge patch makes where no object was.
func (t *tree) withoutNulls(i uint32) Value {
	if !t.hasNull(i) {
		return t.value(i)
	}
	return t.appendWithoutNulls(nil, i)
}

// hasNull reports whether null is a member of the value or, through members alone, of one below it.
func (t *tree) hasNull(i uint32) bool {
	if t.value(i).Kind() != Object {
		return false
	}
	for k := i + 1; k < t.branch[i].next; k = t.branch[k].next {
		if t.value(k).Kind() == Null || t.hasNull(k) {
			return true
		}
	}
	return false
}

func (t *tree) appendWithoutNulls(out []byte, i uint32) []byte {
	if t.value(i).Kind() != Object {
		return append(out, t.value(i)...)
	}
	names, at := t.members(i)
	out = append(out, '{')
	for _, name := range names {
		if t.value(at[name]).Kind() == Null {
			continue
		}
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		out = t.appendWithoutNulls(append(quote(out, name), ':'), at[name])
	}
	return append(out, '}')
}
