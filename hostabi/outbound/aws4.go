package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// AWS4 signs requests by AWS Signature Version 4, as S3 and what speaks like it asks for.
type AWS4 struct {
	Service, Region string // "s3", "eu-central-1"
	Key             string // access key id; it stands in the request
	Secret          string // secret access key; it never leaves
	SessionToken    string // of temporary credentials, it stands in the request; "" = none
}

// MaxPresign is the longest life of a presigned URL.
const MaxPresign = 7 * 24 * time.Hour

const unsignedPayload = "UNSIGNED-PAYLOAD"

// scopeWord is what a service or region may be called: they stand in a header, between slashes.
var scopeWord = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// check tells all that is wrong with the credentials, and none of their values. Errors wrap ErrRequest.
func (a *AWS4) check() error {
	var wrong []string
	if !scopeWord.MatchString(a.Service) {
		wrong = append(wrong, "service is no name of one")
	}
	if !scopeWord.MatchString(a.Region) {
		wrong = append(wrong, "region is no name of one")
	}
	if a.Key == "" || strings.ContainsFunc(a.Key, func(r rune) bool { return notPrinted(r) || r == '/' || r == ',' }) {
		wrong = append(wrong, "key is no access key id")
	}
	if a.Secret == "" {
		wrong = append(wrong, "secret is empty")
	}
	if strings.ContainsFunc(a.SessionToken, notPrinted) {
		wrong = append(wrong, "session_token is none")
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: aws4: %s", ErrRequest, strings.Join(wrong, "; "))
}

func notPrinted(r rune) bool { return r <= ' ' || r >= 0x7f }

// sign puts the signature into request, which is r on its way out.
func (a *AWS4) sign(request *http.Request, r *Request, at time.Time) error {
	hash := sha256.New()
	if request.Body != nil {
		again, ok := r.Body.(io.ReaderAt)
		if !ok {
			return fmt.Errorf("%w: a body that can be read only once cannot be signed", ErrRequest)
		}
		if _, err := io.Copy(hash, io.NewSectionReader(again, 0, r.Length)); err != nil {
			return fmt.Errorf("reading the body to sign it: %w", err)
		}
	}
	payload := hex.EncodeToString(hash.Sum(nil))
	if a.plainPath() {
		request.Header.Set("X-Amz-Content-Sha256", payload)
	}
	if err := a.prepare(request.URL); err != nil {
		return err
	}
	return v4.NewSigner(a.options).SignHTTP(request.Context(), a.credentials(), request, payload, a.Service, a.Region, at)
}

// Presign gives rawURL with a signature in its query: until at+expires, whoever has it may send this one request. Its
// body is not part of the signature; Key and SessionToken stand in it. expires is 1s to MaxPresign. Errors: ErrRequest.
func (a *AWS4) Presign(method, rawURL string, expires time.Duration, at time.Time) (string, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return "", err
	}
	if !isToken(method) {
		return "", fmt.Errorf("%w: method %q", ErrRequest, method)
	}
	if expires < time.Second || expires > MaxPresign {
		return "", fmt.Errorf("%w: a presigned URL lives 1 second to %v", ErrRequest, MaxPresign)
	}
	if err := a.check(); err != nil {
		return "", err
	}
	if err := a.prepare(t.url); err != nil {
		return "", err
	}
	query := t.url.Query()
	query.Set("X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10))
	t.url.RawQuery = query.Encode()
	request := &http.Request{Method: method, URL: t.url, Header: http.Header{}}
	payload := hex.EncodeToString(sha256.New().Sum(nil))
	if a.plainPath() {
		payload = unsignedPayload
	}
	signed, _, err := v4.NewSigner(a.options).PresignHTTP(context.Background(), a.credentials(), request, payload, a.Service, a.Region, at)
	return signed, err
}

func (a *AWS4) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret, SessionToken: a.SessionToken}
}

// plainPath: S3 and its kin compare the path as it is sent, all other services with its escapes escaped again.
func (a *AWS4) plainPath() bool {
	switch a.Service {
	case "s3", "s3express", "s3-outposts", "s3-object-lambda":
		return true
	}
	return false
}

func (a *AWS4) options(o *v4.SignerOptions) { o.DisableURIPathEscaping = a.plainPath() }

// prepare writes a URL as the receiver will write it before it compares: every byte of the path escaped that need not
// be plain, and a query that reads in one way only.
func (a *AWS4) prepare(u *url.URL) error {
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return badURL("its query does not parse, so it cannot be signed")
	}
	if a.plainPath() {
		u.RawPath = escapePath(u.Path)
	}
	return nil
}

func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c == '/' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
