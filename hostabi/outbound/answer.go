package outbound

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	maxRatio   = 100      // of unpacked to packed bytes
	ratioGrace = 1 << 20  // unpacked bytes that no ratio is asked of
	copyStep   = 32 << 10 // bytes read at once
)

// receive reads and unpacks an answer, into the sink if there is one.
func (r *Request) receive(response *http.Response) (*Response, error) {
	answer := &Response{Status: response.StatusCode, Header: response.Header}
	if r.Sink != nil {
		if answer.Status < 200 || answer.Status > 299 {
			return answer, nil
		}
		return answer, r.unpack(sinkWriter{r.Sink}, response)
	}
	var body bytes.Buffer
	if err := r.unpack(&body, response); err != nil {
		return answer, err
	}
	answer.Body = body.Bytes()
	return answer, nil
}

// sinkWriter marks the errors of a sink, to tell them from those of the peer.
type sinkWriter struct{ w io.Writer }

func (s sinkWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrSink, err)
	}
	return n, err
}

// unpack copies the body of an answer, without its gzip, up to its cap, which holds for what travels, too.
func (r *Request) unpack(to io.Writer, response *http.Response) error {
	limit := r.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if response.ContentLength > limit {
		return ErrTooLarge
	}
	packed := &counter{r: response.Body, limit: limit, total: response.ContentLength, progress: r.Progress}
	if !zipped(response.Header) || response.ContentLength == 0 {
		return copyCapped(to, packed, nil, limit)
	}
	unpacked, err := gzip.NewReader(packed)
	if err == io.EOF { // an empty body, as to HEAD
		return nil
	}
	if err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	if err := copyCapped(to, unpacked, packed, limit); err != nil {
		return err
	}
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	return nil
}

// zipped: x-gzip is another name for gzip (RFC 9110, 8.4.1.3).
func zipped(h http.Header) bool {
	encoding := h.Values("Content-Encoding")
	return len(encoding) == 1 && (strings.EqualFold(encoding[0], "gzip") || strings.EqualFold(encoding[0], "x-gzip"))
}

// copyCapped copies all of from, but no more than limit, nor maxRatio times what packed has given.
func copyCapped(to io.Writer, from io.Reader, packed *counter, limit int64) error {
	buf := make([]byte, min(copyStep, limit+1))
	for total := int64(0); ; {
		n, err := from.Read(buf)
		total += int64(n)
		if total > limit || packed != nil && total > ratioGrace && total > maxRatio*packed.n {
			return ErrTooLarge
		}
		if _, werr := to.Write(buf[:n]); werr != nil {
			return werr
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
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
