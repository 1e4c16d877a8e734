package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// front stands before the real server and answers some requests itself.
type front struct {
	mu     sync.Mutex
	answer answering
	alter  func(*http.Response) error
	seen   []string // "METHOD key"
}

// answering is asked about each request; false: the real server gets it. It may change the request.
type answering func(w http.ResponseWriter, r *http.Request) bool

// answers sets what is asked about requests from now on; nil: nothing.
func (f *front) answers(a answering) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = a
}

// alters sets what changes the answers of the real server from now on.
func (f *front) alters(a func(*http.Response) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alter = a
}

func (f *front) take(r *http.Request) answering {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	f.seen = append(f.seen, r.Method+" "+key)
	return f.answer
}

func (f *front) change(r *http.Response) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.alter == nil {
		return nil
	}
	return f.alter(r)
}

func newFront(t testing.TB, at testserver.S3Server) (*front, testserver.S3Server) {
	t.Helper()
	f := &front{}
	server := httptest.NewServer(f.before(t, at))
	t.Cleanup(server.Close)
	at.URL = server.URL
	return f, at
}

// before is the front as a handler.
func (f *front) before(t testing.TB, at testserver.S3Server) http.Handler {
	t.Helper()
	target, err := url.Parse(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	real := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, // the signature is over Host
		ModifyResponse: f.change,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := f.take(r); a == nil || !a(w, r) {
			real.ServeHTTP(w, r)
		}
	})
}

// requests are those since the last call.
func (f *front) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.seen
	f.seen = nil
	return seen
}

