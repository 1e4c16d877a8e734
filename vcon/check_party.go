package vcon

import "strings"

// party checks c.m, element i of the parties.
func (c *checker) party(int) {
	for _, f := range c.m.present {
		c.partyType(f)
	}
	if c.mode != Strict {
		return
	}
	c.partyAddresses()
	if !c.m.get(fName).isEmpty() && c.m.get(fValidation).isEmpty() {
		c.missing(ruleP04, "validation")
	}
	switch mustText(c.m.get(fType)) {
	case "", "person", "bot", "organization":
	default:
		c.add(ruleP05, "type", typeValue, "a party is a person, a bot or an organization")
	}
	for _, f := range [...]field{fRole, fContactList} {
		if c.m.get(f) != nil && !c.ext.cc {
			c.add(ruleP07, fieldNames[f], typeValue, "the member belongs to the extension CC, which is not named")
		}
	}
	c.civicAddress(c.m.get(fCivicaddress))
}

// partyType checks the JSON type of a member.
func (c *checker) partyType(f field) {
	v := c.m.get(f)
	if v == nil {
		return
	}
	switch f {
	case fTel, fSip, fStir, fMailto, fName, fDid, fValidation, fGmlpos, fUUID, fType, fOrg, fDept, fRole:
		if v.Kind() != String {
			c.add(ruleP01, fieldNames[f], typeStr, "")
		}
	case fCivicaddress:
		if v.Kind() != Object {
			c.add(ruleP01, fieldNames[f], typeDict, "")
		}
	}
}

func (c *checker) partyAddresses() {
	if s := mustText(c.m.get(fTel)); s != "" && !isTel(trimScheme("tel", s)) {
		c.add(ruleP02, "tel", typeValue, "the number is not one by RFC 3966")
	}
	if s := mustText(c.m.get(fMailto)); s != "" && !strings.Contains(s, "@") {
		c.add(ruleP03, "mailto", typeValue, "the address has no @")
	}
	if s := mustText(c.m.get(fSip)); s != "" && trimScheme("sip", s) == s && trimScheme("sips", s) == s {
		c.add(ruleP03, "sip", typeValue, "the value is not a SIP URI")
	}
	if s := mustText(c.m.get(fDid)); s != "" && !strings.HasPrefix(s, "did:") {
		c.add(ruleP03, "did", typeValue, "the value is not a DID URI")
	}
}

// isTel reports a global number, or a local one, with the visual separators and parameters of RFC 3966.
func isTel(s string) bool {
	number, _, _ := strings.Cut(s, ";")
	if global, ok := strings.CutPrefix(number, "+"); ok {
		return hasDigits(global, "0123456789-.()")
	}
	return hasDigits(number, "0123456789abcdefABCDEF*#-.()")
}

// hasDigits reports that s has only the characters given, and one of them more than a separator.
func hasDigits(s, allowed string) bool {
	return strings.Trim(s, allowed) == "" && strings.Trim(s, "-.()") != ""
}

func (c *checker) civicAddress(v Value) {
	if v.Kind() != Object {
		return
	}
	c.enter("civicaddress")
	defer c.leave()
	for name, e := range v.Members() {
		switch name {
		case "country", "a1", "a2", "a3", "a4", "a5", "a6", "prd", "pod", "sts", "hno", "hns", "lmk", "loc", "flr", "nam", "pc":
			if k := e.Kind(); k != String && k != Null {
				c.add(ruleP06, name, typeStr, "")
			}
		default:
			c.add(ruleP06, word(name), typeValue, "the key is not one of a civic address")
		}
	}
}
