package vcon

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The findings of every sample in all three modes are kept in testdata/findings; none is an error in lenient mode.
func TestValidateSamples(t *testing.T) {
	t.Parallel()
	for name, text := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := mustParse(t, string(text))
			for _, f := range Validate(v, Lenient) {
				if f.Severity == Error {
					t.Errorf("refused in lenient mode: %s", f)
				}
			}
			golden(t, filepath.Join("testdata", "findings", name+".txt"), allFindings(v))
		})
	}
}

func allFindings(v *VCon) string {
	var out strings.Builder
	for m, mode := range [...]string{Lenient: "lenient", Strict: "strict", Upstream: "upstream"} {
		for _, f := range Validate(v, Mode(m)) {
			severity := "warn "
			if f.Severity == Error {
				severity = "error"
			}
			fmt.Fprintf(&out, "%-8s %s %-4s %s | %s | %s\n", mode, severity, f.Rule, f.Pointer, f.Type, f.Message)
		}
	}
	return out.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", path, got)
	}
}