// refuse answers as S3 does. Some servers repeat keys in the message: no error may.
func refuse(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>the keys owner and owner-secret</Message></Error>`, code)
	return true
}

// says checks that an error has all of some words, is of the class that it should be, and tells no keys.
func says(t *testing.T, what string, err error, permanent bool, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not say %q: %v", what, w, err)
		}
	}
	for _, secret := range []string{"owner", "guest", "-secret"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells %q: %v", what, secret, err)
		}
	}
	if chain.IsPermanent(err) != permanent {
		t.Errorf("%s: permanent = %v, want %v: %v", what, !permanent, permanent, err)
	}
}

// TestOpenRefuses: what a person has to mend is said when the storage is opened.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := newBucket(t, testserver.S3(t))
	for more, word := range map[string]string{
		`{"aws_secret_access_key":"guest-secret"}`:   `option "aws_secret_access_key" does not fit`,
		`{"aws_access_key_id":"nobody"}`:             `option "aws_access_key_id" is not known`,
		`{"aws_bucket":"no-such-bucket"}`:            `option "aws_bucket" names no bucket`,
		`{"aws_region":"eu-west-3"}`:                 `option "aws_region" must be us-east-1`,
		`{"endpoint_url":"http://127.0.0.1:1"}`:      "connection refused",
		`{"endpoint_url":"http://nowhere.invalid/"}`: "nowhere.invalid",
	} {
		s, err := Open(t.Context(), "archive", b.options(more))
		if err == nil {
			s.Close()
		}
		says(t, more, err, false, `storage "archive"`, "s3 bucket ", word)
	}
}

// TestRegionIsFound: who gives no region need not know it.
func TestRegionIsFound(t *testing.T) {
	t.Parallel()
	at := testserver.S3At(testserver.StartS3(t, "-region", "eu-central-1"))
	at.Region = "eu-central-1"
	b := newBucket(t, at)
	save(t, b.open(`{"aws_region":null}`), chaintest.Document(t, ""))

	// Amazon's own servers answer so.
	f, at := newFront(t, at)
	f.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/") {
			return false
		}
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		return refuse(w, http.StatusMovedPermanently, "PermanentRedirect")
	})
	b.at = at
	save(t, b.open(`{"aws_region":null}`), chaintest.Document(t, ""))
	_, err := Open(t.Context(), "archive", b.options(`{"aws_region":"us-west-1"}`))
	says(t, "another region", err, false, `option "aws_region" must be eu-central-1`)
}

// TestSaveErrors: what a server may answer to a save, by class, each once: repetition is left to others.
func TestSaveErrors(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	s := b.open("")
	for code, c := range map[string]struct {
		status    int
		permanent bool
		word      string
	}{
		"SlowDown":              {503, false, "wants fewer requests"},
		"ServiceUnavailable":    {503, false, "wants fewer requests"},
		"InternalError":         {500, false, "request 4442587FB7D0A2F9"},
		"AccessDenied":          {403, false, "s3:PutObject"},
		"InvalidAccessKeyId":    {403, false, `option "aws_access_key_id"`},
		"SignatureDoesNotMatch": {403, false, `option "aws_secret_access_key"`},
		"NoSuchBucket":          {404, false, `option "aws_bucket"`},
		"RequestTimeTooSkewed":  {403, false, "clocks"},
		"BadDigest":             {400, false, "400"},
		"EntityTooLarge":        {400, true, "EntityTooLarge"},
		"KeyTooLongError":       {400, true, `option "s3_path"`},
		"<b>odd</b>":            {418, false, "418"},
	} {
		f.answers(func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && refuse(w, c.status, code)
		})
		f.requests()
		doc := chaintest.Document(t, "")
		says(t, code, s.Save(t.Context(), doc, 1), c.permanent, doc.ID().String(), fmt.Sprintf("%q", b.name), at.URL, c.word, fmt.Sprint(c.status))
		if n := len(f.requests()); n != 2 {
			t.Errorf("%s: %d requests, want one for the object and one for the pointer", code, n)
		}
	}
	for body, status := range map[string]int{"": 502, "<html><b>Bad gateway</b></html>": 504, "{": 413} {
		f.answers(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(status)
				io.WriteString(w, body)
			}
			return r.Method == http.MethodPut
		})
		says(t, fmt.Sprint(status), s.Save(t.Context(), chaintest.Document(t, ""), 1), status == 413, fmt.Sprint(status))
	}
}

// TestReadErrors: only an object that is not there is "not stored".
func TestReadErrors(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	s := newBucket(t, at).open("")
	doc := chaintest.Document(t, "")
	save(t, s, doc)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for code, status := range map[string]int{"SlowDown": 503, "AccessDenied": 403, "NoSuchBucket": 404} {
			if method == http.MethodHead && status == 404 {
				continue // HEAD has no body, and so no code
			}
			f.answers(func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == method && refuse(w, status, code)
			})
			id := doc.ID()
			if method == http.MethodHead { // asked when there is no pointer
				id = vcon.NewID("s3.example")
			}
			got, err := s.Get(t.Context(), id)
			if got != nil || errors.Is(err, chain.ErrNotStored) {
				t.Errorf("%s %s: get = %v, %v", method, code, got, err)
			}
			says(t, method+" "+code, err, false, id.String(), fmt.Sprint(status))
			says(t, method+" "+code, s.Delete(t.Context(), id), false, id.String(), fmt.Sprint(status))
		}
	}
}

// TestRetriesAreTheGuards: the storage tries once, what stands around it again.
func TestRetriesAreTheGuards(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	s := b.open("")
	var puts atomic.Int32
	f.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || puts.Add(1) > 2 {
			return false
		}
		return refuse(w, http.StatusServiceUnavailable, "SlowDown")
	})
	doc := chaintest.Document(t, "")
	if err := chain.NewGuarded("archive", s, chain.Guard{}).Save(t.Context(), doc, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), doc.ID()); err != nil || !bytes.Equal(got.Bytes(), doc.Bytes()) {
		t.Errorf("get = %v, %v", got, err)
	}
}

// TestClock: after one refusal the client signs with the server's time.
func TestClock(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	s := newBucket(t, at).open("")
	later := time.Now().Add(time.Hour).UTC()
	var signed atomic.Value
	f.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			signed.Store(r.Header.Get("X-Amz-Date"))
		}
		w.Header().Set("Date", later.Format(http.TimeFormat))
		return refuse(w, http.StatusForbidden, "RequestTimeTooSkewed")
	})
	for range 2 {
		says(t, "skew", s.Save(t.Context(), chaintest.Document(t, ""), 1), false, "clocks")
	}
	if at, err := time.Parse("20060102T150405Z", signed.Load().(string)); err != nil || at.Sub(later).Abs() > time.Minute {
		t.Errorf("the second request is signed for %s, the server's time is %s", at, later)
	}
}

// TestRequests: how many there are, as each costs.
func TestRequests(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	s := b.open("")
	doc := chaintest.Document(t, "")
	steps := []struct {
		what string
		do   func() error
		n    int
	}{
		{"first save", func() error { return s.Save(t.Context(), doc, 1) }, 3},
		{"second save", func() error { return s.Save(t.Context(), doc, 2) }, 2},
		{"get", func() error { _, err := s.Get(t.Context(), doc.ID()); return err }, 2},
		{"delete", func() error { return s.Delete(t.Context(), doc.ID()) }, 4},
	}
	f.requests()
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := f.requests(); len(got) != step.n {
			t.Errorf("%s: requests %q, want %d", step.what, got, step.n)
		}
	}
}

// TestDaysAreRemembered: many unknown ids list the folders once, and only where the options ask for it.
func TestDaysAreRemembered(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	b.put("2021/02/03/x.vcon", nil)
	b.put("2021/customers/03/x.vcon", nil) // no month: it is not looked into
	for more, want := range map[string]bool{"": true, `{"search_days":false}`: false} {
		s := b.open(more)
		f.requests()
		for n := range 3 {
			if _, err := s.Get(t.Context(), vcon.NewID("s3.example")); !errors.Is(err, chain.ErrNotStored) {
				t.Fatal(err)
			}
			lists, heads := 0, 0
			for _, r := range f.requests() {
				if r == "GET " {
					lists++
				}
				if strings.HasPrefix(r, "HEAD ") {
					heads++
				}
			}
			wantLists, wantHeads := 0, 3 // the likely days
			if want {
				wantHeads++
				if n == 0 {
					wantLists = lastYear() - firstYear + 1 + 1 // the years and the month
				}
			}
			if lists != wantLists || heads != wantHeads {
				t.Errorf("options %s, get %d: %d lists, %d heads; want %d, %d", more, n+1, lists, heads, wantLists, wantHeads)
			}
		}
	}
}

// TestDeleteCanBeRepeated: one that was cut off leaves the pointer, by which the next finds the object.
func TestDeleteCanBeRepeated(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	s, doc := b.open(`{"search_days":false}`), document(t, mustID(t, "4f1d9f0e-58c3-4b7a-9d6f-0123456789ab"), `"2021-02-03"`)
	save(t, s, doc)
	f.answers(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/2021/") && refuse(w, http.StatusServiceUnavailable, "SlowDown")
	})
	says(t, "delete", s.Delete(t.Context(), doc.ID()), false, "SlowDown")
	f.answers(nil)
	if err := s.Delete(t.Context(), doc.ID()); err != nil {
		t.Fatal(err)
	}
	b.holds(map[string]string{})
}

// TestRedirectsAreNotFollowed: a signed request and its document go to nobody else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other server was asked") }))
	t.Cleanup(other.Close)
	f, at := newFront(t, testserver.S3(t))
	s := newBucket(t, at).open("")
	for _, status := range []int{301, 302, 307, 308} {
		f.answers(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", other.URL+r.URL.Path)
			return refuse(w, status, "TemporaryRedirect")
		})
		says(t, fmt.Sprint(status), s.Save(t.Context(), chaintest.Document(t, ""), 1), false, "endpoint_url", fmt.Sprint(status))
	}
}

// TestDamageIsSeen: bytes that change on the way, in either direction.
func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	f, at := newFront(t, testserver.S3(t))
	b := newBucket(t, at)
	s := b.open("")
	doc := chaintest.Document(t, `,"subject":"abcdefgh"`)
	damage := func(r io.ReadCloser) io.ReadCloser {
		text, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		r.Close()
		return io.NopCloser(bytes.NewReader(bytes.Replace(text, []byte("abcdefgh"), []byte("abcdefgX"), 1)))
	}
	f.answers(func(_ http.ResponseWriter, r *http.Request) bool { r.Body = damage(r.Body); return false })
	says(t, "save", s.Save(t.Context(), doc, 1), false, doc.ID().String(), "400")
	f.answers(nil)
	b.holds(map[string]string{})
	save(t, s, doc)
	f.alters(func(r *http.Response) error { r.Body = damage(r.Body); return nil })
	got, err := s.Get(t.Context(), doc.ID())
	if got != nil || errors.Is(err, chain.ErrNotStored) {
		t.Errorf("get gives a damaged document: %v", err)
	}
	says(t, "get", err, false, doc.ID().String(), "checksum")
}

// TestPolicies: a key that may only write can save, and is told what it lacks for the rest.
func TestPolicies(t *testing.T) {
	t.Parallel()
	at := testserver.S3At(testserver.StartS3(t))
	for name, c := range map[string]struct {
		actions         string
		saves, gets, ok bool // ok: an unknown id is told from one that is there
	}{
		"nothing":          {`"s3:ListBucketMultipartUploads"`, false, false, false},
		"write":            {`"s3:PutObject"`, true, false, false},
		"write and read":   {`"s3:PutObject","s3:GetObject","s3:DeleteObject"`, true, true, false},
		"and list as well": {`"s3:PutObject","s3:GetObject","s3:DeleteObject","s3:ListBucket"`, true, true, true},
	} {
		b := newBucket(t, at)
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["guest"]},"Action":[%s],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}`,
			c.actions, b.name, b.name)
		if _, err := b.client.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: &b.name, Policy: &policy}); err != nil {
			t.Fatal(err)
		}
		s := b.open(`{"aws_access_key_id":"guest","aws_secret_access_key":"guest-secret"}`)
		doc := chaintest.Document(t, "")
		check := func(what string, err error, allowed bool) {
			t.Helper()
			if allowed && err != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			} else if !allowed {
				says(t, name+": "+what, err, false, "AccessDenied", "s3:ListBucket")
			}
		}
		check("save", s.Save(t.Context(), doc, 1), c.saves)
		_, err := s.Get(t.Context(), doc.ID())
		check("get", err, c.gets)
		_, err = s.Get(t.Context(), vcon.NewID("s3.example"))
		if errors.Is(err, chain.ErrNotStored) {
			err = nil
		}
		check("get of an unknown id", err, c.ok)
	}
}

