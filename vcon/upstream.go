package vcon

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// validateUpstream applies the rules of the Python server, in the order in which it reports.
func validateUpstream(v *VCon) []Finding {
	u := upstream{report: report{mode: Upstream}, root: v.root}
	u.top.read(v.root)
	u.document()
	return u.done()
}

// upstream is the Python server's model of a vCon: lax about the types of scalars, deaf to what it does not name.
type upstream struct {
	report
	root   place
	top, m members
}

func (u *upstream) wrong(name, kind string) { u.addAs(ruleU01, refusal, name, kind, "") }

func (u *upstream) breaks(name, message string, args ...any) {
	u.addAs(ruleU02, refusal, name, typeValue, message, args...)
}

func (u *upstream) document() {
	u.need(fVcon, u.text)
	u.need(fUUID, u.uuid)
	u.need(fCreatedAt, u.datetime)
	u.optional(fSubject, u.text)
	u.defaulted(fRedacted, u.object)
	u.optional(fAppended, u.object)
	u.list(fGroup, nil)
	u.list(fParties, u.party)
	u.list(fDialog, u.dialog)
	u.list(fAnalysis, nil)
	u.list(fAttachments, nil)
	if u.errors == 0 {
		u.references()
	}
}

// need is a field without default that may not be null.
func (u *upstream) need(f field, check func(name string, v Value)) {
	v := u.top.known[f]
	if v == nil {
		u.wrong(fieldNames[f], typeMissing)
		return
	}
	u.defaulted(f, check)
}

// defaulted is a field that may be missing, but not null.
func (u *upstream) defaulted(f field, check func(name string, v Value)) {
	switch v := u.top.known[f]; v.Kind() {
	case Absent:
	case Null:
		u.wrong(fieldNames[f], typeNone)
	default:
		check(fieldNames[f], v)
	}
}

// optional is a field that may be missing or null.
func (u *upstream) optional(f field, check func(name string, v Value)) {
	if v := u.top.get(f); v != nil {
		check(fieldNames[f], v)
	}
}

func (u *upstream) text(name string, v Value) {
	if v.Kind() != String {
		u.wrong(name, typeStr)
	}
}

func (u *upstream) uuid(name string, v Value) {
	if _, err := ParseID(mustText(v)); err != nil {
		u.wrong(name, typeUUID)
	}
}

func (u *upstream) datetime(name string, v Value) {
	if _, form := instantOf(v); form == timeBad || form == timeLoose {
		u.wrong(name, typeDatetime)
	}
}

func (u *upstream) object(name string, v Value) {
	if v.Kind() != Object {
		u.wrong(name, typeDict)
	}
}

// list is an array of objects, each of them checked.
func (u *upstream) list(f field, check func()) {
	u.defaulted(f, func(name string, v Value) {
		if v.Kind() != Array {
			u.wrong(name, typeList)
			return
		}
		u.enter(name)
		list, _ := u.root.member(name)
		for n, e := range list.elements() {
			u.enterIndex(n)
			if Value(e.text).Kind() != Object {
				u.wrong("", typeDict)
			} else if check != nil {
				u.m.read(e)
				check()
			}
			u.leave()
		}
		u.leave()
	})
}

func (u *upstream) party() { u.itemText(fTel, isUpstreamTel, "tel has invalid format: %s") }

func (u *upstream) dialog() {
	u.duration(u.m.get(fDuration))
	u.itemText(fStart, func(string) bool { return true }, "")
	u.indexes(u.m.get(fParties))
	u.itemText(fURL, func(s string) bool { return schemeOf(s) != "" }, "url does not look like a valid URL: %s")
	u.itemText(fMimetype, func(s string) bool { return isMediatype(strings.TrimSuffix(s, "\n")) }, "mimetype has invalid format: %s")
	u.itemText(fAlg, isUpstreamAlg, "alg %s is not a recognised algorithm")
}

