package docs

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

const addingAStorage = "docs/adding-a-storage.md"

// fileRow is a row of the page's table of files: paths, and what the one path has.
var fileRow = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| (?:`([^|]+)`)? *\\|")

// TestStorageFiles: a storage on a server is in the files that the page lists, and in no other source.
func TestStorageFiles(t *testing.T) {
	t.Parallel()
	root := testenv.Root(t)
	for _, name := range []string{"postgres", "s3"} {
		var listed []string
		for _, row := range fileRow.FindAllStringSubmatch(strings.ReplaceAll(pages(t)[addingAStorage], "NAME", name), -1) {
			for path := range strings.SplitSeq(row[1], ", ") {
				path = strings.Trim(path, "`")
				listed = append(listed, path)
				text, err := os.ReadFile(filepath.Join(root, path))
				if err != nil {
					t.Error(err)
				} else if !strings.Contains(string(text), row[2]) {
					t.Errorf("%s does not have %q, as %s says", path, row[2], addingAStorage)
				}
			}
		}
		if len(listed) < 10 {
			t.Fatalf("the page lists only %q", listed)
		}
		for _, path := range imports(t, root, "builtin/storage/"+name) {
			if !slices.Contains(listed, path) {
				t.Errorf("%s imports the storage %s, and %s does not list it", path, name, addingAStorage)
			}
		}
	}
}

// imports are the sources without tests that import a package of ours.
func imports(t *testing.T, root, pkg string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), `"github.com/vconduit/vconduit/`+pkg+`"`) {
			rel, err := filepath.Rel(root, path)
			paths = append(paths, rel)
			return err
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing imports %s: %v", pkg, err)
	}
	return paths
}

// TestAddingAStorage goes the way of a new author: the page's storage passes the page's test, which runs the suite.
func TestAddingAStorage(t *testing.T) {
	t.Parallel()
	root, dir := testenv.Root(t), t.TempDir()
	replace := map[string]string{}
	for n, name := range []string{"shelf.go", "shelf_test.go"} {
		file := filepath.Join(dir, name)
		mustWrite(t, file, block(t, addingAStorage, "go", n))
		replace[filepath.Join(root, "builtin", "storage", "shelf", name)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "overlay.json"), string(overlay))
	run := func(in, program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = in, append(os.Environ(), "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	test := filepath.Join(dir, "shelf.test")
	run(root, "go", "test", "-vet=off", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", test, "./builtin/storage/shelf")
	run(dir, test)
}
