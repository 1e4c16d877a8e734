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
