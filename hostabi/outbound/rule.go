package outbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Parse reads a rule as it stands in a config: "scheme://host[:port][/path-prefix]". The host "*" is any public host.
// A rule that names an address or localhost grants it, private or not (Private is set); for other names the caller sets
// Private when an operator wrote them for a link of ours.
func Parse(text string) (Rule, error) {
	anyHost := false
	for scheme := range schemePorts {
		if rest, ok := strings.CutPrefix(text, scheme+"://*"); ok && (rest == "" || rest[0] == ':' || rest[0] == '/') {
			text, anyHost = scheme+"://any"+rest, true
		}
	}
	t, err := parseTarget(text)
	if err != nil {
		return Rule{}, fmt.Errorf("rule: %w", err)
	}
	if t.url.RawQuery != "" || t.url.ForceQuery || strings.Contains(text, "#") {
		return Rule{}, errors.New("rule: a query or fragment is never compared; leave it out")
	}
	r := Rule{Scheme: t.scheme, Host: t.host, Port: t.port, PathPrefix: t.url.EscapedPath()}
	if r.PathPrefix == "/" {
		r.PathPrefix = ""
	}
	if clean := cleanPath(r.PathPrefix); r.PathPrefix != "" && strings.TrimSuffix(r.PathPrefix, "/") != clean {
		return Rule{}, fmt.Errorf("rule: path %q is not in its plain form %q", r.PathPrefix, clean)
	}
	if anyHost {
		r.Host = "*"
		return r, nil
	}
	r.Private = t.addr.IsValid() || r.Host == "localhost"
	return r, nil
}

// ForURL is the rule that grants one URL that an operator wrote, private or not, without its query.
func ForURL(raw string) (Rule, error) {
	t, err := parseTarget(raw)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{Scheme: t.scheme, Host: t.host, Port: t.port, PathPrefix: strings.TrimSuffix(cleanPath(t.url.EscapedPath()), "/"), Private: true}
	if !under(t.url.EscapedPath(), r.PathPrefix) {
		r.PathPrefix = "" // several readings of the path: the origin alone
	}
	return r, nil
}

// String is the rule as Parse reads it.
func (r Rule) String() string {
	host := r.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if r.Port != "" {
		host += ":" + r.Port
	}
	return r.Scheme + "://" + host + r.PathPrefix
}

// UnmarshalJSON reads the text form, or {"url": text, "methods": [GET, ...]}.
func (r *Rule) UnmarshalJSON(data []byte) error {
	var m struct {
		URL     string   `json:"url"`
		Methods []string `json:"methods"`
	}
	if err := json.Unmarshal(data, &m.URL); err != nil {
		if err := json.Unmarshal(data, &m); err != nil {
			return errors.New("rule: neither a text nor a map of url and methods")
		}
	}
	rule, err := Parse(m.URL)
	if err != nil {
		return err
	}
	for _, method := range m.Methods {
		if !isToken(method) {
			return fmt.Errorf("rule %s: %q is no method", rule, method)
		}
		rule.Methods = append(rule.Methods, strings.ToUpper(method))
	}
	*r = rule
	return nil
}

// matches reports whether the rule grants a request, but for the address.
func (r Rule) matches(method string, t *target) bool {
	return r.Scheme == t.scheme && (r.Host == "*" || r.Host == t.host) && r.Port == t.port &&
		under(t.url.EscapedPath(), r.PathPrefix) && (len(r.Methods) == 0 || slices.Contains(r.Methods, method))
}

// Match checks method and URL against the rules, without resolving anything. Errors: *DeniedError; ErrRequest for a URL
// or a method that is none.
func (p Policy) Match(method, rawURL string) error {
	_, _, err := p.find(method, rawURL)
	return err
}

// find gives the rule that grants a request; one with Private wins over others.
func (p Policy) find(method, rawURL string) (*target, Rule, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, Rule{}, err
	}
	if !isToken(method) || method == "CONNECT" || method == "TRACE" {
		return nil, Rule{}, fmt.Errorf("%w: method %q", ErrRequest, method)
	}
	var found *Rule
	for i, r := range p.Rules {
		if r.matches(method, t) && (found == nil || r.Private) {
			found = &p.Rules[i]
			if r.Private {
				break
			}
		}
	}
	if found == nil {
		return nil, Rule{}, &DeniedError{Method: method, Origin: t.origin(), Reason: p.why(t), Rule: t.origin() + "/"}
	}
	return t, *found, nil
}

// why says which part of the request no rule names.
func (p Policy) why(t *target) string {
	for _, r := range p.Rules {
		if r.Scheme == t.scheme && r.Host == t.host && r.Port == t.port {
			return "this origin is granted with other paths or methods only"
		}
	}
	return "no rule names this origin"
}

// isToken reports whether s may be a method or a header's name.
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		b := s[i]
		alnum := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return true
}

// resolveReference gives the absolute URL of a Location header.
func resolveReference(base *url.URL, location string) (string, error) {
	ref, err := url.Parse(location)
	if err != nil {
		return "", badURL("the redirect's location does not parse")
	}
	return base.ResolveReference(ref).String(), nil
}
