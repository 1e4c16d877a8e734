package file

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

// A saved file's folders are on the disk, too, also those that somebody else made and did not get to sync; each once.
func TestFoldersAreDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open, err := Open(t.Context(), "files", options(dir, ""))
	if err != nil {
		t.Fatal(err)
	}
	s := open.(*Storage)
	var mu sync.Mutex
	var synced []string
	s.dirs.told = func(d string) {
		mu.Lock()
		defer mu.Unlock()
		rel, _ := filepath.Rel(dir, d)
		synced = append(synced, filepath.ToSlash(rel))
	}
	if err := os.MkdirAll(filepath.Join(dir, "2026/03/05"), 0o755); err != nil {
		t.Fatal(err)
	}
	id := vcon.NewID("example.com")
	doc := document(t, id, `"2026-03-05"`)
	for range 2 {
		if err := s.Save(t.Context(), doc, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(synced, " "); got != "2026/03/05 . 2026 2026/03 2026/03/05" {
		t.Errorf("synced %s", got)
	}
	synced = nil
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), doc, 1); err != nil {
		t.Fatal(err)
	}
	for _, parent := range []string{".", "2026", "2026/03", "2026/03/05"} {
		if !slices.Contains(synced, parent) {
			t.Errorf("after a Delete that removed the folders: %q not synced: %q", parent, synced)
		}
	}
}
