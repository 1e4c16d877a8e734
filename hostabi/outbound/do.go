package outbound

import (
	"bytes"
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
)

const (
	maxRatio   = 100     // of unpacked to packed bytes
	ratioGrace = 1 << 20 // unpacked bytes that no ratio is asked of
)

// Do sends r if p grants it and gives the whole answer, whatever its status. One deadline, r.Timeout, covers names,
// connections, redirects and the body. A redirect is followed up to r.Redirects times, each hop under p again; a body
// that cannot be sent twice, or a hop too many, gives the redirect itself as the answer. Crossing to another origin
// leaves all headers behind but Accept, Content-Type and the like. With ErrTooLarge the answer is there without its body.
func (c *Client) Do(ctx context.Context, p Policy, r *Request) (*Response, error) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	ctx = context.WithValue(ctx, deadlineKey{}, deadline)
	if err := checkHeader(r.Header); err != nil {
		return nil, err
	}
	hop := *r
	hop.Header = r.Header.Clone()
	for left := min(r.Redirects, maxRedirects); ; left-- {
		response, t, err := c.send(ctx, p, &hop)
		if err != nil {
			return response, err
		}
		if left <= 0 || !hop.follow(response, t) {
			return response, nil
		}
	}
}

// send makes one hop.
func (c *Client) send(ctx context.Context, p Policy, r *Request) (*Response, *target, error) {
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
	defer response.Body.Close()
	answer := &Response{Status: response.StatusCode, Header: response.Header}
	if answer.Body, err = readBody(response, r.MaxBytes, r.Progress); err != nil {
		return answer, nil, wireError(ctx, r.Method, t, err)
	}
	return answer, t, nil
}

func newRequest(ctx context.Context, r *Request, t *target) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, t.url.String(), nil)
	if err != nil {
		return nil, badURL("it does not parse")
	}
	if r.Header != nil {
		request.Header = r.Header.Clone()
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "vconduit")
	}
	if request.Header.Get("Accept-Encoding") == "" {
		request.Header.Set("Accept-Encoding", "gzip")
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

// follow turns r into the request that a redirect asks for; false when the answer is none, or cannot be followed.
func (r *Request) follow(answer *Response, from *target) bool {
	location := answer.Header.Get("Location")
	keep := answer.Status == http.StatusTemporaryRedirect || answer.Status == http.StatusPermanentRedirect
	switch {
	case location == "":
		return false
	case keep:
		if _, again := r.Body.(io.ReaderAt); r.Body != nil && !again {
			return false
		}
	case answer.Status != http.StatusMovedPermanently && answer.Status != http.StatusFound && answer.Status != http.StatusSeeOther:
		return false
	case r.Method != http.MethodHead && (answer.Status == http.StatusSeeOther || r.Method == http.MethodPost):
		r.Method, r.Body, r.Length = http.MethodGet, nil, 0
		r.Header.Del("Content-Type")
	}
	next, err := resolveReference(from.url, location)
	if err != nil {
		return false
	}
	if to, err := parseTarget(next); err != nil || to.origin() != from.origin() {
		r.Header = harmless(r.Header)
	}
	r.URL = next
	return true
}

// harmless are the headers that may be shown to another origin.
func harmless(h http.Header) http.Header {
	kept := http.Header{}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"} {
		if v := h.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	return kept
}

// readBody reads and unpacks an answer under its cap, which holds for what travels, too.
func readBody(response *http.Response, limit int64, progress func(done, total int64)) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if response.ContentLength > limit {
		return nil, ErrTooLarge
	}
	packed := &counter{r: response.Body, limit: limit, total: response.ContentLength, progress: progress}
	if !strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") || response.ContentLength == 0 {
		return readCapped(packed, nil, limit)
	}
	unpacked, err := gzip.NewReader(packed)
	if err == io.EOF { // an empty body, as to HEAD
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	body, err := readCapped(unpacked, packed, limit)
	if err == nil {
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
	}
	return body, err
}

// readCapped reads all of r, but no more than limit, nor maxRatio times what packed has given.
func readCapped(r io.Reader, packed *counter, limit int64) ([]byte, error) {
	var body bytes.Buffer
	for {
		step := min(limit-int64(body.Len())+1, 64<<10)
		n, err := io.CopyN(&body, r, step)
		switch {
		case int64(body.Len()) > limit:
			return nil, ErrTooLarge
		case packed != nil && body.Len() > ratioGrace && int64(body.Len()) > maxRatio*packed.n:
			return nil, ErrTooLarge
		case err == io.EOF && n < step:
			return body.Bytes(), nil
		case err != nil:
			return nil, err
		}
	}
}

// counter counts what is read through it, and ends above limit: packed bytes may unpack to nothing for ever.
type counter struct {
	r               io.Reader
	n, limit, total int64
	progress        func(done, total int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if n > 0 && c.progress != nil {
		c.progress(c.n, c.total)
	}
	if c.n > c.limit {
		return n, ErrTooLarge
	}
	return n, err
}

// wireError says what went wrong with a request, and of its URL no more than the origin.
func wireError(ctx context.Context, method string, t *target, err error) error {
	var refused *addressError
	switch {
	case errors.As(err, &refused):
		return &DeniedError{Method: method, Origin: t.origin(), Reason: refused.Error(), Address: refused.why}
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%s %s: %w", method, t.origin(), ErrTooLarge)
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
