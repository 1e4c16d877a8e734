package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

// TestGatewaySharesModules: the S3 server of the tests uses the same versions of what is large as the server does, so
// that the build cache has them already. The gateway then builds in seconds, not minutes.
func TestGatewaySharesModules(t *testing.T) {
	t.Parallel()
	root := testenv.Root(t)
	ours, gateway := required(t, root), required(t, filepath.Join(root, "test", "s3gw"))
	shared := 0
	for path, version := range gateway {
		if !strings.HasPrefix(path, "github.com/aws/") && path != "github.com/valyala/fasthttp" || ours[path] == "" {
			continue
		}
		if shared++; ours[path] != version {
			t.Errorf("test/s3gw/go.mod has %s %s, go.mod has %s", path, version, ours[path])
		}
	}
	if shared < 10 {
		t.Errorf("only %d modules are shared", shared)
	}
}

var requirement = regexp.MustCompile(`(?m)^\s*(?:require )?(\S+) (v\S+)`)

// required are the modules that a go.mod requires, with their versions.
func required(t *testing.T, dir string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range requirement.FindAllStringSubmatch(string(text), -1) {
		out[m[1]] = m[2]
	}
	return out
}
