package hostabi

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

func TestDocType(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Grants.Read.Not = []string{"/dialog/*/body", "/parties"} })
	for pointer, want := range map[string]vcon.Kind{
		"": vcon.Object, "/odd/n": vcon.Null, "/odd/t": vcon.Bool, "/odd/a~1b": vcon.Number, "/subject": vcon.String, "/dialog": vcon.Array,
		"/nothing": vcon.Absent, "/dialog/9": vcon.Absent, "/dialog/-": vcon.Absent, "/dialog/0/body": vcon.Absent, "/parties": vcon.Absent,
		"/parties/0/name": vcon.Absent, "/dialog/0/mediatype": vcon.String, "/attachments/0/purpose": vcon.String,
	} {
		if got := c.DocType(1, []byte(pointer)); got != int32(want) {
			t.Errorf("doc_type %q = %d, want %d", pointer, got, want)
		}
	}
	equalCode(t, c, "bad pointer", int64(c.DocType(1, []byte("x"))), BadPointer)
	equalCode(t, c, "bad escape", int64(c.DocType(1, []byte("/~2"))), BadPointer)
	equalCode(t, c, "cut escape", int64(c.DocType(1, []byte("/~"))), BadPointer)
	equalCode(t, c, "not UTF-8", int64(c.DocType(1, []byte("/\xff"))), Invalid)
	equalCode(t, c, "bad handle", int64(c.DocType(7, nil)), Invalid)
}

func TestDocSizeCountKeys(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	if got := c.DocSize(1, nil); got != int64(len(document)) {
		t.Errorf("size of the whole: %d of %d", got, len(document))
	}
	if got := c.DocSize(1, []byte("/parties/1")); got != int64(len(`{"name": "Bob"}`)) {
		t.Errorf("size of a party: %d", got)
	}
	for pointer, want := range map[string]int64{"/dialog": 3, "/odd": 5, "/parties/0": 2, "/subject": int64(WrongType), "/odd/n": int64(WrongType), "/nothing": int64(NotFound)} {
		if got := c.DocCount(1, []byte(pointer)); got != want {
			t.Errorf("doc_count %q = %d, want %d", pointer, got, want)
		}
	}
	if got := text(t, func(out []byte) int64 { return c.DocKeys(1, []byte("/odd"), out) }); got != "a/b\x00m~n\x00n\x00t\x00" {
		t.Errorf("doc_keys = %q", got)
	}
	equalCode(t, c, "keys of an array", c.DocKeys(1, []byte("/dialog"), nil), WrongType)
	equalCode(t, c, "keys of nothing", c.DocKeys(1, []byte("/nothing"), nil), NotFound)
	equalCode(t, c, "size of nothing", c.DocSize(1, []byte("/nothing")), NotFound)
}

func TestDocRead(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	read := func(pointer string, as int32) string {
		n := c.DocRead(1, []byte(pointer), as, 0, nil)
		if n < 0 {
			return Errno(n).String()
		}
		out := make([]byte, n)
		c.DocRead(1, []byte(pointer), as, 0, out)
		return string(out)
	}
	for _, r := range []struct {
		pointer string
		as      int32
		want    string
	}{
		{"", AsText, document},
		{"/odd/n", AsText, "null"},
		{"/analysis/1/body/b", AsText, "2.50"},
		{"/subject", AsText, `"caf\u00e9 \ud800"`},
		{"/subject", AsString, "café \uFFFD"},
		{"/dialog/0/mediatype", AsString, "audio/wav"},
		{"/odd/n", AsString, "wrong type"},
		{"/dialog", AsString, "wrong type"},
		{"/dialog/0/body", AsBody, "\x00\x01\x02\x03\xff"},
		{"/dialog/1/body", AsBody, "hi there"},
		{"/dialog/2/body", AsBody, "wrong type"},
		{"/analysis/0/body", AsBody, `{"a": 1}`},
		{"/analysis/0/transcript", AsBody, `{"a": 1}`},
		{"/analysis/1/body", AsBody, `{"b": 2.50}`},
		{"/subject", AsBody, "wrong type"},
		{"/nothing", AsText, "not found"},
		{"/dialog/7/body", AsBody, "not found"},
	} {
		if got := read(r.pointer, r.as); got != r.want {
			t.Errorf("doc_read %q as %d = %q, want %q", r.pointer, r.as, got, r.want)
		}
	}
	for _, as := range []int32{-1, 4, 99} {
		equalCode(t, c, "an unknown as", c.DocRead(1, nil, as, 0, nil), Invalid)
	}
	equalCode(t, c, "off below 0", c.DocRead(1, nil, AsText, -1, nil), Invalid)
	equalCode(t, c, "the format of a part", c.DocRead(1, []byte("/dialog"), AsFormat, 0, nil), Invalid)
}

