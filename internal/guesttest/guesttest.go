// Package guesttest is for tests alone: it builds guests from their source, in every language that has a toolchain here.
// Running them is left to runtime/wasm/wasmtest.
package guesttest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

// noToolchain is the exit code of test/guest.sh for a toolchain that is not there.
const noToolchain = 77

// built are the guests of this process, by folder. Each is built once, whichever tests want it.
var built sync.Map // string -> func() outcome

// outcome is what came of building a guest.
type outcome struct {
	module  []byte
	missing string // toolchain and how to get it
	err     error
}

// Build builds the guest in a folder, absolute or below the module's root, and gives its bytes. test/guest.sh says what
// the folder may hold and how it is built. A missing toolchain is testenv.Missing, for Rust testenv.Optional.
//
//	module := guesttest.Build(t, "modules/examples/keywords")
func Build(t testing.TB, folder string) []byte {
	t.Helper()
	root := testenv.Root(t)
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(root, folder)
	}
	once, _ := built.LoadOrStore(folder, sync.OnceValue(func() outcome { return build(root, folder) }))
	o := once.(func() outcome)()
	switch {
	case o.missing != "":
		name, fix, _ := strings.Cut(o.missing, " is missing: ")
		if strings.HasPrefix(name, "rustc") || name == "cargo" {
			testenv.Optional(t, name, fix)
		}
		testenv.Missing(t, name, fix)
	case o.err != nil:
		t.Fatal(o.err)
	}
	return bytes.Clone(o.module)
}

// build runs test/guest.sh. Guests of the module are left in bin/guests, where the next process finds them linked.
func build(root, folder string) outcome {
	out, err := output(root, folder)
	if err != nil {
		return outcome{err: err}
	}
	text, err := exec.Command("sh", filepath.Join(root, "test", "guest.sh"), folder, out).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == noToolchain {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return outcome{missing: lines[len(lines)-1]}
	}
	if err != nil {
		return outcome{err: errors.New("build " + folder + ": " + err.Error() + "\n" + string(text))}
	}
	module, err := os.ReadFile(out)
	return outcome{module: module, err: err}
}

// output is where a guest is left: below the module's root under the name that `make guests` gives it, elsewhere beside
// its source.
func output(root, folder string) (string, error) {
	rel, err := filepath.Rel(root, folder)
	if err != nil {
		return "", err
	}
	if !filepath.IsLocal(rel) {
		return filepath.Join(folder, "guest.wasm"), nil
	}
	return filepath.Join(root, "bin", "guests", strings.ReplaceAll(filepath.ToSlash(rel), "/", "-")+".wasm"), nil
}
