package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// openTest opens a store without a ballast file.
func openTest(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Ballast == 0 {
		o.Ballast = -1
	}
	o.Readers = 2
	if o.Fatal == nil {
		o.Fatal = func(err error) { t.Error(err) }
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document makes the n-th test document.
func document(t testing.TB, n, size int) *vcon.VCon {
	t.Helper()
	id := vcon.ID{1, 0x98, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0x80, 0, 0x80}
	text := fmt.Sprintf(`{"vcon":"0.4.0","uuid":%q,"created_at":"2026-01-02T03:04:05Z","parties":[{"tel":"+1555%d","name":"Ann"},{"mailto":"bob@example.com"}],
		"dialog":[{"type":"text","encoding":"none","body":%q}],"analysis":[]}`, id, n, strings.Repeat("blah ", max(size-260, 0)/5))
	doc, err := vcon.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	_, err := Open(dir, Options{Ballast: -1})
	if !errors.Is(err, queue.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Fatalf("second open: %v, want ErrLocked with folder and pid", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openTest(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	if _, err := s.writer.exec(fmt.Sprintf("PRAGMA user_version=%d", len(formats)+1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Ballast: -1}); !errors.Is(err, queue.ErrFormat) {
		t.Fatalf("open of a newer format: %v, want ErrFormat", err)
	}
}

// cancelled is a context that ends at once, but not before a call has looked at the store.
func cancelled(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
