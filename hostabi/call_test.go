package hostabi

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// document is what most tests work on.
const document = `{
  "uuid": "018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e", "vcon": "0.0.1", "created_at": "2024-03-01T12:00:00Z", "subject": "caf\u00e9 \ud800",
  "parties": [{"name": "Ann", "tel": "+1555"}, {"name": "Bob"}],
  "dialog": [
    {"type": "recording", "mimetype": "audio/wav", "encoding": "base64url", "body": "AAECA_8"},
    {"type": "text", "mediatype": "text/plain", "encoding": "none", "body": "hi there"},
    {"type": "recording", "encoding": "base64url", "body": "!!!"}
  ],
  "analysis": [{"type": "summary", "encoding": "json", "body": "{\"a\": 1}"}, {"type": "score", "encoding": "json", "body": {"b": 2.50}}],
  "attachments": [{"type": "tags", "encoding": "json", "body": "[\"vip:yes\", \"vip:no\", \"lang:en\"]"}],
  "odd": {"a/b": 1, "m~n": 2, "x\u0000y": 3, "n": null, "t": true, "a/b": 4}
}`

// everything grants all that there is.
func everything() Grants {
	return Grants{Read: Paths{All: true}, Write: Paths{All: true}, Tags: true, Queues: []string{"other", "third"}, TTL: true, Create: true, KV: true}
}

// newCall begins a run over a text with every grant; change alters its options.
func newCall(t testing.TB, text string, change ...func(*Options)) *Call {
	t.Helper()
	doc, err := vcon.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Doc: doc.Draft(), Link: "l", Chain: "c", List: "in", Step: "l#1", Run: [16]byte{1, 2, 3}, Grants: everything()}
	for _, f := range change {
		f(&o)
	}
	c := New(t.Context(), o)
	t.Cleanup(c.Close)
	return c
}

// inTemp puts large streams into a folder of the test.
func inTemp(t testing.TB) func(*Options) {
	dir := t.TempDir()
	return func(o *Options) { o.TempDir = dir }
}

// text reads what a host function fills a buffer with, and checks on the way that it asks for the size and writes
// nothing into a buffer that is too short.
func text(t testing.TB, fill func(out []byte) int64) string {
	t.Helper()
	n := fill(nil)
	if n < 0 {
		t.Errorf("result %d (%v)", n, Errno(n))
		return ""
	}
	if n > 0 {
		short := bytes.Repeat([]byte{0xaa}, int(n)-1)
		if got := fill(short); got != n || bytes.Count(short, []byte{0xaa}) != len(short) {
			t.Errorf("with %d of %d bytes: result %d, buffer %q", n-1, n, got, short)
		}
	}
	out := make([]byte, n+3)
	if got := fill(out); got != n {
		t.Errorf("size %d, then %d", n, got)
	}
	return string(out[:n])
}

// reason is the last error's text.
func reason(c *Call) string {
	out := make([]byte, 4096)
	return string(out[:c.ErrorText(out)])
}

// after is the document with what was staged.
func after(t testing.TB, c *Call) string {
	t.Helper()
	doc, err := c.o.Doc.VCon()
	if err != nil {
		t.Fatal(err)
	}
	return string(doc.Bytes())
}

func equalCode(t testing.TB, c *Call, what string, got int64, want Errno) {
	t.Helper()
	if got != int64(want) {
		t.Errorf("%s: %d, want %d (%v); %s", what, got, want, want, reason(c))
	}
	if want < 0 && reason(c) == "" {
		t.Errorf("%s: no text for %v", what, want)
	}
}

func TestABIInfo(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	if got := c.ABIInfo(); got != 1<<48|FeatureSpellings|FeaturePresign|FeatureFormat {
		t.Errorf("abi_info = %#x", got)
	}
	c = newCall(t, document, func(o *Options) { o.KV = newMemoryKV() })
	if got := c.ABIInfo(); got&FeatureKV == 0 {
		t.Errorf("abi_info = %#x without kv", got)
	}
}

// calls is every method that is only for a run, with arguments that fit.
func calls(c *Call) map[string]int64 {
	out, p := make([]byte, 64), []byte("/subject")
	return map[string]int64{
		"doc_type": int64(c.DocType(1, p)), "doc_size": c.DocSize(1, p), "doc_count": c.DocCount(1, nil), "doc_keys": c.DocKeys(1, nil, out),
		"doc_read": c.DocRead(1, p, 0, 0, out), "doc_query": c.DocQuery(1, []byte("[]"), out), "doc_open": int64(c.DocOpen(1, p)), "doc_close": int64(c.DocClose(2)),
		"doc_edit": int64(c.DocEdit(1, OpAdd, []byte("/x"), []byte("1"))), "doc_patch": int64(c.DocPatch(1, []byte("[]"))),
		"doc_append_body": int64(c.DocAppendBody(1, 0, []byte("{}"), 2)),
		"tag_get":         c.TagGet([]byte("a"), out), "tag_add": int64(c.TagAdd([]byte("a"), nil)), "tag_list": c.TagList(out), "tag_remove": int64(c.TagRemove([]byte("a"), nil)),
		"stream_open": int64(c.StreamOpen(1, p)), "stream_fetch": int64(c.StreamFetch(1, p)), "stream_new": int64(c.StreamNew()), "stream_write": int64(c.StreamWrite(2, nil)),
		"stream_read": c.StreamRead(2, out), "stream_size": c.StreamSize(2), "stream_close": int64(c.StreamClose(2)),
		"http_send": int64(c.HTTPSend([]byte("{}"), 0)), "http_status": int64(c.HTTPStatus(2)), "http_header": c.HTTPHeader(2, p, out), "http_headers": c.HTTPHeaders(2, out),
		"http_body": int64(c.HTTPBody(2)), "http_presign": c.HTTPPresign([]byte("{}"), out),
		"route": int64(c.Route([]byte("other"))), "expire": int64(c.Expire(1)), "retry_after": int64(c.RetryAfter(1)), "vcon_create": c.VconCreate(0, nil, []byte("{}"), out),
		"kv_get": c.KVGet(p, out), "kv_put": int64(c.KVPut(p, nil, 0)), "kv_cas": int64(c.KVCas(p, nil, nil, 0)), "kv_del": int64(c.KVDel(p)),
		"now": c.Now(), "random": int64(c.Random(out)), "metric": int64(c.Metric(0, []byte("a"), 1)),
	}
}

