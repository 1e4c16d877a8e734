package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/internal/cli"
	"github.com/vconduit/vconduit/internal/testenv"
)

// block is the text of the n-th fenced block of a language in a page.
func block(t *testing.T, page, language string, n int) string {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(pages(t)[page], -1)
	if len(blocks) <= n {
		t.Fatalf("%s has no block %d of %s", page, n, language)
	}
	return blocks[n][1]
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Main(context.Background(), args, cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: os.Getenv}); code != cli.ExitOK {
		t.Fatalf("vconduit %s: exit %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// TestWritingALink goes the way of a new author: the page's Go text is built by the page's line, run, and put into the
// page's chain.
func TestWritingALink(t *testing.T) {
	t.Parallel()
	const page = "docs/writing-a-link.md"
	root, dir := testenv.Root(t), t.TempDir()
	source, module := filepath.Join(dir, "main.go"), filepath.Join(dir, "hello.wasm")
	mustWrite(t, source, block(t, page, "go", 0))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "links", "hello", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "overlay.json"), string(overlay))
	line := regexp.MustCompile(`(?m)^GOOS=wasip1 GOARCH=wasm (go build .*) -o hello\.wasm (\./links/hello)$`).FindStringSubmatch(block(t, page, "sh", 1))
	if line == nil {
		t.Fatal("the page does not say how to build the link")
	}
	build := exec.CommandContext(t.Context(), "sh", "-c", line[1]+" -overlay "+filepath.Join(dir, "overlay.json")+" -o "+module+" "+line[2])
	build.Dir, build.Env = root, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out := run(t, "link", "inspect", module); !strings.Contains(out, "reactor") {
		t.Errorf("inspect:\n%s", out)
	}
	vcon := filepath.Join(root, "internal", "cli", "demo", "support-call.vcon")
	if out := run(t, "link", "run", module, "--vcon", vcon, "--options", `{"tag":"people"}`); !strings.Contains(out, "people:2") {
		t.Errorf("run:\n%s", out)
	}
	config := filepath.Join(dir, "config.yml")
	zeros := strings.Repeat("0", 64)
	mustWrite(t, config, strings.Replace(block(t, page, "yaml", 0), "sha256: "+zeros, "", 1))
	r := app.Check(t.Context(), app.Options{Config: config, Getenv: func(string) string { return "" }})
	told := regexp.MustCompile(`sha256: ([0-9a-f]{64})`).FindStringSubmatch(hints(r))
	if told == nil {
		t.Fatalf("check does not tell the pin: %+v", r)
	}
	mustWrite(t, config, strings.Replace(block(t, page, "yaml", 0), zeros, told[1], 1))
	if r = app.Check(t.Context(), app.Options{Config: config, Getenv: func(string) string { return "" }}); r.Errors+r.Warnings+len(r.Held) > 0 || len(r.Chains) != 1 {
		t.Errorf("the page's configuration: %+v", r)
	}
}

// TestLinkPageGrants: the page's block with grants loads without a remark.
func TestLinkPageGrants(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "config.yml")
	mustWrite(t, config, block(t, "docs/writing-a-link.md", "yaml", 1))
	r := app.Check(t.Context(), app.Options{Config: config, Getenv: func(string) string { return "" }})
	if r.Errors+r.Warnings > 0 {
		t.Errorf("%+v", r)
	}
}

// TestLinkPageTest: the page's test of the page's link passes on a case that it wrote itself, and fails on another one.
func TestLinkPageTest(t *testing.T) {
	t.Parallel()
	const page = "docs/writing-a-link.md"
	root, dir := testenv.Root(t), t.TempDir()
	files := map[string]string{
		"main.go":      block(t, page, "go", 0),
		"main_test.go": "package main\n\nimport (\n\"testing\"\n\n\"github.com/vconduit/vconduit/sdk/go/linktest\"\n)\n\n" + block(t, page, "go", 1),
	}
	overlay := map[string]string{}
	for name, text := range files {
		mustWrite(t, filepath.Join(dir, name), text)
		overlay[filepath.Join(root, "links", "hello", name)] = filepath.Join(dir, name)
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "overlay.json"), string(text))
	binary := filepath.Join(dir, "hello.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./links/hello")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	golden := filepath.Join(dir, "testdata", "two")
	if err := os.MkdirAll(golden, 0o700); err != nil {
		t.Fatal(err)
	}
	vcon, err := os.ReadFile(filepath.Join(root, "internal", "cli", "demo", "support-call.vcon"))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(golden, "in.json"), string(vcon))
	goldenRun := func(args ...string) error {
		c := exec.CommandContext(t.Context(), binary, args...)
		c.Dir = dir
		return c.Run()
	}
	if err := goldenRun("-update"); err != nil {
		t.Fatal(err)
	}
	if err := goldenRun(); err != nil {
		t.Errorf("the case that it wrote: %v", err)
	}
	mustWrite(t, filepath.Join(golden, "out.json"), "{}")
	if goldenRun() == nil {
		t.Error("another outcome passed")
	}
}

func hints(r app.CheckResult) (all string) {
	for _, p := range r.Problems {
		all += p.Hint + "\n"
	}
	return all
}

func mustWrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