// itemText is a text or null that has to pass a check.
func (u *upstream) itemText(f field, valid func(string) bool, message string) {
	v := u.m.get(f)
	s, ok := v.Text()
	switch {
	case v == nil:
	case !ok:
		u.wrong(fieldNames[f], typeStr)
	case !valid(s):
		u.breaks(fieldNames[f], message, pythonRepr(s))
	}
}

// duration is a number; a numeric text or a bool is read as one.
func (u *upstream) duration(v Value) {
	number := string(v)
	switch v.Kind() {
	case Absent, Bool:
		return
	case String:
		number = strings.TrimSpace(mustText(v))
	}
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil && !isRangeError(err) || strings.ContainsAny(number, "xX"):
		u.wrong("duration", typeFloat)
	case f < 0:
		u.breaks("duration", negativeDuration)
	}
}

func isRangeError(err error) bool { return strings.HasSuffix(err.Error(), strconv.ErrRange.Error()) }

// indexes is a flat list of integers; whole numbers, numeric texts and bools are read as such.
func (u *upstream) indexes(v Value) {
	switch v.Kind() {
	case Absent:
		return
	case Array:
	default:
		u.wrong("parties", typeList)
		return
	}
	u.enter("parties")
	defer u.leave()
	for n, e := range v.Elements() {
		u.enterIndex(n)
		switch _, ok := upstreamInt(e); {
		case e.Kind() == Null:
			u.wrong("", typeNone)
		case !ok:
			u.wrong("", typeInteger)
		}
		u.leave()
	}
}

func upstreamInt(v Value) (int, bool) {
	switch v.Kind() {
	case Bool:
		if v[0] == 't' {
			return 1, true
		}
		return 0, true
	case String:
		whole, fraction, _ := strings.Cut(strings.TrimSpace(mustText(v)), ".")
		n, err := strconv.Atoi(whole)
		return n, err == nil && strings.Trim(fraction, "0") == ""
	}
	return v.integer()
}

// references checks the indexes of parties once everything else is right; only the first wrong one is told, and of the
// vCon as a whole.
func (u *upstream) references() {
	parties := u.root.count("parties")
	dialogs, _ := u.root.member("dialog")
	for i, d := range dialogs.elements() {
		for _, e := range (part{d}).own("parties").Elements() {
			if n, _ := upstreamInt(e); n < 0 || n >= parties {
				u.breaks("", outOfRange, i, "parties", n, parties)
				return
			}
		}
	}
}

func isUpstreamAlg(s string) bool {
	switch s {
	case "SHA-256", "SHA-384", "SHA-512",
		"HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
		"ES256", "ES384", "ES512", "PS256", "PS384", "PS512":
		return true
	}
	return false
}

// isUpstreamTel is ^[+\d(][\d\s\-().+xX#*]{4,}$ of Python, where digits and spaces are Unicode's.
func isUpstreamTel(s string) bool {
	n := 0
	for _, r := range s {
		digit := unicode.IsDigit(r)
		switch {
		case n == 0 && (digit || r == '+' || r == '('):
		case n > 0 && (digit || unicode.IsSpace(r) || strings.ContainsRune("-().+xX#*", r)):
		default:
			return false
		}
		n++
	}
	return n >= 5
}

// pythonRepr shows a text as Python's repr does, cut to a word.
func pythonRepr(s string) string {
	s = word(s)
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for _, r := range s {
		out = appendRepr(out, r, quote)
	}
	return string(append(out, quote))
}

func appendRepr(out []byte, r rune, quote byte) []byte {
	const digits = "0123456789abcdef"
	switch {
	case r == '\\' || r == rune(quote):
		return append(out, '\\', byte(r))
	case r == '\n':
		return append(out, '\\', 'n')
	case r == '\r':
		return append(out, '\\', 'r')
	case r == '\t':
		return append(out, '\\', 't')
	case unicode.IsPrint(r):
		return utf8.AppendRune(out, r)
	case r < 0x100:
		return append(out, '\\', 'x', digits[r>>4], digits[r&15])
	case r < 0x10000:
		return append(out, '\\', 'u', digits[r>>12], digits[r>>8&15], digits[r>>4&15], digits[r&15])
	}
	return fmt.Appendf(out, `\U%08x`, r)
}
