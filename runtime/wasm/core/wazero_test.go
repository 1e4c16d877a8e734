package core

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/vconduit/vconduit/internal/testenv"
)

// newRuntime is a runtime that modules are read for, with the features that Read allows.
func newRuntime(t testing.TB, c wazero.RuntimeConfig) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), c.WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("close the runtime: %v", err)
		}
	})
	return r
}

// compile is the runtime's answer to a module. A panic of it ends the test.
func compile(t testing.TB, r wazero.Runtime, b []byte) error {
	t.Helper()
	m, err := r.CompileModule(t.Context(), b)
	if err != nil {
		return err
	}
	return m.Close(t.Context())
}

// wazeroFolder is where the runtime's source lies, with the modules of its tests.
func wazeroFolder(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	folder := strings.TrimSpace(string(out))
	if err != nil || folder == "" {
		testenv.Missing(t, "source of wazero", "go mod download github.com/tetratelabs/wazero")
	}
	return folder
}

func load(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