// TestNetwork: cut and slow connections; what was there stays there, whole.
func TestNetwork(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	b := newBucket(t, at)
	net := testserver.NewProxy(t, strings.TrimPrefix(at.URL, "http://"))
	s := b.open(fmt.Sprintf(`{"endpoint_url":"http://%s"}`, net.Addr()))
	id := vcon.NewID("s3.example")
	old, large := chaintest.Text(t, id, ""), chaintest.Text(t, id, `,"x":"`+long(8<<20)+`"`)
	whole := func(want *vcon.VCon) {
		t.Helper()
		if got, err := s.Get(t.Context(), id); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("get: %v, or another text", err)
		}
	}
	save(t, s, old)
	net.CutRequests(1 << 20)
	says(t, "cut upload", s.Save(t.Context(), large, 2), false, id.String(), b.name, net.Addr())
	net.Up()
	whole(old)
	save(t, s, large)
	whole(large)
	net.CutAnswers(1 << 20)
	_, err := s.Get(t.Context(), id)
	says(t, "cut download", err, false, id.String(), b.name)
	if errors.Is(err, chain.ErrNotStored) {
		t.Error("a cut download is taken for a vCon that is not there")
	}
	net.Up()
	net.Down()
	says(t, "no network", s.Save(t.Context(), old, 3), false, id.String(), b.name)
	net.Up()
	whole(large)

	net.Delay(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := s.Save(ctx, old, 3); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("save over a slow network = %v, want DeadlineExceeded", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the save ended after %s, its time was 50 ms", took)
	}
}

