package modules

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// Kind says where a ref leads.
type Kind string

// The kinds of refs. Modules come from File and HTTPS; refs of the others are read, and Get answers ErrUnsupported.
const (
	File   Kind = "file"
	HTTPS  Kind = "https"
	OCI    Kind = "oci"
	Upload Kind = "upload"
	Script Kind = "script"
)

// maxRef bounds a ref; addresses that a server signed for a short time are long.
const maxRef = 8 << 10

// Ref names a module in its canonical form. Refs are comparable; the zero Ref names nothing. Printing or logging one
// gives String.
type Ref struct {
	kind Kind
	of   Kind   // of a script: where its text is
	rest string // path; URL with its query; name
}

// ParseRef reads what a config has as `module:`.
//
//	file:PATH             relative to the store's base, or absolute; not a URL: nothing in it is decoded
//	https://HOST/PATH     a query is part of it and never shown; no fragment, no user and password
//	oci://HOST/NAME:TAG   or NAME@sha256:DIGEST
//	upload:NAME           1 to 64 of A-Z a-z 0-9 _ . -
//	script:REF            a source text at any of those
//
// http:// is refused: a pin guards the bytes, but not the credentials, nor what else the way could be told.
// Errors: ErrRef, without the text, as it may hold a password.
func ParseRef(text string) (Ref, error) {
	switch {
	case len(text) > maxRef:
		return Ref{}, badRef("longer than %d bytes", maxRef)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return Ref{}, badRef("a character in it does not print")
	}
	scheme, rest, _ := strings.Cut(text, ":")
	switch Kind(scheme) {
	case File:
		return parseFile(rest)
	case HTTPS:
		return parseHTTPS(text)
	case OCI:
		return parseOCI(rest)
	case Upload:
		return parseUpload(rest)
	case Script:
		return parseScript(rest)
	case "http":
		return Ref{}, badRef("http:// shows everything to everybody on the way; use https://")
	}
	return Ref{}, badRef("it begins with none of file: https:// oci:// upload: script:")
}

func badRef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRef, fmt.Sprintf(format, args...))
}

func parseFile(name string) (Ref, error) {
	if strings.HasPrefix(name, "//") {
		return Ref{}, badRef("file: takes a path and no URL: file:./links/x.wasm or file:/srv/links/x.wasm")
	}
	clean := path.Clean(name)
	if name == "" || strings.HasSuffix(name, "/") || slices.Contains([]string{".", "..", "/"}, path.Base(clean)) {
		return Ref{}, badRef("file: names no file")
	}
	return Ref{kind: File, rest: clean}, nil
}

func parseHTTPS(text string) (Ref, error) {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		return Ref{}, badRef("user and password in the URL; put credentials under modules.sources")
	case strings.Contains(text, "#"):
		return Ref{}, badRef("a fragment, which no server sees")
	}
	origin, err := originOf(text)
	if err != nil {
		return Ref{}, err
	}
	full := origin + cmp.Or(u.EscapedPath(), "/") // originOf refuses what does not parse
	if u.RawQuery != "" {
		full += "?" + u.RawQuery
	}
	if len(full) > maxRef {
		return Ref{}, badRef("longer than %d bytes when it is escaped", maxRef)
	}
	return Ref{kind: HTTPS, rest: full}, nil
}

// originOf is scheme, host and port of a URL in the form that rules of outbound have.
func originOf(rawURL string) (string, error) {
	rule, err := outbound.ForURL(rawURL)
	if err != nil {
		return "", badRef("%s", reason(err))
	}
	rule.PathPrefix = ""
	return rule.String(), nil
}

// reason is what outbound finds wrong with a URL.
func reason(err error) string {
	return strings.Replace(err.Error(), outbound.ErrRequest.Error()+": ", "", 1)
}

func parseOCI(rest string) (Ref, error) {
	host, name, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	switch {
	case !strings.HasPrefix(rest, "//") || host == "" || name == "":
		return Ref{}, badRef("oci: is followed by //HOST/NAME:TAG")
	case strings.Contains(host, "@"):
		return Ref{}, badRef("user and password in it; put credentials under modules.sources")
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`?#\`, r) }):
		return Ref{}, badRef("a character in the name that no registry takes")
	}
	origin, err := originOf("https://" + host)
	if err != nil {
		return Ref{}, err
	}
	return Ref{kind: OCI, rest: strings.TrimPrefix(origin, "https:") + "/" + name}, nil
}

func parseUpload(name string) (Ref, error) {
	wrong := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '_' && r != '.' && r != '-'
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, wrong) {
		return Ref{}, badRef("upload: is followed by a name, 1 to 64 of A-Z a-z 0-9 _ . -")
	}
	return Ref{kind: Upload, rest: name}, nil
}

func parseScript(rest string) (Ref, error) {
	if strings.HasPrefix(rest, string(Script)+":") {
		return Ref{}, badRef("script: twice")
	}
	source, err := ParseRef(rest)
	if err != nil {
		return Ref{}, fmt.Errorf("%w (the source of a script)", err)
	}
	return Ref{kind: Script, of: source.kind, rest: source.rest}, nil
}

// Kind says where the ref leads; "" for the zero Ref.
func (r Ref) Kind() Kind { return r.kind }

// String is the canonical form, fit for logs: of a query, which may hold a token, it says only that there is one.
func (r Ref) String() string {
	switch r.kind {
	case "":
		return ""
	case HTTPS:
		if address, _, has := strings.Cut(r.rest, "?"); has {
			return address + "?***"
		}
		return r.rest
	case Script:
		return "script:" + Ref{kind: r.of, rest: r.rest}.String()
	}
	return string(r.kind) + ":" + r.rest
}

// GoString is String.
func (r Ref) GoString() string { return r.String() }

// LogValue is String.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.String()) }
