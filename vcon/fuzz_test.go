package vcon

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func addSamples(f *testing.F, add func(text []byte)) {
	for _, text := range samples(f) {
		add(text)
	}
	for _, text := range []string{
		body(`,"x":{"k":[1,{"y":1.0e-7}],"\u0061":"\ud83d\ude00\ud800\n"}`), "{}", "[1,2", `{"uuid":"x","uuid":`,
		body(`,"attachments":[{"type":"tags","body":"[\"a:b\"]"},{"purpose":"tags","body":{"k":["v"]}}]`),
		body(`,"a":"` + strings.Repeat("é", 300) + `","b":[` + strings.Repeat(`"long enough to be indexed",`, 40) + `0]`),
	} {
		add([]byte(text))
	}
}

// FuzzParse: what is taken comes back byte for byte and reads as encoding/json decodes it; what is refused as no JSON
// is none for encoding/json either.
func FuzzParse(f *testing.F) {
	addSamples(f, func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(bytes.Clone(text))
		if err == nil {
			if !bytes.Equal(v.Bytes(), text) || !json.Valid(text) {
				t.Fatal("the text changed, or is no JSON")
			}
			checkReads(t, v)
			compareIndex(t, v.root.text, v.root.idx)
			return
		}
		bad, ok := errors.AsType[*ParseError](err)
		if !ok || bad.Offset > len(text) || bad.Reason == "" {
			t.Fatalf("error %#v", err)
		}
		if bad.Rule != "V01" || bad.Pointer == "/payload" || strings.Contains(bad.Reason, "UTF-8") {
			return
		}
		var o map[string]any
		if json.Unmarshal(text, &o) == nil && o != nil {
			t.Fatalf("refused, but is an object: %v", err)
		}
	})
}

var fuzzOps = []string{"append", "add", "set", "remove", "tag", "untag", "untag all"}

var fuzzValues = []string{
	`1`, ` "té\u0041" `, `[]`, `{"a": [1 , 2]}`, `null`, `{"type":"tags","body":["a:1"]}`, `[[1],{"b":{}}]`, `"tags"`, `{ }`,
	`"` + strings.Repeat("long ", 150) + `"`, `[` + strings.Repeat("[1,2,3] ,", 100) + `{}]`, `{"mimetype":"a","type":"b"}`,
}

var fuzzNames = []string{"/-", "/0", "/1", "/a", "/purpose", "/type", "/mediatype", "/body", "/analysis", "/attachments", "/amended", "/q~1~0\""}

// randomEdit turns three bytes into an edit on a model and a draft, and reports whether both agree that it can be done.
func randomEdit(t *testing.T, m *model, d *Draft, b []byte) {
	op := fuzzOps[int(b[0])%len(fuzzOps)]
	if b[0] >= 250 && op != "append" {
		d.Mark()
	}
	if op == "tag" || strings.HasPrefix(op, "untag") {
		randomTag(t, m, d, op, b)
		return
	}
	all := m.pointers()
	pointer := all[int(b[1])%len(all)]
	if b[2] >= 128 {
		pointer += fuzzNames[int(b[2])%len(fuzzNames)]
	}
	value := fuzzValues[int(b[2])%len(fuzzValues)]
	err := doOne(d, op+" "+pointer+" "+value)
	if done := m.do(op, pointer, decode(t, []byte(value))); done != (err == nil) {
		t.Fatalf("%s %s: model %v, draft %v", op, pointer, done, err)
	}
}

