package config

import (
	"os"
	"path/filepath"
	"testing"
)

func seeds(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.yml")
	for _, path := range append(paths, examplePath) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// FuzzLoad: no text makes Load panic or accept with errors; each problem has a message.
func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		c, r := parse("f.yml", text, "testdata", Options{Env: vars("A=1"), Known: build})
		if (c == nil) != (r.Err() != nil) {
			t.Fatalf("config %v with %v", c != nil, r.Err())
		}
		for _, p := range r.Problems {
			if p.Message == "" || p.Code == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// FuzzDocument: posting what was got leaves the text as it is, and posting a change means that change.
func FuzzDocument(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		d, err := NewDocument("f.yml", text)
		if err != nil {
			return
		}
		if out, r := d.Apply(d.View(false)); r.Err() != nil || d.tree != nil && string(out) != string(text) {
			t.Fatalf("GET, POST: %v\n%s", r.Err(), out)
		}
		want := value{kind: objectValue}
		if d.tree != nil {
			want = d.tree.value()
		}
		want = want.with("added", value{kind: numberValue, text: "1"})
		out, r := d.Apply(d.shown.with("added", value{kind: numberValue, text: "1"}).appendJSON(nil))
		if r.Err() != nil {
			if d.shown.depth() < maxDepth-2 {
				t.Fatalf("adding a key: %v", r.Err())
			}
			return
		}
		again, err := NewDocument("f.yml", out)
		if err != nil || !again.tree.value().equal(want) {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func (v value) depth() int {
	d := 0
	for _, item := range v.items {
		d = max(d, item.depth())
	}
	return d + 1
}

// FuzzDotEnv: every variable has a name that ${NAME} can say.
func FuzzDotEnv(f *testing.F) {
	f.Add("A=1\nexport B='x'\nC=\"a\\nb\" # c\nD=\"\nbad line\n")
	f.Fuzz(func(t *testing.T, text string) {
		vars, _ := parseDotEnv(text)
		for name := range vars {
			if !variableName(name) {
				t.Fatalf("%q", name)
			}
		}
	})
}
