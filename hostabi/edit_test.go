package hostabi

import (
	"encoding/json"
	"strings"
	"testing"
)

// compact is a JSON text without white space.
func compact(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// at is a value of the edited document.
func at(t testing.TB, c *Call, pointer string) string {
	t.Helper()
	v, err := c.o.Doc.Get(pointer)
	if err != nil {
		return err.Error()
	}
	return compact(t, string(v))
}

func TestDocEdit(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		op             int32
		pointer, value string
		look, want     string
	}{
		{OpAdd, "/x", `{"a": 1}`, "/x", `{"a":1}`},
		{OpAdd, "/subject", `"new"`, "/subject", `"new"`},
		{OpAdd, "/parties/0", `{"name":"Zoe"}`, "/parties", `[{"name":"Zoe"},{"name":"Ann","tel":"+1555"},{"name":"Bob"}]`},
		{OpAdd, "/parties/-", `{"name":"Zoe"}`, "/parties/2", `{"name":"Zoe"}`},
		{OpAppend, "/parties", `{"name":"Zoe"}`, "/parties/2", `{"name":"Zoe"}`},
		{OpReplace, "/parties/1", `{"name":"Zoe"}`, "/parties", `[{"name":"Ann","tel":"+1555"},{"name":"Zoe"}]`},
		{OpReplace, "/dialog/0/mediatype", `"audio/mp3"`, "/dialog/0/mimetype", `"audio/mp3"`},
		{OpRemove, "/parties/0", "", "/parties", `[{"name":"Bob"}]`},
		{OpRemove, "/odd", "", "/odd", "vcon: no such value"},
		{OpTest, "/analysis/1/body", ` {"b": 25e-1} `, "/subject", "\"café \uFFFD\""},
	} {
		c := newCall(t, document)
		equalCode(t, c, e.pointer, int64(c.DocEdit(1, e.op, []byte(e.pointer), []byte(e.value))), 0)
		if got := at(t, c, e.look); got != e.want {
			t.Errorf("op %d at %q: %q holds %s, want %s", e.op, e.pointer, e.look, got, e.want)
		}
	}
}

