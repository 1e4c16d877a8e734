package vcon

import (
	"iter"
	"strings"
)

// Party is one participant. Every member is optional; texts are "" when absent.
type Party struct{ part }

// Parties are the participants with their indexes, which is what the rest of the document calls them by. An element
// that is no object is passed over.
func (v *VCon) Parties() iter.Seq2[int, Party] {
	return func(yield func(int, Party) bool) {
		for i, e := range v.objects("parties") {
			if !yield(i, Party{e}) {
				return
			}
		}
	}
}

// Tel is the telephone number as written, with or without "tel:".
func (p Party) Tel() string { return p.Text("tel") }

// Mailto is the mail address as written, with or without "mailto:".
func (p Party) Mailto() string { return p.Text("mailto") }

// Name is the free name.
func (p Party) Name() string { return p.Text("name") }

// Role is "agent", "customer" and the like (extension CC).
func (p Party) Role() string { return p.Text("role") }

// Term is one entry of the search index: the field of a party and what it is to be found by.
type Term struct{ Field, Value string } // Field: "tel", "mailto", "name"

// Terms are the search terms of all parties, each once, in document order. A tel and a mailto come in both spellings, as
// written and with or without the URI scheme, so that an exact match finds either. An encrypted vCon has none.
func (v *VCon) Terms() []Term {
	t := termSet{seen: make(map[Term]struct{})}
	for _, p := range v.Parties() {
		t.addURI("tel", p.Tel())
		t.addURI("mailto", p.Mailto())
		t.add("name", p.Name())
	}
	return t.all
}

type termSet struct {
	all  []Term
	seen map[Term]struct{}
}

func (t *termSet) add(field, value string) {
	term := Term{field, value}
	if _, ok := t.seen[term]; ok || value == "" {
		return
	}
	t.seen[term] = struct{}{}
	t.all = append(t.all, term)
}

// addURI adds a value as written, without its scheme and with it.
func (t *termSet) addURI(scheme, value string) {
	bare := trimScheme(scheme, value)
	t.add(scheme, value)
	if bare != "" {
		t.add(scheme, bare)
		t.add(scheme, scheme+":"+bare)
	}
}

// trimScheme takes "tel:" and the like away, in any case.
func trimScheme(scheme, value string) string {
	n := len(scheme)
	if len(value) > n && value[n] == ':' && strings.EqualFold(value[:n], scheme) {
		return value[n+1:]
	}
	return value
}