func TestDocReadRanges(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	for _, r := range []struct {
		off  int64
		cap  int
		want string
	}{{0, 2, "hi"}, {3, 3, "the"}, {6, 10, "re"}, {8, 4, ""}, {1 << 40, 4, ""}, {0, 0, ""}} {
		out := make([]byte, r.cap)
		if n := c.DocRead(1, []byte("/dialog/1/body"), AsBody, r.off, out); n != 8 {
			t.Errorf("off %d: full length %d", r.off, n)
		}
		if got := strings.TrimRight(string(out), "\x00"); got != r.want {
			t.Errorf("off %d, cap %d: %q, want %q", r.off, r.cap, got, r.want)
		}
	}
	// What was decoded for ranges does not outlive an edit.
	equalCode(t, c, "edit", int64(c.DocEdit(1, OpReplace, []byte("/dialog/1/body"), []byte(`"changed"`))), 0)
	out := make([]byte, 7)
	if n := c.DocRead(1, []byte("/dialog/1/body"), AsBody, 0, out); n != 7 || string(out) != "changed" {
		t.Errorf("after an edit: %d, %q", n, out)
	}
}

func TestDocReadFormat(t *testing.T) {
	t.Parallel()
	current := strings.Replace(document, `"mimetype"`, `"mediatype"`, 1)
	for _, f := range []struct {
		format, config, has string
		code                Errno
	}{
		{"", "", `"mediatype": "audio/wav"`, 0},
		{"0.0.1", "", `"mimetype": "audio/wav"`, 0},
		{"", `{"format_version":"0.0.1"}`, `"mimetype": "audio/wav"`, 0},
		{"0.0.1", `{"format_version":""}`, `"mediatype": "audio/wav"`, 0},
		{"9.9", "", "", Unsupported},
	} {
		c := newCall(t, current, func(o *Options) { o.Format, o.Config = f.format, []byte(f.config) })
		c.DocEdit(1, OpAdd, []byte("/staged"), []byte("true"))
		out := make([]byte, 8192)
		n := c.DocRead(1, nil, AsFormat, 0, out)
		if f.code < 0 {
			equalCode(t, c, f.format, n, f.code)
		} else if n < 0 || !strings.Contains(string(out[:n]), f.has) || !strings.Contains(string(out[:n]), "staged") {
			t.Errorf("format %q, options %q: %d %s", f.format, f.config, n, out[:max(n, 0)])
		}
	}
}

