package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/vconduit/vconduit/runtime/chain"
)

// answer is what the server answered when it did not do what was asked. Its own words are left out: some servers repeat
// keys in them.
type answer struct {
	status  int
	code    string // S3's, such as NoSuchKey; "" = none
	request string // the server's number of the request, "" = none
	region  string // where the bucket is, if the server says so
	hint    string // what to do
}

func (a *answer) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the server answers %d", a.status)
	for _, part := range [][2]string{{" ", a.code}, {": ", a.hint}, {", request ", a.request}} {
		if part[1] != "" {
			b.WriteString(part[0] + part[1])
		}
	}
	return b.String()
}

var (
	word   = regexp.MustCompile(`^[A-Za-z0-9.=/+-]{1,80}$`) // what is believed of the server's words
	region = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	// expecting is how servers that have no header for it name the right region.
	expecting = regexp.MustCompile(`expecting ['"]([a-z0-9-]{1,40})['"]`)
)

// explain makes an error of the client readable: what the server answered and what to do about it, or why there was no
// answer. What no repetition mends is permanent; wrong keys and missing buckets are mended by somebody.
func (s *Storage) explain(err error) error {
	var op, inner *smithy.OperationError
	var response *awshttp.ResponseError
	var sent *url.Error
	switch {
	case errors.As(err, &op) && errors.As(op.Err, &inner):
		return fmt.Errorf("no credentials: %w", inner) // another service was asked for them
	case errors.As(err, &response) && response.HTTPStatusCode() > 0: // 0: the request did not get through
		a := answerOf(response)
		if a.hint = s.hint(a); a.status == http.StatusRequestEntityTooLarge || a.code == "EntityTooLarge" || a.code == "KeyTooLongError" {
			return chain.Permanent(a)
		}
		return a
	case errors.As(err, &sent):
		return sent.Err // its URL says no more than the place does
	}
	return err
}

func answerOf(r *awshttp.ResponseError) *answer {
	a := &answer{status: r.HTTPStatusCode()}
	if word.MatchString(r.RequestID) {
		a.request = r.RequestID
	}
	if r.Response != nil && region.MatchString(r.Response.Header.Get("X-Amz-Bucket-Region")) {
		a.region = r.Response.Header.Get("X-Amz-Bucket-Region")
	}
	if api, ok := errors.AsType[smithy.APIError](r); ok {
		if word.MatchString(api.ErrorCode()) {
			a.code = api.ErrorCode()
		}
		if m := expecting.FindStringSubmatch(api.ErrorMessage()); m != nil {
			a.region = cmp.Or(a.region, m[1])
		}
	}
	return a
}

// hint says what to do about an answer, "" when the answer says it.
func (s *Storage) hint(a *answer) string {
	switch a.code {
	case "InvalidAccessKeyId", "InvalidToken", "ExpiredToken":
		return s.credentials("aws_access_key_id", "the access key") + " is not known there"
	case "SignatureDoesNotMatch":
		return s.credentials("aws_secret_access_key", "the secret key") + " does not fit the access key"
	case "NoSuchBucket", "InvalidBucketName":
		return `option "aws_bucket" names no bucket there`
	case "AccessDenied", "Forbidden", "AllAccessDisabled":
		return "the key may not do this; it needs s3:GetObject, s3:PutObject and s3:DeleteObject on the objects, and s3:ListBucket on the bucket, without which a missing object looks like this"
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "MovedPermanently":
		if a.region != "" {
			return fmt.Sprintf(`option "aws_region" must be %s`, a.region)
		}
		return `option "aws_region" is another than the bucket's, or "endpoint_url" is not its server`
	case "RequestTimeTooSkewed":
		return "the clocks of this machine and of the server differ by more than 15 minutes"
	case "SlowDown", "ServiceUnavailable":
		return "it wants fewer requests"
	case "KeyTooLongError":
		return `option "s3_path" is too long for it`
	}
	return ""
}

// credentials names what the server does not like: the option, or what the environment gave.
func (s *Storage) credentials(option, word string) string {
	if s.c.KeyID != "" {
		return fmt.Sprintf("option %q", option)
	}
	return word + " of the AWS environment"
}

// isMissing reports that the object is not there, and that its bucket is.
func isMissing(err error) bool {
	a, ok := errors.AsType[*answer](err)
	return ok && a.status == http.StatusNotFound && (a.code == "NoSuchKey" || a.code == "NotFound")
}

// isDenied reports that the key has not the right to do this, or, without the right to list, that the object is not there.
func isDenied(err error) bool {
	a, ok := errors.AsType[*answer](err)
	return ok && a.status == http.StatusForbidden && a.code == "AccessDenied"
}

// otherRegion is where the server says that the bucket is, "" when it says nothing.
func otherRegion(err error) string {
	if a, ok := errors.AsType[*answer](err); ok {
		return a.region
	}
	return ""
}
