package outbound

import "slices"

// Under is the policy cut to what ceiling grants too: each rule where it lies below one of the ceiling's, else the part
// of it that does. A private address stays granted only where the ceiling names its host. The result is new.
func (p Policy) Under(ceiling Policy) Policy {
	var cut Policy
	for _, rule := range p.Rules {
		for _, bound := range ceiling.Rules {
			if both, ok := rule.and(bound); ok && !slices.ContainsFunc(cut.Rules, both.same) {
				cut.Rules = append(cut.Rules, both)
			}
		}
	}
	return cut
}

// and is what two rules grant both; ok is false when that is nothing.
func (r Rule) and(o Rule) (both Rule, ok bool) {
	if r.Scheme != o.Scheme || r.Port != o.Port {
		return Rule{}, false
	}
	both = Rule{Scheme: r.Scheme, Host: r.Host, Port: r.Port, PathPrefix: r.PathPrefix, Private: r.Private && o.Host != "*"}
	switch {
	case r.Host == "*":
		both.Host = o.Host
	case o.Host != "*" && o.Host != r.Host:
		return Rule{}, false
	}
	switch {
	case under(r.PathPrefix, o.PathPrefix):
	case under(o.PathPrefix, r.PathPrefix):
		both.PathPrefix = o.PathPrefix
	default:
		return Rule{}, false
	}
	both.Methods, ok = bothMethods(r.Methods, o.Methods)
	return both, ok
}

// bothMethods are the methods in both lists; an empty list holds all.
func bothMethods(a, b []string) ([]string, bool) {
	if len(a) == 0 {
		return b, true
	}
	if len(b) == 0 {
		return a, true
	}
	var both []string
	for _, m := range a {
		if slices.Contains(b, m) {
			both = append(both, m)
		}
	}
	return both, len(both) > 0
}

func (r Rule) same(o Rule) bool {
	return r.String() == o.String() && r.Private == o.Private && slices.Equal(r.Methods, o.Methods)
}