func TestDocQuery(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Grants.Read.Not = []string{"/parties/*/tel"} })
	query := `["/parties/0/name", "/nothing", "/parties/0/tel", "/odd/a~1b"]`
	if got := text(t, func(out []byte) int64 { return c.DocQuery(1, []byte(query), out) }); got != `["Ann",null,null,4]` {
		t.Errorf("doc_query = %s", got)
	}
	h := c.DocOpen(1, []byte("/parties/1"))
	if got := text(t, func(out []byte) int64 { return c.DocQuery(h, []byte(`["/name"]`), out) }); got != `["Bob"]` {
		t.Errorf("relative: %s", got)
	}
	if got := text(t, func(out []byte) int64 { return c.DocQuery(1, []byte(`[]`), out) }); got != `[]` {
		t.Errorf("none: %s", got)
	}
	equalCode(t, c, "one bad pointer", c.DocQuery(1, []byte(`["/a", "b"]`), nil), BadPointer)
	many := "[" + strings.Repeat(`"",`, maxQuery) + `""]`
	for _, bad := range []string{"", "null", "{}", "[1]", "[null]", "[\"/\xff\"]", `["/a"`, many} {
		equalCode(t, c, bad[:min(len(bad), 10)], c.DocQuery(1, []byte(bad), nil), Invalid)
	}
	equalCode(t, c, "bad handle", c.DocQuery(9, []byte("[]"), nil), Invalid)
}

func TestDocOpen(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Grants.Read = Paths{Allow: []string{"/dialog/*/body", "/parties"}} })
	if h := c.DocOpen(1, []byte("/dialog")); h < 2 {
		t.Errorf("a place that may be read in part: %d", h)
	}
	equalCode(t, c, "not granted", int64(c.DocOpen(1, []byte("/analysis"))), NotFound)
	equalCode(t, c, "absent", int64(c.DocOpen(1, []byte("/dialog/9"))), NotFound)
	equalCode(t, c, "syntax", int64(c.DocOpen(1, []byte("dialog"))), BadPointer)
}

func readAll(c *Call, pointer string, as int32) string {
	out := make([]byte, 1024)
	return string(out[:max(c.DocRead(1, []byte(pointer), as, 0, out), 0)])
}

// TestReadGrants: what is not granted is absent, and cut out of what holds it; indexes stay.
func TestReadGrants(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) {
		o.Grants.Read = Paths{
			Allow: []string{"/dialog", "/parties/*/name", "/attachments/*/purpose", "/analysis/1", "/subject/x", "/odd/a~1b", "tags"},
			Not:   []string{"/dialog/*/mediatype", "/dialog/0", "/analysis/1/body/b", "/dialog/1/body/x"},
		}
	})
	const dialog = `[null,{"type":"text","encoding":"none"},{"type":"recording","encoding":"base64url","body":"!!!"}]`
	const analysis = `[null,{"type":"score","encoding":"json","body":{}}]`
	for pointer, want := range map[string]string{
		"/parties/0/name": `"Ann"`, "/dialog/2/body": `"!!!"`, "/parties/0": `{"name":"Ann"}`, "/parties": `[{"name":"Ann"},{"name":"Bob"}]`, "/dialog": dialog,
		"/analysis": analysis, "/attachments/0/purpose": `"tags"`, "/attachments/0/type": `"tags"`, "/analysis/1/body": "{}", "/odd": `{"a/b":1,"a/b":4}`,
		"": `{"parties":[{"name":"Ann"},{"name":"Bob"}],"dialog":` + dialog + `,"analysis":` + analysis + `,"attachments":[{"type":"tags"}],"odd":{"a/b":1,"a/b":4}}`,
	} {
		if got := readAll(c, pointer, AsText); got != want {
			t.Errorf("%q = %s, want %s", pointer, got, want)
		}
		if got := text(t, func(out []byte) int64 { return c.DocQuery(1, fmt.Appendf(nil, "[%q]", pointer), out) }); got != "["+want+"]" {
			t.Errorf("doc_query %q = %s", pointer, got)
		}
		equalCode(t, c, "doc_size of "+pointer, c.DocSize(1, []byte(pointer)), Errno(len(want)))
		if c.DocOpen(1, []byte(pointer)) < 0 {
			t.Errorf("doc_open %q: %s", pointer, reason(c))
		}
	}
	for _, pointer := range []string{"/parties/0/tel", "/analysis/0", "/dialog/0", "/dialog/1/mediatype", "/dialog/1/mimetype", "/dialog/1/body", "/subject", "/tags", "/uuid"} {
		equalCode(t, c, pointer, c.DocSize(1, []byte(pointer)), NotFound)
		equalCode(t, c, "doc_open "+pointer, int64(c.DocOpen(1, []byte(pointer))), NotFound)
		equalCode(t, c, "doc_type "+pointer, int64(c.DocType(1, []byte(pointer))), 0)
	}
	for pointer, want := range map[string]Errno{"": 5, "/parties": 2, "/parties/0": 1, "/dialog": 3, "/dialog/1": 2, "/analysis/1/body": 0, "/odd": 1} {
		equalCode(t, c, "doc_count "+pointer, c.DocCount(1, []byte(pointer)), want)
	}
	if got := text(t, func(out []byte) int64 { return c.DocKeys(1, []byte("/dialog/1"), out) }); got != "type\x00encoding\x00" {
		t.Errorf("doc_keys: %q", got)
	}
	if got := readAll(c, "/analysis/1/body", AsBody); got != "{}" {
		t.Errorf("body: %s", got)
	}
	equalCode(t, c, "as goes out", c.DocRead(1, nil, AsFormat, 0, nil), Denied)
	equalCode(t, c, "stream_open", int64(c.StreamOpen(1, []byte("/analysis/0/body"))), NotFound)
	equalCode(t, c, "test", int64(c.DocEdit(1, OpTest, []byte("/subject"), []byte("1"))), NotFound)
	equalCode(t, c, "test of a part", int64(c.DocEdit(1, OpTest, []byte("/parties/0"), []byte("1"))), Denied)
	equalCode(t, c, "test", int64(c.DocEdit(1, OpTest, []byte("/uuid"), []byte("1"))), NotFound)
}

