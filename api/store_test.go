package api

import (
	"testing"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
)

// open opens a store in a folder of the test's own.
func open(t testing.TB) queue.Queue {
	t.Helper()
	q, err := embedded.Open(t.TempDir(), embedded.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return q
}
