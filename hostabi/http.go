package hostabi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

const (
	defaultTimeout = 30 * time.Second
	maxRedirects   = 10
)

// response is an answer that a link holds a handle of.
type response struct {
	status int
	header http.Header
	body   []byte
}

// httpRequest is what http_send takes.
type httpRequest struct {
	Method    string                 `json:"method"`
	URL       string                 `json:"url"`
	Headers   map[string]headerValue `json:"headers"`
	TimeoutMS *int64                 `json:"timeout_ms"`
	Parts     []httpPart             `json:"parts"`
	Redirects int                    `json:"redirects"`
	Sign      json.RawMessage        `json:"sign"`
}

// headerValue is a text or a list of texts.
type headerValue []string

func (v *headerValue) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*v = headerValue{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(v))
}

// HTTPSend sends a request and waits for the whole answer; any status is a success, the result is a response handle.
// req is JSON: {"method":"GET","url":…,"headers":{name: text or [text]},"timeout_ms":30000,"redirects":0,"parts":[…]};
// body is a stream, sent from its start, or 0. parts make a multipart/form-data body: {"name":…,"filename":…,"type":…}
// with "value":text or "stream":handle; not together with body. Idempotency-Key is set unless given: the same for the
// same request of the same run. Where answers are remembered (Options.Memo), an earlier 2xx answer to it is given
// without sending; GET, HEAD and OPTIONS are always sent. Errors: -5 the URL is not granted, -6 quota or the answer is
// too large, -7, -8, -12, -10 sign, -11.
func (c *Call) HTTPSend(req []byte, body int32) int32 {
	if e := c.enter("http_send"); e != 0 {
		return int32(e)
	}
	answer, err := c.httpSend(req, body)
	if err != nil {
		return int32(c.fail(err))
	}
	return c.newHandle(answer)
}

func (c *Call) httpSend(text []byte, bodyHandle int32) (*response, *callError) {
	var content *stream
	var err *callError
	if bodyHandle != 0 {
		if content, err = handle[*stream](c, bodyHandle, "stream"); err != nil {
			return nil, err
		}
	}
	req, out, err := c.parseRequest(text, content != nil)
	if err != nil {
		return nil, err
	}
	if err := c.mayRequest(out); err != nil {
		return nil, err
	}
	if req.Parts != nil {
		if content, err = c.multipart(req.Parts, out.Header); err != nil {
			return nil, err
		}
		defer content.close()
	}
	if content != nil {
		out.Body, out.Length = content.reader(), content.size
	}
	if err := c.chargeHTTP(out); err != nil {
		return nil, err
	}
	return c.exchange(out)
}

// parseRequest checks everything that can be seen without looking anywhere else.
func (c *Call) parseRequest(text []byte, hasBody bool) (httpRequest, *outbound.Request, *callError) {
	req := httpRequest{Method: http.MethodGet}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil || d.More() || !utf8.Valid(text) {
		return req, nil, failure(Invalid, "http_send: not a JSON object of method, url, headers, timeout_ms, parts, redirects")
	}
	out := &outbound.Request{Method: strings.ToUpper(req.Method), URL: req.URL, Header: http.Header{}, Timeout: defaultTimeout, Redirects: req.Redirects}
	if req.TimeoutMS != nil {
		out.Timeout = time.Duration(min(*req.TimeoutMS, maxDelay.Milliseconds())) * time.Millisecond
	}
	switch {
	case req.Sign != nil:
		return req, nil, failure(Unsupported, "http_send: sign is not in this build")
	case req.Parts != nil && hasBody:
		return req, nil, failure(Invalid, "http_send: parts and a body together")
	case out.Timeout <= 0:
		return req, nil, failure(Invalid, "http_send: timeout_ms must be above 0")
	case req.Redirects < 0 || req.Redirects > maxRedirects:
		return req, nil, failure(Invalid, "http_send: redirects must be 0 to %d", maxRedirects)
	}
	for name, values := range req.Headers {
		for _, value := range values {
			if err := outbound.CheckHeader(name, value); err != nil {
				return req, nil, failure(Invalid, "http_send: %v", err)
			}
			out.Header.Add(name, value)
		}
	}
	return req, out, nil
}

// mayRequest asks the policy, and whether the run still holds its vCon.
func (c *Call) mayRequest(out *outbound.Request) *callError {
	if err := c.o.Grants.HTTP.Match(out.Method, out.URL); err != nil {
		return httpError(err)
	}
	if c.o.HTTP == nil {
		return failure(Unsupported, "http_send: no HTTP here")
	}
	return nil
}

