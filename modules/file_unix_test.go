//go:build unix

package modules

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// TestOnlyRegularFiles: a pipe without a writer does not block, and a link is what it leads to.
func TestOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	f := setup(t, Options{})
	module := wasm(1, 500)
	f.put("real.wasm", module)
	at := func(name string) string { return filepath.Join(f.base, name) }
	for name, target := range map[string]string{"link.wasm": "real.wasm", "loop.wasm": "loop.wasm", "dangling.wasm": "none", "zero.wasm": "/dev/zero", "pipelink.wasm": "pipe.wasm"} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(at("pipe.wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.get("file:link.wasm", DigestOf(module)); err != nil {
		t.Errorf("a link to a file: %v", err)
	}
	for _, name := range []string{"pipe.wasm", "pipelink.wasm", "zero.wasm", "dangling.wasm"} {
		if _, err := f.get("file:"+name, DigestOf(module)); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if _, err := f.get("file:loop.wasm", DigestOf(module)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a link to itself: %v", err)
	}
	if runtime.GOOS == "linux" { // a file that says 0 bytes and gives more
		if _, err := readRegular("/proc/self/status", 10); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a file that is larger than it says: %v", err)
		}
	}
}
