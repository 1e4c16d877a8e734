package modules

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	t.Parallel()
	f := setup(t, Options{MaxSize: 1000})
	module := wasm(1, 500)
	f.put("links/x.wasm", module)
	for _, text := range []string{"file:./links/x.wasm", "file:" + filepath.ToSlash(f.base) + "/links/x.wasm"} {
		if _, err := f.get(text, DigestOf(module)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	f.put("links/x.wasm", wasm(2, 500))
	var wrong *DigestError
	if _, err := f.get("file:links/x.wasm", DigestOf(module)); !errors.Is(err, ErrDigest) || !errors.As(err, &wrong) || wrong.Want != DigestOf(module) ||
		wrong.Got != DigestOf(wasm(2, 500)) || !strings.Contains(err.Error(), wrong.Got.Hex()) || !strings.Contains(err.Error(), wrong.Want.Hex()) ||
		!strings.Contains(err.Error(), "file:links/x.wasm") {
		t.Errorf("other bytes: %v", err)
	}
	if f.Cached(DigestOf(module)) {
		t.Error("a file: ref was cached")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Get(ctx, parse(t, "file:links/x.wasm"), DigestOf(module)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	f := setup(t, Options{MaxSize: 1000})
	f.put("exact.wasm", wasm(1, 1000))
	f.put("large.wasm", wasm(1, 1001))
	f.put("folder/x.wasm", nil)
	for text, want := range map[string]error{
		"file:none.wasm":                   ErrNotFound,
		"file:large.wasm/x.wasm":           ErrNotFound,
		"file:folder":                      ErrNotFound,
		"file:" + os.DevNull:               ErrNotFound,
		"file:large.wasm":                  ErrTooLarge,
		"upload:acme-tagger":               ErrUnsupported,
		"oci://r.example/x:1":              ErrUnsupported,
		"script:file:./x.js":               ErrUnsupported,
		"file:" + strings.Repeat("a", 999): ErrUnavailable, // a name that no file can have
	} {
		m, err := f.get(text, DigestOf(nil))
		if !errors.Is(err, want) || m != nil || !strings.Contains(err.Error(), parse(t, text).String()) || strings.Contains(err.Error(), f.base) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	if _, err := f.get("file:exact.wasm", DigestOf(wasm(1, 1000))); err != nil {
		t.Errorf("as large as allowed: %v", err)
	}
	if _, err := f.Get(t.Context(), Ref{}, DigestOf(nil)); !errors.Is(err, ErrRef) {
		t.Errorf("the zero ref: %v", err)
	}
	if os.Geteuid() != 0 { // root reads everything
		f.put("closed.wasm", nil)
		if err := os.Chmod(filepath.Join(f.base, "closed.wasm"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := f.get("file:closed.wasm", DigestOf(nil)); !errors.Is(err, ErrDenied) {
			t.Errorf("a file that we may not read: %v", err)
		}
	}
}

// TestUnpinned: the error of a module says what to pin, and of no other file what its digest is.
func TestUnpinned(t *testing.T) {
	t.Parallel()
	f := setup(t, Options{MaxSize: 1000})
	f.put("x.wasm", wasm(1, 500))
	f.put("secrets.env", []byte("PIN=1234"))
	f.put("large.wasm", wasm(1, 1001))
	var unpinned *PinError
	_, err := f.get("file:x.wasm", Digest{})
	if !errors.Is(err, ErrNoPin) || !errors.As(err, &unpinned) || unpinned.Actual != DigestOf(wasm(1, 500)) || !strings.Contains(err.Error(), "pin it: sha256: "+unpinned.Actual.Hex()) {
		t.Errorf("a module: %v", err)
	}
	secretDigest := DigestOf([]byte("PIN=1234"))
	if _, err := f.get("file:secrets.env", Digest{}); !errors.As(err, &unpinned) || !unpinned.Actual.IsZero() || strings.Contains(err.Error(), secretDigest.Hex()) {
		t.Errorf("no module: %v", err)
	}
	if _, err := f.get("file:secrets.env", DigestOf(nil)); !errors.Is(err, ErrDigest) || strings.Contains(err.Error(), secretDigest.Hex()) {
		t.Errorf("no module, and a pin: %v", err)
	}
	if _, err := f.get("https://h.example/x.wasm?t="+secret, Digest{}); !errors.As(err, &unpinned) || !unpinned.Actual.IsZero() || !strings.Contains(err.Error(), "sha256:") {
		t.Errorf("https: %v", err)
	}
	for text, want := range map[string]error{"file:none.wasm": ErrNotFound, "file:large.wasm": ErrTooLarge, "upload:a": ErrUnsupported} {
		if _, err := f.get(text, Digest{}); !errors.Is(err, want) || errors.Is(err, ErrNoPin) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}
