package vcon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples are the documents of the folder beside the repository, by file name, and the fixtures of this package.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	folder := os.Getenv("VCONDUIT_TEST_SAMPLES")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "data", "vcons")
	}
	all := map[string][]byte{}
	for _, dir := range []string{folder, filepath.Join("testdata", "vcons")} {
		entries, err := os.ReadDir(dir)
		if err != nil && (dir != folder || os.Getenv("VCONDUIT_TEST_REQUIRE") == "1") {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".vcon") || strings.HasSuffix(e.Name(), ".vcon.json") {
				text, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				all[e.Name()] = text
			}
		}
	}
	return all
}