// chargeHTTP counts a request and what it sends.
func (c *Call) chargeHTTP(out *outbound.Request) *callError {
	if !fits(c.used.HTTPRequests, 1, c.limits.HTTPRequests) {
		return failure(OverQuota, "http_send: more than %d requests in one run", c.limits.HTTPRequests)
	}
	if !fits(c.used.HTTPBytes, out.Length, c.limits.HTTPBytes) {
		return failure(OverQuota, "http_send: more than %d bytes in one run", c.limits.HTTPBytes)
	}
	c.used.HTTPRequests++
	c.used.HTTPBytes += out.Length
	return nil
}

// exchange gives the remembered answer, or sends.
func (c *Call) exchange(out *outbound.Request) (*response, *callError) {
	id, err := c.identify(out)
	if err != nil {
		return nil, err
	}
	answer, err := c.remembered(out.Method, id.key)
	if err != nil {
		return nil, err
	}
	if answer == nil {
		if out.Header.Get("Idempotency-Key") == "" {
			out.Header.Set("Idempotency-Key", hex.EncodeToString(id.key[:]))
		}
		if answer, err = c.transmit(out); err != nil {
			return nil, err
		}
		c.remember(out.Method, id.key, answer)
	}
	if succeeded(answer.status) {
		c.answered[id.request]++
	}
	c.used.HTTPBytes += int64(len(answer.body))
	return answer, nil
}

// transmit sends one request.
func (c *Call) transmit(out *outbound.Request) (*response, *callError) {
	if c.o.Alive != nil && !c.o.Alive() {
		return nil, failure(Cancelled, "http_send: the run has lost its vCon")
	}
	out.MaxBytes = outbound.DefaultMaxBytes
	if c.limits.HTTPBytes >= 0 {
		out.MaxBytes = max(c.limits.HTTPBytes-c.used.HTTPBytes, 1)
	}
	c.sent++
	got, err := c.o.HTTP.Do(c.ctx, c.o.Grants.HTTP, out)
	if err != nil {
		return nil, httpError(err)
	}
	return &response{got.Status, got.Header, got.Body}, nil
}

// httpError gives an error of package outbound its code.
func httpError(err error) *callError {
	var denied *outbound.DeniedError
	switch {
	case errors.As(err, &denied):
		return failure(Denied, "http_send: %v", denied)
	case errors.Is(err, outbound.ErrRequest):
		return failure(Invalid, "http_send: %v", err)
	case errors.Is(err, outbound.ErrTooLarge):
		return failure(OverQuota, "http_send: %v", err)
	}
	return waitError("http_send", err)
}

func (c *Call) answer(name string, r int32) (*response, Errno) {
	if e := c.enter(name); e != 0 {
		return nil, e
	}
	answer, err := handle[*response](c, r, "response")
	if err != nil {
		return nil, c.fail(err)
	}
	return answer, 0
}

// HTTPStatus is the status of an answer, 100 to 599. Errors: -11.
func (c *Call) HTTPStatus(r int32) int32 {
	answer, e := c.answer("http_status", r)
	if e != 0 {
		return int32(e)
	}
	return int32(answer.status)
}

// HTTPHeader gives a header of an answer, several joined by ", "; the name in any case. Errors: -1, -11.
func (c *Call) HTTPHeader(r int32, name, out []byte) int64 {
	answer, e := c.answer("http_header", r)
	if e != 0 {
		return int64(e)
	}
	values := answer.header.Values(string(name))
	if len(values) == 0 {
		return int64(c.failf(NotFound, "http_header: the answer has no %q", name))
	}
	return give([]byte(strings.Join(values, ", ")), out)
}

// HTTPHeaders gives all headers of an answer as a JSON object with lower-case names. Errors: -11.
func (c *Call) HTTPHeaders(r int32, out []byte) int64 {
	answer, e := c.answer("http_headers", r)
	if e != 0 {
		return int64(e)
	}
	all := make(map[string]string, len(answer.header))
	for name, values := range answer.header {
		all[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	text, err := json.Marshal(all)
	if err != nil {
		return int64(c.failf(WrongType, "http_headers: %v", err))
	}
	return give(text, out)
}

// HTTPBody gives a new stream over an answer's body, with its own cursor. Errors: -6 too many handles, -11.
func (c *Call) HTTPBody(r int32) int32 {
	answer, e := c.answer("http_body", r)
	if e != 0 {
		return int32(e)
	}
	return c.newHandle(fixed(answer.body))
}

// HTTPPresign would make a signed URL. This build answers -10.
func (c *Call) HTTPPresign(req, out []byte) int64 {
	if e := c.enter("http_presign"); e != 0 {
		return int64(e)
	}
	return int64(c.failf(Unsupported, "http_presign: not in this build"))
}

// hashBody is the SHA-256 of what a request sends.
func hashBody(out *outbound.Request) ([32]byte, error) {
	h := sha256.New()
	if at, ok := out.Body.(io.ReaderAt); ok {
		if _, err := io.Copy(h, io.NewSectionReader(at, 0, out.Length)); err != nil {
			return [32]byte{}, err
		}
	}
	return [32]byte(h.Sum(nil)), nil
}
