package outbound

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Do sends r if p grants it and gives the whole answer, whatever its status. One deadline, r.Timeout, covers names,
// connections, redirects and the body. A redirect is followed up to r.Redirects times, each hop under p again; a body
// that cannot be sent twice, a hop too many, or Crossing's no gives the redirect itself as the answer. Crossing to
// another origin leaves all headers behind but Accept, Content-Type and the like. With ErrTooLarge the answer is there
// without its body.
func (c *Client) Do(ctx context.Context, p Policy, r *Request) (*Response, error) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	ctx = context.WithValue(ctx, deadlineKey{}, deadline)
	if err := r.check(); err != nil {
		return nil, err
	}
	hop := *r
	hop.Header = r.Header.Clone()
	for left := min(r.Redirects, maxRedirects); ; left-- {
		response, t, err := c.send(ctx, p, &hop)
		if err != nil {
			return nil, err
		}
		if left > 0 && hop.follow(response, t) {
			drain(response)
			continue
		}
		answer, err := r.receive(response)
		response.Body.Close()
		if err != nil {
			return answer, wireError(ctx, hop.Method, t, err)
		}
		return answer, nil
	}
}

// check refuses what can be seen to be wrong without looking at the policy.
func (r *Request) check() error {
	if err := checkHeader(r.Header); err != nil {
		return err
	}
	if r.Sign == nil {
		return nil
	}
	if r.Redirects > 0 {
		return fmt.Errorf("%w: a signed request follows no redirects", ErrRequest)
	}
	return r.Sign.check()
}

// send makes one hop, up to the head of the answer.
func (c *Client) send(ctx context.Context, p Policy, r *Request) (*http.Response, *target, error) {
	t, rule, err := p.find(r.Method, r.URL)
	if err != nil {
		return nil, nil, err
	}
	request, err := newRequest(ctx, r, t)
	if err != nil {
		return nil, nil, err
	}
	transport := c.public
	if rule.Private {
		transport = c.private
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, nil, wireError(ctx, r.Method, t, err)
	}
	return response, t, nil
}

func newRequest(ctx context.Context, r *Request, t *target) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, t.url.String(), nil)
	if err != nil {
		return nil, badURL("it does not parse")
	}
	if r.Header != nil {
		request.Header = r.Header.Clone()
	}
	if r.Body != nil && r.Length > 0 {
		request.ContentLength = r.Length
		request.Body = io.NopCloser(r.Body)
		if at, ok := r.Body.(io.ReaderAt); ok {
			again := func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(at, 0, r.Length)), nil }
			request.Body, _ = again()
			request.GetBody = again
		}
	}
	accept := request.Header.Values("Accept-Encoding")
	request.Header.Del("Accept-Encoding") // not signed: proxies change it
	if r.Sign != nil {
		if err := r.Sign.sign(request, r, time.Now()); err != nil {
			return nil, err
		}
	}
	if len(accept) == 0 {
		accept = []string{"gzip"}
	}
	request.Header["Accept-Encoding"] = accept
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "vconduit")
	}
	return request, nil
}

// hopByHop headers belong to one connection, and Host, Content-Length to the client.
var hopByHop = []string{"Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// CheckHeader refuses a header that a request may not set. Errors wrap ErrRequest; the value is never in them.
func CheckHeader(name, value string) error {
	if !isToken(name) {
		return fmt.Errorf("%w: header %q is no name", ErrRequest, name)
	}
	for _, reserved := range hopByHop {
		if strings.EqualFold(name, reserved) {
			return fmt.Errorf("%w: header %s is the host's", ErrRequest, reserved)
		}
	}
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return fmt.Errorf("%w: header %s holds a line break or control character", ErrRequest, name)
		}
	}
	return nil
}

func checkHeader(h http.Header) error {
	size := 0
	for name, values := range h {
		for _, value := range values {
			if err := CheckHeader(name, value); err != nil {
				return err
			}
			size += len(name) + len(value)
		}
	}
	if size > maxHeaderBytes {
		return fmt.Errorf("%w: the headers are more than %d bytes", ErrRequest, maxHeaderBytes)
	}
	return nil
}

// wireError says what went wrong with a request, and of its URL no more than the origin.
func wireError(ctx context.Context, method string, t *target, err error) error {
	var refused *addressError
	switch {
	case errors.As(err, &refused):
		return &DeniedError{Method: method, Origin: t.origin(), Reason: refused.Error(), Address: refused.why}
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%s %s: %w", method, t.origin(), ErrTooLarge)
	case errors.Is(err, ErrSink):
		return fmt.Errorf("%s %s: %w", method, t.origin(), err)
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", method, t.origin(), ctx.Err())
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%s %s: %w: %w", method, t.origin(), context.DeadlineExceeded, cause(err))
	}
	return fmt.Errorf("%s %s: %w", method, t.origin(), cause(err))
}

var errNoAnswer = errors.New("the connection ended, or what came is no answer in HTTP")

// cause is err if it cannot hold what the peer sent. net/http quotes an answer that it cannot read, and a peer may send
// back what it got: a conversation.
func cause(err error) error {
	for _, known := range []any{
		new(*net.OpError), new(*net.DNSError), new(*tls.CertificateVerificationError), new(tls.RecordHeaderError), new(tls.AlertError),
		new(flate.CorruptInputError),
	} {
		if errors.As(err, known) {
			return err
		}
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, http.ErrSchemeMismatch, gzip.ErrHeader, gzip.ErrChecksum, errNoAddress} {
		if errors.Is(err, known) {
			return err
		}
	}
	return errNoAnswer
}
