package modules

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOffline(t *testing.T) {
	t.Parallel()
	module, dir := wasm(1, 5000), t.TempDir()
	s := serve(t, gives(module))
	if _, err := setup(t, Options{Base: dir}, s.source()).get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	f := setup(t, Options{Base: dir}, s.source())
	if !f.Cached(DigestOf(module)) || f.Cached(DigestOf(nil)) {
		t.Errorf("cached %v, and what never was %v", f.Cached(DigestOf(module)), f.Cached(DigestOf(nil)))
	}
	if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Errorf("after a restart without the server: %v", err)
	}
	if _, err := f.get(s.URL+"/y.wasm", DigestOf(nil)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("what is not cached: %v", err)
	}
}

// TestTamperedCache: whatever lies in the cache instead of the module is dropped, named in the log and fetched again.
func TestTamperedCache(t *testing.T) {
	t.Parallel()
	module := wasm(1, 5000)
	flipped := bytes.Clone(module)
	flipped[4000] ^= 1
	write := func(data []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, data, 0o600) }
	}
	for name, tamper := range map[string]func(path string) error{
		"a bit":     write(flipped),
		"truncated": write(module[:4999]),
		"longer":    write(append(bytes.Clone(module), 0)),
		"empty":     write(nil),
		"huge":      func(path string) error { return os.Truncate(path, 1<<40) },
		"a link": func(path string) error {
			beside := path + ".real"
			return errors.Join(os.Rename(path, beside), os.Symlink(beside, path))
		},
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, gives(module))
			f := setup(t, Options{}, s.source())
			for range 2 {
				if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
					t.Fatal(err)
				}
				if len(s.requests()) == 2 {
					break
				}
				if err := tamper(f.cached(DigestOf(module))); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.requests(); len(got) != 2 {
				t.Errorf("asked %q, want it fetched again", got)
			}
			if !strings.Contains(f.log.String(), "cached module dropped") || !strings.Contains(f.log.String(), DigestOf(module).Hex()) {
				t.Errorf("the log says nothing of it: %s", f.log)
			}
			s.Close()
			if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
				t.Errorf("it was not cached again: %v", err)
			}
		})
	}
}

func TestCacheFiles(t *testing.T) {
	t.Parallel()
	module := wasm(1, 5000)
	s := serve(t, gives(module))
	f := setup(t, Options{}, s.source())
	dir := filepath.Dir(f.cached(DigestOf(module)))
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("New touched the disk: %v", err)
	}
	if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, f.cached(DigestOf(module)): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %o", path, info, err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the cache has %v, %v", entries, err)
	}
}

// TestNoRoomForTheCache: a module that cannot be cached can be used.
func TestNoRoomForTheCache(t *testing.T) {
	t.Parallel()
	module := wasm(1, 5000)
	s := serve(t, gives(module))
	f := setup(t, Options{}, s.source())
	f.put("modules", nil) // a file where the folder would be
	for range 2 {
		if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(f.log.String(), "module not cached") || f.Cached(DigestOf(module)) {
		t.Errorf("cached %v, log %s", f.Cached(DigestOf(module)), f.log)
	}
	f = setup(t, Options{}, s.source())
	f.put("modules/sha256/"+DigestOf(module).Hex()+".wasm/x", nil) // a folder with something in it where the file would be
	if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(f.cached(DigestOf(module)))); err != nil || len(entries) != 1 || !strings.Contains(f.log.String(), "module not cached") {
		t.Errorf("the cache has %v, %v; log %s", entries, err, f.log)
	}
}

func TestGC(t *testing.T) {
	t.Parallel()
	f := setup(t, Options{})
	if removed, err := f.GC(nil); err != nil || removed != nil {
		t.Errorf("without a cache: %v, %v", removed, err)
	}
	var digests []Digest
	for i := range byte(4) {
		module := wasm(i, 100)
		digests = append(digests, DigestOf(module))
		if err := f.cache.keep(digests[i], module); err != nil {
			t.Fatal(err)
		}
	}
	others := []string{"incoming-new", "note.txt", "abc.wasm", DigestOf(nil).Hex(), digests[0].Hex()}
	for _, name := range append(others, "incoming-old") {
		f.put("modules/sha256/"+name, nil)
	}
	dir := filepath.Dir(f.cached(digests[0]))
	old := time.Now().Add(-2 * tempLife)
	if err := os.Chtimes(filepath.Join(dir, "incoming-old"), old, old); err != nil {
		t.Fatal(err)
	}
	f.flights[digests[3]] = &flight{cancel: func() {}} // being fetched
	removed, err := f.GC([]Digest{digests[1], DigestOf([]byte("never there"))})
	slices.SortFunc(removed, func(a, b Digest) int { return bytes.Compare(a[:], b[:]) })
	want := []Digest{digests[0], digests[2]}
	slices.SortFunc(want, func(a, b Digest) int { return bytes.Compare(a[:], b[:]) })
	if err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %v, %v; want %v", removed, err, want)
	}
	left := append(others, digests[1].Hex()+".wasm", digests[3].Hex()+".wasm")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(left, e.Name()) {
			t.Errorf("%s is left", e.Name())
		}
	}
	if len(entries) != len(left) {
		t.Errorf("left %v, want %v", entries, left)
	}
}
