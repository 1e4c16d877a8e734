package hostabi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// place is where in a request a secret may stand; a set of bits.
type place uint8

const (
	inHeader place = 1 << iota
	inQuery
	inBody
)

var placeNames = []string{"header", "query", "body"} // by bit

// The lengths that the value of a secret may have, in bytes. Shorter ones are guessed, and masking them would blank out
// ordinary text.
const (
	minSecret = 8
	maxSecret = 16 << 10
)

// Secret is a value that a link uses without ever holding it. The link writes {{secret:NAME}} into a request; the host
// puts the value in as the request leaves, in the places and to the hosts that the secret is granted for, and masks it
// in all that the link can read or print.
//
// Masking is for accidents: a peer that answers with what it got, as the host wrote it there or as the value is, and that
// as it is, percent-encoded, in base64 or escaped for JSON or HTML. A peer that hides the value on purpose, or keeps it and gives it out in pieces, gets it past the mask; so a
// secret is granted to hosts that are trusted with it anyway, and in a body only where it must be.
//
// The zero Secret is none. A Secret prints as {{secret:NAME}} in every way of fmt and slog. Make one with NewSecret.
type Secret struct {
	name    string
	hosts   []outbound.Host
	in      place
	value   string
	written []string // the value as it stands in the places of a request, each form once
	coded   []string // these inside base64, whatever stands before them
}

var secretName = regexp.MustCompile(`^` + namePattern + `$`)

// NewSecret makes a secret. name is what links call it: letters, digits and _, up to 64, not beginning with a digit.
// value is UTF-8 of 8 bytes to 16 KiB without control characters (so without the line break at the end of a file).
// hosts are the ones it may go to, "host" for every port or "host:port", at least one. in are the places where it may
// stand: "header", "query", "body"; none = header. Errors: everything that is wrong, one a line; the value is in none.
func NewSecret(name, value string, hosts, in []string) (Secret, error) {
	s := Secret{name: name, value: value, written: writtenForms(value)}
	for _, form := range s.written {
		s.coded = append(s.coded, insideBase64(form)...)
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("secret %s: %s", name, fmt.Sprintf(format, args...)))
	}
	if !secretName.MatchString(name) {
		errs = append(errs, fmt.Errorf("secret %q: a name has letters, digits and _, at most 64, and no digit first", name))
	}
	if why := badValue(value); why != "" {
		bad("the value %s", why)
	}
	if len(hosts) == 0 {
		bad("it is for no host, so it goes nowhere")
	}
	for _, text := range hosts {
		host, err := outbound.ParseHost(text)
		if err != nil {
			bad("for: %v", err)
		}
		s.hosts = append(s.hosts, host)
	}
	for _, word := range in {
		bit := slices.Index(placeNames, word)
		if bit < 0 {
			bad("in: %q is none of header, query, body", word)
			continue
		}
		s.in |= 1 << bit
	}
	if len(in) == 0 {
		s.in = inHeader
	}
	if len(errs) > 0 {
		return Secret{}, errors.Join(errs...)
	}
	return s, nil
}

// badValue says why a text cannot be the value of a secret, "" when it can.
func badValue(value string) string {
	switch {
	case len(value) < minSecret:
		return fmt.Sprintf("is shorter than %d bytes", minSecret)
	case len(value) > maxSecret:
		return fmt.Sprintf("is longer than %d bytes", maxSecret)
	case strings.ContainsRune(value, utf8.RuneError): // also what stands where UTF-8 was broken
		return "is not UTF-8"
	case strings.HasSuffix(value, "\n"):
		return "ends with a line break"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "holds a control character"
	case strings.TrimSpace(value) != value:
		return "begins or ends with white space"
	}
	return ""
}

// Name is what links call the secret.
func (s Secret) Name() string { return s.name }

// String is the placeholder, never the value.
func (s Secret) String() string { return "{{secret:" + s.name + "}}" }

// Format writes String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// goesTo reports whether the secret is granted for a host.
func (s Secret) goesTo(to outbound.Host) bool {
	return slices.ContainsFunc(s.hosts, func(h outbound.Host) bool { return h.Covers(to) })
}

// String is the places as a grant writes them.
func (p place) String() string {
	var words []string
	for bit, word := range placeNames {
		if p&(1<<bit) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// secret gives the value of a secret for one place of a request to one host, or says what would allow it.
func (c *Call) secret(call, name string, to outbound.Host, at place) (string, *callError) {
	s := c.holds(name)
	switch {
	case s == nil:
		return "", failure(Denied, "%s: the link holds no secret %s; allow it with secrets: {%s: {from: \"env:%s\", for: [%q], in: [%s]}}", call, name, name, name, to.Name, at)
	case !s.goesTo(to):
		return "", failure(Denied, "%s: secret %s is not for %s; allow it with for: [%q]", call, name, to.Name, to.Name)
	case s.in&at == 0:
		return "", failure(Denied, "%s: secret %s may not stand in the %s; allow it with in: [%s]", call, name, at, s.in|at)
	}
	return s.value, nil
}

// holds is the granted secret of a name, nil when there is none. Of two with one name the first counts.
func (c *Call) holds(name string) *Secret {
	for i := range c.o.Grants.Secrets {
		if s := &c.o.Grants.Secrets[i]; s.name == name && s.value != "" {
			return s
		}
	}
	return nil
}
