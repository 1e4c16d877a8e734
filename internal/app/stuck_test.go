package app

import (
	"io"
	"net/http"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

// TestStorageThatIsNotOpen: a vCon may be in it, so nobody says that there is none; and opening it is tried again,
// although no chain of today names it.
func TestStorageThatIsNotOpen(t *testing.T) {
	t.Parallel()
	r := startApp(t, `
storages:
  lost: {module: storage.file, options: {path: "%DIR%/config.yml/no-folder"}}
  files: {module: storage.file, options: {path: "%DIR%/files"}}
chains: {main: {ingress_lists: [calls], storages: [files]}}
`, nil)
	if status, body := r.call("GET", "/vcon/"+vcon.NewID("example.com").String(), "", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a vCon that may be in the storage: %d %s", status, body)
	}
	if !r.heal(false) {
		t.Error("the storage is not opened again")
	}
}

// TestReadWhileClosing: a request that shutdown cut may still read; it gets an error.
func TestReadWhileClosing(t *testing.T) {
	t.Parallel()
	r, err := New(t.Context(), Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Getenv: func(string) string { return "" }, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if doc, err := (archive{r}).Get(t.Context(), vcon.NewID("example.com")); err == nil {
		t.Errorf("read %v from closed storages", doc)
	}
	if status, _ := r.ready(t.Context()); status != http.StatusServiceUnavailable {
		t.Errorf("ready after Close: %d", status)
	}
	r.pool.PlanChanged()
}
