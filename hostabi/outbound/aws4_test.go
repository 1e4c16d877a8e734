package outbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The credentials of the examples in Amazon's documentation.
var example = AWS4{Service: "s3", Region: "us-east-1", Key: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

var exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

// TestExamplesOfAmazon: signatures as "Signature Calculations for the Authorization Header" and "... in the Query" give
// them.
func TestExamplesOfAmazon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url    string
		header http.Header
		want   string
	}{
		{"https://examplebucket.s3.amazonaws.com/test.txt", http.Header{"Range": {"bytes=0-9"}}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"https://examplebucket.s3.amazonaws.com/?lifecycle", nil, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", nil, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		request, err := http.NewRequest("GET", c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != nil {
			request.Header = c.header
		}
		err = example.sign(request, &Request{}, exampleTime)
		if got := request.Header.Get("Authorization"); err != nil || !strings.HasSuffix(got, "Signature="+c.want) {
			t.Errorf("%s: %q, %v", c.url, got, err)
		}
	}
	got, err := example.Presign("GET", "https://examplebucket.s3.amazonaws.com/test.txt", 24*time.Hour, exampleTime)
	want := "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	if err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

// receiver checks signatures as a service does that knows the secret.
type receiver struct{ AWS4 }

// check recomputes the signature of a request from what came over the wire.
func (a receiver) check(r *http.Request, body []byte) error {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		fields[name] = value
	}
	if !ok {
		return errors.New("not signed")
	}
	query := r.URL.Query()
	path := escapePath(r.URL.Path)
	if a.Service != "s3" {
		path = escapePath(r.URL.EscapedPath())
	} else if r.Header.Get("X-Amz-Content-Sha256") != sum(body) {
		return errors.New("x-amz-content-sha256 is another")
	}
	headers := ""
	for name := range strings.SplitSeq(fields["SignedHeaders"], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		headers += name + ":" + value + "\n"
	}
	canonical := strings.Join([]string{r.Method, path, canonicalQuery(query), headers, fields["SignedHeaders"], sum(body)}, "\n")
	_, scope, _ := strings.Cut(fields["Credential"], "/")
	if want := a.Key + "/" + scope; fields["Credential"] != want {
		return fmt.Errorf("credential %s, want %s", fields["Credential"], want)
	}
	key := []byte("AWS4" + a.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, sum([]byte(canonical))}, "\n")
	if hex.EncodeToString(mac(key, text)) != fields["Signature"] {
		return fmt.Errorf("the signature is not that of\n%s", canonical)
	}
	return nil
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, strings.ReplaceAll(escapePath(name)+"="+escapePath(value), "/", "%2F"))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

