// Package docs tests what the documents promise: configurations in them load and run, commands in them exist, files
// they link to are there.
package docs

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/internal/cli"
	"github.com/vconduit/vconduit/internal/testenv"
)

// pages are README, everything in docs, the page of the ABI and those of the SDKs.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := testenv.Root(t)
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	sdks, err := filepath.Glob(filepath.Join(root, "sdk", "*", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", filepath.Join("hostabi", "ABI.md")} {
		files = append(files, filepath.Join(root, name))
	}
	for _, f := range slices.Concat(files, below, sdks) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, f)
		if err != nil {
			t.Fatal(err)
		}
		out[rel] = string(text)
	}
	return out
}

// TestReadmeConfig: the configuration that README tells a reader to write runs whole.
func TestReadmeConfig(t *testing.T) {
	t.Parallel()
	_, rest, ok := strings.Cut(pages(t)["README.md"], "<<'EOF'\n")
	text, _, ok2 := strings.Cut(rest, "\nEOF\n")
	if !ok || !ok2 {
		t.Fatal("README has no here-document with a configuration")
	}
	runsWhole(t, "README", text)
}

// TestPageConfigs: so do those of the pages for operators.
func TestPageConfigs(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"docs/quick-start.md", "docs/migration.md", "docs/partners.md"} {
		runsWhole(t, page, block(t, page, "yaml", 0))
	}
}

func runsWhole(t *testing.T, page, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	mustWrite(t, file, text)
	r := app.Check(t.Context(), app.Options{Config: file, Getenv: func(string) string { return "" }})
	if r.Errors+r.Warnings+len(r.Held) > 0 || len(r.Chains) != 1 {
		t.Errorf("the configuration of %s: %+v", page, r)
	}
}

var command = regexp.MustCompile("(?m)(?:`|  |\\./|&& )vconduit ((?:vcon |dlq |link |audit |key )?[a-z]+)((?: --?[a-z-]+)*)")

// TestCommandsExist: each `vconduit COMMAND --flag` in the documents is one that the binary knows.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	for name, text := range pages(t) {
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			if m[1] == "help" || m[1] == "COMMAND" {
				continue
			}
			var out, errs bytes.Buffer
			code := cli.Main(context.Background(), append(strings.Fields(m[1]), "--help"),
				cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }})
			if code != cli.ExitOK {
				t.Errorf("%s speaks of `vconduit %s`, which the binary does not know", name, m[1])
			}
			for _, flag := range strings.Fields(m[2]) {
				if !strings.Contains(out.String(), flag) {
					t.Errorf("%s: `vconduit %s` has no %s", name, m[1], flag)
				}
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// TestLinksLeadSomewhere: relative links name files of the tree.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	root := testenv.Root(t)
	for name, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			}
		}
	}
}

var target = regexp.MustCompile("`make ([a-z]+)`")

// TestMakeTargetsExist: what the documents tell to make can be made.
func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range pages(t) {
		for _, m := range target.FindAllStringSubmatch(page, -1) {
			if !strings.Contains(string(text), "\n"+m[1]+":") {
				t.Errorf("%s speaks of `make %s`, which the Makefile does not know", name, m[1])
			}
		}
	}
}
