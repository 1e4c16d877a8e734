package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/internal/backup"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/vcon"
)

// backedUp makes a store with one vCon, beside what else a data folder has, and its backup.
func backedUp(t *testing.T) (doc *vcon.VCon, archive []byte) {
	t.Helper()
	dir := t.TempDir()
	store, err := embedded.Open(dir, embedded.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name, text := range map[string]string{"audit/2026/11.log": "who did what\n", "modules/sha256/ab.wasm": "module"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	doc, err = vcon.Parse([]byte(`{"uuid":"018e0000-0000-8000-8000-000000000001","created_at":"2026-01-01T00:00:00Z","parties":[],"x":"` + strings.Repeat("x", 300<<10) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Submit(t.Context(), queue.Submission{Doc: doc, Lists: []string{"in"}}); err != nil {
		t.Fatal(err)
	}
	b := &backups{store: store, dir: dir, version: "1.2.3", log: slog.New(slog.DiscardHandler)}
	r, err := b.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.open(t.Context()); !errors.Is(err, api.ErrBackupRuns) {
		t.Errorf("a second one: %v", err)
	}
	archive, err = io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	b.wait()
	if r, err = b.open(t.Context()); err != nil {
		t.Fatalf("after the first: %v", err)
	}
	r.Close() // a client that leaves
	b.wait()
	return doc, archive
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	doc, archive := backedUp(t)
	dir := filepath.Join(t.TempDir(), "data")
	var last int64
	done, err := Restore(t.Context(), bytes.NewReader(archive), RestoreOptions{Data: dir, Progress: func(n, total int64) {
		if n < last || n > total {
			t.Errorf("progress: %d of %d after %d", n, total, last)
		}
		last = n
	}})
	if err != nil {
		t.Fatal(err)
	}
	if done.Head.Vconduit != "1.2.3" || done.Head.Files != 3 || last != done.Head.Bytes || done.Held.Documents != 1 || done.Held.Entries != 1 {
		t.Errorf("%+v, %d bytes of progress", done, last)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "audit/2026/11.log")); err != nil || string(text) != "who did what\n" {
		t.Errorf("audit: %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "modules")); err == nil {
		t.Error("the cache of modules is in the backup")
	}
	store, err := embedded.Open(dir, embedded.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got, _, err := store.Get(t.Context(), doc.ID()); err != nil || !bytes.Equal(got.Bytes(), doc.Bytes()) {
		t.Errorf("the document: %v", err)
	}
}

// TestRestoreOfForged: a backup whose digests fit and whose files are no store, or another, is refused, and nothing is left.
func TestRestoreOfForged(t *testing.T) {
	t.Parallel()
	_, archive := backedUp(t)
	genuine := map[string][]byte{}
	r, err := backup.NewReader(t.Context(), bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head := r.Head()
	if err := r.Extract(func(name string, _ int64) (io.WriteCloser, error) { return into{genuine, name}, nil }); err != nil {
		t.Fatal(err)
	}
	delete(genuine, "audit/2026/11.log")
	var blob string
	for name := range genuine {
		if strings.HasPrefix(name, "blobs/") {
			blob = name
		}
	}
	with := func(name string, text []byte) map[string][]byte {
		out := map[string][]byte{name: text}
		for n, x := range genuine {
			if n != name {
				out[n] = x
			}
		}
		return out
	}
	without := with("audit/x", nil)
	delete(without, blob)
	counts := bytes.Replace(head.Counts, []byte(`"documents":1`), []byte(`"documents":2`), 1)
	for name, c := range map[string]struct {
		files  map[string][]byte
		counts []byte
		says   string
	}{
		"another file":      {with("config.yml", nil), head.Counts, "no part of a store"},
		"admin socket":      {with("admin.sock", nil), head.Counts, "no part of a store"},
		"no database":       {map[string][]byte{"blobs/01/a": nil}, head.Counts, "no store"},
		"no SQLite":         {with("store.db", []byte("something else, something else")), head.Counts, ""},
		"cut blob":          {with(blob, []byte("{}")), head.Counts, "large document"},
		"no blob":           {without, head.Counts, "large document"},
		"other counts":      {genuine, counts, "announced"},
		"counts are no map": {genuine, []byte(`[]`), "counts"},
	} {
		dir := t.TempDir()
		_, err := Restore(t.Context(), bytes.NewReader(pack(t, c.files, c.counts)), RestoreOptions{Data: dir})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 { // the lock
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
	}
}

func pack(t *testing.T, files map[string][]byte, counts json.RawMessage) []byte {
	t.Helper()
	head := backup.Head{Files: int64(len(files)), Counts: counts}
	for _, text := range files {
		head.Bytes += int64(len(text))
	}
	var seq iter.Seq2[backup.File, error] = func(yield func(backup.File, error) bool) {
		for name, text := range files {
			f := backup.File{Name: name, Size: int64(len(text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
			if !yield(f, nil) {
				return
			}
		}
	}
	var b bytes.Buffer
	if err := backup.Write(t.Context(), &b, head, seq); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// into keeps a file in a map.
type into struct {
	files map[string][]byte
	name  string
}

func (w into) Write(p []byte) (int, error) {
	w.files[w.name] = append(w.files[w.name], p...)
	return len(p), nil
}

func (w into) Close() error { return nil }
