// Package outbound is the policy of HTTP that leaves on behalf of links, and the client that enforces it.
//
// Threat: a link, or the text of a vCon, chooses the URL; it must not reach what its operator did not name: private
// networks, metadata services, this host. Invariants: deny by default; the name is checked when the request is made
// and every address again when it is dialled, so that rebinding, redirects and odd spellings of addresses do not help;
// the connection goes to the address that was checked; no proxy from the environment; answers are bounded; what a
// request carries for one origin is not shown to another. TestNothingElseLeaves shows all of it against real servers.
//
// Left to others: which secrets a request holds, quotas over several requests (hostabi). Sources: RFC 3986, 6598, 6890,
// 9110; the IANA registries of special-purpose addresses; AWS Signature Version 4.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Policy is what one link may reach; the zero value reaches nothing.
type Policy struct {
	Rules []Rule
}

// Rule grants one origin and path prefix. Host "*" is any public host.
type Rule struct {
	Scheme     string   // http | https
	Host       string   // lower case, "*" = any public host
	Port       string   // "" = the scheme's
	PathPrefix string   // "" or "/..." matched on whole segments
	Methods    []string // upper case; none = all
	Private    bool     // the operator wrote this host: its addresses may be private, loopback, link-local
}

// Request is one outgoing request.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        io.Reader // nil = none; an io.ReaderAt can be sent again to where a redirect points
	Length      int64     // of Body
	Timeout     time.Duration
	MaxBytes    int64 // of the decoded answer; 0 = DefaultMaxBytes
	Redirects   int   // followed and checked again, hop by hop; 0 = none
	// Progress is told after each piece of the answer how many bytes came, packed as they travel, and how many there will
	// be, -1 = the peer did not say. nil: nobody is told. It must not block.
	Progress func(done, total int64)

	// Sink takes the decoded body of a 2xx answer as it comes, in place of Response.Body. The body of any other answer is
	// then not read. nil: Response.Body.
	Sink io.Writer
	// Sign signs the request as it leaves. Body must then be an io.ReaderAt, and Redirects 0: a signature is for one URL.
	Sign *AWS4
	// Crossing is asked before a redirect is followed to another origin, with the request as it would go there; it may
	// take things out of it. false: the redirect itself is the answer. nil: always true.
	Crossing func(next *Request) bool
}

// Response is an answer, decoded (gzip) and whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Doer sends requests under a policy. Errors: *DeniedError, ErrRequest, ErrTooLarge, ErrSink, context errors, network
// errors.
// None of them holds more of a URL than its origin: paths and queries carry secrets; nor anything that the peer sent.
// With ErrTooLarge the Response has status and header, but no body; with any other error it may be nil.
type Doer interface {
	Do(ctx context.Context, p Policy, r *Request) (*Response, error)
}

// ErrTooLarge: the answer is larger than allowed, or unpacks out of all proportion.
var ErrTooLarge = errors.New("outbound: the answer is too large")

// ErrSink: the sink did not take the answer; it wraps the sink's own error.
var ErrSink = errors.New("outbound: the answer could not be kept")

// ErrRequest: the request makes no sense: its URL, its method, a header.
var ErrRequest = errors.New("outbound: bad request")

// DeniedError says what was refused, and which rule would allow it.
type DeniedError struct {
	Method, Origin string
	Reason         string
	Rule           string // that would allow it, "" = none can
	Address        string // what kind of address was not dialled: "private", "loopback"...; "" = it did not come to that
}

func (e *DeniedError) Error() string {
	text := fmt.Sprintf("outbound: %s %s denied: %s", e.Method, e.Origin, e.Reason)
	if e.Rule != "" {
		text += fmt.Sprintf("; allow it with http: [%q]", e.Rule)
	}
	return text
}