// TestRestart: a storage outlives its server.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := testserver.StartS3(t)
	b := newBucket(t, testserver.S3At(p))
	s := b.open("")
	before, after := chaintest.Document(t, ""), chaintest.Document(t, "")
	save(t, s, before)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	says(t, "while the server is down", s.Save(t.Context(), after, 1), false, b.name, p.Addr())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	save(t, s, after)
	for _, doc := range []*vcon.VCon{before, after} {
		if got, err := s.Get(t.Context(), doc.ID()); err != nil || !bytes.Equal(got.Bytes(), doc.Bytes()) {
			t.Errorf("get = %v, %v", got, err)
		}
	}
}

// TestHundredMegabytes: about as much as the API takes.
func TestHundredMegabytes(t *testing.T) {
	t.Parallel()
	b := newBucket(t, testserver.S3(t))
	s := b.open("")
	doc, err := vcon.ParseWith(fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"x":"%s"}`, vcon.NewID("s3.example"), long(100<<20)), vcon.Limits{Bytes: math.MaxInt32})
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, doc)
	if got, err := s.Get(t.Context(), doc.ID()); err != nil || !bytes.Equal(got.Bytes(), doc.Bytes()) {
		t.Errorf("get: %v, or another text", err)
	}
}

// TestEnvironment: without keys in the options, those of the environment are taken, and their lack is said.
func TestEnvironment(t *testing.T) {
	at := testserver.S3(t)
	b := newBucket(t, at)
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	const none = `{"aws_access_key_id":null,"aws_secret_access_key":"","aws_region":null}`
	_, err := Open(t.Context(), "archive", b.options(none))
	says(t, "no keys", err, false, "aws_access_key_id", "aws_secret_access_key", b.name)
	t.Setenv("AWS_ACCESS_KEY_ID", at.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	t.Setenv("AWS_REGION", at.Region)
	_, err = Open(t.Context(), "archive", b.options(none))
	says(t, "wrong keys", err, false, "secret key of the AWS environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", at.Secret)
	save(t, b.open(none), chaintest.Document(t, ""))
}

// TestTLS: a server with a certificate of one's own. The checksum is a plain header, which every server understands.
func TestTLS(t *testing.T) {
	at := testserver.S3(t)
	b := newBucket(t, at)
	f, header := &front{}, make(chan http.Header, 2) // of the object, of the pointer
	f.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			header <- r.Header.Clone()
		}
		return false
	})
	server := httptest.NewUnstartedServer(f.before(t, at))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // that a client does not know the certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	more := fmt.Sprintf(`{"endpoint_url":%q}`, server.URL)
	_, err := Open(t.Context(), "archive", b.options(more))
	says(t, "unknown certificate", err, false, "certificate", server.URL)

	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	doc := chaintest.Document(t, "")
	save(t, b.open(more), doc)
	sent := <-header
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(doc.Bytes())))
	if sent.Get("X-Amz-Checksum-Crc32") != sum || sent.Get("Content-Encoding") != "" || sent.Get("X-Amz-Trailer") != "" {
		t.Errorf("the object is sent with %q, want its CRC32 %s as a header", sent, sum)
	}
}