func TestDocEditMakesCoreArrays(t *testing.T) {
	t.Parallel()
	for _, op := range []int32{OpAppend, OpAdd} {
		c := newCall(t, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","analysis":null}`)
		for _, name := range []string{"/analysis", "/attachments"} {
			pointer := name
			if op == OpAdd {
				pointer += "/-"
			}
			equalCode(t, c, pointer, int64(c.DocEdit(1, op, []byte(pointer), []byte(`{"type":"x"}`))), 0)
			if got := at(t, c, name); got != `[{"type":"x"}]` {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}

func TestDocEditRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 127) + strings.Repeat("]", 127)
	for _, e := range []struct {
		op             int32
		pointer, value string
		want           Errno
	}{
		{OpAdd, "", "{}", Denied}, {OpReplace, "", "{}", Denied}, {OpRemove, "", "", Denied},
		{OpAdd, "/uuid", `"x"`, Denied}, {OpReplace, "/uuid", `"x"`, Denied}, {OpRemove, "/uuid", "", Denied}, {OpAdd, "/uuid/x", `"x"`, Denied},
		{OpAdd, "/a/b", "1", NotFound}, {OpAdd, "/parties/9", "{}", NotFound}, {OpReplace, "/nothing", "1", NotFound}, {OpRemove, "/nothing", "", NotFound},
		{OpReplace, "/parties/-", "{}", NotFound}, {OpAppend, "/nothing", "1", NotFound},
		{OpAppend, "/subject", "1", WrongType}, {OpAdd, "/subject/x", "1", WrongType},
		{OpAdd, "x", "1", BadPointer}, {OpAdd, "/~", "1", BadPointer}, {OpAdd, "/\xff", "1", Invalid},
		{OpAdd, "/x", "", Invalid}, {OpAdd, "/x", "1 2", Invalid}, {OpAdd, "/x", "{", Invalid}, {OpAdd, "/x", "nope", Invalid}, {OpRemove, "/odd", "1", Invalid},
		{OpAdd, "/odd/d", deep, Invalid}, {5, "/x", "1", Invalid}, {-1, "/x", "1", Invalid},
		{OpAdd, "/parties", `"x"`, Invalid}, {OpReplace, "/dialog", "{}", Invalid}, {OpAdd, "/analysis/-", "1", Invalid}, {OpAppend, "/attachments", "[]", Invalid},
		{OpReplace, "/dialog", "[1]", Invalid}, {OpAdd, "/parties", `[{},null]`, Invalid}, {OpAdd, "/x", "\"\xff\"", Invalid},
		{OpAdd, "/payload", `"x"`, 0}, {OpTest, "/odd/t", "false", Conflict}, {OpTest, "/nothing", "1", NotFound}, {OpTest, "/odd", "{", Invalid},
	} {
		c := newCall(t, document)
		got := c.DocEdit(1, e.op, []byte(e.pointer), []byte(e.value))
		equalCode(t, c, e.pointer+" "+e.value[:min(len(e.value), 20)], int64(got), e.want)
		if e.want != 0 && after(t, c) != document {
			t.Errorf("op %d at %q: refused, but the document changed", e.op, e.pointer)
		}
	}
	c := newCall(t, document)
	equalCode(t, c, "bad handle", int64(c.DocEdit(5, OpAdd, []byte("/x"), []byte("1"))), Invalid)
}

func TestDocEditKeepsNoGuestMemory(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	value := []byte(`"mine"`)
	c.DocEdit(1, OpAdd, []byte("/x"), value)
	copy(value, `"gone"`)
	if got := at(t, c, "/x"); got != `"mine"` {
		t.Errorf("the value became %s", got)
	}
}

func TestWriteGrants(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) {
		o.Grants.Write = Paths{Allow: []string{"/analysis/-", "/dialog/*/body", "/attachments/*/purpose"}}
		o.Grants.Tags = false
	})
	for _, e := range []struct {
		op             int32
		pointer, value string
		want           Errno
	}{
		{OpAppend, "/analysis", "{}", 0}, {OpAdd, "/analysis/-", "{}", 0}, {OpAdd, "/analysis/0", "{}", Denied}, {OpReplace, "/analysis/0", "{}", Denied},
		{OpRemove, "/analysis/0", "", Denied}, {OpReplace, "/dialog/1/body", `"x"`, 0}, {OpRemove, "/dialog/1/body", "", 0}, {OpReplace, "/dialog/1", "{}", Denied},
		{OpAdd, "/dialog/0/mediatype", `"x"`, Denied}, {OpReplace, "/attachments/0/type", `"x"`, 0}, {OpAppend, "/dialog", "{}", Denied}, {OpAdd, "/subject", `"x"`, Denied},
		{OpTest, "/subject", `"x"`, Conflict},
	} {
		equalCode(t, c, e.pointer, int64(c.DocEdit(1, e.op, []byte(e.pointer), []byte(e.value))), e.want)
	}
	equalCode(t, c, "tag_add", int64(c.TagAdd([]byte("a"), []byte("b"))), Denied)
	if !strings.Contains(reason(c), "tags") {
		t.Errorf("reason %q", reason(c))
	}
}

// TestLosingWhatIsNotSeen: a value of which parts may not be read cannot be replaced or removed.
func TestLosingWhatIsNotSeen(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Grants.Read.Not = []string{"/parties/*/tel", "/odd"} })
	equalCode(t, c, "remove", int64(c.DocEdit(1, OpRemove, []byte("/parties/0"), nil)), Denied)
	equalCode(t, c, "replace", int64(c.DocEdit(1, OpReplace, []byte("/parties"), []byte("[]"))), Denied)
	equalCode(t, c, "remove what is hidden", int64(c.DocEdit(1, OpRemove, []byte("/odd"), nil)), NotFound)
}