// TestSignedOnTheWire: what a service sees of a signed request gives the signature that it carries, for awkward paths and
// queries, bodies and temporary credentials, and over HTTP as it really goes out.
func TestSignedOnTheWire(t *testing.T) {
	t.Parallel()
	a := AWS4{Service: "s3", Region: "eu-central-1", Key: "AKIDEXAMPLE", Secret: "a secret key", SessionToken: "token/with+chars="}
	other := a
	other.Service = "execute-api"
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		by := receiver{a}
		if strings.Contains(r.Header.Get("Authorization"), "execute-api") {
			by.AWS4 = other
		}
		err := by.check(r, body)
		if err == nil && r.Header.Get("X-Amz-Security-Token") != a.SessionToken {
			err = errors.New("no session token")
		}
		if err == nil && strings.Contains(r.Header.Get("Authorization"), "accept-encoding") {
			err = errors.New("a header is signed that proxies change")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	n.names.answers["s3.example"] = [][]string{{"8.8.8.8"}}
	for _, path := range []string{
		"", "/", "/plain/key", "/a%20b/%C3%BC+(1)!'*&=@:,;$.wav", "/a//b", "/%2F/x", "/50%25", "/?list-type=2&prefix=a%2Fb&x", "/x?q=a+b&q=%C3%BC&empty=", "/~tilde-_.x", "/[brackets]",
	} {
		for _, sign := range []*AWS4{&a, &other} {
			for _, body := range []string{"", "the body"} {
				r := &Request{Method: "PUT", URL: "http://s3.example" + path, Sign: sign, Header: http.Header{"X-Amz-Meta-A": {"b"}, "Content-Type": {"text/plain"}, "Accept-Encoding": {"identity"}}}
				if body != "" {
					r.Body, r.Length = strings.NewReader(body), int64(len(body))
				}
				got, err := n.Do(t.Context(), anyHost, r)
				if err != nil || got.Status != http.StatusOK {
					t.Errorf("%s %q, body %q: %v\n%s", sign.Service, path, body, err, got.Body)
				}
			}
		}
	}
	wrong := a
	wrong.Secret += "x"
	if got, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://s3.example/", Sign: &wrong}); err != nil || got.Status != http.StatusForbidden {
		t.Errorf("another secret: %+v, %v", got, err)
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	n := setup(t, hello)
	n.names.answers["s3.example"] = [][]string{{"8.8.8.8"}}
	change := func(f func(a *AWS4)) *AWS4 {
		a := example
		f(&a)
		return &a
	}
	for what, r := range map[string]*Request{
		"no service":       {Sign: change(func(a *AWS4) { a.Service = "" })},
		"a service":        {Sign: change(func(a *AWS4) { a.Service = "s3/x" })},
		"a region":         {Sign: change(func(a *AWS4) { a.Region = "eu central" })},
		"no key":           {Sign: change(func(a *AWS4) { a.Key = "" })},
		"a key":            {Sign: change(func(a *AWS4) { a.Key = "A/x\r\n" })},
		"no secret":        {Sign: change(func(a *AWS4) { a.Secret = "" })},
		"a token":          {Sign: change(func(a *AWS4) { a.SessionToken = "a\nb" })},
		"redirects":        {Sign: &example, Redirects: 1},
		"a query":          {Sign: &example, URL: "http://s3.example/?a=%zz"},
		"a body read once": {Sign: &example, Body: io.LimitReader(strings.NewReader("body"), 4), Length: 4},
	} {
		r.Method = "PUT"
		if r.URL == "" {
			r.URL = "http://s3.example/"
		}
		if _, err := n.Do(t.Context(), anyHost, r); !errors.Is(err, ErrRequest) || strings.Contains(err.Error(), example.Secret) {
			t.Errorf("%s: %v, want ErrRequest", what, err)
		}
	}
	if len(n.dials()) != 0 {
		t.Error("something was sent")
	}
	all := change(func(a *AWS4) { *a = AWS4{SessionToken: " "} }).check()
	for _, part := range []string{"service", "region", "key", "secret", "session_token"} {
		if !strings.Contains(all.Error(), part) {
			t.Errorf("%v does not name %s", all, part)
		}
	}
	for what, err := range map[string]error{
		"a URL":    second(example.Presign("GET", "ftp://s3.example/", time.Minute, exampleTime)),
		"a query":  second(example.Presign("GET", "https://s3.example/?a=%zz", time.Minute, exampleTime)),
		"a method": second(example.Presign("G T", "https://s3.example/", time.Minute, exampleTime)),
		"no time":  second(example.Presign("GET", "https://s3.example/", 0, exampleTime)),
		"too long": second(example.Presign("GET", "https://s3.example/", MaxPresign+1, exampleTime)),
		"a region": second(change(func(a *AWS4) { a.Region = "" }).Presign("GET", "https://s3.example/", time.Minute, exampleTime)),
	} {
		if !errors.Is(err, ErrRequest) {
			t.Errorf("presign, %s: %v, want ErrRequest", what, err)
		}
	}
}

func second(_ string, err error) error { return err }

// TestPresignOfOthers: services other than S3 sign the hash of an empty body, and escape the path again.
func TestPresignOfOthers(t *testing.T) {
	t.Parallel()
	a := example
	a.Service, a.SessionToken = "iot-data", "a token"
	if _, err := a.Presign("GET", "https://x.example/a%20b?c=d", time.Minute, exampleTime); !errors.Is(err, ErrRequest) {
		t.Errorf("a token with a space: %v", err)
	}
	a.SessionToken = "a/token"
	got, err := a.Presign("GET", "https://x.example/a%20b?c=d", time.Minute, exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"https://x.example/a%20b?", "c=d", "X-Amz-Security-Token=a%2Ftoken", "X-Amz-Expires=60"} {
		if !strings.Contains(got, part) {
			t.Errorf("%s has no %s", got, part)
		}
	}
}
