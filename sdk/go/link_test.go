package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	link "github.com/vconduit/vconduit/sdk/go"
	"github.com/vconduit/vconduit/vcon"
)

const document = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"Hello","parties":[{"name":"Ann","tel":"+1"},{"name":"Bob"}],
 "dialog":[{"type":"recording","mimetype":"audio/wav","encoding":"base64url","body":"AAEC"},{"type":"text","encoding":"none","body":"hi there"}],
 "attachments":[{"type":"tags","encoding":"json","body":["vip:yes","vip:no"]}],"odd":{"a/b":1,"m~n":2}}`

// server answers requests with a function.
type server func(r *outbound.Request) (*outbound.Response, error)

func (s server) Do(_ context.Context, p outbound.Policy, r *outbound.Request) (*outbound.Response, error) {
	if err := p.Match(r.Method, r.URL); err != nil {
		return nil, err
	}
	return s(r)
}

// newCall begins a run on the real host, with every grant.
func newCall(t testing.TB, change ...func(*hostabi.Options)) (*link.Call, *hostabi.Call) {
	t.Helper()
	doc, err := vcon.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	o := hostabi.Options{Doc: doc.Draft(), Link: "l", Attempt: 2, Step: "l#1", Config: json.RawMessage(`{"a":{"b":[1]}}`), KV: kv{},
		Grants: hostabi.Grants{Read: hostabi.Paths{All: true}, Write: hostabi.Paths{All: true}, Tags: true, TTL: true, Create: true, KV: true, Queues: []string{"other"},
			HTTP: outbound.Policy{Rules: []outbound.Rule{{Scheme: "https", Host: "*"}}}}}
	for _, f := range change {
		f(&o)
	}
	h := hostabi.New(t.Context(), o)
	t.Cleanup(h.Close)
	return &link.Call{Host: h}, h
}

// kv is a store in a map.
type kv map[string][]byte

func (k kv) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := k[key]
	return v, ok, nil
}

func (k kv) Put(_ context.Context, key string, v []byte, _ time.Duration) error {
	k[key] = slices.Clone(v)
	return nil
}

func (k kv) CAS(_ context.Context, key string, old, v []byte, _ time.Duration) (bool, error) {
	have, has := k[key]
	if has != (old != nil) || !slices.Equal(have, old) {
		return false, nil
	}
	k[key] = slices.Clone(v)
	return true, nil
}

func (k kv) Del(_ context.Context, key string) (bool, error) {
	_, had := k[key]
	delete(k, key)
	return had, nil
}

// ok fails the test on an error, and gives the value.
func ok[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	c, _ := newCall(t)
	equal(t, "pointer", c.At("odd", "a/b").At("m~n", 3).String(), "/odd/a~1b/m~0n/3")
	equal(t, "text", ok[string](t)(c.At("parties", 0, "name").Text()), "Ann")
	equal(t, "json", string(ok[[]byte](t)(c.Pointer("/odd").JSON())), `{"a/b":1,"m~n":2}`)
	equal(t, "keys", ok[[]string](t)(c.At("odd").Keys()), []string{"a/b", "m~n"})
	equal(t, "body", string(ok[[]byte](t)(c.At("dialog", 1).Body())), "hi there")
	equal(t, "body", ok[[]byte](t)(c.At("dialog", 0).Body()), []byte{0, 1, 2})
	equal(t, "kind", c.At("dialog", 0, "mediatype").Kind(), link.String)
	equal(t, "exists", c.At("nothing").Exists(), false)
	equal(t, "len", c.At("parties").Len(), 2)
	equal(t, "len of nothing", c.At("nothing").Len(), 0)
	equal(t, "document", string(ok[[]byte](t)(c.Document())), document)
	var names []string
	for party := range c.At("parties").Each() {
		names = append(names, ok[string](t)(party.At("name").Text()))
	}
	equal(t, "names", names, []string{"Ann", "Bob"})
	for range c.At("subject").Each() {
		t.Error("an element of a text")
	}
	for range c.At("parties").Each() {
		break
	}
	var party struct{ Name, Tel string }
	if err := c.At("parties", 0).Into(&party); err != nil || party.Tel != "+1" {
		t.Errorf("%+v, %v", party, err)
	}
	if err := c.At("subject").Into(&party); err == nil || !strings.Contains(err.Error(), "/subject") {
		t.Errorf("into of another type: %v", err)
	}
	for _, err := range []error{second(c.At("nothing").Text()), second(c.At("nothing").JSON()), second(c.At("nothing").Keys()), second(c.At("nothing").Body()), c.At("nothing").Into(&party), second(c.At("nothing").Open())} {
		if !errors.Is(err, link.NotFound) {
			t.Errorf("%v, want NotFound", err)
		}
	}
	if _, err := c.At("odd").Text(); !errors.Is(err, link.WrongType) {
		t.Errorf("%v, want WrongType", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestEdits(t *testing.T) {
	t.Parallel()
	c, h := newCall(t)
	for _, err := range []error{
		c.At("subject").Set("Billing"), c.At("new").Set(map[string]int{"a": 1}), c.At("parties", 1).Set(json.RawMessage(`{"name":"Rob"}`)),
		c.At("parties").Append(map[string]string{"name": "Zoe"}), c.At("odd", "a/b").Remove(), c.At("subject").Test("Billing"),
		c.Patch([]byte(`[{"op":"remove","path":"/dialog/0/body"}]`)),
		c.AddAnalysis(link.Analysis{Type: "summary", Dialog: 0, Vendor: "acme", MediaType: "text/plain", Body: "short"}),
		c.AddAnalysis(link.Analysis{Type: "score", Body: map[string]float64{"x": 0.5}}), c.AddAnalysis(link.Analysis{Type: "raw", Body: []byte{255}}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for pointer, want := range map[string]string{
		"/subject": `"Billing"`, "/new": `{"a":1}`, "/parties/1": `{"name":"Rob"}`, "/parties/2": `{"name":"Zoe"}`, "/odd": `{"m~n":2}`,
		"/analysis/0": `{"type":"summary","dialog":0,"mediatype":"text/plain","vendor":"acme","encoding":"none","body":"short"}`,
		"/analysis/1": `{"type":"score","encoding":"json","body":{"x":0.5}}`, "/analysis/2": `{"type":"raw","encoding":"base64url","body":"_w"}`,
	} {
		doc, err := h.Staged()
		if err != nil {
			t.Fatal(err)
		}
		got, err := doc.Get(pointer)
		if err != nil || string(got) != want {
			t.Errorf("%s = %s, %v; want %s", pointer, got, err, want)
		}
	}
	for want, err := range map[error]error{link.Denied: c.At("uuid").Set("x"), link.NotFound: c.At("nothing").Remove(), link.Conflict: c.At("subject").Test("x"), link.Invalid: c.Patch([]byte("x"))} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for _, err := range []error{c.At("x").Set(func() {}), c.AppendBody(link.Dialogs, func() {}, nil)} {
		if err == nil {
			t.Error("a function was written")
		}
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	c, _ := newCall(t)
	if value, has := c.Tag("vip"); !has || value != "yes" {
		t.Errorf("tag %q", value)
	}
	if _, has := c.Tag("none"); has {
		t.Error("a tag that is not there")
	}
	if err := c.AddTag("a", "b:c"); err != nil {
		t.Error(err)
	}
	equal(t, "removed", ok[int](t)(c.RemoveTag("vip", "no")), 1)
	equal(t, "removed without a value", ok[int](t)(c.RemoveTag("vip", "")), 0)
	equal(t, "tags", ok[[]link.Tag](t)(c.Tags()), []link.Tag{{Name: "vip", Value: "yes"}, {Name: "a", Value: "b:c"}})
	equal(t, "removed", ok[int](t)(c.RemoveTags("vip")), 1)
	for _, err := range []error{c.AddTag("a:b", ""), second(c.RemoveTag("", "")), second(c.RemoveTags("a:b"))} {
		if !errors.Is(err, link.Invalid) {
			t.Errorf("%v, want Invalid", err)
		}
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	c, _ := newCall(t)
	s := ok[*link.Stream](t)(c.At("dialog", 1).Open())
	equal(t, "read", string(ok[[]byte](t)(io.ReadAll(s))), "hi there")
	equal(t, "size", ok[int64](t)(s.Size()), int64(8))
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("an empty read: %d, %v", n, err)
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, link.Unsupported) {
		t.Errorf("a write: %v", err)
	}
	w := ok[*link.Stream](t)(c.NewStream())
	ok[int](t)(fmt.Fprintf(w, "a,b"))
	if err := c.AppendBody(link.Attachments, map[string]string{"purpose": "table", "mediatype": "text/csv"}, w); err != nil {
		t.Error(err)
	}
	equal(t, "appended", ok[string](t)(c.At("attachments", 1, "body").Text()), "a,b")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{w.Close(), second(w.Size()), second(w.Read(make([]byte, 1))), second(w.Write(nil))} {
		if !errors.Is(err, link.Invalid) {
			t.Errorf("%v, want Invalid", err)
		}
	}
	if _, err := c.At("dialog", 0).Fetch(); !errors.Is(err, link.NotFound) {
		t.Errorf("fetch: %v", err)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	var sent *outbound.Request
	var body string
	c, _ := newCall(t, func(o *hostabi.Options) {
		o.HTTP = server(func(r *outbound.Request) (*outbound.Response, error) {
			sent, body = r, ""
			if r.Body != nil {
				data, _ := io.ReadAll(r.Body)
				body = string(data)
			}
			if strings.HasSuffix(r.URL, "/down") {
				return nil, errors.New("connection refused")
			}
			status := http.StatusOK
			fmt.Sscanf(r.URL[strings.LastIndexByte(r.URL, '/')+1:], "%d", &status)
			return &outbound.Response{Status: status, Header: http.Header{"X-A": {"b"}, "Retry-After": {"90"}}, Body: []byte(`{"label":"spam"}`)}, nil
		})
	})
	r := ok[*link.Response](t)(c.Send(link.Request{URL: "https://a.example/x", Header: map[string]string{"X-K": "v"}, Timeout: 2 * time.Second, Redirects: 1}))
	equal(t, "sent", []any{sent.Method, sent.Header.Get("X-K"), sent.Timeout, sent.Redirects, body}, []any{"GET", "v", 2 * time.Second, 1, ""})
	equal(t, "answer", []any{r.Status, r.Header("x-a"), r.Header("none"), string(ok[[]byte](t)(r.Body())), r.Check(), r.Close()}, []any{200, "b", "", `{"label":"spam"}`, nil, nil})
	ok[*link.Response](t)(c.Send(link.Request{URL: "https://a.example/x", Body: []byte("data")}))
	equal(t, "sent", sent.Method+" "+body, "POST data")
	ok[*link.Response](t)(c.Send(link.Request{Method: "PUT", URL: "https://a.example/x", Stream: ok[*link.Stream](t)(c.At("dialog", 1).Open())}))
	equal(t, "sent", sent.Method+" "+body, "PUT hi there")
	var answer struct{ Label string }
	if err := c.PostJSON("https://a.example/x", map[string]int{"n": 1}, &answer); err != nil || answer.Label != "spam" || body != `{"n":1}` || sent.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v, %v, sent %s", answer, err, body)
	}
	var number int
	for want, err := range map[string]error{
		"answered 503": c.PostJSON("https://a.example/503", 1, nil), "the answer of https://a.example": c.PostJSON("https://a.example/x", 1, &number),
		"unsupported type": c.PostJSON("https://a.example/x", func() {}, nil), "denied": c.PostJSON("http://a.example/", 1, nil), "refused": c.PostJSON("https://a.example/down", 1, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	busy := link.Fail(c.PostJSON("https://a.example/429", 1, nil))
	if busy.Verdict != link.VerdictRetry || busy.After != 90*time.Second {
		t.Errorf("429 ends in %+v", busy)
	}
	for url, want := range map[string]link.Verdict{"https://a.example/404": link.VerdictFailed, "https://a.example/down": link.VerdictRetry, "http://a.example/": link.VerdictFailed} {
		if r := link.Fail(c.PostJSON(url, 1, nil)); r.Verdict != want {
			t.Errorf("%s ends in %+v", url, r)
		}
	}
}

func TestRetryAfterOfAnswers(t *testing.T) {
	t.Parallel()
	header := ""
	c, _ := newCall(t, func(o *hostabi.Options) {
		o.HTTP = server(func(*outbound.Request) (*outbound.Response, error) {
			return &outbound.Response{Status: 503, Header: http.Header{"Retry-After": {header}}}, nil
		})
	})
	for text, want := range map[string][2]time.Duration{
		"": {0, 0}, "5": {5 * time.Second, 5 * time.Second}, "-5": {0, 0}, "soon": {0, 0}, "99999": {time.Hour, time.Hour}, "Mon, 01 Jan 2001 00:00:00 GMT": {0, 0},
		"Fri, 01 Jan 2100 00:00:00 GMT": {time.Hour, time.Hour}, time.Now().Add(time.Minute).UTC().Format(http.TimeFormat): {50 * time.Second, time.Minute},
	} {
		header = text
		r := ok[*link.Response](t)(c.Send(link.Request{URL: "https://a.example/"}))
		status, isStatus := errors.AsType[*link.StatusError](r.Check())
		if !isStatus || status.RetryAfter < want[0] || status.RetryAfter > want[1] {
			t.Errorf("Retry-After %q: %v", text, r.Check())
		}
	}
}

func TestEffectsAndSystem(t *testing.T) {
	t.Parallel()
	var lines, metrics []string
	c, h := newCall(t, func(o *hostabi.Options) {
		o.Log = func(level int, line string) { lines = append(lines, fmt.Sprintf("%d %s", level, line)) }
		o.Metric = func(kind int, name string, v float64) { metrics = append(metrics, fmt.Sprint(kind, name, v)) }
	})
	for _, err := range []error{c.Route("other"), c.Expire(time.Hour), c.Count("n", 2), c.Gauge("g", -1), c.Observe("h", 0.5)} {
		if err != nil {
			t.Error(err)
		}
	}
	beside := ok[string](t)(c.Create([]byte(`{"parties":[]}`), "other"))
	instead := ok[string](t)(c.Replace([]byte(`{"parties":[]}`)))
	e := h.Effects()
	if len(e.Routes) != 1 || *e.Expire != time.Hour || len(e.Creates) != 2 || e.Creates[0].ID.String() != beside || e.Creates[1].ID.String() != instead || !e.Creates[1].Current {
		t.Errorf("effects %+v", e)
	}
	c.Logf(link.LevelWarn, "%d things", 3)
	equal(t, "log", lines, []string{"2 3 things"})
	equal(t, "metrics", metrics, []string{"0n2", "1g-1", "2h0.5"})
	if d := time.Since(c.Now()); d < 0 || d > time.Minute {
		t.Errorf("now is %v ago", d)
	}
	if a, b := c.Rand().Uint64(), c.Rand().Uint64(); a == b {
		t.Error("two generators give the same number")
	}
	info := ok[link.Info](t)(c.Info())
	equal(t, "info", []any{info.Name, info.Attempt}, []any{"l", 2})
	equal(t, "config", string(ok[[]byte](t)(c.Config("/a/b/0"))), "1")
	s := c.KV()
	for _, err := range []error{s.Put("k", []byte("v"), time.Minute), s.Swap("k", []byte("v"), []byte("w"), 0)} {
		if err != nil {
			t.Error(err)
		}
	}
	equal(t, "kv", string(ok[[]byte](t)(s.Get("k"))), "w")
	if err := s.Delete("k"); err != nil {
		t.Error(err)
	}
	for want, err := range map[error]error{link.NotFound: s.Delete("k"), link.Conflict: s.Swap("k", []byte("v"), nil, 0), link.Denied: c.Route("elsewhere"), link.Invalid: c.Expire(-time.Hour)} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestExec(t *testing.T) {
	t.Parallel()
	for want, run := range map[string]link.Func{
		"done":      func(*link.Call) link.Result { return link.Done() },
		"halt":      func(*link.Call) link.Result { return link.Halt() },
		"no change": func(*link.Call) link.Result { return link.NoChange() },
		"failed":    func(*link.Call) link.Result { return link.Fail(errors.New("broken")) },
		"nil":       func(*link.Call) link.Result { return link.Fail(nil) },
		"retry":     func(*link.Call) link.Result { return link.Retry(errors.New("later"), 5*time.Second) },
		"long":      func(*link.Call) link.Result { return link.Retry(nil, 48*time.Hour) },
	} {
		_, h := newCall(t)
		r := link.Exec(h, run)
		delay, _ := h.RetryDelay()
		got := fmt.Sprintf("%d %q %v", r.Verdict, h.Failure(), delay)
		expected := map[string]string{"done": `0 "" 0s`, "halt": `1 "" 0s`, "no change": `3 "" 0s`, "failed": `-1 "broken" 0s`, "nil": `-1 "failed without saying why" 0s`,
			"retry": `2 "later" 5s`, "long": `2 "" 1h0m0s`}[want]
		if got != expected {
			t.Errorf("%s: %s, want %s", want, got, expected)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		&link.Error{Op: "tag_add", Code: link.Denied}: "tag_add: denied", &link.Error{Op: "a", Code: -99}: "a: code -99",
		&link.Error{Op: "a", Code: -1, Text: "b"}: "a: b", &link.Error{Op: "a", Code: -1, Text: "a: c"}: "a: c",
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	wrapped := fmt.Errorf("asking: %w", &link.Error{Op: "http_send", Code: link.TimedOut})
	if !link.Retryable(wrapped) || !errors.Is(wrapped, link.TimedOut) || link.Retryable(errors.New("x")) || link.Retryable(nil) {
		t.Error("what may pass")
	}
	for status, want := range map[int]bool{400: false, 404: false, 408: true, 425: true, 429: true, 500: true, 503: true, 302: false} {
		if link.Retryable(&link.StatusError{Status: status}) != want {
			t.Errorf("status %d", status)
		}
	}
}

// TestFailsWhileStarting: what is only there in a run gives an error, and no endless loop.
func TestFailsWhileStarting(t *testing.T) {
	t.Parallel()
	c, _ := newCall(t, func(o *hostabi.Options) { o.Doc = nil })
	if _, err := c.Tags(); !errors.Is(err, link.Unsupported) {
		t.Errorf("%v", err)
	}
	if _, err := c.NewStream(); !errors.Is(err, link.Unsupported) {
		t.Errorf("%v", err)
	}
	if _, err := c.Send(link.Request{URL: "https://a.example/", Body: []byte("x")}); !errors.Is(err, link.Unsupported) {
		t.Errorf("%v", err)
	}
	if c.At("x").Exists() || c.At("x").Len() != 0 {
		t.Error("something exists")
	}
}

// timedKV notes the lives that it is told.
type timedKV struct {
	kv
	lives *[]time.Duration
}

func (k timedKV) Put(_ context.Context, _ string, _ []byte, ttl time.Duration) error {
	*k.lives = append(*k.lives, ttl)
	return nil
}

// TestPartsOfASecond: the ABI counts seconds, and 0 of them is for ever, or the end of the chain.
func TestPartsOfASecond(t *testing.T) {
	t.Parallel()
	var lives []time.Duration
	c, h := newCall(t, func(o *hostabi.Options) { o.KV = timedKV{kv{}, &lives} })
	for _, life := range []time.Duration{0, 1, time.Millisecond, time.Second, 1500 * time.Millisecond} {
		if err := c.KV().Put("k", nil, life); err != nil {
			t.Error(err)
		}
	}
	equal(t, "lives", lives, []time.Duration{0, time.Second, time.Second, time.Second, 2 * time.Second})
	if err := c.Expire(time.Millisecond); err != nil || *h.Effects().Expire != time.Second {
		t.Errorf("expire: %v, %v", h.Effects().Expire, err)
	}
	for _, life := range []time.Duration{-1, math.MinInt64} {
		if err := c.Expire(life); !errors.Is(err, link.Invalid) {
			t.Errorf("expire %v: %v", life, err)
		}
	}
}
