package api

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/vcon"
)

// bodyKind says what a route takes.
type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodyJSON          // any JSON
	bodyVCon          // one document
)

const (
	strangerLimit = 64 << 10 // of a body whose sender has no fitting key: enough to tell that it is no JSON
	gzipRatio     = 100      // unpacked to packed; audio never comes near
	gzipSlack     = 64 << 10 // so that a tiny body is not measured by its ratio
	firstBlock    = 64 << 10
	lastBlock     = 4 << 20
)

// Reasons why a body was not read.
var (
	errTooLarge = errors.New("api: body too large")
	errRatio    = errors.New("api: body packed too tightly")
	errBusy     = errors.New("api: too many bytes in flight")
	errCoding   = errors.New("api: content coding not understood")
	errPacked   = errors.New("api: body does not unpack")
	errCut      = errors.New("api: body ended early")
)

// readBody gives the request's body as an own slice, unpacked, at most limit bytes; nil when there is none.
func (c *call) readBody(limit int64) ([]byte, error) {
	packed, err := packing(&c.ctx.Request.Header)
	if err != nil {
		return nil, err
	}
	body, err := c.readRaw(limit)
	if err != nil || !packed && !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, err
	}
	return c.unpack(body, limit)
}

// packing reports whether the headers announce gzip. Other codings are refused: the bytes would be no JSON.
func packing(h *fasthttp.RequestHeader) (bool, error) {
	switch string(bytes.ToLower(h.ContentEncoding())) {
	case "", "identity":
		return isGzipType(h.ContentType()), nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, errCoding
}

// reserve books n bytes of the memory that all bodies share.
func (c *call) reserve(n int64) error {
	if c.s.inflight.Add(n) > c.set.BodyInflight {
		c.s.inflight.Add(-n)
		return errBusy
	}
	c.held += n
	return nil
}

// readRaw reads the body as sent. One of announced length costs exactly that length.
func (c *call) readRaw(limit int64) ([]byte, error) {
	n := int64(c.ctx.Request.Header.ContentLength())
	if n == 0 || !c.ctx.Request.IsBodyStream() {
		return nil, nil
	}
	if n > limit {
		return nil, errTooLarge
	}
	if n < 0 {
		return c.readBlocks(c.ctx.Request.BodyStream(), limit)
	}
	if err := c.reserve(n); err != nil {
		return nil, err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.ctx.Request.BodyStream(), body); err != nil {
		return nil, fmt.Errorf("%w: %w", errCut, err)
	}
	return body, nil
}

// readBlocks reads a body of unknown length in growing blocks and joins them once, so that the peak is twice its size.
func (c *call) readBlocks(r io.Reader, limit int64) ([]byte, error) {
	var blocks [][]byte
	var total int64
	for size := int64(firstBlock); ; size = min(2*size, lastBlock) {
		if err := c.reserve(size); err != nil {
			return nil, err
		}
		block := make([]byte, size)
		n, err := io.ReadFull(r, block)
		if n > 0 {
			blocks = append(blocks, block[:n])
		}
		if total += int64(n); total > limit {
			return nil, errTooLarge
		}
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF && ended(r):
			return bytes.Join(blocks, nil), nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errCut, err)
		}
	}
}

// ended tells the end of the stream from a peer that went away: a finished stream stays at its end.
func ended(r io.Reader) bool {
	n, err := r.Read(make([]byte, 1))
	return n == 0 && err == io.EOF
}

