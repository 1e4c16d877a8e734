package hostabi

import (
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// maxRequests is how many requests of a run are noted; Used counts all.
const maxRequests = 1000

// Request is one HTTP request of a run, for those who keep account. No query, header or body is in it.
type Request struct {
	Method string
	// URL is origin and path as the link wrote them, the link's secrets masked. Where redirects were followed it is the
	// first.
	URL            string
	Status         int   // of the answer; 0 = none came, or it was not taken
	Sent, Received int64 // bytes of the bodies
	At             time.Time
	Took           time.Duration
	Remembered     bool // the answer is that of an earlier attempt: nothing left the house
}

// Requests are the first 1000 requests of the run, fetches too, in order.
func (c *Call) Requests() []Request { return c.requests }

// begin starts the note of a request.
func (c *Call) begin(method, rawURL string, length int64) Request {
	return Request{Method: method, URL: c.masker.text(outbound.Place(rawURL)), Sent: length, At: time.Now()}
}

// note ends it.
func (c *Call) note(r Request, status int, received int64) {
	r.Status, r.Received, r.Took = status, received, time.Since(r.At)
	if len(c.requests) < maxRequests {
		c.requests = append(c.requests, r)
	}
}
