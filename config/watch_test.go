package config

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type event struct {
	rejected bool
	report   Report
	restart  []string
}

// watched starts a watcher over a file; call events for what it said so far.
func watched(t *testing.T, path string, o Options) (w *Watcher, events func() []event) {
	t.Helper()
	c, r := Load(path, o)
	if c == nil {
		t.Fatal(r.Err())
	}
	var mu sync.Mutex
	var got []event
	add := func(e event) { mu.Lock(); defer mu.Unlock(); got = append(got, e) }
	w = NewWatcher(c, o, Hooks{
		Changed:  func(_, _ *Config, r Report, restart []string) { add(event{report: r, restart: restart}) },
		Rejected: func(r Report) { add(event{rejected: true, report: r}) },
	})
	return w, func() []event {
		mu.Lock()
		defer mu.Unlock()
		out := got
		got = nil
		return out
	}
}

func TestWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config.yml")
		put(t, path, "queue: {tries: 1}\n")
		w, events := watched(t, path, Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		step := func(what string, want int, tries int, rejected bool) {
			t.Helper()
			time.Sleep(3 * Interval)
			synctest.Wait()
			got := events()
			if len(got) != want || w.Current().Queue.Tries != tries || want > 0 && got[0].rejected != rejected {
				t.Errorf("%s: %d events (%+v), tries %d", what, len(got), got, w.Current().Queue.Tries)
			}
		}
		step("nothing changed", 0, 1, false)
		put(t, path, "queue: {tries: 22}\n")
		step("changed", 1, 22, false)
		put(t, path, "queue: {tries: many}\n")
		step("broken", 1, 22, true)
		step("still broken: said once", 0, 22, false)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		step("gone", 1, 22, true)
		put(t, path, "queue: {tries: '${TRIES:-3}'}\n")
		step("back", 1, 3, false)
		put(t, filepath.Join(dir, ".env"), "TRIES=4\n")
		step(".env came", 1, 4, false)
		if err := Write(path, []byte("queue: {tries: '5'}\n")); err != nil {
			t.Fatal(err)
		}
		step("renamed over", 1, 5, false)
		w.Trigger()
		step("SIGHUP", 1, 5, false)
		stop()
		<-done
	})
}

func TestReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, tokens := filepath.Join(dir, "config.yml"), filepath.Join(dir, "tokens")
	put(t, path, "server: {listen: '127.0.0.1:1'}\n")
	put(t, tokens, "token-number-one-of-us\n")
	w, events := watched(t, path, Options{Env: vars("CONSERVER_API_TOKEN_FILE=" + tokens)})
	before := w.Current()
	put(t, path, "server: {listen: '127.0.0.1:2'}\n")
	put(t, tokens, "token-number-two-of-us\n")
	if r := w.Reload(); r.Err() != nil {
		t.Fatal(r.Err())
	}
	if got := events(); len(got) != 1 || !slices.Equal(got[0].restart, []string{"server.listen"}) {
		t.Errorf("%+v", got)
	}
	_, old := keyOf(w.Current().Auth, "token-number-one-of-us")
	_, next := keyOf(w.Current().Auth, "token-number-two-of-us")
	if old || !next || before.Server.Listen != "127.0.0.1:1" {
		t.Errorf("old token %v, new token %v, old snapshot %s", old, next, before.Server.Listen)
	}
	put(t, tokens, "token-number-three\n")
	w.poll()
	if got := events(); len(got) != 1 {
		t.Errorf("a changed token file: %d events", len(got))
	}
	put(t, path, "server: 1\n")
	if r := w.Reload(); r.Err() == nil || !strings.Contains(show(r), "a map is wanted") || w.Current().Server.Listen != "127.0.0.1:2" {
		t.Error("a worse file replaced the good one")
	}
}

func TestWatcherWithoutHooksAndFile(t *testing.T) {
	t.Parallel()
	c, _ := Load("", Options{})
	w := NewWatcher(c, Options{}, Hooks{})
	if r := w.Reload(); r.Err() != nil || w.Current() == c {
		t.Errorf("%v", r.Err())
	}
}

// TestReloadKeepsTheDoorShut: a running server listens already, so no reload may take its last token away.
func TestReloadKeepsTheDoorShut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, tokens := filepath.Join(dir, "config.yml"), filepath.Join(dir, "tokens")
	put(t, path, "queue: {tries: 1}\n")
	put(t, tokens, "token-number-one-of-us\n")
	w, events := watched(t, path, Options{Env: vars("CONSERVER_API_TOKEN_FILE=" + tokens)})
	put(t, tokens, "")
	r := w.Reload()
	if got := events(); len(got) != 1 || !got[0].rejected || w.Current().Auth.Open() {
		t.Errorf("an empty token file: %+v, open %v", got, w.Current().Auth.Open())
	}
	mustSay(t, r, codeListen, "the last token is gone")
	put(t, path, "queue: {tries: 2}\nserver: {insecure: true}\n")
	if r := w.Reload(); r.Worst() == Error || !w.Current().Auth.Open() {
		t.Errorf("insecure says that it is meant: %v", r.Err())
	}
}
