package hostabi

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// drain reads a stream in small steps.
func drain(t testing.TB, c *Call, s int32) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, 300_001)
	for {
		n := c.StreamRead(s, buf)
		if n < 0 {
			t.Fatalf("stream_read: %d %s", n, reason(c))
		}
		if n == 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, spill, spill + 1, 3 * spill} {
		c := newCall(t, document, inTemp(t))
		s := c.StreamNew()
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 700_000)
			equalCode(t, c, "stream_write", int64(c.StreamWrite(s, rest[:n])), 0)
			rest = rest[n:]
		}
		if got := c.StreamSize(s); got != int64(size) {
			t.Errorf("size %d of %d", got, size)
		}
		if got := drain(t, c, s); !bytes.Equal(got, want) {
			t.Errorf("%d bytes come back as %d others", size, len(got))
		}
		if n := c.StreamRead(s, nil); n != 0 {
			t.Errorf("cap 0 reads %d", n)
		}
		equalCode(t, c, "stream_write after the end was read", int64(c.StreamWrite(s, []byte("more"))), 0)
		if got := drain(t, c, s); string(got) != "more" {
			t.Errorf("read on: %q", got)
		}
	}
}

func TestStreamFilesAreNotLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newCall(t, document, func(o *Options) { o.TempDir = dir })
	c.StreamWrite(c.StreamNew(), make([]byte, 2*spill))
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	c = newCall(t, document, func(o *Options) { o.TempDir = dir + "/none" })
	equalCode(t, c, "no folder for files", int64(c.StreamWrite(c.StreamNew(), make([]byte, 2*spill))), OverQuota)
}

func TestStreamQuota(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Limits.Streams = 10 })
	a, b := c.StreamNew(), c.StreamNew()
	equalCode(t, c, "6", int64(c.StreamWrite(a, make([]byte, 6))), 0)
	equalCode(t, c, "5 more", int64(c.StreamWrite(b, make([]byte, 5))), OverQuota)
	if got := c.StreamSize(b); got != 0 {
		t.Errorf("refused, but %d bytes are there", got)
	}
	equalCode(t, c, "4 more", int64(c.StreamWrite(b, make([]byte, 4))), 0)
	equalCode(t, c, "closing gives nothing back", int64(c.StreamClose(a)), 0)
	equalCode(t, c, "a body", int64(c.StreamOpen(1, []byte("/dialog/1/body"))), OverQuota)
}

func TestStreamOpen(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	for pointer, want := range map[string]string{
		"/dialog/0/body": "\x00\x01\x02\x03\xff", "/dialog/1/body": "hi there", "/analysis/1/body": `{"b": 2.50}`, "/parties/0/name": "Ann",
	} {
		s := c.StreamOpen(1, []byte(pointer))
		if got := drain(t, c, s); string(got) != want {
			t.Errorf("%s: %q, want %q", pointer, got, want)
		}
		equalCode(t, c, "a write", int64(c.StreamWrite(s, []byte("x"))), Unsupported)
	}
	equalCode(t, c, "broken base64", int64(c.StreamOpen(1, []byte("/dialog/2/body"))), WrongType)
	equalCode(t, c, "no string", int64(c.StreamOpen(1, []byte("/odd"))), WrongType)
	equalCode(t, c, "nothing", int64(c.StreamOpen(1, []byte("/dialog/1/nothing"))), NotFound)
	equalCode(t, c, "syntax", int64(c.StreamOpen(1, []byte("dialog"))), BadPointer)
	s := c.StreamOpen(1, []byte("/dialog/1/body"))
	c.DocEdit(1, OpReplace, []byte("/dialog/1/body"), []byte(`"other"`))
	if got := drain(t, c, s); string(got) != "hi there" {
		t.Errorf("an edit changed an open stream to %q", got)
	}
	used := c.Used().Streams
	one := c.StreamOpen(1, []byte("/dialog/0/body"))
	two := c.StreamOpen(1, []byte("/dialog/0/body"))
	if one == two || c.Used().Streams-used != 5 {
		t.Errorf("the same body twice is charged %d bytes", c.Used().Streams-used)
	}
}

func TestStreamHandles(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	equalCode(t, c, "write", int64(c.StreamWrite(1, nil)), Invalid)
	equalCode(t, c, "read", c.StreamRead(1, nil), Invalid)
	equalCode(t, c, "size", c.StreamSize(1), Invalid)
}

