package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// Each testdata/NAME.bad.yml is refused, and its report has an error for each line of NAME.bad.want.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d bad files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c, r := Load(path, Options{})
			if c != nil {
				t.Fatalf("accepted with\n%s", show(r))
			}
			got := r.Err().Error()
			for want := range strings.Lines(read(t, strings.TrimSuffix(path, ".yml")+".want")) {
				if !strings.Contains(got, strings.TrimSpace(want)) {
					t.Errorf("no %s in\n%s", want, got)
				}
			}
		})
	}
}

func TestFileTooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yml")
	put(t, path, "# "+strings.Repeat("x", maxFile))
	_, r := Load(path, Options{})
	mustSay(t, r, codeFile, "at most 16777216 are read")
	mustSay(t, bad(t, "# "+strings.Repeat("x", maxFile)), codeLimit, "at most 16777216 are read")
}

func TestProblemsAreSortedAndPlaced(t *testing.T) {
	t.Parallel()
	r := bad(t, "queue:\n  tries: x\n  order: x\nserver:\n  workers: x\n")
	last := 0
	for _, p := range r.Problems {
		if p.Line <= last || p.File == "" || p.Column == 0 {
			t.Errorf("%s", p)
		}
		last = p.Line
	}
}

// The value of a variable must not be quoted in a message: it may be a secret.
func TestProblemsHideVariables(t *testing.T) {
	t.Parallel()
	r := bad(t, "queue: {order: '${S}', lease: '${S}', tries: '${S}', redis: {url: '${S}'}}\nauth: {keys: [{name: a, key: 'sha256:${S}', scopes: ['${S}']}]}\n", "S=hunter22hunter22")
	if strings.Contains(show(r), "hunter22") {
		t.Errorf("shown: %s", show(r))
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	t.Parallel()
	r := bad(t, "server: {"+strings.Repeat("a: 1, ", 1)+strings.Repeat("b: 1, ", 5000)+"}")
	last := r.Problems[len(r.Problems)-1]
	if len(r.Problems) != maxProblems+1 || last.Message != "and 4001 more problems" {
		t.Errorf("%d problems, last %s", len(r.Problems), last)
	}
	text := "queue: {" + strings.Repeat("tries: 1, ", 2000) + "order: x}"
	if r := bad(t, text); r.Problems[len(r.Problems)-1].Severity != Error {
		t.Error("an error that is not listed must refuse the file too")
	}
}
