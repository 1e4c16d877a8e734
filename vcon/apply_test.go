package vcon

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestApplyOnAnotherText(t *testing.T) {
	t.Parallel()
	tagged := `,"attachments":[{"type":"tags","body":"[\"a:1\"]"}]`
	tests := []struct{ name, base, theirs, mine, out string }{
		{"append after append", `,"analysis":[1]`, `append /analysis 2`, `append /analysis 3;append /analysis 4`, `,"analysis":[1,2,3,4]`},
		{"both make the array", ``, `append /analysis 1`, `append /analysis 2`, `,"analysis":[1,2]`},
		{"array is gone", `,"analysis":[1]`, `remove /analysis`, `append /analysis 2`, `,"analysis":[2]`},
		{"tags", tagged, `tag b 2`, `tag c 3`, `,"attachments":[{"type":"tags","body":"[\"a:1\",\"b:2\",\"c:3\"]"}]`},
		{"same tag", ``, `tag a 1`, `tag a 1`, `,"attachments":[{"purpose":"tags","encoding":"json","body":["a:1"]}]`},
		{"tags in another form", tagged, `set /attachments/0/body {"a":"1"}`, `tag b 2;untag a 1`, `,"attachments":[{"type":"tags","body":{"b":"2"}}]`},
		{"untag what is gone", tagged, `remove /attachments/0`, `untag a 1`, `,"attachments":[]`},
		{"set beside", `,"a":1,"b":1`, `set /a 2`, `set /b 2`, `,"a":2,"b":2`},
		{"set where it was set", `,"a":1`, `set /a 2`, `set /a 3`, "conflict"},
		{"set to the same", `,"a":1`, `set /a 2`, `set /a 2`, `,"a":2`},
		{"set where others made", ``, `set /a 2`, `set /a 3`, "conflict"},
		{"set where it is gone", `,"a":1`, `remove /a`, `set /a 3`, "conflict"},
		{"remove what changed", `,"a":1`, `set /a 2`, `remove /a`, "conflict"},
		{"remove what is gone", `,"a":1`, `remove /a`, `remove /a`, "conflict"},
		{"add where others made", ``, `add /a 2`, `add /a 3`, "conflict"},
		{"element moved on", `,"dialog":[{"a":1},{"a":2}]`, `add /dialog/0 {}`, `set /dialog/1/b 3`, `,"dialog":[{},{"a":1},{"a":2,"b":3}]`},

		{"element moved back, twice edited", `,"dialog":[{"a":1},{"a":2,"c":[]}]`, `remove /dialog/0`, `set /dialog/1/b 3;append /dialog/1/c 1`, `,"dialog":[{"a":2,"c":[1],"b":3}]`},
		{"element changed", `,"dialog":[{"a":1}]`, `set /dialog/0/z 1`, `set /dialog/0/b 3`, "conflict"},
		{"element is gone", `,"dialog":[{"a":1},{"a":2}]`, `remove /dialog/1`, `set /dialog/1/b 3`, "conflict"},
		{"element moved among equals", `,"x":[{"a":1},{},{}]`, `remove /x/0`, `set /x/1/b 3`, `,"x":[{},{"b":3}]`},
		{"equals elsewhere only", `,"x":[1,{},2,{}]`, `remove /x/0`, `set /x/1/b 3`, "conflict"},
		{"remove moved element", `,"x":[1,2,3]`, `add /x/0 0`, `remove /x/1`, `,"x":[0,1,3]`},
		{"replace moved element", `,"x":[1,2,3]`, `remove /x/0`, `set /x/2 4`, `,"x":[2,4]`},
		{"insert before moved element", `,"x":[1,2]`, `add /x/0 0`, `add /x/1 1.5`, `,"x":[0,1,1.5,2]`},
		{"append deep in moved element", `,"x":[[1],[2]]`, `remove /x/0`, `append /x/1 3`, `,"x":[[2,3]]`},
		{"array became object", `,"x":[[1],[2]]`, `set /x {"1":[2]}`, `append /x/1 3`, "conflict"},
		{"object became array", `,"x":{"0":[1]}`, `set /x [[1]]`, `append /x/0 3`, "conflict"},
		{"array became string", `,"analysis":[1]`, `set /analysis "x"`, `append /analysis 3`, "conflict"},
		{"spelling changed", `,"attachments":[{"type":"x"},{}]`, `append /attachments 1`, `set /attachments/0/purpose "y"`, `,"attachments":[{"type":"y"},{},1]`},
		{"white space changed", `,"x":[{"a": [1, 2]}]`, `set /x/0 {"a":[1,2]}`, `set /x/0/b 3`, `,"x":[{"a":[1,2],"b":3}]`},
		{"all or nothing", `,"a":1`, `set /a 2`, `set /b 1;append /dialog 1;set /a 3`, "conflict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := mustParse(t, body(tt.base))
			theirs, mine := base.Draft(), base.Draft()
			do(t, theirs, strings.Split(tt.theirs, ";")...)
			do(t, mine, strings.Split(tt.mine, ";")...)
			changed, err := theirs.VCon()
			if err != nil {
				t.Fatal(err)
			}
			for _, edits := range [][]Edit{mine.Edits(), throughJSON(t, mine.Edits())} {
				v, err := changed.Apply(edits)
				if tt.out == "conflict" {
					if !errors.Is(err, ErrConflict) || v != nil {
						t.Fatalf("no conflict: %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if string(v.Bytes()) != body(tt.out) {
					t.Errorf("got  %s\nwant %s", v.Bytes(), body(tt.out))
				}
				checkSpliced(t, v)
			}
		})
	}
}

// TestApplyGoesOnAfterApply: a draft's edits since a mark fit the text that has those before it, also where both touch
// the same element.
func TestApplyGoesOnAfterApply(t *testing.T) {
	t.Parallel()
	base := mustParse(t, body(`,"dialog":[{"a":1}]`))
	d := base.Draft()
	do(t, d, `set /dialog/0/b 2`, `append /analysis {"x":1}`)
	m := d.Mark()
	do(t, d, `set /dialog/0/c 3`, `set /dialog/0/d 4`, `set /analysis/0/y 2`, `set /analysis/0/y 3`)
	first, err := base.Apply(throughJSON(t, d.Edits()[:m]))
	if err != nil {
		t.Fatal(err)
	}
	for _, edits := range [][]Edit{d.EditsSince(m), throughJSON(t, d.EditsSince(m))} {
		v, err := first.Apply(edits)
		if err != nil {
			t.Fatal(err)
		}
		checkDraft(t, d, string(v.Bytes()))
	}
}

// TestApplyOfSeveralDrafts: a journal holds the edits of one draft after the other. Of elements that are alike, each
// draft means its own.
func TestApplyOfSeveralDrafts(t *testing.T) {
	t.Parallel()
	base := mustParse(t, body(`,"parties":[{"a":1},{"a":1}]`))
	var journal []Edit
	next := base
	for _, edit := range []string{`add /parties/0/x 1`, `add /parties/1/y 2`, `add /parties/0/z 3`} {
		d := next.Draft()
		do(t, d, edit)
		journal = append(journal, throughJSON(t, d.Edits())...)
		var err error
		if next, err = d.VCon(); err != nil {
			t.Fatal(err)
		}
	}
	v, err := base.Apply(journal)
	if err != nil {
		t.Fatal(err)
	}
	if string(v.Bytes()) != string(next.Bytes()) {
		t.Errorf("got  %s\nwant %s", v.Bytes(), next.Bytes())
	}
}

func TestApplyOnSigned(t *testing.T) {
	t.Parallel()
	d := mustParse(t, body("")).Draft()
	do(t, d, "append /analysis 1")
	v := mustParse(t, `{"ciphertext":"","recipients":[],"unprotected":{"uuid":"`+someID+`"}}`)
	if _, err := v.Apply(d.Edits()); !errors.Is(err, ErrConflict) || !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if _, err := d.Base().Apply([]Edit{{}}); !errors.Is(err, ErrConflict) {
		t.Errorf("zero edit: %v", err)
	}
	if same, err := v.Apply(nil); err != nil || same != v {
		t.Errorf("no edits: %v", err)
	}
}

func TestEditRefusesBadJSON(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0", 64) + "/1"
	for _, text := range []string{
		``, `{}`, `[]`, `1`, `{"op":"x"}`, `{"op":"append"}`, `{"op":"append","path":"x","value":"1"}`,
		`{"op":"append","path":"/x"}`, `{"op":"append","path":"/x","value":"{"}`, `{"op":"append","path":"","value":"1"}`,
		`{"op":"set","path":"/x","value":"1"}`, `{"op":"set","path":"/x","value":"1","was":"00"}`,
		`{"op":"set","path":"/x","value":"1","was":"` + hash[:64] + `"}`,
		`{"op":"insert","path":"/x/0","value":"1","was":"absent"}`, `{"op":"remove","path":"/x","was":"absent"}`,
		`{"op":"remove","path":"/x","was":"` + hash + `","at":["",""]}`, `{"op":"remove","path":"/x","was":"` + hash + `","at":["absent"]}`,
		`{"op":"remove","path":"/x","was":"` + hash + `","at":["x"]}`,
		`{"op":"tag","name":"","text":"x"}`, `{"op":"untag","name":"a:b"}`,
	} {
		var e Edit
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
	var e Edit
	if err := json.Unmarshal([]byte(`{"op":"remove","path":"/x/0","was":"`+hash+`","at":[""]}`), &e); err != nil || e.Op() != "remove" || e.Path() != "/x/0" {
		t.Errorf("%s %s: %v", e.Op(), e.Path(), err)
	}
	if err := json.Unmarshal([]byte(`{"op":"tag","name":"a","text":"b"}`), &e); err != nil || e.Op() != "tag" || e.Path() != "/attachments" {
		t.Errorf("%s %s: %v", e.Op(), e.Path(), err)
	}
	if _, err := json.Marshal(Edit{}); err == nil {
		t.Error("the zero edit was written")
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true}, {"100", "1e2", true}, {"0.01", "1E-2", true}, {"-0", "0.0", true}, {"0e5", "0", true},
		{"12345678901234567890", "12345678901234567891", false}, {"1e99999999999999999999", "1e99999999999999999999", true},
		{"1e99999999999999999999", "10e99999999999999999998", true}, {"1e5", "-1e5", false}, {"1e5", "1e6", false}, {"0", "1", false},
		{`"a"`, `"\u0061"`, true}, {`"a"`, `"b"`, false}, {"[]", "[ ]", true}, {"[1,2]", "[2,1]", false}, {"[1]", "[1,1]", false},
		{`{"a":1,"b":2}`, `{"b":2.0,"a":1}`, true}, {`{"a":1}`, `{"a":0,"a":1}`, true}, {`{"a":1}`, `{"b":1}`, false},
		{`{"a":1}`, `{"a":1,"b":1}`, false}, {"null", "null", true}, {"null", "false", false}, {"true", "false", false}, {`"1"`, "1", false},
	}
	for _, tt := range tests {
		if got := Value(tt.a).Equal(Value(tt.b)); got != tt.want {
			t.Errorf("%s = %s: %v", tt.a, tt.b, got)
		}
		if got := Value(tt.b).Equal(Value(tt.a)); got != tt.want {
			t.Errorf("%s = %s: %v", tt.b, tt.a, got)
		}
	}
}
