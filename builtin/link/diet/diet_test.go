package diet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/builtin/link/diet"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	link "github.com/vconduit/vconduit/sdk/go"
	"github.com/vconduit/vconduit/vcon"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.diet", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/diet/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"remove_dialog_body": true, "remove_analysis": true, "remove_attachment_types": ["tags"], "remove_system_prompts": true}`), open, guest(f))
}

// BenchmarkGuest is a fresh instance of the module for each vCon against a call of the same function.
func BenchmarkGuest(b *testing.B) {
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"type":"text","body":"hello"}],"analysis":[{"type":"summary","body":"x"}]}`)
	wasmtest.Compare(b, doc, json.RawMessage(`{"remove_dialog_body": true, "remove_analysis": true}`), open, guesttest.Build(b, "builtin/link/diet/guest"))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		``:                                   "",
		`{"presigned_url_expiration": null}`: "",
		`{"s3_bucket": "b", "aws_access_key_id": "a", "aws_secret_access_key": "b"}`: "",
		`{"s3_bucket": "b"}`:                   "needs this and aws_secret_access_key",
		`{"presigned_url_expiration": 604801}`: "1 to 604800",
		`{"post_media_to_url": "x"}`:           "want an http or https URL",
		`{"s3_endpoint": "ftp://x"}`:           "want an http or https URL",
		`{"s3_bucket": "a/b", "aws_access_key_id": "a", "aws_secret_access_key": "b"}`: "no name of a bucket",
		`{"remove_analyses": true}`: `did you mean "remove_analysis"?`,
	} {
		problems := diet.Check(json.RawMessage(options))
		if want == "" && len(problems) == 0 {
			continue
		}
		if len(problems) != 1 || want == "" || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: problems %v, want %q", options, problems, want)
		}
	}
}

// put creates a bucket.
func put(t *testing.T, at testserver.S3Server, bucket string) {
	t.Helper()
	doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`))
	if err != nil {
		t.Fatal(err)
	}
	rule, err := outbound.ForURL(at.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{})
	t.Cleanup(client.Close)
	grants := hostabi.Grants{HTTP: outbound.Policy{Rules: []outbound.Rule{rule}}}
	c := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Grants: grants, HTTP: client, Limits: hostabi.Unlimited()})
	defer c.Close()
	result := link.Exec(c, func(c *link.Call) link.Result {
		r, err := c.Send(link.Request{Method: "PUT", URL: at.URL + "/" + bucket, Sign: &link.AWS4{Service: "s3", Region: at.Region, Key: at.ID, Secret: at.Secret}})
		if err == nil {
			err = r.Check()
		}
		if err != nil {
			return link.Fail(err)
		}
		return link.NoChange()
	})
	if result.Err != nil {
		t.Fatal(result.Err)
	}
}

// TestBucket: a recording of 20 MB is in the bucket under its presigned URL, another attempt writes the same object, and
// without the bucket the body stays.
func TestBucket(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	put(t, at, "diet-media")
	client := outbound.New(outbound.Options{})
	t.Cleanup(client.Close)
	audio := bytes.Repeat([]byte("RIFF\x00\xff\x80\x01"), 20<<17)
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"type":"recording","encoding":"base64url","body":%q}]}`,
		base64.RawURLEncoding.EncodeToString(audio)))
	if err != nil {
		t.Fatal(err)
	}
	run := func(bucket string) (string, hostabi.Verdict, error) {
		l, err := builtin.OpenLink("links.diet", fmt.Appendf(nil, `{"remove_dialog_body":true,"s3_bucket":%q,"s3_path":"a/b c/","s3_endpoint":%q,
			"aws_access_key_id":%q,"aws_secret_access_key":%q,"aws_region":%q}`, bucket, at.URL, at.ID, at.Secret, at.Region))
		if err != nil {
			t.Fatal(err)
		}
		c := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Step: "d#1", Config: l.Options, Grants: l.Grants, Limits: l.Limits, HTTP: client})
		defer c.Close()
		verdict, err := l.Run(t.Context(), c)
		if verdict != hostabi.Done {
			return "", verdict, err
		}
		next, stagedErr := c.Staged()
		if stagedErr != nil {
			t.Fatal(stagedErr)
		}
		var got struct {
			Dialog []struct{ Body, Body_type, Encoding string }
		}
		if err := json.Unmarshal(next.Bytes(), &got); err != nil || got.Dialog[0].Body_type != "url" || got.Dialog[0].Encoding != "none" {
			t.Fatalf("%v, %+v", err, got)
		}
		return got.Dialog[0].Body, verdict, err
	}
	url, _, err := run("diet-media")
	if err != nil || url == "" {
		t.Fatal(url, err)
	}
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(body, audio) {
		t.Errorf("the presigned URL: status %d, %d bytes, %v", response.StatusCode, len(body), err)
	}
	again, _, err := run("diet-media")
	first, _, _ := strings.Cut(url, "?")
	if second, _, _ := strings.Cut(again, "?"); second != first || err != nil {
		t.Errorf("another attempt wrote %s after %s, %v", second, first, err)
	}
	if _, verdict, err := run("no-such-bucket"); verdict == hostabi.Done || err == nil || strings.Contains(err.Error(), at.Secret) {
		t.Errorf("without the bucket: verdict %d, %v", verdict, err)
	}
}
