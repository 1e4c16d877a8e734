package hostabi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
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
	Sign      *httpSign              `json:"sign"`
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

// sending is a request in two forms: as the link wrote it, which is what policy, memo and idempotency key are asked about,
// and as it leaves, with secrets in it. So a new value of a secret changes no key.
type sending struct{ written, wire *outbound.Request }

// HTTPSend sends a request and waits for the whole answer; any status is a success, the result is a response handle.
//
// req is JSON: {"method":"GET","url":…,"headers":{name: text or [text]},"timeout_ms":30000,"redirects":0,"parts":[…],
// "sign":{…}}; body is a stream, sent from its start, or 0. parts make a multipart/form-data body: {"name":…,
// "filename":…,"type":…} with "value":text or "stream":handle; not together with body. sign is {"aws4":{"service",
// "region","key","secret","session_token"}}: the host signs by AWS Signature Version 4; not together with redirects or
// an authorization header.
//
// {{secret:NAME}} becomes the value of a secret as the request leaves: in header values, in the query of url (percent-
// encoded; the placeholder may be, too), in a body or a part's value that is UTF-8 of at most 64 KiB (escaped as a JSON,
// form or XML content-type asks, else as it is), and in key, secret and session_token of sign (which need in: [header]).
// In a body, a name that the link holds no secret of is text like any other. Secrets are masked in the answer; one in an
// encoding other than gzip is refused if the link holds any. A redirect to another origin leaves headers with secrets
// behind, and is itself the answer when it would take a body or URL with one there.
//
// Idempotency-Key is set unless given: the same for the same request of the same run. Where answers are remembered
// (Options.Memo), an earlier 2xx answer to it is given without sending; GET, HEAD and OPTIONS are always sent.
//
// Errors: -5 the URL or a secret in this place is not granted, -6 quota, too many handles or the answer is too large, -7,
// -8, -10 no HTTP here, -11, -12.
//
//	{"method":"POST","url":"https://api.example/v1/score","headers":{"authorization":"Bearer {{secret:SCORE}}"}}
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
	f, err := c.newFilling("http_send", out.URL)
	if err != nil {
		return nil, err
	}
	body, err := c.requestBody(f, req, out, content)
	if err != nil {
		return nil, err
	}
	defer body.close()
	wire, err := f.request(out, body.wire, req.Sign)
	if err != nil {
		return nil, err
	}
	if err := c.chargeHTTP(wire); err != nil {
		return nil, err
	}
	return c.exchange(sending{out, wire})
}

// requestBody is a body in both forms; they are the same stream when it holds no secret.
type requestBody struct {
	written, wire *stream // nil: none
	own           bool    // both were made for this request
}

func (b requestBody) close() {
	if b.own {
		b.written.close()
		b.wire.close()
	}
}

// requestBody finds or makes the body of a request, and hangs its written form on out.
func (c *Call) requestBody(f *filling, req httpRequest, out *outbound.Request, content *stream) (body requestBody, err *callError) {
	switch {
	case req.Parts != nil:
		body, err = c.multipart(f, req.Parts, out.Header)
	case content != nil:
		body.written = content
		body.wire, err = f.content(content, out.Header.Get("Content-Type"))
	}
	if err == nil && body.written != nil {
		out.Body, out.Length = body.written.reader(), body.written.size
	}
	return body, err
}