func TestEditQuota(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) { o.Limits.Edits = 10 })
	equalCode(t, c, "8 bytes", int64(c.DocEdit(1, OpAdd, []byte("/x"), []byte(`"123456"`))), 0)
	equalCode(t, c, "3 more", int64(c.DocEdit(1, OpAdd, []byte("/y"), []byte(`"1"`))), OverQuota)
	equalCode(t, c, "2 more", int64(c.DocEdit(1, OpAdd, []byte("/y"), []byte(`12`))), 0)
	equalCode(t, c, "a tag", int64(c.TagAdd([]byte("a"), []byte("b"))), OverQuota)
	equalCode(t, c, "a vCon", c.VconCreate(0, nil, []byte("{}"), make([]byte, 36)), OverQuota)
	unlimited := newCall(t, document, func(o *Options) { o.Limits.Edits = -1 })
	equalCode(t, unlimited, "without limit", int64(unlimited.DocEdit(1, OpAdd, []byte("/x"), []byte(`1`))), 0)
}

func TestDocPatch(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	patch := `[
	  {"op": "test", "path": "/parties/0/name", "value": "Ann"}, {"op": "add", "path": "/x", "value": {"y": [1]}}, {"op": "add", "path": "/x/y/-", "value": 2},
	  {"op": "replace", "path": "/parties/1/name", "value": "Rob"}, {"op": "copy", "from": "/x", "path": "/z"}, {"op": "move", "from": "/x/y", "path": "/w"},
	  {"op": "move", "from": "/w", "path": "/w"}, {"op": "remove", "path": "/odd", "value": 1, "comment": "more members do no harm"}]`
	equalCode(t, c, "patch", int64(c.DocPatch(1, []byte(patch))), 0)
	for pointer, want := range map[string]string{"/x": "{}", "/z": `{"y":[1,2]}`, "/w": "[1,2]", "/parties/1/name": `"Rob"`, "/odd": "vcon: no such value"} {
		if got := at(t, c, pointer); got != want {
			t.Errorf("%s = %s, want %s", pointer, got, want)
		}
	}
	h := c.DocOpen(1, []byte("/parties/0"))
	equalCode(t, c, "relative", int64(c.DocPatch(h, []byte(`[{"op":"copy","from":"/name","path":"/nick"}]`))), 0)
	if got := at(t, c, "/parties/0/nick"); got != `"Ann"` {
		t.Errorf("relative: %s", got)
	}
}

func TestDocPatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for patch, want := range map[string]Errno{
		`[{"op":"add","path":"/x","value":1},{"op":"test","path":"/x","value":2}]`:            Conflict,
		`[{"op":"add","path":"/x","value":1},{"op":"remove","path":"/y"}]`:                    NotFound,
		`[{"op":"add","path":"/x","value":1},{"op":"replace","path":"/uuid","value":"z"}]`:    Denied,
		`[{"op":"add","path":"/x","value":1},{"op":"frob","path":"/x"}]`:                      Invalid,
		`[{"op":"add","path":"/x","value":1},{"op":"add","path":"/x"}]`:                       Invalid,
		`[{"op":"add","path":"/x","value":1},{"op":"add","value":1}]`:                         Invalid,
		`[{"op":"add","path":"/x","value":1},{"op":"copy","path":"/y"}]`:                      Invalid,
		`[{"op":"add","path":"/x","value":1},{"op":"copy","from":"y","path":"/y"}]`:           BadPointer,
		`[{"op":"add","path":"/x","value":1},{"op":"copy","from":"/nothing","path":"/y"}]`:    NotFound,
		`[{"op":"add","path":"/x","value":{"a":{}}},{"op":"move","from":"/x","path":"/x/a"}]`: Invalid,
		`[{"op":"move","from":"/odd","path":"/parties"}]`:                                     Invalid,
		`[{"op":"move","from":"/parties/0","path":"/nothing/x"}]`:                             NotFound,
		"[{\"op\":\"add\",\"path\":\"/\xff\",\"value\":1}]":                                   Invalid, `{}`: Invalid, `null`: Invalid, `[1]`: Invalid, ``: Invalid,
	} {
		c := newCall(t, document)
		c.DocEdit(1, OpAdd, []byte("/before"), []byte("1"))
		before, used := after(t, c), c.Used().Edits
		equalCode(t, c, patch, int64(c.DocPatch(1, []byte(patch))), want)
		if got := after(t, c); got != before {
			t.Errorf("%s: the document is %s", patch, got)
		}
		if c.Used().Edits != used {
			t.Errorf("%s: charged %d bytes", patch, c.Used().Edits-used)
		}
	}
	c := newCall(t, document)
	c.DocPatch(1, []byte(`[{"op":"add","path":"/x","value":1},{"op":"test","path":"/x","value":2}]`))
	if !strings.Contains(reason(c), "operation 1") {
		t.Errorf("reason %q", reason(c))
	}
	equalCode(t, c, "bad handle", int64(c.DocPatch(3, []byte("[]"))), Invalid)
}

