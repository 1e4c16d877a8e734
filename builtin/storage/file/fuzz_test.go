package file

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// FuzzGet reads files that somebody else wrote: a vCon of that text, or an error, and never a crash.
func FuzzGet(f *testing.F) {
	good := chaintest.Document(f, "").Bytes()
	f.Add(good, false)
	f.Add(compress(good), true)
	f.Add(compress(good)[:20], true)
	f.Add([]byte("{"), false)
	s := open(f, f.TempDir(), "")
	f.Fuzz(func(t *testing.T, text []byte, packed bool) {
		id := vcon.ID{1}
		name := id.String() + map[bool]string{false: ".json", true: ".json.gz"}[packed]
		if err := os.WriteFile(filepath.Join(s.root, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		doc, err := s.Get(t.Context(), id)
		os.Remove(filepath.Join(s.root, name))
		if err == nil && !packed && string(doc.Bytes()) != string(text) {
			t.Errorf("get gave other bytes")
		}
	})
}
