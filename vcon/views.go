package vcon

import (
	"iter"
	"time"
)

// top is the object that the views of the whole document read: of a signed vCon its payload's, of an encrypted one an
// empty one.
func (v *VCon) top() part {
	switch v.form {
	case Unsigned:
		return part{v.root}
	case Signed:
		return part{v.payload.root}
	}
	return part{}
}

// objects yields the elements of a core array that are objects.
func (v *VCon) objects(name string) iter.Seq2[int, part] {
	return func(yield func(int, part) bool) {
		list, _ := v.top().at.step(name)
		for i, e := range list.elements() {
			if Value(e.text).Kind() == Object && !yield(i, part{e}) {
				return
			}
		}
	}
}

// elements are the elements of an array, with their indexes where there are some; none when p is something else.
func (p place) elements() iter.Seq2[int, place] {
	return func(yield func(int, place) bool) {
		if Value(p.text).Kind() != Array {
			return
		}
		if p.idx != nil {
			for n := range p.idx.kids {
				if !yield(n, p.kid(n, p.area.element())) {
					return
				}
			}
			return
		}
		c := open(p.text)
		for n := 0; c.next(); n++ {
			if !yield(n, place{text: p.text[c.at.start:c.at.end], area: p.area.element()}) {
				return
			}
		}
	}
}

// CreatedAt is when the vCon was made. It reads RFC 3339, the same without offset as UTC, ISO 8601 as the Python server
// takes it (date only, seconds or milliseconds since 1970), and RFC 2822. False when absent or not readable.
func (v *VCon) CreatedAt() (time.Time, bool) { return v.top().time("created_at") }

// UpdatedAt is the last change, in the forms of CreatedAt.
func (v *VCon) UpdatedAt() (time.Time, bool) { return v.top().time("updated_at") }

// Subject is the subject, "" when absent.
func (v *VCon) Subject() string { return v.top().Text("subject") }

// Version is what the document says of itself in the deprecated member vcon. No reader may depend on it.
func (v *VCon) Version() string { return v.top().Text("vcon") }

// Extensions are the names of the extensions used.
func (v *VCon) Extensions() []string { return v.top().Get("extensions").texts() }

// Critical are the extensions that a reader must understand; earlier must_support.
func (v *VCon) Critical() []string { return v.top().Get("critical").texts() }

// Amended refers to the instance that this one adds to; earlier appended. False when it is absent, null or empty.
func (v *VCon) Amended() (Reference, bool) { return v.reference("amended") }

// Redacted refers to the instance that this one leaves things out of. False when it is absent, null or empty.
func (v *VCon) Redacted() (Reference, bool) { return v.reference("redacted") }

func (v *VCon) reference(name string) (Reference, bool) {
	raw := v.top().Get(name)
	return Reference{newPart(raw, elsewhere)}, raw.Kind() == Object && !raw.isEmpty()
}

// Reference points back to an earlier instance of a vCon.
type Reference struct{ part }

// UUID is the earlier instance's, as written.
func (r Reference) UUID() string { return r.Text("uuid") }

// Type says what was redacted; a free label.
func (r Reference) Type() string { return r.Text("type") }

// URL is where the earlier instance is; "" = not said. It is hostile input.
func (r Reference) URL() string { return r.Text("url") }

// ContentHashes are the hashes of what URL gives.
func (r Reference) ContentHashes() []ContentHash { return r.contentHashes() }