func randomTag(t *testing.T, m *model, d *Draft, op string, b []byte) {
	name, value := string('a'+rune(b[1]%3)), string('0'+rune(b[2]%3))
	before := m.tags()
	var want []string
	var err error
	if op == "tag" {
		if want = before; !slices.Contains(before, name+":"+value) {
			want = append(slices.Clone(before), name+":"+value)
		}
		err = d.AddTag(name, value)
	} else {
		all := op == "untag all"
		want = slices.DeleteFunc(slices.Clone(before), func(tag string) bool {
			return tag == name+":"+value || all && strings.HasPrefix(tag, name+":")
		})
		_, err = d.RemoveTag(name, value, all)
	}
	if errors.Is(err, ErrType) {
		return
	}
	text, getErr := d.Get("")
	if err != nil || getErr != nil {
		t.Fatal(err, getErr)
	}
	*m = *newModel(t, text)
	slices.Sort(want)
	got := d.Tags()
	slices.Sort(got)
	if !slices.Equal(m.tags(), want) || !slices.Equal(got, want) {
		t.Fatalf("%s %s:%s: tags %q, of the model %q, want %q", op, name, value, got, m.tags(), want)
	}
}

// FuzzEdits: a draft agrees with a plain decode after each program of edits; applied to the same base, in one piece or
// in two, from memory or from JSON, the edits give the same text; applied to a text that others changed, they fit or
// conflict, and never break it.
func FuzzEdits(f *testing.F) {
	bases := editBases(f)
	for i := range bases {
		f.Add(uint8(i), []byte("\x00\x05\x03\x01\x02\x86\x02\x07\x01\x03\x03\x00\x04\x00\x00\xfe\x04\x02"), []byte("\x02\x01\x04\x05\x00\x00"))
		f.Add(uint8(i), []byte("\x04\x01\x01\x00\x10\x83\xff\x09\x04\x02\x09\x85\x03\x09\x01"), []byte("\x00\x01\x83\x06\x00\x00\x03\x07\x00"))
	}
	f.Fuzz(func(t *testing.T, which uint8, mine, theirs []byte) {
		if len(mine) <= 120 && len(theirs) <= 60 {
			checkEdits(t, bases[int(which)%len(bases)], mine, theirs)
		}
	})
}

// TestRandomEdits runs what FuzzEdits checks over many random programs.
func TestRandomEdits(t *testing.T) {
	t.Parallel()
	bases := editBases(t)
	random := rand.New(rand.NewPCG(1, 2))
	program := func(edits int) []byte {
		b := make([]byte, 3*random.IntN(edits))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for range 1000 {
		checkEdits(t, bases[random.IntN(len(bases))], program(25), program(8))
	}
}

// editBases are the texts that the edit tests start from. Half a surrogate pair is made whole first: the model could
// not tell it from U+FFFD.
func editBases(t testing.TB) []string {
	var bases []string
	for _, text := range samples(t) {
		if v, err := Parse(text); err == nil && v.Form() == Unsigned && len(text) < 8000 {
			bases = append(bases, strings.ReplaceAll(string(text), `\ud800 `, ` `))
		}
	}
	slices.Sort(bases)
	return append(bases, body(""), body(`,"a":[1,1,{},{},{"a":1},{"a":1}],"dialog":[{},{},[[]]],"analysis":null`),
		body(`,"attachments":[{"type":"tags","body":"[\"a:1\"]"},{"purpose":"tags","body":{"a":["2"],"b":"1"}},{"type":"tags","body":"{}"}]`),
		body(`,"a":"`+strings.Repeat("é", 300)+`","b":[`+strings.Repeat(`"long enough to be indexed",`, 40)+`0],"parties":[{}]`),
		body(`,"a":{`+strings.Repeat(`"many":1,"names":{},`, 20)+`"many":[2]}`))
}

func checkEdits(t *testing.T, text string, mine, theirs []byte) {
	base := mustParse(t, text)
	d := base.Draft()
	half := runEdits(t, base, d, mine)
	v, err := d.VCon()
	if err != nil {
		t.Fatal(err)
	}
	checkSpliced(t, v)
	checkReplays(t, base, d, half, v)
	checkRebase(t, base, d.Edits(), theirs)
	d.Rollback(half)
	d.Rollback(0)
	if v, err := d.VCon(); err != nil || v != base {
		t.Fatal("the rollback left something")
	}
	if whole, _ := d.Get(""); !bytes.Equal(whole, base.root.text) {
		t.Fatal("the rollback changed the text")
	}
}

// runEdits runs a program and returns a mark in the middle of it.
func runEdits(t *testing.T, base *VCon, d *Draft, program []byte) Mark {
	m := newModel(t, base.Bytes())
	half, marked := Mark(0), false
	for i := 0; i+3 <= len(program); i += 3 {
		if !marked && i >= len(program)/2 {
			half, marked = d.Mark(), true
		}
		randomEdit(t, m, d, program[i:i+3])
	}
	text, err := d.Get("")
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, text); !reflect.DeepEqual(got, any(m.root)) {
		want, _ := json.Marshal(m.root)
		t.Fatalf("draft and model differ:\n%s\n%s", text, want)
	}
	return half
}

