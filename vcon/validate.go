package vcon

import (
	"fmt"
	"time"
)

// Mode chooses the rules of Validate.
type Mode uint8

// The modes. Lenient is the server's default: it accepts what conserver clients send today.
const (
	Lenient  Mode = iota
	Strict        // the current draft to the letter
	Upstream      // the Python server's rules
)

// Severity of a Finding.
type Severity uint8

// Only Error refuses a document.
const (
	Warn Severity = iota
	Error
)

// Finding is one thing that validation has to say.
type Finding struct {
	Rule     string   // "D05": id of the rule, docs/validation.md
	Severity Severity //
	Pointer  string   // JSON Pointer of the value, "" = the whole; below "/payload" it goes on inside a signed payload
	Type     string   // the kind that API clients know: "value_error.missing", "type_error.list", "value_error" ...
	Message  string   // one sentence; never a value of the document longer than a word, never the content
	Limit    *float64 // bound, for value_error.number.*
}

func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Rule, f.Pointer, f.Message) }

// Validate reports every finding of the mode's rules at once: first of the document as a whole, then of its parties,
// dialogs, analyses and attachments, each in the order of the text. Of each severity 50 findings are listed; a last
// one with the rule MORE counts the rest. A signed vCon is checked with its payload, an encrypted one by its shape.
// Nothing is verified, nothing is fetched, and the text is never changed. Time is linear in its size.
func Validate(v *VCon, m Mode) []Finding {
	if m == Upstream {
		return validateUpstream(v)
	}
	c := checker{report: report{mode: m}, now: time.Now()}
	c.document(v)
	return c.done()
}

// checker applies the rules of lenient and strict mode to one document.
type checker struct {
	report
	now         time.Time
	root        place
	top         members
	m           members // of the element at hand
	parties     int     // how many there are
	attachments int
	dialogs     int
	kinds       []dialogKind // of the dialogs that were checked so far
	sets        recordingSets
	ext         extensions
}

func (c *checker) document(v *VCon) {
	switch v.form {
	case Signed:
		c.signed(v)
	case Encrypted:
		c.encrypted(v.root)
	default:
		c.unsigned(v)
	}
}

func (c *checker) unsigned(v *VCon) {
	c.root = v.root
	c.top.read(v.root)
	c.repeats(&c.top)
	c.extensions()
	c.names(&c.top, atTop)
	c.header(v.id)
	c.instance(fRedacted, "redacted")
	amended, name := c.top.either(fAmended, fAppended)
	c.amended(amended, fieldNames[name])
	c.contents()
}

// contents checks the four arrays.
func (c *checker) contents() {
	lists := [...]field{fParties, fDialog, fAnalysis, fAttachments}
	any := false
	for _, f := range lists {
		v := c.top.known[f]
		any = any || v.Kind() == Array
		c.list(v, fieldNames[f])
	}
	if !any {
		c.add(ruleT08, "", typeValue, "the vCon has neither parties nor dialogs nor analyses nor attachments")
	}
	c.parties = c.root.count("parties")
	c.dialogs = c.root.count("dialog")
	c.attachments = c.root.count("attachments")
	c.each(fParties, atParty, c.party)
	c.each(fDialog, atDialog, c.dialog)
	c.recordingSets()
	c.each(fAnalysis, atAnalysis, c.analysis)
	c.each(fAttachments, atAttachment, c.attachment)
}

// list checks that a core array is one.
func (c *checker) list(v Value, name string) {
	switch v.Kind() {
	case Absent, Array:
	case Null:
		c.addAs(ruleT09, c.or(refusal, silent), name, typeNone, "")
	default:
		c.add(ruleT09, name, typeList, "")
	}
}

// each runs a check over the elements of a core array with c.m and the path set to the element.
func (c *checker) each(f field, at area, check func(i int)) {
	list, _ := c.root.member(fieldNames[f])
	c.enter(fieldNames[f])
	for i, e := range list.elements() {
		c.enterIndex(i)
		if Value(e.text).Kind() == Object {
			c.m.read(e)
			c.repeats(&c.m)
			c.names(&c.m, at)
			check(i)
		} else {
			c.add(ruleT10, "", typeDict, "")
		}
		c.leave()
	}
	c.leave()
}

// count is the number of elements of the array that a member is.
func (p place) count(name string) int {
	list, _ := p.member(name)
	if Value(list.text).Kind() != Array {
		return 0
	}
	if list.idx != nil {
		return len(list.idx.kids)
	}
	n := 0
	for c := open(list.text); c.next(); {
		n++
	}
	return n
}

func (c *checker) repeats(m *members) {
	for i := range m.again {
		c.add(ruleV03, word(m.again[i].name(m.object)), typeValue, "the member name stands twice, the last one counts")
	}
}

// word cuts a name or a value that goes into a finding.
func word(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut]
}
