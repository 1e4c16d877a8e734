// Package testenv is for tests alone: it finds the samples and the programs that some tests want, and makes sure that
// what is missing is said once and, where everything is required, fails.
//
// VCONDUIT_TEST_REQUIRE=1 turns every skip into a failure. VCONDUIT_TEST_SKIPS names a file that collects one line for
// each thing that was missing; `make test` prints them as its last line.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Required reports whether a missing program or sample must fail the test.
func Required() bool { return os.Getenv("VCONDUIT_TEST_REQUIRE") == "1" }

// MayInstall reports whether tests may install what they need (into folders of their own).
func MayInstall() bool {
	return os.Getenv("CI") == "true" || os.Getenv("VCONDUIT_TEST_INSTALL") == "1"
}

// Missing skips the test because name is not there; fix is the command that would get it.
func Missing(t testing.TB, name, fix string) {
	t.Helper()
	if Required() {
		t.Fatalf("%s is missing and VCONDUIT_TEST_REQUIRE=1: %s", name, fix)
	}
	note(t, name+" ("+fix+")")
	t.Skipf("%s is missing: %s", name, fix)
}

// Optional is Missing for what is nowhere required: it skips, also where everything else must be there.
func Optional(t testing.TB, name, fix string) {
	t.Helper()
	note(t, name+" ("+fix+"; never required)")
	t.Skipf("%s is missing: %s", name, fix)
}

// Program is the path of a program, or Missing.
func Program(t testing.TB, name, fix string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, fix)
	}
	return path
}

// Root is the folder of the module, found from this file.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("no caller information: the module's folder cannot be found")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Samples are the files of the public sample vCons: in VCONDUIT_TEST_SAMPLES, else in ../shared/data/vcons beside the
// module. They are not part of it: their licences are their own.
func Samples(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("VCONDUIT_TEST_SAMPLES")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "data", "vcons")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.vcon*"))
	if err != nil || len(files) == 0 {
		Missing(t, "sample vCons", "set VCONDUIT_TEST_SAMPLES to a folder of .vcon files")
	}
	return files
}

func note(t testing.TB, line string) {
	path := os.Getenv("VCONDUIT_TEST_SKIPS")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Logf("note what is missing: %v", err)
		return
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		t.Logf("note what is missing: %v", err)
	}
}
