package vcon

import (
	"slices"
	"strconv"
	"strings"
)

// dialogKind is the type of a dialog as far as the rules tell them apart.
type dialogKind uint8

const (
	otherDialog dialogKind = iota
	recording
	recordingSet
	textDialog
	transfer
	incomplete
)

func dialogKindOf(v Value) dialogKind {
	switch string(v.inner()) {
	case "recording":
		return recording
	case "recording-set":
		return recordingSet
	case "text":
		return textDialog
	case "transfer":
		return transfer
	case "incomplete":
		return incomplete
	}
	return otherDialog
}

// dialog checks c.m, element i of the dialogs.
func (c *checker) dialog(i int) {
	kind := dialogKindOf(c.m.get(fType))
	c.kinds = append(c.kinds, kind)
	c.dialogType(kind)
	if c.m.get(fStart).isEmpty() && kind != transfer {
		c.missing(ruleD02, "start")
	}
	c.moment(&c.m, "start", fStart)
	c.duration(c.m.get(fDuration))
	c.dialogParties(i, c.m.get(fParties))
	c.originator(i)
	c.sessions(c.m.get(fSessionID), c.m.get(fParties))
	c.history(c.m.get(fPartyHistory))
	c.transferRoles(i, kind)
	c.recordingRoles(i, kind)
	c.disposition(kind)
	c.content(true)
}

// dialogType checks the type, and that it has no member of another one.
func (c *checker) dialogType(kind dialogKind) {
	v := c.m.get(fType)
	switch {
	case v == nil:
		c.missing(ruleD01, "type")
	case v.Kind() != String:
		c.add(ruleD01, "type", typeStr, "")
	case kind == otherDialog:
		c.add(ruleD01, "type", typeValue, "the type is not one of the five of the draft")
	}
	for _, f := range c.m.present {
		if kind.forbids(f) && !c.m.known[f].isEmpty() {
			c.add(ruleD08, fieldNames[f], typeValue, "a dialog of this type has no such member")
		}
	}
}

// forbids is the matrix of members and types.
func (k dialogKind) forbids(f field) bool {
	switch f {
	case fTransferee, fTransferor, fOriginal, fTargetDialog, fTargetDialogOld, fTransferTarget, fTransferTargetOld, fConsultation:
		return k != transfer && k != otherDialog
	case fMediatype, fMimetype, fFilename, fBody, fURL, fEncoding, fContentHash, fMessageID:
		return k == recordingSet || k == transfer || k == incomplete
	case fRecordings:
		return k != recordingSet && k != otherDialog
	case fRecordingSet:
		return k != recording && k != otherDialog
	case fDuration, fParties, fOriginator, fSessionID, fPartyHistory:
		return k == transfer
	}
	return false
}

const negativeDuration = "duration must be >= 0"

func (c *checker) duration(v Value) {
	switch v.Kind() {
	case Absent:
	case Number:
		if isNegative(string(v)) {
			c.add(ruleD03, "duration", typeValue, negativeDuration)
		}
	case String:
		c.durationText(strings.TrimSpace(mustText(v)))
	default:
		c.add(ruleD03, "duration", typeFloat, "")
	}
}

func (c *checker) durationText(s string) {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case s == "" && c.mode != Strict:
	case err != nil || f != f:
		c.add(ruleD03, "duration", typeFloat, "")
	case f < 0:
		c.add(ruleD03, "duration", typeValue, negativeDuration)
	default:
		c.addAs(ruleD03, c.or(refusal, warning), "duration", typeFloat, "the number stands in a string")
	}
}

// isNegative reads the sign of a JSON number; -0 is not negative.
func isNegative(number string) bool {
	digits, _, _ := strings.Cut(strings.ToLower(number), "e")
	return number[0] == '-' && strings.Trim(digits, "-0.") != ""
}

// dialogParties checks the shape of parties and the indexes in it.
func (c *checker) dialogParties(i int, v Value) {
	if v == nil {
		return
	}
	if v.Kind() != Array {
		c.partyIndex(i, "parties", v, "parties")
		return
	}
	c.enter("parties")
	defer c.leave()
	for n, e := range v.Elements() {
		if e.Kind() != Array {
			if e.Kind() != Null {
				c.enterIndex(n)
				c.partyIndex(i, "", e, "parties")
				c.leave()
			}
			continue
		}
		c.enterIndex(n)
		for m, inner := range e.Elements() {
			c.enterIndex(m)
			c.partyIndex(i, "", inner, "parties")
			c.leave()
		}
		c.leave()
	}
}

// partyIndex checks one value of dialog i that is to be the index of a party.
func (c *checker) partyIndex(i int, name string, v Value, member string) {
	n, ok := v.integer()
	if s, text := v.Text(); !ok && text {
		number, err := strconv.Atoi(strings.TrimSpace(s))
		if n, ok = number, err == nil; ok {
			c.addAs(ruleD04, c.or(refusal, warning), name, typeInteger, "the index stands in a string")
		}
	}
	switch {
	case !ok:
		c.add(ruleD04, name, typeInteger, "")
	case n == -1:
		c.addAs(ruleD05, c.or(refusal, warning), name, typeValue, "the index -1 is of an old draft")
	case n < 0 || n >= c.parties:
		c.add(ruleD05, name, typeValue, outOfRange, i, member, n, c.parties)
	}
}

// outOfRange is the text that clients of the Python server know.
const outOfRange = "dialog[%d].%s contains index %d which is out of range (parties has %d entries)"

func (c *checker) originator(i int) {
	v := c.m.get(fOriginator)
	if v == nil {
		return
	}
	c.partyIndex(i, "originator", v, "originator")
	if !c.says(ruleD16) {
		return
	}
	n, ok := v.integer()
	for first := range c.m.get(fParties).integers() {
		if ok && n == first {
			c.add(ruleD16, "originator", typeValue, "the first party is the originator anyway")
		}
		return
	}
}

// sessions checks that session_id mirrors parties.
func (c *checker) sessions(v, parties Value) {
	switch {
	case v == nil:
	case v.Kind() == String:
		c.addAs(ruleD14, c.or(refusal, silent), "session_id", typeDict, "")
	case parties != nil && !sameShape(v, parties, nesting):
		c.add(ruleD14, "session_id", typeValue, "session_id is of another shape than parties")
	}
}

// sameShape compares arrays by length, depth times; an object stands for an index, and for an unused channel so does null.
func sameShape(session, parties Value, depth int) bool {
	if parties.Kind() != Array {
		return session.Kind() == Object || session.Kind() == Null
	}
	if session.Kind() != Array || depth == 0 {
		return false
	}
	s, p := open(session), open(parties)
	for p.next() {
		if !s.next() || !sameShape(session[s.at.start:s.at.end], parties[p.at.start:p.at.end], depth-1) {
			return false
		}
	}
	return !s.next()
}

func (c *checker) disposition(kind dialogKind) {
	v := c.m.get(fDisposition)
	switch {
	case kind != incomplete && kind != otherDialog && !v.isEmpty():
		c.add(ruleD10, "disposition", typeValue, "only an incomplete dialog has a disposition")
	case kind != incomplete:
	case v.isEmpty():
		c.missing(ruleD09, "disposition")
	case !slices.Contains(dispositions[:], mustText(v)):
		c.add(ruleD09, "disposition", typeValue, "the disposition is not one of the six of the draft")
	}
}

var dispositions = [...]string{"no-answer", "congestion", "failed", "busy", "hung-up", "voicemail-no-message"}