func TestSignedReadsPayload(t *testing.T) {
	t.Parallel()
	payload := base64.RawURLEncoding.EncodeToString([]byte(document))
	c := newCall(t, `{"payload":"`+payload+`","signatures":[{"protected":"e30","signature":"AA"}]}`)
	if got := text(t, func(out []byte) int64 { return c.DocQuery(1, []byte(`["/parties/0/name"]`), out) }); got != `["Ann"]` {
		t.Errorf("payload: %s", got)
	}
	if got := text(t, func(out []byte) int64 { return c.TagGet([]byte("lang"), out) }); got != "en" {
		t.Errorf("tag: %s", got)
	}
	equalCode(t, c, "doc_edit", int64(c.DocEdit(1, OpAdd, []byte("/x"), []byte("1"))), Denied)
	equalCode(t, c, "doc_patch", int64(c.DocPatch(1, []byte(`[{"op":"remove","path":"/subject"}]`))), Denied)
	equalCode(t, c, "tag_add", int64(c.TagAdd([]byte("a"), []byte("b"))), Denied)
	equalCode(t, c, "tag_remove", int64(c.TagRemove([]byte("lang"), nil)), Denied)
	equalCode(t, c, "doc_append_body", int64(c.DocAppendBody(1, 0, []byte("{}"), c.StreamNew())), Denied)
	if !strings.Contains(reason(c), "signed") {
		t.Errorf("reason %q", reason(c))
	}
	out := make([]byte, 8192)
	if n := c.DocRead(1, nil, AsFormat, 0, out); !strings.HasPrefix(string(out[:max(n, 0)]), `{"payload":`) {
		t.Errorf("what goes out is not the signed vCon: %s", out[:max(n, 0)])
	}
}

func TestEncryptedCannotBeWritten(t *testing.T) {
	t.Parallel()
	c := newCall(t, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","unprotected":{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"},"ciphertext":"AA","recipients":[{}]}`)
	equalCode(t, c, "doc_edit", int64(c.DocEdit(1, OpAdd, []byte("/x"), []byte("1"))), Denied)
	if got := c.DocType(1, []byte("/ciphertext")); got != int32(vcon.String) {
		t.Errorf("ciphertext has type %d", got)
	}
}