func TestWhileAModuleStarts(t *testing.T) {
	t.Parallel()
	var lines []string
	c := New(t.Context(), Options{Config: json.RawMessage(`{"a":1}`), Log: func(_ int, line string) { lines = append(lines, line) }})
	defer c.Close()
	for name, got := range calls(c) {
		if got != int64(Unsupported) {
			t.Errorf("%s: %d, want -10", name, got)
		}
	}
	if !strings.Contains(reason(c), "starts") {
		t.Errorf("reason %q", reason(c))
	}
	if got := text(t, func(out []byte) int64 { return c.ConfigRead([]byte("/a"), out) }); got != "1" {
		t.Errorf("config_read: %q", got)
	}
	if c.Log(1, []byte("hello")) != 0 || len(lines) != 1 || c.ErrorSet([]byte("why")) != 0 || c.Failure() != "why" || c.ABIInfo() == 0 {
		t.Error("log, error_set or abi_info do not work")
	}
}

func TestAfterClose(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	c.Route([]byte("other"))
	c.Close()
	c.Close()
	for name, got := range calls(c) {
		if got != int64(Unsupported) {
			t.Errorf("%s: %d, want -10", name, got)
		}
	}
	if len(c.Effects().Routes) != 1 {
		t.Error("effects are gone")
	}
}

func TestHandles(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	dialog := c.DocOpen(1, []byte("/dialog/1"))
	stream := c.StreamNew()
	if got := c.DocSize(dialog, []byte("/body")); got != int64(len(`"hi there"`)) {
		t.Errorf("a size relative to a handle is %d", got)
	}
	inner := c.DocOpen(dialog, []byte("/body"))
	out := make([]byte, 100)
	if n := c.DocRead(inner, nil, AsString, 0, out); string(out[:max(n, 0)]) != "hi there" {
		t.Errorf("a handle of a handle reads %q", out[:max(n, 0)])
	}
	for _, h := range []int32{0, -1, 99, stream} {
		equalCode(t, c, "doc_size", c.DocSize(h, nil), Invalid)
	}
	equalCode(t, c, "stream_size of a document", c.StreamSize(dialog), Invalid)
	equalCode(t, c, "http_status of a stream", int64(c.HTTPStatus(stream)), Invalid)
	equalCode(t, c, "closing 1", int64(c.DocClose(1)), Invalid)
	equalCode(t, c, "closing 1 as a stream", int64(c.StreamClose(1)), Invalid)
	equalCode(t, c, "doc_close of a stream", int64(c.DocClose(stream)), 0)
	equalCode(t, c, "stream_close of a document", int64(c.StreamClose(dialog)), 0)
	equalCode(t, c, "closing twice", int64(c.DocClose(dialog)), Invalid)
	equalCode(t, c, "a closed handle", c.DocSize(dialog, nil), Invalid)
	if again := c.StreamNew(); again != dialog {
		t.Errorf("handle %d, want the closed %d again", again, dialog)
	}
	for range maxHandles {
		if c.StreamNew() < 0 {
			break
		}
	}
	equalCode(t, c, "one handle too many", int64(c.StreamNew()), OverQuota)
	equalCode(t, c, "one document too many", int64(c.DocOpen(1, nil)), OverQuota)
	if len(c.handles.open) != maxHandles {
		t.Errorf("%d handles", len(c.handles.open))
	}
}

func TestErrorTextStaysOnSuccess(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	if reason(c) != "" {
		t.Errorf("before any failure: %q", reason(c))
	}
	c.DocSize(1, []byte("/nothing"))
	failed := reason(c)
	c.DocSize(1, []byte("/subject"))
	if failed == "" || reason(c) != failed {
		t.Errorf("%q, then %q", failed, reason(c))
	}
}

func TestErrno(t *testing.T) {
	t.Parallel()
	if Denied.String() != "denied" || Errno(-99).String() != "error -99" || Errno(5).String() != "error 5" || Errno(0).String() != "ok" {
		t.Error("names of codes")
	}
}

func TestUsedCountsCalls(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	c.DocSize(1, nil)
	c.Log(0, nil)
	c.ConfigRead(nil, nil)
	if got := c.Used().HostCalls; got != 3 {
		t.Errorf("%d calls", got)
	}
	if DefaultLimits().withDefaults() != DefaultLimits() || (Limits{KV: -1}).withDefaults().KV != -1 {
		t.Error("limits")
	}
}

func TestDeadlineOfOptions(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	c := newCall(t, document, func(o *Options) { o.Deadline = at })
	if d, ok := c.ctx.Deadline(); !ok || !d.Equal(at) {
		t.Errorf("deadline %v", d)
	}
	if context.Cause(c.ctx) != nil {
		t.Error("over before it began")
	}
}
