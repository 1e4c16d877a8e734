package modules

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// Source says how modules below Match are fetched. A URL that no source matches: public addresses, no credentials, the
// system's authorities.
type Source struct {
	// Match is https://HOST[:PORT][/PATH], or the same with oci:. It matches its path and what is below, on whole segments,
	// in every reading that a server may have of a URL; where several match, the longest wins.
	Match string
	Auth  Auth
	// Verify lists keys of which one must have signed. Nothing here checks signatures: Get refuses what this would ask for.
	Verify []string
	// CA is a PEM file with the authorities that may vouch for the server, in place of the system's; "" = the system's.
	CA string
	// Private are networks (10.0.0.0/8) that may be dialled beside the public addresses.
	Private []string
}

// Auth is how a source is asked. Kind "" is anonymous; "bearer" sends the token that stands at From, env:NAME or
// file:PATH, read anew for each fetch; "docker" is for oci: sources.
type Auth struct {
	Kind string
	From string
}

// source is a Source that makes sense.
type source struct {
	Source
	oci      bool
	rule     outbound.Rule  // what it matches, with https: for oci:
	networks []netip.Prefix // Private
}

// parseSources checks all sources and gives those that a fetch can use. The error joins everything that is wrong, each
// with its place.
func parseSources(all []Source) ([]*source, error) {
	var out []*source
	var errs []error
	seen := map[string]bool{}
	for i, one := range all {
		s, wrong := parseSource(one)
		key := fmt.Sprint(s.oci, strings.TrimSuffix(s.rule.String(), "/"))
		if len(wrong) == 0 && seen[key] {
			wrong = append(wrong, errors.New("match: another source has the same"))
		}
		for _, err := range wrong {
			errs = append(errs, fmt.Errorf("modules.sources[%d]: %w", i, err))
		}
		seen[key] = true
		if !s.oci {
			out = append(out, s)
		}
	}
	return out, errors.Join(errs...)
}

func parseSource(in Source) (s *source, wrong []error) {
	s = &source{Source: in, oci: strings.HasPrefix(in.Match, "oci://")}
	var err error
	if s.rule, err = parseMatch(in.Match); err != nil {
		wrong = append(wrong, fmt.Errorf("match: %w", err))
	}
	if err := checkAuth(in.Auth, s.oci); err != nil {
		wrong = append(wrong, fmt.Errorf("auth: %w", err))
	}
	for _, text := range in.Private {
		network, err := netip.ParsePrefix(text)
		if err != nil || network.Addr().Is4In6() {
			wrong = append(wrong, fmt.Errorf("private: %q is no network as 10.0.0.0/8 or fd00::/8", text))
		}
		s.networks = append(s.networks, network)
	}
	return s, wrong
}

func parseMatch(match string) (outbound.Rule, error) {
	if rest, oci := strings.CutPrefix(match, "oci://"); oci {
		match = "https://" + rest
	}
	if !strings.HasPrefix(match, "https://") {
		return outbound.Rule{}, errors.New("it begins with neither https:// nor oci://")
	}
	rule, err := outbound.Parse(match)
	if err != nil {
		return outbound.Rule{}, errors.New(reason(err))
	}
	if rule.Host == "*" {
		return outbound.Rule{}, errors.New("a host must be named: what a source says is for one server")
	}
	return rule, nil
}

func checkAuth(a Auth, oci bool) error {
	where, name, _ := strings.Cut(a.From, ":")
	switch {
	case a.Kind == "":
	case a.Kind == "docker" && oci:
	case a.Kind == "docker":
		return errors.New("docker is for oci: sources; an https: source takes {bearer: env:NAME}")
	case a.Kind != "bearer":
		return errors.New("neither docker nor bearer")
	case where != "env" && where != "file" || name == "":
		return errors.New("bearer says where the token is: env:NAME or file:PATH")
	}
	return nil
}

// source finds the source of a URL: the one with the longest match.
func (s *Store) source(rawURL string) *source {
	best := &source{} // public
	for _, src := range s.sources {
		longer := best.Match == "" || len(src.rule.PathPrefix) > len(best.rule.PathPrefix)
		if longer && (outbound.Policy{Rules: []outbound.Rule{src.rule}}).Match("GET", rawURL) == nil {
			best = src
		}
	}
	return best
}

// token reads what a source is asked with, "" for nothing.
func (s *Store) token(a Auth) (string, error) {
	if a.Kind != "bearer" {
		return "", nil
	}
	var token string
	switch where, name, _ := strings.Cut(a.From, ":"); where {
	case "env":
		token = s.getenv(name)
	case "file":
		text, err := s.readFile(name, maxSetting)
		if err != nil {
			return "", fmt.Errorf("%w: token %s: %v", ErrDenied, a.From, err)
		}
		token = string(text)
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: at %s there is no token", ErrDenied, a.From)
	}
	return token, nil
}

// authorities gives the TLS settings of a source, nil for the system's.
func (s *Store) authorities(ca string) (*tls.Config, error) {
	if ca == "" {
		return nil, nil
	}
	text, err := s.readFile(ca, maxSetting)
	if err != nil {
		return nil, fmt.Errorf("%w: ca %s: %v", ErrDenied, ca, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%w: ca %s: no certificate in PEM form in it", ErrDenied, ca)
	}
	return &tls.Config{RootCAs: pool}, nil
}
