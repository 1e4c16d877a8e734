// Package outbound is the policy of HTTP that leaves on behalf of links, and the client that enforces it.
//
// Threat: a link, or the text of a vCon, chooses the URL; it must not reach what its operator did not name: private
// networks, metadata services, this host. Invariants: deny by default; the name is checked when the request is made
// and every address again when it is dialled, so that rebinding, redirects and odd spellings of addresses do not help;
// no proxy from the environment; answers are bounded.
package outbound

import (
	"context"
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
	Scheme     string // http | https
	Host       string // lower case, "*" = any public host
	Port       string // "" = the scheme's
	PathPrefix string // "" or "/..." matched on whole segments
	Methods    []string
	Private    bool // the operator wrote this host: its addresses may be private, loopback, link-local
}

// Request is one outgoing request.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        io.Reader // nil = none
	Length      int64     // of Body
	Timeout     time.Duration
	MaxBytes    int64 // of the decoded answer; 0 = default
	Redirects   int   // followed and checked again, hop by hop; 0 = none
}

// Response is an answer, decoded (gzip) and whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Doer sends requests under a policy. Errors: *DeniedError, context errors, ErrTooLarge, network errors.
type Doer interface {
	Do(ctx context.Context, p Policy, r *Request) (*Response, error)
}