// parseRequest checks everything that can be seen without looking anywhere else.
func (c *Call) parseRequest(text []byte, hasBody bool) (httpRequest, *outbound.Request, *callError) {
	req := httpRequest{Method: http.MethodGet}
	if !decodeStrict(text, &req) {
		return req, nil, failure(Invalid, "http_send: not a JSON object of method, url, headers, timeout_ms, parts, redirects, sign")
	}
	out := &outbound.Request{Method: strings.ToUpper(req.Method), URL: req.URL, Header: http.Header{}, Timeout: defaultTimeout, Redirects: req.Redirects}
	if req.TimeoutMS != nil {
		out.Timeout = time.Duration(min(*req.TimeoutMS, maxDelay.Milliseconds())) * time.Millisecond
	}
	switch {
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
	if req.Sign != nil && (out.Redirects > 0 || out.Header.Get("Authorization") != "") {
		return req, nil, failure(Invalid, "http_send: sign together with redirects or an authorization header")
	}
	return req, out, checkPlaceholders("http_send", out.URL, out.Header)
}

// decodeStrict reads one JSON value in UTF-8, and reports whether it is what into wants and nothing more.
func decodeStrict(text []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil && !d.More() && utf8.Valid(text)
}

// mayRequest asks the policy, and whether there is a way out.
func (c *Call) mayRequest(out *outbound.Request) *callError {
	if err := c.o.Grants.HTTP.Match(out.Method, out.URL); err != nil {
		return httpError("http_send", "http", err)
	}
	if c.o.HTTP == nil {
		return failure(Unsupported, "http_send: no HTTP here")
	}
	return nil
}

// chargeHTTP counts a request and what it sends, if there is room for the answer.
func (c *Call) chargeHTTP(out *outbound.Request) *callError {
	if err := c.room(); err != nil {
		return err
	}
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
func (c *Call) exchange(s sending) (*response, *callError) {
	id, err := c.identify(s.written)
	if err != nil {
		return nil, err
	}
	answer, err := c.remembered(s.written.Method, id.key)
	if err != nil {
		return nil, err
	}
	noted := c.begin(s.written.Method, s.written.URL, s.written.Length)
	noted.Remembered = answer != nil
	if answer == nil {
		if s.wire.Header.Get("Idempotency-Key") == "" {
			s.wire.Header.Set("Idempotency-Key", hex.EncodeToString(id.key[:]))
		}
		before := c.sent
		if answer, err = c.transmit(s.wire); err != nil {
			if c.sent > before {
				c.note(noted, 0, 0)
			}
			return nil, err
		}
		c.remember(s.written.Method, id.key, answer)
	}
	c.note(noted, answer.status, int64(len(answer.body)))
	if succeeded(answer.status) {
		c.answered[id.request]++
	}
	c.used.HTTPBytes += int64(len(answer.body))
	return answer, nil
}

// transmit sends one request and takes secrets out of the answer.
func (c *Call) transmit(wire *outbound.Request) (*response, *callError) {
	if err := c.alive("http_send"); err != nil {
		return nil, err
	}
	wire.MaxBytes = outbound.DefaultMaxBytes
	if c.limits.HTTPBytes >= 0 {
		wire.MaxBytes = max(c.limits.HTTPBytes-c.used.HTTPBytes, 1)
	}
	if c.masker != nil {
		wire.Header.Set("Accept-Encoding", "gzip") // the one that can be looked into
	}
	c.sent++
	got, err := c.o.HTTP.Do(c.ctx, c.o.Grants.HTTP, wire)
	if err != nil {
		return nil, httpError("http_send", "http", err)
	}
	return c.maskAnswer(got)
}

// alive refuses what would leave a run that has lost its vCon.
func (c *Call) alive(call string) *callError {
	if c.o.Alive != nil && !c.o.Alive() {
		return failure(Cancelled, "%s: the run has lost its vCon", call)
	}
	return nil
}

// maskAnswer is an answer without the values of secrets.
func (c *Call) maskAnswer(got *outbound.Response) (*response, *callError) {
	if c.masker == nil {
		return &response{got.Status, got.Header, got.Body}, nil
	}
	packed := func(encoding string) bool { return encoding != "" && !strings.EqualFold(encoding, "identity") }
	if len(got.Body) > 0 && slices.ContainsFunc(got.Header.Values("Content-Encoding"), packed) {
		return nil, failure(Network, "http_send: the answer is in an encoding that secrets cannot be masked in")
	}
	answer := &response{got.Status, c.masker.header(got.Header), c.masker.mask(got.Body, -1)}
	if len(answer.body) != len(got.Body) {
		answer.header.Del("Content-Length")
	}
	return answer, nil
}

// httpError gives an error of package outbound its code; grant is the capability that could have allowed it.
func httpError(call, grant string, err error) *callError {
	var denied *outbound.DeniedError
	switch {
	case errors.As(err, &denied):
		text := call + ": " + denied.Method + " " + denied.Origin + " denied: " + denied.Reason
		if denied.Rule != "" {
			text += "; allow it with " + grant + `: ["` + denied.Rule + `"]`
		}
		return failure(Denied, "%s", text)
	case errors.Is(err, outbound.ErrRequest):
		return failure(Invalid, "%s: %v", call, err)
	case errors.Is(err, outbound.ErrTooLarge):
		return failure(OverQuota, "%s: %v", call, err)
	case errors.Is(err, outbound.ErrSink): // its own error names a path of the host
		return failure(OverQuota, "%s: there is no room for the answer", call)
	}
	return waitError(call, err)
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
