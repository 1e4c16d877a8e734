package hostabi

import (
	"bytes"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

// FuzzDocument gives the document calls whatever bytes: they must answer, with a code when it is no success, and what
// was staged must be a vCon of the same uuid.
func FuzzDocument(f *testing.F) {
	for _, seed := range [][2]string{
		{"/dialog/0/body", `"x"`}, {"/analysis/-", `{"type":"x"}`}, {"/attachments", "[]"}, {"", "{}"}, {"/~1~0", "null"}, {"/parties/0", ""},
		{`["/a","/b"]`, `[{"op":"move","from":"/odd","path":"/x"}]`}, {"vip", "no"}, {"/dialog/0", `{"encoding":"json"}`},
	} {
		for op := range int32(6) {
			f.Add(op, []byte(seed[0]), []byte(seed[1]))
		}
	}
	f.Fuzz(func(t *testing.T, op int32, p, v []byte) {
		c := newCall(t, document)
		pWas, vWas := bytes.Clone(p), bytes.Clone(v)
		out := make([]byte, 64)
		h := c.DocOpen(1, p)
		s := c.StreamNew()
		c.StreamWrite(s, v)
		results := []int64{
			int64(c.DocEdit(1, op, p, v)), int64(c.DocEdit(h, op, v, p)), int64(c.DocPatch(1, v)), int64(c.DocPatch(h, p)), int64(c.DocAppendBody(1, op, v, s)),
			int64(c.TagAdd(p, v)), int64(c.TagRemove(v, p)), c.TagGet(p, out), c.DocRead(1, p, op, int64(op), out), c.DocKeys(1, p, out), c.DocCount(h, p), c.DocSize(1, p),
			c.DocQuery(1, v, out), int64(c.StreamOpen(1, p)), c.ConfigRead(p, out), int64(c.DocType(h, v)), c.VconCreate(op, p, v, out), int64(c.Log(op, p)),
		}
		for i, r := range results {
			if r < int64(Cancelled) || r < 0 && reason(c) == "" {
				t.Errorf("call %d: %d, %q", i, r, reason(c))
			}
		}
		if !bytes.Equal(p, pWas) || !bytes.Equal(v, vWas) {
			t.Error("a call wrote into its parameters")
		}
		edited, err := c.Staged()
		if err != nil {
			t.Fatalf("what was staged: %v", err)
		}
		again, err := vcon.Parse(edited.Bytes())
		if err != nil || again.ID() != c.o.Doc.Base().ID() {
			t.Fatalf("what was staged is no vCon any more: %v\n%s", err, edited.Bytes())
		}
	})
}

// FuzzHTTPSend gives http_send whatever request: nothing is granted, so nothing may leave.
func FuzzHTTPSend(f *testing.F) {
	for _, seed := range []string{`{"url":"https://a.example/"}`, `{"method":"POST","url":"http://127.0.0.1/","headers":{"a":["b"]},"parts":[{"name":"a","value":"b"}]}`, `{"sign":{}}`, `[]`} {
		f.Add([]byte(seed), int32(0))
	}
	f.Fuzz(func(t *testing.T, req []byte, body int32) {
		c := newCall(t, document)
		if r := c.HTTPSend(req, body); r >= 0 || c.Sent() != 0 {
			t.Errorf("%q: %d", req, r)
		}
	})
}