func TestPatchGrants(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) {
		o.Grants.Read = Paths{Allow: []string{"/subject", "/parties"}}
		o.Grants.Write = Paths{Allow: []string{"/x", "/parties"}}
	})
	equalCode(t, c, "copy", int64(c.DocPatch(1, []byte(`[{"op":"copy","from":"/subject","path":"/x"}]`))), 0)
	equalCode(t, c, "copy of what may not be read", int64(c.DocPatch(1, []byte(`[{"op":"copy","from":"/odd","path":"/x"}]`))), NotFound)
	c.o.Grants.Read.Not = []string{"/parties/*/tel"}
	equalCode(t, c, "copy of what may be read in part", int64(c.DocPatch(1, []byte(`[{"op":"copy","from":"/parties/0","path":"/x"}]`))), Denied)
	c.o.Grants.Read.Not = nil
	equalCode(t, c, "move of what may not be written", int64(c.DocPatch(1, []byte(`[{"op":"move","from":"/subject","path":"/x"}]`))), Denied)
	equalCode(t, c, "move", int64(c.DocPatch(1, []byte(`[{"op":"move","from":"/parties/0","path":"/x"}]`))), 0)
}

func TestTags(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	get := func(name string) string {
		return text(t, func(out []byte) int64 { return c.TagGet([]byte(name), out) })
	}
	list := func() string { return text(t, c.TagList) }
	if get("vip") != "yes" || get("lang") != "en" {
		t.Errorf("vip %q, lang %q", get("vip"), get("lang"))
	}
	equalCode(t, c, "no such tag", c.TagGet([]byte("none"), nil), NotFound)
	equalCode(t, c, "tag_add", int64(c.TagAdd([]byte("new"), []byte("a:b \"c\""))), 0)
	equalCode(t, c, "the pair again", int64(c.TagAdd([]byte("vip"), []byte("yes"))), 0)
	if got := list(); got != `["vip:yes","vip:no","lang:en","new:a:b \"c\""]` {
		t.Errorf("tag_list = %s", got)
	}
	if n := c.TagRemove([]byte("vip"), []byte("no")); n != 1 {
		t.Errorf("removed %d", n)
	}
	if n := c.TagRemove([]byte("new"), nil); n != 1 {
		t.Errorf("removed %d", n)
	}
	if n := c.TagRemove([]byte("none"), nil); n != 0 {
		t.Errorf("removed %d", n)
	}
	if n := c.TagRemove([]byte("vip"), []byte{}); n != 0 {
		t.Errorf("removed %d with an empty value", n)
	}
	if got := list(); got != `["vip:yes","lang:en"]` {
		t.Errorf("tag_list = %s", got)
	}
	for _, name := range []string{"", "a:b", "\xff"} {
		equalCode(t, c, "get "+name, c.TagGet([]byte(name), nil), Invalid)
		equalCode(t, c, "add "+name, int64(c.TagAdd([]byte(name), nil)), Invalid)
		equalCode(t, c, "remove "+name, int64(c.TagRemove([]byte(name), nil)), Invalid)
	}
	equalCode(t, c, "a value that is not UTF-8", int64(c.TagAdd([]byte("a"), []byte("\xff"))), Invalid)
	equalCode(t, c, "a value that is not UTF-8", int64(c.TagRemove([]byte("a"), []byte("\xff"))), Invalid)
	empty := newCall(t, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`)
	if got := text(t, empty.TagList); got != "[]" {
		t.Errorf("no tags: %s", got)
	}
	hidden := newCall(t, document, func(o *Options) { o.Grants = Grants{Read: Paths{Allow: []string{"/parties"}}} })
	if got := text(t, hidden.TagList); got != "[]" {
		t.Errorf("tags that may not be read: %s", got)
	}
}
