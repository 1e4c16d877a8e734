package core

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// script is a file of WebAssembly's own test suite: what is to become of which module.
type script struct {
	Commands []struct {
		Type     string
		Line     int
		Filename string
	}
}

// TestSpec: of WebAssembly's test suite everything in order passes, and nothing that is malformed.
func TestSpec(t *testing.T) {
	t.Parallel()
	sound, malformed := 0, 0
	for _, file := range scripts(t, "v1", "v2") {
		for _, c := range file.Commands {
			if !strings.HasSuffix(c.Filename, ".wasm") {
				continue
			}
			_, err := Read(load(t, c.Filename), most())
			switch c.Type {
			case "module", "assert_unlinkable", "assert_uninstantiable":
				if sound++; err != nil {
					t.Errorf("%s, line %d: %v", c.Filename, c.Line, err)
				}
			case "assert_malformed":
				if malformed++; err == nil {
					t.Errorf("%s, line %d: passes", c.Filename, c.Line)
				}
			}
		}
	}
	if sound < 2000 || malformed < 1000 {
		t.Errorf("%d sound modules, %d malformed: where is the suite?", sound, malformed)
	}
}

// TestProposals: of the suites of features that are not allowed, each module passes or is told which feature it uses.
func TestProposals(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, file := range scripts(t, "exception-handling", "extended-const", "tail-call", "threads", "typed-function-references") {
		for _, c := range file.Commands {
			if c.Type != "module" || !strings.HasSuffix(c.Filename, ".wasm") {
				continue
			}
			b := load(t, c.Filename)
			if _, err := Read(b, most()); err != nil {
				bad := refused(t, b, most())
				if seen[bad.Feature]++; bad.Kind != Unsupported {
					t.Errorf("%s: %v", c.Filename, bad)
				}
			}
		}
	}
	for _, f := range []string{featExceptions, featConst, featTailCalls, featThreads, featFuncRefs} {
		if seen[f] == 0 {
			t.Errorf("nothing was refused for %s: %v", f, seen)
		}
	}
}

// TestOldCrashes: modules that once broke the runtime pass and compile, but for those of features that are not allowed.
func TestOldCrashes(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, wazero.NewRuntimeConfig())
	files, err := filepath.Glob(filepath.Join(wazeroFolder(t), "internal/integration_test/fuzzcases/testdata/*.wasm"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		m, err := Read(load(t, f), Limits{})
		if bad, ok := errors.AsType[*Error](err); ok && bad.Kind == Unsupported {
			continue
		}
		if err == nil {
			err = compile(t, r, m.Strip())
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
}

// scripts are those of some suites; their modules' names are paths.
func scripts(t *testing.T, suites ...string) (out []script) {
	t.Helper()
	root := filepath.Join(wazeroFolder(t), "internal/integration_test/spectest")
	for _, suite := range suites {
		files, err := filepath.Glob(filepath.Join(root, suite, "testdata/*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d scripts, %v", suite, len(files), err)
		}
		for _, f := range files {
			var s script
			if err := json.Unmarshal(load(t, f), &s); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			for i := range s.Commands {
				s.Commands[i].Filename = filepath.Join(filepath.Dir(f), s.Commands[i].Filename)
			}
			out = append(out, s)
		}
	}
	return out
}