// unpack undoes gzip, within limit and gzipRatio. The size that the packer left at the end is taken as a hint, so that
// an honest body is read in one piece.
func (c *call) unpack(packed []byte, limit int64) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errPacked
	}
	over := errTooLarge
	if tight := gzipRatio*int64(len(packed)) + gzipSlack; tight < limit {
		limit, over = tight, errRatio
	}
	var hint int64
	if len(packed) >= 18 {
		hint = int64(binary.LittleEndian.Uint32(packed[len(packed)-4:]))
	}
	if hint > limit {
		hint = 0 // a lie or too large: reading tells which
	}
	if err := c.reserve(hint); err != nil {
		return nil, err
	}
	text := make([]byte, hint)
	n, err := io.ReadFull(zr, text)
	if err != nil {
		return nil, errPacked
	}
	rest, err := c.readBlocks(io.LimitReader(zr, limit-int64(n)+1), limit-int64(n))
	switch {
	case errors.Is(err, errCut):
		return nil, errPacked
	case errors.Is(err, errTooLarge):
		return nil, over
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return append(text, rest...), nil
	}
	return text, nil
}

// bodyFailed answers a body that was not read.
func (c *call) bodyFailed(err error) {
	var slow timeout
	switch {
	case errors.Is(err, errTooLarge):
		tooLarge(c.ctx, c.set.BodyLimit)
	case errors.Is(err, errRatio):
		c.detail(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("Request body unpacks to more than %d times its size", gzipRatio))
	case errors.Is(err, errBusy):
		c.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
		c.detail(fasthttp.StatusServiceUnavailable, "Too many requests in flight")
	case errors.Is(err, errCoding):
		c.detail(fasthttp.StatusUnsupportedMediaType, "Unsupported content encoding")
	case errors.As(err, &slow) && slow.Timeout():
		c.ctx.SetConnectionClose()
		c.detail(fasthttp.StatusRequestTimeout, "Request Timeout")
	default:
		if errors.Is(err, errCut) {
			c.ctx.SetConnectionClose()
		}
		c.detail(fasthttp.StatusBadRequest, "There was an error parsing the body")
	}
}

// timeout is what an error of a connection can tell.
type timeout interface{ Timeout() bool }

func tooLarge(ctx *fasthttp.RequestCtx, limit int64) {
	writeDetail(ctx, fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("Request body too large: at most %d bytes, unpacked", limit))
}

// checkJSON answers a body that is not JSON. An absent one is left to the handler: it is a missing field.
func (c *call) checkJSON() bool {
	if isSpace(c.body) || !isJSONType(c.ctx.Request.Header.ContentType()) {
		return true
	}
	if !utf8.Valid(c.body) {
		c.detail(fasthttp.StatusBadRequest, "There was an error parsing the body")
		return false
	}
	if json.Valid(c.body) {
		return true
	}
	var syntax *json.SyntaxError
	at, reason := 0, "not JSON"
	if err := json.Unmarshal(c.body, new(json.RawMessage)); errors.As(err, &syntax) {
		at, reason = int(max(syntax.Offset-1, 0)), syntax.Error()
	}
	c.reject([]problem{notJSON(c.body, at, reason)})
	return false
}

// parseVCon reads the body as a document. What is JSON but no document is left to the handler: the key comes first.
func (c *call) parseVCon() bool {
	if isSpace(c.body) || !isJSONType(c.ctx.Request.Header.ContentType()) {
		return true
	}
	doc, err := vcon.ParseWith(c.body, vcon.Limits{Bytes: c.set.BodyLimit})
	if err == nil {
		c.doc = doc
		return true
	}
	var why *vcon.ParseError
	if !errors.As(err, &why) {
		why = &vcon.ParseError{Rule: "V01", Offset: -1, Reason: err.Error()}
	}
	if notText(c.body, why) {
		if utf8.Valid(c.body) {
			c.reject([]problem{notJSON(c.body, why.Offset, why.Reason)})
		} else {
			c.detail(fasthttp.StatusBadRequest, "There was an error parsing the body")
		}
		return false
	}
	c.unfit = why
	return true
}

// notText tells a body that is no JSON, or too much of it, from one that is JSON but no document.
func notText(body []byte, why *vcon.ParseError) bool {
	switch why.Rule {
	case "V02":
		return true
	case "V01":
		return topKind(body) == vcon.Object || !utf8.Valid(body) || !json.Valid(body)
	}
	return false
}
