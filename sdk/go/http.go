package link

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Request is an HTTP request. Its URL must be granted by the config of the link. A header may hold {{secret:NAME}}: the
// host puts the secret in as the request leaves.
//
//	link.Request{URL: "https://api.example.com/v1/jobs", Header: map[string]string{"Authorization": "Bearer {{secret:API}}"}, Stream: audio}
type Request struct {
	Method    string // default GET, with a body POST
	URL       string
	Header    map[string]string
	Body      []byte        // at most one of Body and Stream
	Stream    *Stream       // sent from its start
	Timeout   time.Duration // default 30 s; never beyond the end of the run
	Redirects int           // followed at most, each checked like the first; default 0
	Sign      *AWS4         // the host signs it; nil: it does not
}

// AWS4 is what the host signs with, by AWS Signature Version 4. Key and Secret may be {{secret:NAME}}.
type AWS4 struct {
	Service string `json:"service"` // "s3"
	Region  string `json:"region"`
	Key     string `json:"key"`
	Secret  string `json:"secret"`
}

// wireSign is an AWS4 as the host takes it.
type wireSign struct {
	AWS4 *AWS4 `json:"aws4"`
}

// wireRequest is a Request as http_send takes it.
type wireRequest struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers,omitempty"`
	TimeoutMS int64             `json:"timeout_ms,omitempty"`
	Redirects int               `json:"redirects,omitempty"`
	Sign      *wireSign         `json:"sign,omitempty"`
}

// Response is an answer, of whatever status.
type Response struct {
	Status int
	call   *Call
	handle int32
	origin string
}

// Send sends a request and waits for the answer. Every status is a success: ask Check. The host sets an Idempotency-Key
// and, when the link is run again, gives the answer that an earlier attempt had. Errors: Denied, TimedOut, Network,
// OverQuota, Invalid.
//
//	response, err := c.Send(link.Request{URL: "https://api.example.com/v1/score", Body: text})
//	if err != nil {
//		return link.Fail(err)
//	}
//	if err := response.Check(); err != nil {
//		return link.Fail(err)
//	}
func (c *Call) Send(r Request) (*Response, error) {
	body := r.Stream
	if r.Body != nil {
		s, err := c.NewStream()
		if err != nil {
			return nil, err
		}
		defer s.Close()
		if _, err := s.Write(r.Body); err != nil {
			return nil, err
		}
		body = s
	}
	handle := int32(0)
	if body != nil {
		handle = body.handle
	}
	text, err := json.Marshal(r.wire(body != nil))
	if err != nil {
		return nil, err
	}
	answer := c.Host.HTTPSend(text, handle)
	if answer < 0 {
		return nil, c.fail("http_send", int64(answer))
	}
	return &Response{Status: int(c.Host.HTTPStatus(answer)), call: c, handle: answer, origin: origin(r.URL)}, nil
}

func (r Request) wire(hasBody bool) wireRequest {
	w := wireRequest{Method: r.Method, URL: r.URL, Headers: r.Header, TimeoutMS: r.Timeout.Milliseconds(), Redirects: r.Redirects}
	if r.Sign != nil {
		w.Sign = &wireSign{r.Sign}
	}
	if w.Method == "" {
		w.Method = "GET"
		if hasBody {
			w.Method = "POST"
		}
	}
	return w
}

// Presign gives a URL that whoever has it may GET until it expires, at most 7 days from now. Nothing is sent. Errors:
// Denied, Invalid.
//
//	url, err := c.Presign("https://calls.s3.eu-central-1.amazonaws.com/a.wav", time.Hour, sign)
func (c *Call) Presign(url string, life time.Duration, sign AWS4) (string, error) {
	text, err := json.Marshal(struct {
		URL     string   `json:"url"`
		Expires int64    `json:"expires_s"`
		Sign    wireSign `json:"sign"`
	}{url, wholeSeconds(life), wireSign{&sign}})
	if err != nil {
		return "", err
	}
	signed, err := c.sized("http_presign", func(out []byte) int64 { return c.Host.HTTPPresign(text, out) })
	return string(signed), err
}

// origin is what of a URL may stand in an error. The host has parsed the URL before; net/url would make every guest 6 %
// larger to do it again.
func origin(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "the peer"
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	return strings.ToLower(scheme) + "://" + rest[strings.LastIndexByte(rest, '@')+1:] // without user and password
}

// Header gives a header of the answer, "" when there is none.
//
//	kind := response.Header("Content-Type")
func (r *Response) Header(name string) string {
	value, err := r.call.sized("http_header", func(out []byte) int64 { return r.call.Host.HTTPHeader(r.handle, []byte(name), out) })
	if err != nil {
		return ""
	}
	return string(value)
}

// Open gives the answer's body as a stream.
//
//	body, err := response.Open()
//	if err == nil {
//		err = c.AppendBody(link.Attachments, meta, body)
//	}
func (r *Response) Open() (*Stream, error) {
	return r.call.stream("http_body", r.call.Host.HTTPBody(r.handle))
}

// Body gives the whole body of the answer.
//
//	text, err := response.Body()
func (r *Response) Body() ([]byte, error) {
	s, err := r.Open()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return io.ReadAll(s)
}

// Check is nil for a status of 2xx, otherwise a *StatusError, which Fail turns into the right result.
//
//	if err := response.Check(); err != nil {
//		return link.Fail(err)
//	}
func (r *Response) Check() error {
	if r.Status >= 200 && r.Status < 300 {
		return nil
	}
	return &StatusError{Status: r.Status, Origin: r.origin, RetryAfter: r.retryAfter()}
}

// retryAfter reads the header of this name: seconds or a date; 0 when it is not there or makes no sense.
func (r *Response) retryAfter() time.Duration {
	value := r.Header("Retry-After")
	if s, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	for _, layout := range httpDates {
		if at, err := time.Parse(layout, value); err == nil {
			return min(max(at.Sub(r.call.Now()), 0), maxRetryAfter)
		}
	}
	return 0
}

// httpDates are the forms of a date in a header (RFC 9110, 5.6.7). net/http reads them too, but would make every guest
// 2 MB larger.
var httpDates = []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC}

// Close gives the answer back. All are closed when the run ends.
//
//	defer response.Close()
func (r *Response) Close() error {
	return r.call.done("stream_close", r.call.Host.StreamClose(r.handle))
}

// PostJSON posts v as JSON and decodes the answer into into (nil: the answer is not looked at). A status that is not
// 2xx is a *StatusError.
//
//	var answer struct{ Label string }
//	err := c.PostJSON("https://api.example.com/v1/label", map[string]any{"text": text}, &answer)
func (c *Call) PostJSON(url string, v, into any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	response, err := c.Send(Request{URL: url, Body: text, Header: map[string]string{"Content-Type": "application/json", "Accept": "application/json"}})
	if err != nil {
		return err
	}
	defer response.Close()
	if err := response.Check(); err != nil || into == nil {
		return err
	}
	body, err := response.Body()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer of %s: %w", response.origin, err)
	}
	return nil
}
