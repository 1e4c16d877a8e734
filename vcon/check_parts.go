package vcon

import (
	"strconv"
	"time"
)

// attachment checks c.m, element i of the attachments.
func (c *checker) attachment(int) {
	for _, f := range [...]field{fStart, fParty, fDialog} {
		if c.m.get(f).isEmpty() {
			c.missing(ruleA01, fieldNames[f])
		}
	}
	c.moment(&c.m, "start", fStart)
	c.indexes(ruleA02, "party", c.m.get(fParty), c.parties, "parties")
	c.indexes(ruleA02, "dialog", c.m.get(fDialog), c.dialogs, "dialog")
	lawful := mustText(c.m.get(fPurpose)) == lawfulBasis || mustText(c.m.get(fType)) == lawfulBasis
	if c.m.get(fPurpose) == nil && c.m.get(fType) != nil && !lawful {
		c.add(ruleA03, "type", typeValue, "the member is called purpose now")
	}
	c.noContent(ruleA04)
	c.content(false)
	if lawful {
		c.lawful()
	}
}

const lawfulBasis = "lawful_basis"

// lawful checks the body of a lawful basis.
func (c *checker) lawful() {
	body, ok := BodyOf(c.m.object).JSON()
	if !ok {
		return
	}
	basis := newPart(body, elsewhere)
	c.enter("body")
	defer c.leave()
	switch basis.Text("lawful_basis") {
	case "consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests":
	case "":
		c.missing(ruleL01, "lawful_basis")
	default:
		c.add(ruleL01, "lawful_basis", typeValue, "the basis is not one of the six")
	}
	switch expiration := basis.Get("expiration"); expiration.Kind() {
	case Absent:
		c.missing(ruleL01, "expiration")
	case Null:
	default:
		c.expiration(expiration)
	}
	if basis.Get("purpose_grants").Kind() != Array {
		c.add(ruleL01, "purpose_grants", typeList, "")
	}
}

// clockSkew is how far clocks may differ before a basis counts as expired.
const clockSkew = 5 * time.Minute

func (c *checker) expiration(v Value) {
	t, form := instantOf(v)
	switch {
	case form == timeBad:
		c.add(ruleL01, "expiration", typeDatetime, "")
	case c.now.After(t.Add(clockSkew)):
		c.add(ruleL02, "expiration", typeValue, "the lawful basis has expired")
	}
}

// analysis checks c.m, element i of the analyses.
func (c *checker) analysis(int) {
	for _, f := range [...]field{fType, fVendor} {
		if c.m.get(f).isEmpty() {
			c.missing(ruleN01, fieldNames[f])
		}
	}
	kind := mustText(c.m.get(fType))
	c.analysisType(kind)
	c.indexes(ruleN03, "dialog", c.m.get(fDialog), c.dialogs, "dialog")
	c.indexes(ruleN03, "attachment", c.m.get(fAttachment), c.attachments, "attachments")
	c.noContent(ruleN04)
	c.content(false)
	if kind == wtf {
		c.transcript()
	}
}

const wtf = "wtf_transcription"

func (c *checker) analysisType(kind string) {
	switch kind {
	case "", "report", "sentiment", "summary", "transcript", "translation", "tts":
	default:
		if !c.ext.open && !(kind == wtf && c.ext.wtf) {
			c.add(ruleN02, "type", typeValue, "the type is neither one of the draft's nor of a named extension")
		}
	}
}

// transcript checks the body of a WTF transcript.
func (c *checker) transcript() {
	body, ok := BodyOf(c.m.object).JSON()
	if !ok {
		return
	}
	t := newPart(body, elsewhere)
	c.enter("body")
	defer c.leave()
	for _, name := range [...]string{"transcript", "segments", "metadata"} {
		if t.Get(name).Kind() <= Null {
			c.missing(ruleW01, name)
		}
	}
	c.enter("transcript")
	c.confidence(newPart(t.Get("transcript"), elsewhere))
	c.leave()
	c.enter("segments")
	for n, e := range t.Get("segments").Elements() {
		c.enterIndex(n)
		c.segment(newPart(e, elsewhere))
		c.leave()
	}
	c.leave()
}

func (c *checker) segment(s part) {
	start, hasStart := s.Get("start").float()
	end, hasEnd := s.Get("end").float()
	if hasStart && hasEnd && end <= start {
		c.add(ruleW01, "end", typeValue, "the segment ends before it starts")
	}
	c.confidence(s)
}

func (c *checker) confidence(o part) {
	if f, ok := o.Get("confidence").float(); ok && (f < 0 || f > 1) {
		c.add(ruleW01, "confidence", typeValue, "the confidence is not between 0 and 1")
	}
}

// float is a number's value; false for another kind and beyond what a float64 holds.
func (v Value) float() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}
