package config

import (
	"encoding/json"
	"os"
	"testing"
)

// What PyYAML itself said is in testdata/pyyaml.json; testdata/pyyaml.py records it.
func TestScalarsAsPyYAML(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/pyyaml.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		YAML  string
		JSON  *string
		Error string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 60 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.YAML, func(t *testing.T) {
			t.Parallel()
			r := &problems{}
			tree := parseTree([]byte("k: "+c.YAML+"\n"), r, nil)
			refused := tree == nil || (Report{Problems: r.list}).Worst() == Error
			switch {
			case c.JSON == nil && !refused && !looser(c.YAML):
				t.Errorf("PyYAML refuses it (%s), here it is %s", c.Error, tree.member("k").value().appendJSON(nil))
			case c.JSON != nil && refused:
				t.Errorf("want %s, refused: %v", *c.JSON, r.list)
			case c.JSON != nil:
				want, err := parseJSON([]byte(*c.JSON))
				if err != nil {
					t.Fatal(err)
				}
				if got := tree.member("k").value(); !sameBytes(got, want) && !(got.kind == numberValue && got.equal(want)) {
					t.Errorf("got %s, want %s", got.appendJSON(nil), *c.JSON)
				}
			}
		})
	}
}

// looser are texts that PyYAML refuses and that do no harm as texts.
func looser(text string) bool { return text == "=" || text == "<<" }
