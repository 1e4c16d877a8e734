package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/queue"
)

// keeper is a store that remembers what it was given.
type keeper struct {
	store
	mu   sync.Mutex
	got  []queue.Submission
	err  error
	hold chan struct{} // when set, Submit waits for it
}

func (k *keeper) Submit(_ context.Context, s queue.Submission) (queue.Receipt, error) {
	if k.hold != nil {
		<-k.hold
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = append(k.got, s)
	return queue.Receipt{Gen: 1, Rev: 1}, k.err
}

func (k *keeper) last() queue.Submission {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.got[len(k.got)-1]
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	text := doc(`"subject":"é"`)
	packed := zipped(t, text)
	for _, tt := range []struct {
		name, body string
		headers    []string
		status     int
		want       string
	}{
		{"none", text, nil, 201, text},
		{"json", text, []string{"Content-Type: application/json"}, 201, text},
		{"json with charset", text, []string{"Content-Type: Application/JSON; charset=utf-8"}, 201, text},
		{"vcon", text, []string{"Content-Type: application/vcon"}, 201, text},
		{"vcon+json", text, []string{"Content-Type: application/vcon+json"}, 201, text},
		{"curl -d", text, []string{"Content-Type: application/x-www-form-urlencoded"}, 201, text},
		{"text", text, []string{"Content-Type: text/plain"}, 201, text},
		{"octets", text, []string{"Content-Type: application/octet-stream"}, 201, text},
		{"html", text, []string{"Content-Type: text/html"}, 422, `{"detail":[{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}]}`},
		{"form", text, []string{"Content-Type: multipart/form-data; boundary=x"}, 422, `{"detail":[{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}]}`},
		{"gzip", packed, []string{"Content-Encoding: gzip"}, 201, text},
		{"vcon+gzip", packed, []string{"Content-Type: application/vcon+gzip"}, 201, text},
		{"gzip by its first bytes", packed, []string{"Content-Type: application/octet-stream"}, 201, text},
		{"gzip in two members", packed[:0] + zipped(t, text[:9]) + zipped(t, text[9:]), []string{"Content-Encoding: gzip"}, 201, text},
		{"gzip announced, not sent", text, []string{"Content-Encoding: gzip"}, 400, `{"detail":"There was an error parsing the body"}`},
		{"gzip cut", packed[:len(packed)-9], []string{"Content-Encoding: gzip"}, 400, `{"detail":"There was an error parsing the body"}`},
		{"gzip with a wrong sum", packed[:len(packed)-8] + "xxxx" + packed[len(packed)-4:], nil, 400, `{"detail":"There was an error parsing the body"}`},
		{"brotli", text, []string{"Content-Encoding: br"}, 415, `{"detail":"Unsupported content encoding"}`},
		{"gzip bomb", zipped(t, `{"uuid":"`+strings.Repeat(" ", 2<<20)+`"}`), []string{"Content-Encoding: gzip"}, 413, `{"detail":"Request body unpacks to more than 100 times its size"}`},
		{"not utf-8", "{\"uuid\":\"\xff\"}", nil, 400, `{"detail":"There was an error parsing the body"}`},
		{"not utf-8, no object", "\"\xff\"", nil, 400, `{"detail":"There was an error parsing the body"}`},
		{"utf-16", "\xff\xfe{\x00}\x00", nil, 400, `{"detail":"There was an error parsing the body"}`},
		{"byte order mark", "\xef\xbb\xbf" + text, nil, 422, `{"detail":[{"loc":["body",0],"msg":"a byte order mark stands before the document","type":"value_error.jsondecode"}]}`},
		{"deep", `{"uuid":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, nil, 422, ``},
		{"long number", `{"uuid":"` + goodID + `","n":` + strings.Repeat("9", 5000) + `}`, nil, 422, ``},
		{"NaN", `{"uuid":"` + goodID + `","n":NaN}`, nil, 422, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &keeper{}
			_, client := serve(t, Options{Store: k})
			got := ask(t, client, "POST", "/vcon", tt.body, tt.headers...)
			if got.status != tt.status || tt.want != "" && got.body != tt.want {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.want)
			}
			if tt.status == 201 && string(k.last().Doc.Bytes()) != text {
				t.Errorf("stored %s", k.last().Doc.Bytes())
			}
			if tt.status != 201 && len(k.got) > 0 {
				t.Errorf("stored although refused")
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	pad := func(size int) string { return strings.Repeat(" ", size-len(doc(""))) + doc("") }
	noise := "" // hardly packs, so that it is the limit and not the ratio that refuses it
	for len(noise) < 100_001 {
		noise += rand.Text()
	}
	for _, tt := range []struct {
		name    string
		body    io.Reader
		packed  bool
		status  int
		detail  string
		headers []string
	}{
		{"as large as allowed", strings.NewReader(pad(100_000)), false, 201, "", nil},
		{"one more", strings.NewReader(pad(100_001)), false, 413, "", nil},
		{"chunked", io.MultiReader(strings.NewReader(pad(100_000))), false, 201, "", nil},
		{"chunked, one more", io.MultiReader(strings.NewReader(pad(100_001))), false, 413, "", nil},
		{"packed", strings.NewReader(zipped(t, pad(60_000))), false, 201, "", nil},
		{"packed, one more", strings.NewReader(zipped(t, noise)), false, 413, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, client := serve(t, Options{Store: &keeper{}, Settings: Settings{BodyLimit: 100_000}})
			req, err := http.NewRequestWithContext(t.Context(), "POST", "http://vconduit/vcon", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status {
				t.Fatalf("got %d %s (%v), want %d", resp.StatusCode, text, err, tt.status)
			}
			if tt.status == 413 && string(text) != `{"detail":"Request body too large: at most 100000 bytes, unpacked"}` {
				t.Errorf("got %s", text)
			}
			if n := s.inflight.Load(); n != 0 {
				t.Errorf("%d bytes still booked", n)
			}
		})
	}
}

// While one request holds what there is, the next is told to come back, and is taken afterwards.
func TestBodyInflight(t *testing.T) {
	t.Parallel()
	k := &keeper{hold: make(chan struct{})}
	s, client := serve(t, Options{Store: k, Settings: Settings{BodyLimit: 1000, BodyInflight: 1000}})
	body := strings.Repeat(" ", 600) + doc("")
	done := make(chan answer)
	go func() { done <- ask(t, client, "POST", "/vcon", body) }()
	for s.inflight.Load() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the first request never came")
		}
	}
	if got := ask(t, client, "POST", "/vcon", body); got.status != 503 || got.header.Get("Retry-After") != "1" || got.body != `{"detail":"Too many requests in flight"}` {
		t.Errorf("second: %d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
	}
	close(k.hold)
	if got := <-done; got.status != 201 {
		t.Errorf("first: %d %s", got.status, got.body)
	}
	if got := ask(t, client, "POST", "/vcon", body); got.status != 201 {
		t.Errorf("third: %d %s", got.status, got.body)
	}
}

func TestStoreErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		retry  string
		body   string
	}{
		{queue.ErrFull, 503, "30", `{"detail":"Failed to store vCon"}`},
		{queue.ErrUnavailable, 503, "1", `{"detail":"Failed to store vCon"}`},
		{queue.ErrClosed, 503, "1", `{"detail":"Failed to store vCon"}`},
		{queue.ErrIdempotency, 422, "", `{"detail":[{"loc":["header","Idempotency-Key"],"msg":"this key came with another body before","type":"idempotency_key_reused"}]}`},
		{context.Canceled, 503, "1", `{"detail":"Failed to store vCon"}`},
		{io.ErrUnexpectedEOF, 500, "", `{"detail":"Failed to store vCon"}`},
	} {
		_, client := serve(t, Options{Store: &keeper{err: tt.err}, Settings: Settings{
			Ingress: map[string]IngressList{"a": {Keys: []IngressKey{{Hash: config.HashKey("k")}}}},
		}})
		for _, path := range []string{"/vcon", "/vcon/external-ingress?ingress_list=a"} {
			got := ask(t, client, "POST", path, doc(""), "X-Conserver-Api-Token: k")
			if got.status != tt.status || got.body != tt.body || got.header.Get("Retry-After") != tt.retry {
				t.Errorf("%v on %s: %d %s, Retry-After %q", tt.err, path, got.status, got.body, got.header.Get("Retry-After"))
			}
		}
	}
}

// What the store is asked for: lists, who asks, idempotency, dedupe.
func TestSubmissions(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	_, client := serve(t, Options{Store: k, Settings: Settings{
		Dedupe: 60e9, Lifetime: 5e9, Lists: map[string]bool{"a": true, "b": true},
		Keys:    []Key{{Name: "ui", Hash: config.HashKey("main"), Scopes: []string{"write"}}},
		Ingress: map[string]IngressList{"a": {Keys: []IngressKey{{Hash: config.HashKey("x")}, {Name: "acme", Hash: config.HashKey("y")}, {Hash: config.HashKey("z")}}}},
	}})
	for _, tt := range []struct {
		key, path string
		status    int
		lists     string
		principal string
		dedupe    bool
		warnings  string
	}{
		{"main", "/vcon", 201, "", "ui", false, ""},
		{"main", "/vcon?ingress_list=a", 201, "a", "ui", false, ""},
		{"main", "/vcon?ingress_list=a,b&ingress_lists=c&ingress_lists=b,%20a,,&ingress_list=", 201, "a b c", "ui", false, `no chain reads list "c"`},
		{"main", "/vcon?ingress_list=%E2%82%AC&ingress_lists=d", 201, "€ d", "ui", false, `no chain reads list "\u20ac", "d"`},
		{"x", "/vcon/external-ingress?ingress_list=a", 204, "a", "a#1", true, ""},
		{"y", "/vcon/external-ingress?ingress_list=b&ingress_list=a", 204, "a", "acme", true, ""},
		{"z", "/vcon/external-ingress?ingress_list=a", 204, "a", "a#3", true, ""},
	} {
		got := ask(t, client, "POST", tt.path, doc(""), "X-Conserver-Api-Token: "+tt.key, "Idempotency-Key: once")
		if got.status != tt.status {
			t.Errorf("%s: %d %s", tt.path, got.status, got.body)
			continue
		}
		if tt.status == 204 && (got.body != "" || got.header.Get("Content-Type") != "application/json" || got.header.Get("Content-Length") != "") {
			t.Errorf("%s: 204 with %q, %v", tt.path, got.body, got.header)
		}
		s := k.last()
		if lists := strings.Join(s.Lists, " "); lists != tt.lists || s.Principal != tt.principal || (s.Dedupe > 0) != tt.dedupe || s.IdempotencyKey != "once" || s.Lifetime != 5e9 {
			t.Errorf("%s as %s: lists %q, principal %q, dedupe %s, key %q, lifetime %s", tt.path, tt.key, lists, s.Principal, s.Dedupe, s.IdempotencyKey, s.Lifetime)
		}
		if w := strings.Join(got.header.Values("X-Vcon-Warning"), "; "); w != tt.warnings {
			t.Errorf("%s: warnings %q, want %q", tt.path, w, tt.warnings)
		}
	}
}

func TestUnknownListsRejected(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: &keeper{}, Settings: Settings{RejectUnknownLists: true, Lists: map[string]bool{"a": true}}})
	if got := ask(t, client, "POST", "/vcon?ingress_list=a", doc("")); got.status != 201 {
		t.Errorf("known list: %d %s", got.status, got.body)
	}
	got := ask(t, client, "POST", "/vcon?ingress_list=b", doc(""))
	if want := `{"detail":[{"loc":["query","ingress_list"],"msg":"no chain reads list \"b\"","type":"value_error"}]}`; got.status != 422 || got.body != want {
		t.Errorf("unknown list: %d %s", got.status, got.body)
	}
}

// TestWarningIsOneHeader: clients give up on answers with more than a hundred headers, though the vCon was stored.
func TestWarningIsOneHeader(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 500 {
		names = append(names, "list"+strconv.Itoa(i))
	}
	_, client := serve(t, Options{Store: &keeper{}})
	got := ask(t, client, "POST", "/vcon?ingress_lists="+strings.Join(names, ","), doc(`"subject":"x"`))
	warnings := got.header.Values("X-Vcon-Warning")
	if got.status != 201 || len(warnings) != 1 || !strings.HasPrefix(warnings[0], `no chain reads list "list0", "list1"`) || !strings.HasSuffix(warnings[0], " and 492 more") {
		t.Errorf("%d with %d warnings: %.200q", got.status, len(warnings), warnings)
	}
}
