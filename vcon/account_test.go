package vcon

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// What edits say of themselves is the same for whoever holds them: in the process, and read from a journal.
func TestEditSums(t *testing.T) {
	t.Parallel()
	d := mustParse(t, body(`,"subject":"old","analysis":[{"a":1}]`)).Draft()
	do(t, d, `set /subject "new"`, `append /analysis { "b" : 2 }`, `remove /subject`, `tag k v`)
	hash := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	want := []string{
		"set " + hash(`"new"`) + " 5 " + hash(`"old"`),
		"append " + hash(`{"b":2}`) + " 11 none",
		"remove " + fmt.Sprintf("%x", [32]byte{}) + " 0 " + hash(`"new"`),
		"tag " + hash("k:v") + " 3 none",
	}
	for _, edits := range [][]Edit{d.Edits(), throughJSON(t, d.Edits())} {
		for i, e := range edits {
			sum, size := e.Sum()
			got := fmt.Sprintf("%s %x %d ", e.Op(), sum, size)
			if was, ok := e.Replaced(); ok {
				got += fmt.Sprintf("%x", was)
			} else {
				got += "none"
			}
			if got != want[i] {
				t.Errorf("edit %d: %s, want %s", i, got, want[i])
			}
		}
	}
}
