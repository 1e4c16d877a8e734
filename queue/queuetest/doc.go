package queuetest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// paper is what a test document says. Zero fields are left out of its text.
type paper struct {
	created  string
	subject  string
	parties  []party
	analysis []string // raw JSON objects
	size     int      // bytes of dialog body
}

type party struct {
	Tel    string `json:"tel,omitempty"`
	Mailto string `json:"mailto,omitempty"`
	Name   string `json:"name,omitempty"`
}

// doc makes a document with a new uuid.
func (e *env) doc(p paper) *vcon.VCon {
	e.Helper()
	e.docs++
	return e.as(nthID(e.docs), p)
}

// plain makes a small document with a new uuid.
func (e *env) plain() *vcon.VCon {
	e.Helper()
	return e.doc(paper{subject: fmt.Sprintf("call %d", e.docs)})
}

// as makes a document of a known uuid.
func (e *env) as(id vcon.ID, p paper) *vcon.VCon {
	e.Helper()
	d, err := vcon.Parse(p.text(id))
	e.ok(err)
	return d
}

// nthID is the uuid of the n-th document: the same in every run, so that logs of two runs compare.
func nthID(n int) vcon.ID {
	return vcon.ID{0x01, 0x98, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, byte(n)}
}

// text writes the paper with spellings that a re-encoder would change: spaces, 1.0e2, an escape, an unknown member.
func (p paper) text(id vcon.ID) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "{ \"vcon\": \"0.4.0\",\n  \"uuid\": %q, \"x_price\": 1.0e2, \"x_note\": \"caf\\u00e9\"", id)
	if p.created != "" {
		fmt.Fprintf(&b, ",\n  \"created_at\": %q", p.created)
	}
	if p.subject != "" {
		fmt.Fprintf(&b, ",\n  \"subject\": %q", p.subject)
	}
	fmt.Fprintf(&b, ",\n  \"parties\": %s", rawJSON(p.parties))
	if p.size > 0 {
		fmt.Fprintf(&b, ",\n  \"dialog\": [{\"type\":\"text\",\"encoding\":\"none\",\"body\":%q}]", strings.Repeat("blah ", p.size/5))
	}
	fmt.Fprintf(&b, ",\n  \"analysis\": [%s]}", strings.Join(p.analysis, ", "))
	return []byte(b.String())
}

func rawJSON(parties []party) []byte {
	if parties == nil {
		parties = []party{}
	}
	text, err := json.Marshal(parties)
	if err != nil {
		panic(err) // strings alone: cannot be
	}
	return text
}
