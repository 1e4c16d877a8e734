package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/vconduit/vconduit/vcon"
)

// FuzzPointer reads pointers that somebody else wrote: a day, or none, and never another place.
func FuzzPointer(f *testing.F) {
	for _, seed := range []string{"2026/03/05", "2026/03/05\n", " 2026/03/05", "2026/3/5", "2026/02/30", "../../etc", "", "0000/01/01", "2026/03/05/"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		day := parseDay(text)
		if day == "" {
			return
		}
		at, err := time.Parse(dayLayout, day)
		if err != nil || at.Format(dayLayout) != day || !bytes.Contains(text, []byte(day)) {
			t.Errorf("pointer %q gives day %q", text, day)
		}
	})
}

// canned is a server that always answers the same.
type canned struct {
	status int
	header string
	body   []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{"X-Amz-Bucket-Region": {c.header}, "X-Amz-Request-Id": {c.header}, "X-Amz-Checksum-Crc32": {c.header}, "Last-Modified": {c.header}}
	return &http.Response{StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body)), Request: r}, nil
}

// FuzzAnswers reads what a strange server answers: an error or a vCon, never a crash, and no line of it in the error.
func FuzzAnswers(f *testing.F) {
	const doc = `{"vcon":"0.4.0","uuid":"018f4a1e-7c5b-8a31-9c2d-0123456789ab","parties":[]}`
	f.Add(200, "", []byte(doc))
	f.Add(200, "AAAAAA==", []byte(doc))
	f.Add(200, "", []byte("{"))
	f.Add(403, "eu-central-1", []byte(`<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>key AKIAIOSFODNN7EXAMPLE</Message></Error>`))
	f.Add(400, "x\ny", []byte(`<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>`))
	f.Add(404, "", []byte(`<Error><Code>NoSuchKey</Code></Error>`))
	f.Add(404, "", []byte(`<html>AKIAIOSFODNN7EXAMPLE</html>`))
	f.Add(301, "", []byte(`<Error><Code>AKIAIOSFODNN7EXAMPLE
</Code></Error>`))
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		s := newStorage(Config{Bucket: "b", Endpoint: "http://s3.example", SearchDays: true}, aws.Config{
			Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}, &http.Client{Transport: canned{status, header, body}})
		id := vcon.ID{1}
		got, getErr := s.Get(context.Background(), id)
		if getErr == nil && !bytes.Equal(got.Bytes(), body) {
			t.Errorf("get gives %q of %q", got.Bytes(), body)
		}
		for _, err := range []error{getErr, s.deleteAll(context.Background(), id), s.point(context.Background(), id, "2026/03/05"), s.probe(context.Background())} {
			if err == nil {
				continue
			}
			text := err.Error()
			if strings.ContainsAny(text, "\n\r\x00") || len(text) > 1000 || strings.Contains(text, "key AKIA") || strings.Contains(text, "<html>") {
				t.Errorf("the error repeats the server: %q", text)
			}
		}
	})
}
