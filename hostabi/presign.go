package hostabi

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// defaultExpires is the life in seconds of a presigned URL for which none is asked.
const defaultExpires = 900

// httpSign says how a request is signed.
type httpSign struct {
	AWS4 *aws4Sign `json:"aws4"`
}

type aws4Sign struct {
	Service      string `json:"service"`
	Region       string `json:"region"`
	Key          string `json:"key"`
	Secret       string `json:"secret"`
	SessionToken string `json:"session_token"`
}

// presignRequest is what http_presign takes.
type presignRequest struct {
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Expires *int64    `json:"expires_s"`
	Sign    *httpSign `json:"sign"`
}

// HTTPPresign gives a URL that carries a signature: whoever has it may send this one request until it expires. Nothing
// is sent. req is JSON: {"method":"GET","url":…,"expires_s":900,"sign":{"aws4":{"service","region","key","secret"}}};
// expires_s is 1 to 604800.
//
// key and secret may be placeholders of secrets that are granted for the URL's host with in: [query]. The URL shows the
// key, and the link gets the URL: so a key that is a secret must be an access key id of AWS (AKIA or ASIA and 16 capital
// letters or digits), which is no secret to AWS, and one placeholder alone; others, and a session_token, are written in
// plain. A placeholder in the url is refused, because it would be filled before the link's eyes.
//
// Errors: -5 the URL or a secret is not granted, -11.
//
//	{"url":"https://calls.s3.eu-central-1.amazonaws.com/2024/a.wav","expires_s":3600,
//	 "sign":{"aws4":{"service":"s3","region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}}
func (c *Call) HTTPPresign(req, out []byte) int64 {
	if e := c.enter("http_presign"); e != 0 {
		return int64(e)
	}
	signed, err := c.presign(req)
	if err != nil {
		return int64(c.fail(err))
	}
	return give([]byte(signed), out)
}

func (c *Call) presign(text []byte) (string, *callError) {
	req := presignRequest{Method: http.MethodGet}
	if !decodeStrict(text, &req) || req.Sign == nil {
		return "", failure(Invalid, "http_presign: not a JSON object of method, url, expires_s, sign")
	}
	if placeholderBegin.MatchString(req.URL) {
		return "", failure(Invalid, "http_presign: url: the link gets it back, so no secret may stand in it")
	}
	method, expires := strings.ToUpper(req.Method), int64(defaultExpires)
	if req.Expires != nil {
		expires = min(max(*req.Expires, 0), int64(outbound.MaxPresign/time.Second)+1) // in range for a Duration; both ends are refused below
	}
	if err := c.o.Grants.HTTP.Match(method, req.URL); err != nil {
		return "", httpError("http_presign", "http", err)
	}
	f, err := c.newFilling("http_presign", req.URL)
	if err != nil {
		return "", err
	}
	a, err := f.credentials(req.Sign, inQuery)
	if err != nil {
		return "", err
	}
	if err := mayShow(req.Sign.AWS4, a); err != nil {
		return "", err
	}
	signed, signErr := a.Presign(method, req.URL, time.Duration(expires)*time.Second, time.Now())
	if signErr != nil {
		return "", httpError("http_presign", "http", signErr)
	}
	return signed, nil
}

// credentials fills what a signature is made with.
func (f *filling) credentials(sign *httpSign, at place) (*outbound.AWS4, *callError) {
	s := sign.AWS4
	if s == nil {
		return nil, failure(Invalid, "%s: sign: aws4 is the one that is known here", f.call)
	}
	a := &outbound.AWS4{Service: s.Service, Region: s.Region}
	for _, part := range []struct {
		into *string
		text string
	}{{&a.Key, s.Key}, {&a.Secret, s.Secret}, {&a.SessionToken, s.SessionToken}} {
		var err *callError
		if *part.into, err = f.text(part.text, placeholder, at, asIs); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// accessKeyID is what AWS shows in every signed request.
var accessKeyID = regexp.MustCompile(`^A[KS]IA[A-Z0-9]{16}$`)

// mayShow refuses secrets in what a presigned URL shows: it would be a way to read any secret that may stand in a query.
// The whole key must come from one secret: else a link could write AKIA before another secret that is 16 capital letters.
func mayShow(written *aws4Sign, filled *outbound.AWS4) *callError {
	alone := placeholder.FindString(written.Key) == written.Key
	switch {
	case filled.Key != written.Key && !(alone && accessKeyID.MatchString(filled.Key)):
		return failure(Denied, "http_presign: the URL shows key; a secret that is no access key id of AWS may not stand there, write it in plain")
	case filled.SessionToken != written.SessionToken:
		return failure(Denied, "http_presign: the URL shows session_token; no secret may stand there")
	}
	return nil
}
