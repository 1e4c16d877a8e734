package wasm

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/internal/guesttest"
)

func newEngine(t *testing.T, o EngineOptions) *Engine {
	t.Helper()
	e, err := NewEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestCompiledOnce: users of one digest share its code, and the last one frees it.
func TestCompiledOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, EngineOptions{})
	text := guesttest.WAT(t, reactor("i32.const 0"))
	var mu sync.Mutex
	var all []*Module
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			m, err := e.Compile(t.Context(), text, false)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			all = append(all, m)
			mu.Unlock()
		})
	}
	wg.Wait()
	for _, m := range all[1:] {
		if m.compiled != all[0].compiled {
			t.Fatal("the module was compiled twice")
		}
	}
	for i, m := range all {
		if err := e.Close(t.Context()); err == nil {
			t.Fatalf("the engine closed under %d users", len(all)-i)
		}
		for range 2 { // the second has no effect
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	e := newEngine(t, EngineOptions{})
	if _, err := e.Compile(t.Context(), []byte("no module"), false); err == nil {
		t.Error("what is no module was compiled")
	}
	// Its types do not fit: the reader does not see that, the runtime does.
	untyped := guesttest.WAT(t, `(module (memory (export "memory") 1) (func (export "vcon_link_run") (param i32) (result i32) i32.const 77))`)
	i := strings.LastIndex(string(untyped), "\x41\xcd\x00")
	untyped[i] = 0x42 // i64.const
	if _, err := e.Compile(t.Context(), untyped, false); err == nil || !strings.Contains(err.Error(), "it does not compile") {
		t.Errorf("wrong types: %v", err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCacheFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	text := guesttest.WAT(t, reactor("i32.const 0"))
	for range 2 { // the second engine takes what the first has left
		e := newEngine(t, EngineOptions{CacheDir: dir})
		m, err := e.Compile(t.Context(), text, false)
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLink(m, LinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r := over(t, l, nil); r.err != nil {
			t.Error(r.err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := NewEngine(EngineOptions{CacheDir: dir}); err == nil || !strings.Contains(err.Error(), "others may write to it") {
		t.Errorf("a folder that anybody may write to: %v", err)
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewEngine(EngineOptions{CacheDir: file}); err == nil {
		t.Error("a file as the cache's folder")
	}
}
