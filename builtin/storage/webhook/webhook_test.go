package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// receiver is a web server that keeps what it gets and answers as told.
type receiver struct {
	url    string
	status func(n int) int // of the n-th request, from 1; nil: 200

	mu  sync.Mutex
	got []request
}

type request struct {
	header http.Header
	body   string
}

func receive(t *testing.T, status func(n int) int) *receiver {
	r := &receiver{status: status}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook?key=secret"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	r.got = append(r.got, request{q.Header.Clone(), string(body)})
	n := len(r.got)
	r.mu.Unlock()
	if r.status != nil {
		w.WriteHeader(r.status(n))
	}
	io.WriteString(w, "thank you")
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

func open(t *testing.T, options string, args ...any) chain.Storage {
	t.Helper()
	s, err := Open(t.Context(), "hook", json.RawMessage(fmt.Sprintf(options, args...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStorage(t *testing.T) {
	t.Parallel()
	chaintest.Storage(t, chaintest.StorageCase{
		Open: Open, Large: 4 << 20,
		Options: func(t *testing.T) json.RawMessage {
			return fmt.Appendf(nil, `{"webhook-urls":[%q]}`, receive(t, nil).url)
		},
		Bad: map[string]string{
			`{}`:                                   "webhook-urls",
			`{"webhook-urls":[]}`:                  "webhook-urls",
			`{"webhook-urls":{}}`:                  "webhook-urls",
			`{"webhook-urls":["not a url"]}`:       "webhook-urls",
			`{"webhook-urls":["ftp://x.example"]}`: "webhook-urls",
			`{"webhook-urls":["http://x.example"],"headers":{"a b":"c"}}`:         "headers",
			`{"webhook-urls":["http://x.example"],"headers":{"a":"b\nc"}}`:        "headers",
			`{"webhook-urls":["http://x.example"],"headers":[]}`:                  "headers",
			`{"webhook-urls":["http://x.example"],"timeout":0}`:                   "timeout",
			`{"webhook-urls":["http://x.example"],"rewrite_version":"sometimes"}`: "rewrite_version",
		},
	})
}

func TestRequest(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	s := open(t, `{"webhook-urls":[%q],"headers":{"X-Source":"vconduit"},"auth_header":"Bearer x","api_token":"tok"}`, r.url)
	doc := chaintest.Document(t, "")
	for _, rev := range []uint64{1, 1, 2} {
		if err := s.Save(t.Context(), doc, rev); err != nil {
			t.Fatal(err)
		}
	}
	got := r.requests()
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Source": "vconduit", "Authorization": "Bearer x", "X-Conserver-Api-Token": "tok",
	} {
		if v := got[0].header.Get(name); v != want {
			t.Errorf("header %s = %q, want %q", name, v, want)
		}
	}
	if got[0].body != string(doc.Bytes()) {
		t.Errorf("body = %s", got[0].body)
	}
	const key = "Idempotency-Key"
	if a, b, c := got[0].header.Get(key), got[1].header.Get(key), got[2].header.Get(key); len(a) != 64 || a != b || a == c {
		t.Errorf("idempotency keys %q %q %q: want the same for the same revision", a, b, c)
	}
}

func TestVersionRewrite(t *testing.T) {
	t.Parallel()
	for member, want := range map[string][2]string{ // as written: rewritten, kept
		`"vcon":"0.0.1",`: {`"vcon":"0.3.0",`, `"vcon":"0.0.1",`},
		`"vcon":"0.2.0",`: {`"vcon":"0.2.0",`, `"vcon":"0.2.0",`},
		``:                {`"vcon":"0.3.0"`, ``},
	} {
		for i, rewrite := range []bool{true, false} {
			r := receive(t, nil)
			doc, err := vcon.Parse(fmt.Appendf(nil, `{%s"uuid":%q,"parties":[],"x":1.0}`, member, vcon.NewID("x.example")))
			if err != nil {
				t.Fatal(err)
			}
			if err := open(t, `{"webhook-urls":%q,"rewrite_version":%v}`, r.url, rewrite).Save(t.Context(), doc, 1); err != nil {
				t.Fatal(err)
			}
			if body := r.requests()[0].body; !strings.Contains(body, want[i]) || !strings.Contains(body, `"x":1.0`) {
				t.Errorf("%s rewrite %v: sent %s", member, rewrite, body)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "ok", 202: "ok", 204: "ok", 301: "again", 400: "final", 401: "again", 404: "again", 413: "final", 422: "final", 429: "again", 500: "again", 503: "again",
	} {
		r := receive(t, func(int) int { return status })
		err := open(t, `{"webhook-urls":[%q]}`, r.url).Save(t.Context(), chaintest.Document(t, ""), 1)
		got := "ok"
		if chain.IsPermanent(err) {
			got = "final"
		} else if err != nil {
			got = "again"
		}
		if got != want {
			t.Errorf("status %d: %s (%v), want %s", status, got, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), fmt.Sprint(status))) {
			t.Errorf("status %d: the error tells too much or too little: %v", status, err)
		}
	}
}

// A URL that has had the revision is left alone while another is tried again.
func TestEachURLOnce(t *testing.T) {
	t.Parallel()
	good := receive(t, nil)
	flaky := receive(t, func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] })
	s := open(t, `{"webhook-urls":[%q,%q]}`, good.url, flaky.url)
	doc := chaintest.Document(t, "")
	for n := range 3 {
		if err := s.Save(t.Context(), doc, 1); (err == nil) != (n == 2) {
			t.Fatalf("save %d: %v", n+1, err)
		}
	}
	if g, f := len(good.requests()), len(flaky.requests()); g != 1 || f != 3 {
		t.Errorf("requests: %d and %d, want 1 and 3", g, f)
	}
	if err := s.Save(t.Context(), doc, 2); err != nil || len(good.requests()) != 2 {
		t.Errorf("a new revision: %v, %d requests; want 2", err, len(good.requests()))
	}
	if p := &s.(*Storage).partly; len(p.sent) != 0 || len(p.order) != 0 {
		t.Errorf("remembered after success: %d", len(p.sent))
	}
}

func TestPartlyIsBounded(t *testing.T) {
	t.Parallel()
	var p partly
	for i := range mostPartly + 5 {
		p.keep([32]byte{byte(i), byte(i >> 8)}, []bool{true, false})
	}
	if len(p.sent) != mostPartly || len(p.order) != mostPartly {
		t.Errorf("remembered %d, %d in order; want %d", len(p.sent), len(p.order), mostPartly)
	}
	if d := p.done([32]byte{0, 0}, 2); d[0] {
		t.Error("the oldest is still remembered")
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	url := server.URL
	server.Close()
	err := open(t, `{"webhook-urls":[%q]}`, url+"/secret").Save(t.Context(), chaintest.Document(t, ""), 1)
	if err == nil || chain.IsPermanent(err) || strings.Contains(err.Error(), "secret") {
		t.Errorf("save = %v", err)
	}
}

// A long answer is judged by its status as any other: what was refused is not saved.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	for status, saved := range map[int]bool{200: true, 500: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "40000000")
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		err := open(t, `{"webhook-urls":[%q]}`, server.URL).Save(t.Context(), chaintest.Document(t, ""), 1)
		if (err == nil) != saved {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// User and password in a URL are sent as basic authorisation, and shown nowhere; errors name host and port.
func TestUserInURL(t *testing.T) {
	t.Parallel()
	r := receive(t, func(int) int { return 503 })
	url := strings.Replace(r.url, "://", "://ann:pass%20word@", 1)
	err := open(t, `{"webhook-urls":[%q],"headers":{"authorization":"Bearer y"},"auth_header":"Bearer x"}`, url).Save(t.Context(), chaintest.Document(t, ""), 1)
	if want := "Basic YW5uOnBhc3Mgd29yZA=="; r.requests()[0].header.Get("Authorization") != want {
		t.Errorf("Authorization %q, want %q", r.requests()[0].header.Get("Authorization"), want)
	}
	origin, _, _ := strings.Cut(r.url, "/hook")
	if err == nil || strings.Contains(err.Error(), "word") || !strings.Contains(err.Error(), origin+" answered 503") {
		t.Errorf("save = %v", err)
	}
	r = receive(t, nil)
	if err := open(t, `{"webhook-urls":[%q],"headers":{"authorization":"Bearer y"},"auth_header":"Bearer x"}`, r.url).Save(t.Context(), chaintest.Document(t, ""), 1); err != nil {
		t.Fatal(err)
	}
	if got := r.requests()[0].header.Get("Authorization"); got != "Bearer y" {
		t.Errorf("Authorization %q: headers win over auth_header, as in the link", got)
	}
}

// Check finds without connecting what Open would refuse.
func TestCheckReadsURLs(t *testing.T) {
	t.Parallel()
	_, err := Check(json.RawMessage(`{"webhook-urls":["http://x.example","http://x.example:secret/","ftp://x.example"]}`))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "item 2") || !strings.Contains(err.Error(), "item 3") {
		t.Errorf("check = %v", err)
	}
}
