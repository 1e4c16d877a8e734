package guesttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

// WAT assembles a module from its text format, with the names of its functions. A missing assembler is testenv.Missing.
func WAT(t testing.TB, text string) []byte {
	t.Helper()
	tool := testenv.Program(t, "wat2wasm", "apt-get install wabt")
	dir := t.TempDir()
	from, to := filepath.Join(dir, "m.wat"), filepath.Join(dir, "m.wasm")
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "--debug-names", from, "-o", to).CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s", err, out)
	}
	module, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return module
}