func TestDocAppendBody(t *testing.T) {
	t.Parallel()
	for _, a := range []struct {
		kind          int32
		meta, content string
		look, want    string
	}{
		{0, `{"type":"recording","mediatype":"audio/wav"}`, "\x00\xff\xfe", "/dialog/3", `{"body":"AP_-","encoding":"base64url","mediatype":"audio/wav","type":"recording"}`},
		{1, `{"type":"t","mediatype":"Text/Plain; charset=utf-8"}`, "a <b> \"c\"\n", "/analysis/2", `{"body":"a \u003cb\u003e \"c\"\n","encoding":"none","mediatype":"Text/Plain; charset=utf-8","type":"t"}`},
		{2, ` { "type":"x", "mimetype":"text/csv" } `, "a,b", "/attachments/1", `{"body":"a,b","encoding":"none","mimetype":"text/csv","type":"x"}`},
		{2, `{"encoding":"json"}`, ` {"a": 1.0} `, "/attachments/1", `{"body":{"a":1},"encoding":"json"}`},
		{2, `{"encoding":"none","mediatype":"audio/x"}`, "text", "/attachments/1", `{"body":"text","encoding":"none","mediatype":"audio/x"}`},
		{2, `{}`, "", "/attachments/1", `{"body":"","encoding":"base64url"}`},
		{2, `{"encoding":"base64url","mediatype":"text/plain"}`, "text", "/attachments/1", `{"body":"dGV4dA","encoding":"base64url","mediatype":"text/plain"}`},
	} {
		c := newCall(t, document)
		s := c.StreamNew()
		c.StreamWrite(s, []byte(a.content))
		drain(t, c, s) // it is read from its start all the same
		equalCode(t, c, a.meta, int64(c.DocAppendBody(1, a.kind, []byte(a.meta), s)), 0)
		if got := at(t, c, a.look); got != a.want {
			t.Errorf("%s:\n%s, want\n%s", a.meta, got, a.want)
		}
		body := c.StreamOpen(1, []byte(a.look+"/body"))
		if got := drain(t, c, body); string(got) != strings.TrimSpace(a.content) && string(got) != a.content {
			t.Errorf("%s: read back as %q", a.meta, got)
		}
	}
}

func TestDocAppendBodyLarge(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, inTemp(t))
	s := c.StreamNew()
	want := bytes.Repeat([]byte{0, 1, 2, 3}, spill/2)
	c.StreamWrite(s, want)
	equalCode(t, c, "append", int64(c.DocAppendBody(1, 0, []byte(`{"type":"recording"}`), s)), 0)
	if got := drain(t, c, c.StreamOpen(1, []byte("/dialog/3/body"))); !bytes.Equal(got, want) {
		t.Errorf("%d bytes come back as %d others", len(want), len(got))
	}
}

func TestDocAppendBodyRefuses(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	dialog, s := c.DocOpen(1, []byte("/dialog/0")), c.StreamNew()
	c.StreamWrite(s, []byte("\xff{"))
	for _, a := range []struct {
		h, kind int32
		meta    string
		s       int32
		want    Errno
	}{
		{dialog, 0, "{}", s, Invalid}, {9, 0, "{}", s, Invalid}, {1, 3, "{}", s, Invalid}, {1, -1, "{}", s, Invalid}, {1, 0, "{}", dialog, Invalid}, {1, 0, "{}", 77, Invalid},
		{1, 0, "[]", s, Invalid}, {1, 0, "null", s, Invalid}, {1, 0, "{", s, Invalid}, {1, 0, "", s, Invalid}, {1, 0, "{\"a\":\"\xff\"}", s, Invalid},
		{1, 0, `{"body":1}`, s, Invalid}, {1, 0, `{"url":"x"}`, s, Invalid}, {1, 0, `{"encoding":"base64"}`, s, Invalid}, {1, 0, `{"encoding":1}`, s, Invalid},
		{1, 0, `{"encoding":"json"}`, s, WrongType}, {1, 0, `{"encoding":"none"}`, s, WrongType},
	} {
		equalCode(t, c, a.meta, int64(c.DocAppendBody(a.h, a.kind, []byte(a.meta), a.s)), a.want)
	}
	narrow := newCall(t, document, func(o *Options) { o.Grants.Write = Paths{Allow: []string{"/analysis/-"}}; o.Limits.Edits = 40 })
	s = narrow.StreamNew()
	equalCode(t, narrow, "not granted", int64(narrow.DocAppendBody(1, 0, []byte("{}"), s)), Denied)
	equalCode(t, narrow, "granted", int64(narrow.DocAppendBody(1, 1, []byte("{}"), s)), 0)
	equalCode(t, narrow, "quota", int64(narrow.DocAppendBody(1, 1, []byte("{}"), s)), OverQuota)
}
