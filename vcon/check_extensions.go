package vcon

import "slices"

// extensions are what a vCon says of the extensions it uses.
type extensions struct {
	names []string
	open  bool // one is named of which nothing is known: it may define any member, any type
	cc    bool
	wtf   bool
}

// define reports whether an extension that is named could have defined a member.
func (e *extensions) define(f field) bool {
	switch f {
	case fCampaign, fInteractionType, fInteractionID, fSkill:
		return e.cc || e.open
	}
	return e.open
}

// SupportsExtension reports whether this package knows what an extension adds. A vCon whose Critical names another one
// can be kept and returned, but not processed with understanding: rule E03.
func SupportsExtension(name string) bool {
	switch name {
	case "CC", "wtf_transcription", "lawful_basis", "sip-signaling", "agent_session":
		return true
	}
	return false
}

func (c *checker) extensions() {
	c.ext = extensions{names: c.uniqueTexts(c.top.get(fExtensions), "extensions")}
	for _, name := range c.ext.names {
		switch name {
		case "CC":
			c.ext.cc = true
		case "wtf_transcription":
			c.ext.wtf = true
		case "lawful_basis":
		default:
			c.ext.open = true
		}
		if c.mode == Strict && !isSnakeCase(name) && !SupportsExtension(name) {
			c.add(ruleE04, "extensions", typeValue, "an extension's name is not snake_case")
		}
	}
	v, name := c.top.either(fCritical, fMustSupport)
	c.critical(c.uniqueTexts(v, fieldNames[name]), fieldNames[name])
}

func (c *checker) critical(names []string, member string) {
	if len(names) == 0 {
		return
	}
	listed := make(map[string]bool, len(c.ext.names))
	for _, name := range c.ext.names {
		listed[name] = true
	}
	for _, name := range names {
		if !listed[name] {
			c.add(ruleE02, member, typeValue, "a critical extension is not among the extensions")
		}
		if !SupportsExtension(name) {
			c.add(ruleE03, member, typeValue, "a critical extension is not known here")
		}
	}
}

// uniqueTexts reads an array of distinct strings and reports what is none.
func (c *checker) uniqueTexts(v Value, member string) []string {
	if v == nil {
		return nil
	}
	if v.Kind() != Array {
		c.add(ruleE01, member, typeList, "")
		return nil
	}
	var all []string
	c.enter(member)
	defer c.leave()
	seen := make(map[string]bool)
	for i, e := range v.Elements() {
		s, ok := e.Text()
		c.enterIndex(i)
		switch {
		case !ok:
			c.add(ruleE01, "", typeStr, "")
		case seen[s]:
			c.add(ruleE01, "", typeValue, "the name stands twice")
		default:
			all = append(all, s)
			seen[s] = true
		}
		c.leave()
	}
	return all
}

func isSnakeCase(s string) bool {
	return s != "" && s[0] != '_' && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return c != '_' && c-'a' > 25 && c-'0' > 9
	})
}
