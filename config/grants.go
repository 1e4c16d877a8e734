package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// checkGrants checks the spelling of an allow: block; whether it makes sense is the sandbox's business.
func (l *loading) checkGrants(path string, g Grants) {
	for _, p := range []struct {
		key      string
		pointers []string
	}{{"read", g.Read.Only}, {"read", g.Read.Not}, {"write", g.Write}} {
		for i, pointer := range p.pointers {
			if word := p.key == "write" && pointer == "tags"; !word && pointer != "" && pointer[0] != '/' {
				at := path + "." + p.key
				l.add(Error, codeValue, l.at(at), indexPath(at, i), fmt.Sprintf("%q is no JSON Pointer", pointer), "as /dialog/*/body, or the word tags in write")
			}
		}
	}
	for i, h := range g.HTTP {
		l.checkOrigin(path+".http", i, h.URL)
		for _, m := range h.Methods {
			if !token(m) {
				l.add(Error, codeValue, l.at(path+".http"), indexPath(path+".http", i)+".methods", fmt.Sprintf("%q is no HTTP method", m), "")
			}
		}
	}
	for i, o := range g.Fetch.Origins {
		l.checkOrigin(path+".fetch", i, o)
	}
	for i, q := range g.Queues {
		l.checkList(indexPath(path+".queues", i), q, l.at(path+".queues"))
	}
	for _, s := range g.Secrets {
		l.checkSecret(keyPath(path+".secrets", s.Name), s)
	}
}

// checkOrigin takes scheme://host[:port][/prefix] and https://*.
func (l *loading) checkOrigin(path string, i int, text string) {
	u, err := url.Parse(text)
	web := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
	if !web || strings.Contains(u.Host, "*") && u.Host != "*" {
		l.add(Error, codeValue, l.at(path), indexPath(path, i), "is no address to allow", "scheme://host[:port][/path-prefix], or https://* for any public host")
	}
}

func (l *loading) checkSecret(path string, s SecretGrant) {
	if !variableName(s.Name) {
		l.add(Error, codeValue, l.at(path), path, "is no name of a secret", "use letters, digits and _")
	}
	if !hasPrefix(s.From, "env:", "file:") {
		l.add(Error, codeValue, l.at(path), path+".from", "says where the secret is", "env:NAME or file:PATH")
	}
	if len(s.For) == 0 {
		l.add(Error, codeValue, l.at(path), path+".for", "names no host, so the secret goes nowhere", "as for: [api.example.com]")
	}
	for _, in := range s.In {
		if !slices.Contains([]string{"header", "query", "body"}, in) {
			l.add(Error, codeValue, l.at(path), path+".in", fmt.Sprintf("%q is none of header, query, body", in), "")
		}
	}
}

// checkCeiling warns of limits that the ceiling cuts.
func (l *loading) checkCeiling(path string, k Link) {
	if cut := k.Limits.above(l.Sandbox.Ceiling.Limits); len(cut) > 0 {
		l.add(Warning, codeValue, l.at(path+".limits"), path+".limits", "above sandbox.ceiling and cut to it: "+strings.Join(cut, ", "), "")
	}
}

// Over gives l with what it leaves open taken from base.
func (l Limits) Over(base Limits) Limits {
	a, b := l.all(), base.all()
	for i := range a {
		if *a[i].value == 0 {
			*a[i].value = *b[i].value
		}
	}
	return l
}

// Under gives l with what exceeds ceiling cut to it; 0 in a ceiling does not bound.
func (l Limits) Under(ceiling Limits) Limits {
	a, b := l.all(), ceiling.all()
	for i := range a {
		if *b[i].value > 0 && (*a[i].value == 0 || *a[i].value > *b[i].value) {
			*a[i].value = *b[i].value
		}
	}
	return l
}

func (l Limits) above(ceiling Limits) []string {
	var out []string
	b := ceiling.all()
	for i, a := range l.all() {
		if *b[i].value > 0 && *a.value > *b[i].value {
			out = append(out, a.name)
		}
	}
	return out
}

type limit struct {
	name  string
	value *int64
}

func (l *Limits) all() []limit {
	return []limit{
		{"memory", (*int64)(&l.Memory)}, {"time", (*int64)(&l.Time)}, {"fuel", (*int64)(&l.Fuel)},
		{"host_calls", (*int64)(&l.HostCalls)}, {"edits", (*int64)(&l.Edits)}, {"log", (*int64)(&l.Log)},
		{"http_requests", (*int64)(&l.HTTPRequests)}, {"http_bytes", (*int64)(&l.HTTPBytes)},
		{"streams", (*int64)(&l.Streams)}, {"kv", (*int64)(&l.KV)},
	}
}
