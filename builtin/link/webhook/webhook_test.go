package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/builtin/link/webhook"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/vcon"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.webhook", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/webhook/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"webhook-urls": ["http://crm.internal/hook"], "format_version": "0.0.1"}`), open, guest(f))
}

// BenchmarkGuest is a fresh instance of the module for each vCon against a call of the same function, each with one
// request to a server of this process.
func BenchmarkGuest(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(server.Close)
	client := outbound.New(outbound.Options{})
	b.Cleanup(client.Close)
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"type":"text","body":"hello"}]}`)
	wasmtest.Compare(b, doc, json.RawMessage(fmt.Sprintf(`{"webhook-urls": ["%s/hook"]}`, server.URL)), open,
		guesttest.Build(b, "builtin/link/webhook/guest"), func(o *hostabi.Options) { o.HTTP = client })
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for options, want := range map[string][]string{
		`{}`: nil,
		`{"webhook-urls": "http://a.example/", "headers": {"X-N": 5, "X-B": true}, "timeout": 2.5}`: nil,
		`{"webhook_urls": ["http://a.example/"]}`:                                                   {`did you mean "webhook-urls"?`},
		`{"webhook-urls": ["a.example", "ftp://a.example", "http://u:p@a.example/"], "timeout": "soon", "headers": ["x"]}`: {
			`option "headers": want map, have array`, `option "timeout": want a time`},
		`{"webhook-urls": ["a.example", "ftp://a.example", "http://u:p@a.example/"], "format_version": "9"}`: {
			"item 1 is no URL", "item 2: the scheme", `want "0.0.1"`},
		`{"webhook-urls": [5], "headers": {"a": {}}}`: {`option "headers"`, `option "webhook-urls"`},
	} {
		problems := webhook.Check(json.RawMessage(options))
		if len(problems) != len(want) {
			t.Errorf("%s: problems %v, want %d", options, problems, len(want))
			continue
		}
		for i, p := range problems {
			if !strings.Contains(p.String(), want[i]) {
				t.Errorf("%s: problem %d is %q, want %q", options, i, p, want[i])
			}
			if strings.Contains(p.String(), "u:p@") {
				t.Errorf("%s: the problem tells the password: %s", options, p)
			}
		}
	}
}

// receiver is a server that answers as it is told, path by path.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status map[string]int
	got    []string // "path key"
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if !json.Valid(body) {
			r.got = append(r.got, "no JSON: "+string(body))
		}
		r.got = append(r.got, q.URL.Path+" "+q.Header.Get("Idempotency-Key"))
		if s := r.status[q.URL.Path]; s != 0 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(s)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// take gives the paths and keys that arrived since the last call.
func (r *receiver) take() (paths, keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.got {
		path, key, _ := strings.Cut(line, " ")
		paths, keys = append(paths, path), append(keys, key)
	}
	r.got = nil
	return paths, keys
}

type memo map[[32]byte][]byte

func (m memo) Load(_ context.Context, k [32]byte) ([]byte, bool, error) {
	a, ok := m[k]
	return a, ok, nil
}

func (m memo) Save(_ context.Context, k [32]byte, a []byte) error { m[k] = a; return nil }

// TestPartialSuccess: with the second of three receivers failing, the two others have the vCon at once, and the next
// attempt goes to the second alone.
func TestPartialSuccess(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.status["/2"] = http.StatusServiceUnavailable
	client := outbound.New(outbound.Options{})
	t.Cleanup(client.Close)
	options := json.RawMessage(fmt.Sprintf(`{"webhook-urls": ["%[1]s/1", "%[1]s/2", "%[1]s/3"]}`, r.URL))
	link, err := builtin.OpenLink("links.webhook", options)
	if err != nil || !link.Memo {
		t.Fatalf("%+v, %v", link, err)
	}
	kept := memo{}
	attempt := func() (hostabi.Verdict, time.Duration, error) {
		doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`))
		if err != nil {
			t.Fatal(err)
		}
		c := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Step: "w#1", Config: link.Options, Grants: link.Grants, HTTP: client, Memo: kept})
		defer c.Close()
		verdict, err := link.Run(t.Context(), c)
		delay, _ := c.RetryDelay()
		return verdict, delay, err
	}
	verdict, delay, err := attempt()
	paths, keys := r.take()
	if verdict != hostabi.Retry || delay != 7*time.Second || !strings.Contains(err.Error(), "item 2") || !slices.Equal(paths, []string{"/1", "/2", "/3"}) {
		t.Errorf("first attempt: %v, %v, after %v, sent to %v", verdict, err, delay, paths)
	}
	r.mu.Lock()
	r.status["/2"] = http.StatusNoContent
	r.mu.Unlock()
	verdict, _, err = attempt()
	again, keysAgain := r.take()
	if verdict != hostabi.NoChange || err != nil || !slices.Equal(again, []string{"/2"}) || keysAgain[0] != keys[1] {
		t.Errorf("second attempt: %v, %v, sent to %v, keys %v and %v", verdict, err, again, keys, keysAgain)
	}
}

func TestDeadReceiverIsRetried(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.Close()
	client := outbound.New(outbound.Options{})
	t.Cleanup(client.Close)
	link, err := builtin.OpenLink("server.links.webhook", json.RawMessage(fmt.Sprintf(`{"webhook-urls": %q}`, r.URL+"/T0K3N")))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`))
	if err != nil {
		t.Fatal(err)
	}
	c := hostabi.New(t.Context(), hostabi.Options{Doc: doc.Draft(), Config: link.Options, Grants: link.Grants, HTTP: client})
	defer c.Close()
	if verdict, err := link.Run(t.Context(), c); verdict != hostabi.Retry || err == nil || strings.Contains(err.Error(), "T0K3N") {
		t.Errorf("%v, %v", verdict, err)
	}
}

// A header or URL that YAML leaves empty is not there: it is not sent as "null".
func TestNothingIsNoText(t *testing.T) {
	t.Parallel()
	var o webhook.Options
	if err := json.Unmarshal([]byte(`{"headers":{"A":null,"B":1}}`), &o); err != nil || o.Headers["A"] != "" || o.Headers["B"] != "1" {
		t.Errorf("%v, %v", o.Headers, err)
	}
}