func checkReplays(t *testing.T, base *VCon, d *Draft, half Mark, want *VCon) {
	first, second := d.Edits()[:half], d.EditsSince(half)
	for name, edits := range map[string][2][]Edit{
		"in one piece":             {append(slices.Clone(first), second...)},
		"in two":                   {first, second},
		"from JSON":                {throughJSON(t, append(slices.Clone(first), second...))},
		"from JSON, in two":        {throughJSON(t, first), throughJSON(t, second)},
		"half from JSON, half not": {append(throughJSON(t, first), second...)},
	} {
		v, err := base.Apply(edits[0])
		if err == nil {
			v, err = v.Apply(edits[1])
		}
		if err != nil {
			out, _ := json.Marshal(d.Edits())
			t.Fatalf("%s: %v\n%s\nhalf %d\n%s", name, err, base.Bytes(), half, out)
		}
		same := bytes.Equal(v.Bytes(), want.Bytes())
		if len(edits[1]) > 0 { // spliced twice: white space may differ
			same = hashTokens(v.Bytes()) == hashTokens(want.Bytes())
		}
		if !same {
			t.Fatalf("%s:\n%s\n%s", name, v.Bytes(), want.Bytes())
		}
	}
}

func checkRebase(t *testing.T, base *VCon, mine []Edit, theirs []byte) {
	other := base.Draft()
	runEdits(t, base, other, theirs)
	changed, err := other.VCon()
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(changed.Bytes())
	a, errA := changed.Apply(mine)
	b, errB := changed.Apply(throughJSON(t, mine))
	if (errA == nil) != (errB == nil) || errA != nil && !errors.Is(errA, ErrConflict) {
		t.Fatalf("rebase: %v, from JSON %v", errA, errB)
	}
	if !bytes.Equal(changed.Bytes(), before) {
		t.Fatal("the rebase changed its base")
	}
	if errA == nil {
		checkSpliced(t, a)
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatal("edits from JSON rebase otherwise")
		}
	}
}

// FuzzEditJSON: what is read as an edit is written and read the same again, and applying it never breaks a document.
func FuzzEditJSON(f *testing.F) {
	d := mustParse(f, body(`,"x":[{"a":1}],"attachments":[{"type":"tags","body":["k:v"]}]`)).Draft()
	do(f, d, "append /analysis {}", "set /x/0/a 2", "add /x/0 1", "remove /x/1", "set /y 1", "add /z 2", "tag a b", "untag k ", "untag a b")
	for _, e := range d.Edits() {
		text, err := e.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	base := d.Base()
	f.Fuzz(func(t *testing.T, text []byte) {
		var e, again Edit
		if json.Unmarshal(text, &e) != nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("read again: %v\n%s", err, out)
		}
		v, err := base.Apply([]Edit{e})
		if err != nil {
			if !errors.Is(err, ErrConflict) {
				t.Fatal(err)
			}
			return
		}
		checkSpliced(t, v)
	})
}
