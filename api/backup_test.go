package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// alternately makes a backup, and is busy with another one the next time.
func alternately() func(context.Context) (io.ReadCloser, error) {
	var mu sync.Mutex
	made := false
	return func(context.Context) (io.ReadCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		if made = !made; made {
			return io.NopCloser(strings.NewReader("the store")), nil
		}
		return nil, ErrBackupRuns
	}
}

// source is a backup that a test writes.
type source struct {
	io.Reader
	closed chan struct{}
}

func (s source) Close() error {
	close(s.closed)
	return nil
}

// TestBackupThatFails: a client cannot take a part for the whole, and the snapshot is given back.
func TestBackupThatFails(t *testing.T) {
	t.Parallel()
	broken := source{io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), failing{}), make(chan struct{})}
	_, client := serve(t, Options{Store: open(t), Backup: func(context.Context) (io.ReadCloser, error) { return broken, nil }})
	resp, err := client.Get("http://vconduit/backup")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d bytes, and no error", n)
	}
	<-broken.closed
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// TestBackupIsLeft: a client that goes away in the middle ends the backup.
func TestBackupIsLeft(t *testing.T) {
	t.Parallel()
	endless := source{endless{}, make(chan struct{})}
	_, client := serve(t, Options{Store: open(t), Backup: func(context.Context) (io.ReadCloser, error) { return endless, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://vconduit/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	select {
	case <-endless.closed:
	case <-time.After(20 * time.Second):
		t.Error("the backup goes on for nobody")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestBackupRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{"full": {queue.ErrFull, 503}, "other": {errors.New("x"), 500}, "busy": {ErrBackupRuns, 409}} {
		_, client := serve(t, Options{Store: open(t), Backup: func(context.Context) (io.ReadCloser, error) { return nil, c.err }})
		if got := ask(t, client, "GET", "/backup", ""); got.status != c.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	_, client := serve(t, Options{Store: open(t)})
	want(t, client, "GET", "/backup", "", 500, `{"detail":"Failed to make a backup"}`)
}
