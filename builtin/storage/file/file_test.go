package file

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

func options(dir, more string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"path":%q%s}`, dir, more))
}

func TestStorage(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"by date":    "",
		"flat":       `,"organize_by_date":false`,
		"compressed": `,"compression":true,"max_file_size":0`,
		"as text":    `,"compression":"yes","max_file_size":"20000000","file_permissions":"0o640"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chaintest.Storage(t, chaintest.StorageCase{
				Open: Open, Exact: true, Large: 4 << 20,
				Options: func(t *testing.T) json.RawMessage { return options(t.TempDir(), more) },
				Bad: map[string]string{
					`{"path":""}`:                            "path",
					`{"path":["a"]}`:                         "path",
					`{"compression":"maybe"}`:                "compression",
					`{"organize_by_date":[]}`:                "organize_by_date",
					`{"max_file_size":"many"}`:               "max_file_size",
					`{"max_file_size":-1}`:                   "max_file_size",
					`{"file_permissions":"rw-r--r--"}`:       "file_permissions",
					`{"dir_permissions":"0444"}`:             "dir_permissions",
					`{"file_permissions":9,"compression":7}`: "compression",
					`[]`:                                     "options",
				},
			})
		})
	}
}

func open(t testing.TB, dir, more string) *Storage {
	t.Helper()
	s, err := Open(t.Context(), "f", options(dir, more))
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Storage)
}

