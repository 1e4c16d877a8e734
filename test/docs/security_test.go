package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

var (
	heldBy    = regexp.MustCompile("`([a-z/]+)` ((?:Test|Fuzz)[A-Za-z]+(?:, (?:Test|Fuzz)[A-Za-z]+)*)")
	separator = regexp.MustCompile(`^\|(?:-+\|)+$`)
)

// TestPromisesAreHeld: each promise of the security page names tests, and they are there.
func TestPromisesAreHeld(t *testing.T) {
	t.Parallel()
	_, text, _ := strings.Cut(pages(t)["docs/security.md"], "## What is promised today")
	text, _, _ = strings.Cut(text, "\n## ")
	rows := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| promise ") || separator.MatchString(line) {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		tests := heldBy.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(tests) == 0 {
			t.Errorf("no test holds %q", line)
		}
		for _, m := range tests {
			for name := range strings.SplitSeq(m[2], ", ") {
				if !declares(t, m[1], name) {
					t.Errorf("%s has no %s, which the page says holds %q", m[1], name, strings.TrimSpace(cells[0]))
				}
			}
		}
	}
	if rows == 0 {
		t.Error("the page has no table of promises")
	}
}

// declares reports whether the tests of a package have a function.
func declares(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
