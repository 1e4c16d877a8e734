package hostabi

import (
	"bytes"
	"html"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// namePattern is what a secret may be called.
const namePattern = `[A-Za-z_][A-Za-z0-9_]{0,63}`

// A placeholder names a secret. In a query it may be percent-encoded: what builds queries for links does that.
var (
	placeholder      = regexp.MustCompile(`\{\{secret:(` + namePattern + `)\}\}`)
	queryPlaceholder = regexp.MustCompile(`(?:\{|%7[Bb]){2}secret(?::|%3[Aa])(` + namePattern + `)(?:\}|%7[Dd]){2}`)
	placeholderBegin = regexp.MustCompile(`(?:\{|%7[Bb]){2}secret(?::|%3[Aa])`)
)

// maxSecretBody is the largest body that placeholders are looked for in.
const maxSecretBody = 64 << 10

// filling puts secrets into one request, and keeps in mind where.
type filling struct {
	c       *Call
	call    string // its name, for errors
	to      outbound.Host
	headers []string // that hold a secret now
	body    bool     // so does it
}

// newFilling begins to fill a request to a URL whose placeholders stand in its query, if anywhere.
func (c *Call) newFilling(call, rawURL string) (*filling, *callError) {
	to, err := outbound.HostOf(rawURL)
	if err != nil {
		return nil, failure(Invalid, "%s: %v", call, err)
	}
	return &filling{c: c, call: call, to: to}, nil
}

// checkPlaceholders refuses a URL with a placeholder outside of its query, and texts with one that is malformed.
func checkPlaceholders(call, rawURL string, header http.Header) *callError {
	whole, fragment, _ := strings.Cut(rawURL, "#")
	path, query, _ := strings.Cut(whole, "?")
	if placeholderBegin.MatchString(path) || placeholderBegin.MatchString(fragment) {
		return failure(Invalid, "%s: url: a secret may stand in the query alone", call)
	}
	if placeholderBegin.MatchString(queryPlaceholder.ReplaceAllLiteralString(query, "")) {
		return failure(Invalid, "%s: url: a placeholder is written {{secret:NAME}}", call)
	}
	for name, values := range header {
		for _, value := range values {
			if strings.Contains(placeholder.ReplaceAllLiteralString(value, ""), "{{secret:") {
				return failure(Invalid, "%s: header %s: a placeholder is written {{secret:NAME}}", call, name)
			}
		}
	}
	return nil
}

// text fills a text that stands at one place. written says how the value is written there.
func (f *filling) text(text string, pattern *regexp.Regexp, at place, written func(value string) string) (string, *callError) {
	if !strings.Contains(text, "secret") {
		return text, nil
	}
	var refused *callError
	filled := pattern.ReplaceAllStringFunc(text, func(found string) string {
		name := pattern.FindStringSubmatch(found)[1]
		if at == inBody && f.c.holds(name) == nil {
			return found // a body carries conversations: words of theirs must not fail a run
		}
		value, err := f.c.secret(f.call, name, f.to, at)
		if err != nil {
			refused = err
			return ""
		}
		return written(value)
	})
	if refused != nil {
		return "", refused
	}
	return filled, nil
}

// request is written with secrets in it, and body as what it sends.
func (f *filling) request(written *outbound.Request, body *stream, sign *httpSign) (*outbound.Request, *callError) {
	wire := *written
	var err *callError
	if wire.URL, err = f.url(written.URL); err != nil {
		return nil, err
	}
	if wire.Header, err = f.header(written.Header); err != nil {
		return nil, err
	}
	if sign != nil {
		if wire.Sign, err = f.credentials(sign, inHeader); err != nil {
			return nil, err
		}
	}
	if body != nil {
		wire.Body, wire.Length = body.reader(), body.size
	}
	wire.Crossing = f.crossing
	return &wire, nil
}

// url fills the query of a URL.
func (f *filling) url(rawURL string) (string, *callError) {
	path, query, has := strings.Cut(rawURL, "?")
	if !has {
		return rawURL, nil
	}
	query, err := f.text(query, queryPlaceholder, inQuery, escapeQuery)
	return path + "?" + query, err
}

// escapeQuery writes a space as %20, which every reader of a query or a form takes.
func escapeQuery(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// header fills the values of headers.
func (f *filling) header(h http.Header) (http.Header, *callError) {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			filled, err := f.text(value, placeholder, inHeader, asIs)
			if err != nil {
				return nil, err
			}
			if filled != value {
				f.headers = append(f.headers, name)
			}
			out[name] = append(out[name], filled)
		}
	}
	return out, nil
}

func asIs(value string) string { return value }

// content fills a body, or one part of it, if it is a text of at most 64 KiB; the same stream when there is nothing to
// fill. A link without secrets sends every body as it is.
func (f *filling) content(s *stream, mediatype string) (*stream, *callError) {
	if s.size > maxSecretBody || len(f.c.o.Grants.Secrets) == 0 {
		return s, nil
	}
	text, err := s.bytes()
	if err != nil {
		return nil, err
	}
	pattern, written := bodySyntax(mediatype)
	if !utf8.Valid(text) || !pattern.Match(text) {
		return s, nil
	}
	filled, err := f.text(string(text), pattern, inBody, written)
	if err != nil {
		return nil, err
	}
	if filled == string(text) {
		return s, nil
	}
	f.body = true
	return fixed([]byte(filled)), nil
}

// bodySyntax says how a value is written in a body of a media type: so that it is one value there, whatever characters
// it has. In a syntax that is not known here it stands as it is.
func bodySyntax(mediatype string) (*regexp.Regexp, func(string) string) {
	kind, _, _ := mime.ParseMediaType(mediatype)
	switch {
	case strings.HasSuffix(kind, "json"):
		return placeholder, insideJSON
	case kind == "application/x-www-form-urlencoded":
		return queryPlaceholder, escapeQuery
	case strings.HasSuffix(kind, "xml"):
		return placeholder, html.EscapeString
	}
	return placeholder, asIs
}

// writtenForms is every way in which a value is written into a request: a peer that shows a request, say a body inside a
// JSON text or a URL inside the query of another, escapes what is escaped already.
func writtenForms(value string) []string {
	var all []string
	for _, written := range []func(string) string{asIs, escapeQuery, insideJSON, html.EscapeString} {
		if form := written(value); !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	return all
}

// insideJSON writes a value between the quotes of a JSON string.
func insideJSON(value string) string {
	quoted := appendQuoted(nil, value)
	return string(bytes.TrimSuffix(quoted[1:], []byte{'"'}))
}

// crossing takes out of a request that a redirect sends to another origin what it must not bring there: headers with
// secrets. It is not sent at all with a body that holds one, nor to a URL in which the peer put one.
func (f *filling) crossing(next *outbound.Request) bool {
	for _, name := range f.headers {
		next.Header.Del(name)
	}
	return !(f.body && next.Body != nil) && !f.c.masker.hits(next.URL)
}