func files(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, p)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func document(t *testing.T, id vcon.ID, createdAt string) *vcon.VCon {
	t.Helper()
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"created_at":%s,"parties":[]}`, id, createdAt))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for createdAt, folder := range map[string]string{
		`"2026-03-05T23:30:00-05:00"`: "2026/03/05/",
		`"2026-03-05 10:00:00"`:       "2026/03/05/",
		`"2026-03-05"`:                "2026/03/05/",
		`"yesterday"`:                 "",
		`"2026-13-05T00:00:00Z"`:      "",
		`"../../../../etc"`:           "",
		`"0000-01-01T00:00:00Z"`:      "",
		`"9999-01-01T00:00:00Z"`:      "",
		`1767225600`:                  "",
		`null`:                        "",
	} {
		dir, id := t.TempDir(), vcon.NewID("file.example")
		s := open(t, dir, "")
		if err := s.Save(t.Context(), document(t, id, createdAt), 1); err != nil {
			t.Fatal(err)
		}
		want := folder + id.String() + ".json"
		if got := files(t, dir); len(got) != 1 || got[0] != want {
			t.Errorf("created_at %s: files %q, want %q", createdAt, got, want)
		}
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("created_at %s: %v", createdAt, err)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]fs.FileMode{
		`420`: 0o644, `"0644"`: 0o644, `"0o644"`: 0o644, `"644"`: 0o644, `644`: 0o644, `"0O600"`: 0o600, `384`: 0o600, `"0640"`: 0o640,
	} {
		dir := t.TempDir()
		doc := chaintest.Document(t, "")
		if err := open(t, dir, `,"file_permissions":`+text).Save(t.Context(), doc, 1); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "2026/03/05", doc.ID().String()+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("file_permissions %s gives %o, want %o", text, info.Mode().Perm(), want)
		}
	}
}

// Folders that were there keep their mode: the Python server took the sticky bit off /tmp.
func TestAncestorsKeepTheirMode(t *testing.T) {
	t.Parallel()
	above := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(above, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(above, os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(above, "a", "b")
	s := open(t, root, `,"dir_permissions":"0750"`)
	if err := s.Save(t.Context(), chaintest.Document(t, ""), 1); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]fs.FileMode{above: os.ModeSticky | 0o777, filepath.Dir(root): 0o750, root: 0o750, filepath.Join(root, "2026"): 0o750} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode() &^ os.ModeDir; got != want {
			t.Errorf("%s has mode %v, want %v", dir, got, want)
		}
	}
}

func TestTooLargeIsPermanent(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), `,"max_file_size":100`)
	err := s.Save(t.Context(), chaintest.Document(t, `,"subject":"`+strings.Repeat("x", 100)+`"`), 1)
	if err == nil || !chain.IsPermanent(err) || !strings.Contains(err.Error(), "vCon data exceeds max file size: ") {
		t.Errorf("save = %v", err)
	}
}

// What other options wrote is read and deleted all the same.
func TestEveryLayoutIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layouts := []string{"", `,"organize_by_date":false`, `,"compression":true`, `,"compression":true,"organize_by_date":false`}
	for i, writer := range layouts {
		for j, reader := range layouts {
			doc := chaintest.Document(t, fmt.Sprintf(`,"subject":"%d %d"`, i, j))
			if err := open(t, dir, writer).Save(t.Context(), doc, 1); err != nil {
				t.Fatal(err)
			}
			r := open(t, dir, reader)
			if got, err := r.Get(t.Context(), doc.ID()); err != nil || string(got.Bytes()) != string(doc.Bytes()) {
				t.Errorf("layout %d read as %d: %v", i, j, err)
			}
			if err := r.Delete(t.Context(), doc.ID()); err != nil {
				t.Error(err)
			}
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left after delete: %q", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "2026")); err == nil {
		t.Error("emptied folders are still there")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the root: %v", err)
	}
}

// A revision of another day: the newest is read, and a delete takes both.
func TestMovedByCreatedAt(t *testing.T) {
	t.Parallel()
	dir, id := t.TempDir(), vcon.NewID("file.example")
	s := open(t, dir, "")
	for _, day := range []string{`"2026-02-02T00:00:00Z"`, `"2026-01-01T00:00:00Z"`} {
		if err := s.Save(t.Context(), document(t, id, day), 1); err != nil {
			t.Fatal(err)
		}
	}
	old := filepath.Join(dir, "2026/02/02", id.String()+".json")
	past := fileTime(t, old).Add(-1e9)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), id)
	if err != nil || !strings.Contains(string(got.Bytes()), "2026-01-01") {
		t.Errorf("get = %v, %v; want the newer", got, err)
	}
	if err := s.Delete(t.Context(), id); err != nil || len(files(t, dir)) > 0 {
		t.Errorf("delete: %v, left %q", err, files(t, dir))
	}
}

func TestCorruptFile(t *testing.T) {
	t.Parallel()
	dir, id := t.TempDir(), vcon.NewID("file.example")
	s := open(t, dir, "")
	for name, text := range map[string]string{".json": `{"uuid":`, ".json.gz": "not gzip"} {
		path := filepath.Join(dir, id.String()+name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), id); err == nil || !strings.Contains(err.Error(), id.String()) {
			t.Errorf("%s: get = %v, want an error that names the vCon", name, err)
		}
		os.Remove(path)
	}
}

func TestSweepsLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, "")
	for _, name := range []string{"old", "new"} {
		if err := os.WriteFile(filepath.Join(s.temp(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := filepath.Join(s.temp(), "old")
	past := fileTime(t, old).Add(-2 * 3600e9)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	open(t, dir, "")
	if got := files(t, dir); len(got) != 1 || got[0] != ".tmp/new" {
		t.Errorf("left: %q, want only .tmp/new", got)
	}
}

func fileTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func BenchmarkSave(b *testing.B) {
	for name, parallel := range map[string]int{"1": 1, "8": 8} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(b.Context(), "f", options(b.TempDir(), ""))
			if err != nil {
				b.Fatal(err)
			}
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Save(b.Context(), chaintest.Document(b, ""), 1); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// A signed vCon lies where its payload's date says.
func TestSigned(t *testing.T) {
	t.Parallel()
	dir, inner := t.TempDir(), chaintest.Document(t, "")
	b64 := base64.RawURLEncoding.EncodeToString
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"payload":%q,"signatures":[{"protected":%q,"signature":"AA"}]}`, b64(inner.Bytes()), b64([]byte(`{"alg":"RS256"}`))))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, "")
	if err := s.Save(t.Context(), doc, 1); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), inner.ID())
	if err != nil || string(got.Bytes()) != string(doc.Bytes()) {
		t.Errorf("get = %v", err)
	}
	if f := files(t, dir); len(f) != 1 || !strings.HasPrefix(f[0], "2026/03/05/") {
		t.Errorf("files %q", f)
	}
}
