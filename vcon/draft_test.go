package vcon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// do runs a few edits, written as one string each: "op pointer value".
func do(t testing.TB, d *Draft, edits ...string) {
	t.Helper()
	for _, e := range edits {
		if err := doOne(d, e); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
}

func doOne(d *Draft, edit string) error {
	part := append(strings.SplitN(edit, " ", 3), "", "")
	switch part[0] {
	case "append":
		return d.Append(part[1], []byte(part[2]))
	case "add":
		return d.Add(part[1], []byte(part[2]))
	case "set":
		return d.Set(part[1], []byte(part[2]))
	case "remove":
		return d.Remove(part[1])
	case "tag":
		return d.AddTag(part[1], part[2])
	case "untag":
		_, err := d.RemoveTag(part[1], part[2], part[2] == "")
		return err
	}
	panic("unknown " + edit)
}

// body puts members behind the uuid.
func body(members string) string { return `{"uuid":"` + someID + `"` + members + `}` }

// checkSpliced compares a spliced document, its index in particular, with a parse of its text.
func checkSpliced(t testing.TB, v *VCon) {
	t.Helper()
	again, err := ParseWith(bytes.Clone(v.Bytes()), v.limits)
	if err != nil {
		t.Fatalf("spliced text: %v\n%s", err, v.Bytes())
	}
	if again.ID() != v.ID() || again.Form() != v.Form() || again.Hash() != v.Hash() {
		t.Error("identity or hash differs from the parsed text's")
	}
	compareIndex(t, v.root.text, v.root.idx)
}

// compareIndex checks an index and those below it against a walk of the text.
func compareIndex(t testing.TB, text []byte, x *index) {
	t.Helper()
	want := buildIndex(text)
	if len(want.kids) != len(x.kids) {
		t.Fatalf("index of %d kids, want %d", len(x.kids), len(want.kids))
	}
	for n := range want.kids {
		if want.kids[n] != x.kids[n] {
			t.Fatalf("kid %d of %.200s: %+v, want %+v", n, text, x.kids[n], want.kids[n])
		}
	}
	if subs := x.subs.Load(); subs != nil {
		for n := range *subs {
			if sub := (*subs)[n].Load(); sub != nil {
				compareIndex(t, text[x.kids[n].start:x.kids[n].end], sub)
			}
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, edits, out string }{
		{"append", `,"analysis":[ {"a":1} ] `, `append /analysis {"b":2}`, `,"analysis":[ {"a":1},{"b":2} ] `},
		{"append to empty", `,"dialog":[ ]`, `append /dialog 1;append /dialog 2`, `,"dialog":[1,2 ]`},
		{"append makes", ``, `append /analysis {};append /analysis 1`, `,"analysis":[{},1]`},
		{"append to null", ` , "parties" : null `, `append /parties {}`, ` , "parties" : [{}] `},
		{"append deep", `,"x":{"y":[[1]]}`, `append /x/y/0 2`, `,"x":{"y":[[1,2]]}`},
		{"set", `,"subject" : "a"  ,"b":1.0`, `set /subject "b"`, `,"subject" : "b"  ,"b":1.0`},
		{"set makes", `,"x": {}`, `set /x/a 1;set /x/b 2;set /y [ 1 ]`, `,"x": {"a":1,"b":2},"y":[ 1 ]`},
		{"set strips space", `,"x":1`, "set /x  \t{ } \n", `,"x":{ }`},
		{"set element", `,"x":[1 , 2 , 3]`, `set /x/1 {"a":0}`, `,"x":[1 , {"a":0} , 3]`},
		{"set twice", `,"x":[1,2]`, `set /x/0 {"a":0};set /x/0/a 5;set /x/0/b 6`, `,"x":[{"a":5,"b":6},2]`},
		{"set last of duplicates", `,"x":1, "x":2 ,"y":0`, `set /x 3`, `,"x":1, "x":3 ,"y":0`},
		{"set other spelling", `,"attachments":[{"type":"a"}]`, `set /attachments/0/purpose "b"`, `,"attachments":[{"type":"b"}]`},
		{"set name as given", `,"attachments":[{}]`, `set /attachments/0/type "b"`, `,"attachments":[{"type":"b"}]`},
		{"add name as given", `,"appended":{}`, `add /amended {}`, `,"appended":{},"amended":{}`},
		{"set below other spelling", `,"appended":{}`, `set /amended/uuid "x"`, `,"appended":{"uuid":"x"}`},
		{"add inserts", `,"x":[ 1 , 2 ]`, `add /x/0 0;add /x/2 1.5;add /x/4 4;add /x/- 5`, `,"x":[ 0,1,1.5 , 2,4,5 ]`},
		{"add replaces", `,"x":1`, `add /x 2`, `,"x":2`},
		{"remove first", `,"x":[ 1 , 2 , 3 ]`, `remove /x/0`, `,"x":[ 2 , 3 ]`},
		{"remove middle", `,"x":[ 1 , 2 , 3 ]`, `remove /x/1`, `,"x":[ 1 , 3 ]`},
		{"remove last", `,"x":[ 1 , 2 , 3 ]`, `remove /x/2`, `,"x":[ 1 , 2 ]`},
		{"remove all", `,"x":[ 1 , 2 ]`, `remove /x/0;remove /x/0;append /x 3`, `,"x":[ 3 ]`},
		{"remove and append", `,"x":[ 1 , 2 ]`, `remove /x/1;append /x 3`, `,"x":[ 1,3 ]`},
		{"remove duplicates", `,"a":1,"x":1,"b":2,"\u0078":2 ,"c":3`, `remove /x`, `,"a":1,"b":2 ,"c":3`},
		{"remove other spelling", `,"must_support":[]`, `remove /critical`, ``},
		{"remove and make", `,"x":1,"y":2`, `remove /x;set /x 3`, `,"y":2,"x":3`},
		{"escaped names", `,"a/b":{"c~d":1}`, `set /a~1b/c~0d 2;add /a~1b/q"\ 3`, `,"a/b":{"c~d":2,"q\"\\":3}`},
		{"tag new", ``, `tag a b`, `,"attachments":[{"purpose":"tags","encoding":"json","body":["a:b"]}]`},
		{"tag null", `,"attachments":null`, `tag a b`, `,"attachments":[{"purpose":"tags","encoding":"json","body":["a:b"]}]`},
		{"tag beside others", `,"attachments":[{}]`, `tag a b`, `,"attachments":[{},{"purpose":"tags","encoding":"json","body":["a:b"]}]`},
		{"tag list", `,"attachments":[{"type":"tags","body":["x:1" ]}]`, `tag a b:c;tag a b:c;tag x 1`, `,"attachments":[{"type":"tags","body":["x:1","a:b:c" ]}]`},
		{"tag text", `,"attachments":[{"purpose":"tags","body":"[\"x:1\"]"}]`, `tag a "é`, `,"attachments":[{"purpose":"tags","body":"[\"x:1\",\"a:\\\"é\"]"}]`},
		{"tag empty text list", `,"attachments":[{"purpose":"tags","body":"[]"}]`, `tag a b`, `,"attachments":[{"purpose":"tags","body":"[\"a:b\"]"}]`},
		{"tag map", `,"attachments":[{"purpose":"tags","body":{"x":"1"}}]`, `tag a b;tag x 2;tag x 3;tag x 1`, `,"attachments":[{"purpose":"tags","body":{"x":["1","2","3"],"a":"b"}}]`},
		{"tag text map", `,"attachments":[{"purpose":"tags","body":"{\"x\": 1}"}]`, `tag a b;tag x 1`, `,"attachments":[{"purpose":"tags","body":"{\"x\": 1,\"a\":\"b\"}"}]`},
		{"tag in the second set", `,"attachments":[{"type":"tags","body":[]},{"type":"tags","body":["a:b"]}]`, `tag a b`, `,"attachments":[{"type":"tags","body":[]},{"type":"tags","body":["a:b"]}]`},
		{"tag beside an unfit body", `,"attachments":[{"type":"tags","body":"[x"}]`, `tag a b`, `,"attachments":[{"type":"tags","body":"[x"},{"purpose":"tags","encoding":"json","body":["a:b"]}]`},
		{"tag beside half a character", `,"attachments":[{"type":"tags","body":"[\"\ud800\"]"}]`, `tag a b`, `,"attachments":[{"type":"tags","body":"[\"\ud800\"]"},{"purpose":"tags","encoding":"json","body":["a:b"]}]`},
		{"untag", `,"attachments":[{"type":"tags","body":["a:b","c:d","a:b"]},{"type":"tags","body":"[\"a:b\", \"e:f\"]"}]`, `untag a b`, `,"attachments":[{"type":"tags","body":["c:d"]},{"type":"tags","body":"[\"e:f\"]"}]`},
		{"untag all", `,"attachments":[{"type":"tags","body":["a:b","ab:d","a:c"]},{"type":"tags","body":{"a":["1",2],"b":3}}]`, `untag a `, `,"attachments":[{"type":"tags","body":["ab:d"]},{"type":"tags","body":{"b":3}}]`},
		{"untag map", `,"attachments":[{"type":"tags","body":{"a":["1","2"],"b":3,"c":"1"}}]`, `untag a 1;untag b 3`, `,"attachments":[{"type":"tags","body":{"a":["2"],"c":"1"}}]`},
		{"untag the last of duplicates", `,"attachments":[{"type":"tags","body":{"a":"1","a":"2","b":"3"}}]`, `untag a 2;tag a 4;tag b 3`, `,"attachments":[{"type":"tags","body":{"a":["1","4"],"b":"3"}}]`},
		{"untag nothing", `,"attachments":[{"type":"tags","body":["a:b"]}]`, `untag a c`, `,"attachments":[{"type":"tags","body":["a:b"]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := mustParse(t, " \n"+body(tt.in)+"\t\n")
			d := base.Draft()
			do(t, d, strings.Split(tt.edits, ";")...)
			want := " \n" + body(tt.out) + "\t\n"
			checkDraft(t, d, want)
			applied, err := base.Apply(d.Edits())
			if err != nil || string(applied.Bytes()) != want {
				t.Errorf("applied: %s, %v", applied.Bytes(), err)
			}
			applied, err = base.Apply(throughJSON(t, d.Edits()))
			if err != nil || string(applied.Bytes()) != want {
				t.Errorf("applied from JSON: %v", err)
			}
			d.Rollback(0)
			checkDraft(t, d, string(base.Bytes()))
			if len(d.Edits()) != 0 {
				t.Error("something is left after the rollback")
			}
		})
	}
}

// checkDraft splices a draft and compares text and reads with what is wanted.
func checkDraft(t testing.TB, d *Draft, want string) {
	t.Helper()
	v, err := d.VCon()
	if err != nil {
		t.Fatal(err)
	}
	if string(v.Bytes()) != want {
		t.Fatalf("got  %s\nwant %s", v.Bytes(), want)
	}
	checkSpliced(t, v)
	whole, err := d.Get("")
	if err != nil || string(whole) != strings.TrimSpace(want) {
		t.Errorf("get the whole: %s, %v", whole, err)
	}
}

func throughJSON(t testing.TB, edits []Edit) []Edit {
	t.Helper()
	text, err := json.Marshal(edits)
	if err != nil {
		t.Fatal(err)
	}
	var back []Edit
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return back
}

func TestEditErrors(t *testing.T) {
	t.Parallel()
	members := `,"x":{"s":"text","n":null,"a":[1]},"attachments":{},"payload":"","parties":null`
	deep := strings.Repeat("[", 127)
	tests := []struct {
		edit string
		want error
	}{
		{"set  1", ErrReadOnly}, {"add  {}", ErrReadOnly}, {"remove ", ErrReadOnly}, {"append  1", ErrReadOnly},
		{`set /uuid "x"`, ErrReadOnly}, {"remove /uuid", ErrReadOnly}, {"add /uuid/x 1", ErrReadOnly}, {"append /uuid 1", ErrReadOnly},
		{"set x 1", ErrPointer}, {"add /~ 1", ErrPointer}, {"remove /~2", ErrPointer}, {"append uuid 1", ErrPointer},
		{"set /a\xff 1", ErrPointer},
		{"set /x/s ", ErrValue}, {"set /x/s {", ErrValue}, {"add /x/s 1 2", ErrValue}, {"append /x/a \"\x01\"", ErrValue},
		{"append /x/a " + deep + strings.Repeat("]", 127), ErrValue},
		{"set /x/s " + strings.Repeat("1", 1025), ErrValue},
		{"set /y/z 1", ErrAbsent}, {"remove /y", ErrAbsent}, {"append /y 1", ErrAbsent}, {"append /x/y 1", ErrAbsent},
		{"set /x/a/1 1", ErrAbsent}, {"set /x/a/- 1", ErrAbsent}, {"add /x/a/2 1", ErrAbsent}, {"add /x/a/x 1", ErrAbsent},
		{"remove /x/a/1", ErrAbsent}, {"remove /x/a/-", ErrAbsent}, {"set /x/s/y/z 1", ErrAbsent},
		{"set /x/s/y 1", ErrType}, {"add /x/n/y 1", ErrType}, {"remove /x/s/0", ErrType}, {"append /x 1", ErrType},
		{"append /x/n 1", ErrType}, {"append /attachments 1", ErrType}, {"tag a b", ErrType},
		{"add /signatures []", ErrValue}, {"set /signatures []", ErrValue},
		{"tag  b", ErrValue}, {"tag a:b c", ErrValue}, {"tag a \xff", ErrValue}, {"untag : x", ErrValue},
	}
	for _, tt := range tests {
		d := mustParse(t, body(members)).Draft()
		if err := doOne(d, tt.edit); !errors.Is(err, tt.want) {
			t.Errorf("%.40q: %v, want %v", tt.edit, err, tt.want)
		}
		if v, err := d.VCon(); err != nil || v != d.Base() || len(d.Edits()) != 0 {
			t.Errorf("%.40q left something behind", tt.edit)
		}
		checkDraft(t, d, body(members))
	}
}

func TestSignedIsReadOnly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"payload":"eyJ1dWlkIjoiMDE5NTQzZGEtYjVhYS04ZDYzLTlkZDgtZGQzNzIyMGQ3MzljIn0","signatures":[],"attachments":[{"type":"tags","body":["a:b"]}]}`,
		`{"ciphertext":"","recipients":[],"unprotected":{"uuid":"` + someID + `"}}`,
	} {
		d := mustParse(t, text).Draft()
		for _, edit := range []string{"set /a 1", "add /a 1", "remove /payload", "append /analysis 1", "tag a b", "untag a b"} {
			if err := doOne(d, edit); !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s: %v", edit, err)
			}
		}
		if tags := d.Tags(); tags != nil {
			t.Errorf("tags %q", tags)
		}
	}
}

func TestDraftReads(t *testing.T) {
	t.Parallel()
	d := mustParse(t, body(`,"dialog":[{"mimetype":"a","x":{"k":1,"k":2}},{"y":[1]}],"appended":{}`)).Draft()
	do(t, d, `set /dialog/0/mediatype "b"`, `add /dialog/1 {"type":"text"}`, `append /dialog/2/y 2`, `set /dialog/0/x/m 3`)
	for pointer, want := range map[string]string{
		"/dialog/0/mediatype": `"b"`, "/dialog/0/mimetype": `"b"`, "/dialog/1/type": `"text"`, "/dialog/2/y": "[1,2]",
		"/dialog/2/y/1": "2", "/dialog/0/x/k": "2", "/dialog/0/x": `{"k":1,"k":2,"m":3}`, "/amended": "{}", "/dialog/0/x/m": "3",
	} {
		if got, err := d.Get(pointer); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", pointer, got, err)
		}
	}
	for pointer, want := range map[string]int{"/dialog": 3, "/dialog/0/x": 2, "/dialog/2/y": 2, "": 3, "/appended": 0} {
		if got, err := d.Count(pointer); err != nil || got != want {
			t.Errorf("count %s: %d, %v", pointer, got, err)
		}
	}
	if keys, err := d.Keys("/dialog/0/x"); err != nil || strings.Join(keys, " ") != "k m" {
		t.Errorf("keys: %q, %v", keys, err)
	}
	for pointer, want := range map[string]error{"/z": ErrAbsent, "z": ErrPointer, "/uuid": ErrType} {
		if _, err := d.Count(pointer); !errors.Is(err, want) {
			t.Errorf("count %s: %v", pointer, err)
		}
		if _, err := d.Keys(pointer); !errors.Is(err, want) {
			t.Errorf("keys %s: %v", pointer, err)
		}
	}
	if _, err := d.Keys("/dialog"); !errors.Is(err, ErrType) {
		t.Errorf("keys of an array: %v", err)
	}
	for _, tt := range []struct {
		pointer, value string
		want           error
	}{{"/none", "1", ErrAbsent}, {"/dialog", "{", ErrValue}, {"x", "1", ErrPointer}} {
		if _, err := d.Test(tt.pointer, []byte(tt.value)); !errors.Is(err, tt.want) {
			t.Errorf("test %s: %v", tt.pointer, err)
		}
	}
	if same, err := d.Test("/dialog/2", []byte(` {"y":[1.0, 20e-1]}`)); err != nil || !same {
		t.Errorf("test: %v, %v", same, err)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	d := mustParse(t, body(`,"x":[1]`)).Draft()
	do(t, d, "append /x 2")
	m := d.Mark()
	do(t, d, "append /x 3", "set /x/0 {}", "set /x/0/a 1", "tag a b", "remove /x/1")
	if got := len(d.EditsSince(m)); got != 5 {
		t.Errorf("%d edits since the mark", got)
	}
	again := d.Mark()
	do(t, d, "remove /x")
	d.Rollback(again)
	checkDraft(t, d, body(`,"x":[{"a":1},3],"attachments":[{"purpose":"tags","encoding":"json","body":["a:b"]}]`))
	d.Rollback(m)
	checkDraft(t, d, body(`,"x":[1,2]`))
	if len(d.Edits()) != 1 || len(d.EditsSince(m)) != 0 {
		t.Errorf("%d edits", len(d.Edits()))
	}
	d.Rollback(m + 7)
	do(t, d, "append /x 4")
	checkDraft(t, d, body(`,"x":[1,2,4]`))
}

func TestValuesAreCopied(t *testing.T) {
	t.Parallel()
	d := mustParse(t, body("")).Draft()
	value := []byte(`"mine"`)
	if err := d.Set("/x", value); err != nil {
		t.Fatal(err)
	}
	copy(value, `"your"`)
	checkDraft(t, d, body(`,"x":"mine"`))
}

func TestResultKeepsLimits(t *testing.T) {
	t.Parallel()
	text := body(`,"x":[1,2]`)
	v, err := ParseWith([]byte(text), Limits{Bytes: int64(len(text)) + 4, Elements: 6})
	if err != nil {
		t.Fatal(err)
	}
	d := v.Draft()
	do(t, d, "append /x 3")
	if _, err := d.VCon(); err != nil {
		t.Errorf("within the limits: %v", err)
	}
	do(t, d, "append /x 4")
	var bad *ParseError
	if _, err := d.VCon(); !errors.As(err, &bad) || bad.Rule != "V02" {
		t.Errorf("too many values: %v", err)
	}
	do(t, d, "remove /x/0")
	if _, err := d.VCon(); err != nil {
		t.Errorf("within the limits again: %v", err)
	}
	do(t, d, `set /x "twenty bytes and more"`)
	if _, err := d.VCon(); !errors.As(err, &bad) || bad.Rule != "V02" {
		t.Errorf("too large: %v", err)
	}
}

func TestTagReads(t *testing.T) {
	t.Parallel()
	v := mustParse(t, body(`,"attachments":[{"type":"tags","body":["a:b","bare",1]},{"purpose":"x","body":["no:no"]},
		{"purpose":"tags","body":"{\"k\": \"v:w\", \"n\": 1.0, \"l\": [\"1\", true, {}]}"},7,{"purpose":"tags"}]`))
	if got := strings.Join(v.Tags(), " "); got != "a:b bare k:v:w n:1.0 l:1 l:true" {
		t.Errorf("tags: %s", got)
	}
	if got, ok := v.Draft().Tag("k"); !ok || got != "v:w" {
		t.Errorf("tag k: %q, %v", got, ok)
	}
	if got, ok := v.Draft().Tag("bare"); ok {
		t.Errorf("tag bare: %q", got)
	}
}

// TestRemoveTagByPair: what is removed is what Tags shows, also where the colon stands in the name of an object's member.
func TestRemoveTagByPair(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{`{"a:b":"c","k":[1]}`, `{"a":["b:c"],"k":[1]}`, `["a:b:c","k:1"]`, `"{\u0022a:b\u0022:[\u0022c\u0022,\u0022c\u0022],\u0022k\u0022:1}"`} {
		for _, all := range []bool{false, true} {
			d := mustParse(t, body(`,"attachments":[{"type":"tags","body":`+tags+`}]`)).Draft()
			shown := len(d.Tags())
			n, err := d.RemoveTag("a", "b:c", all)
			if left := strings.Join(d.Tags(), " "); err != nil || n != shown-1 || left != "k:1" {
				t.Errorf("%s, all %v: %d removed, %v, left %s", tags, all, n, err, left)
			}
		}
	}
}

// TestManyMembers edits an object of very many members; looking each up by walking all would take minutes.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	const many = 30_000
	var members strings.Builder
	for n := range many {
		fmt.Fprintf(&members, `,"m%d":%d`, n, n)
	}
	d := mustParse(t, body(members.String())).Draft()
	for n := range many {
		if n%2 == 0 {
			do(t, d, fmt.Sprintf("set /m%d 0", n))
		}
	}
	do(t, d, "remove /m7")
	for pointer, want := range map[string]string{"/m6": "0", "/m9": "9", fmt.Sprintf("/m%d", many-1): fmt.Sprint(many - 1)} {
		if got, err := d.Get(pointer); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", pointer, got, err)
		}
	}
	if count, err := d.Count(""); err != nil || count != many {
		t.Errorf("%d members, %v", count, err)
	}
	v, err := d.VCon()
	if err != nil {
		t.Fatal(err)
	}
	checkSpliced(t, v)
}
