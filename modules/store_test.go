package modules

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
)

// TestOneFetch: who wants the same digest at the same time waits for one fetch.
func TestOneFetch(t *testing.T) {
	t.Parallel()
	module, release := wasm(1, 5000), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Write(module)
	})
	f := setup(t, Options{}, s.source())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := f.get(fmt.Sprintf("%s/%d.wasm", s.URL, i%2), DigestOf(module)); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, func() bool { return f.waiting(DigestOf(module)) == 20 })
	close(release)
	wg.Wait()
	if got := s.requests(); len(got) != 1 {
		t.Errorf("asked %q, want one request", got)
	}
	f.grounded()
}

// grounded checks that nothing is left of flights that ended.
func (f *fixture) grounded() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.flights) != 0 {
		f.t.Errorf("%d flights are left", len(f.flights))
	}
}

func (f *fixture) waiting(d Digest) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flights[d] == nil {
		return 0
	}
	return f.flights[d].waiting
}

// TestLeaving: the one who started a fetch may leave; the last one ends it, and who comes then starts another.
func TestLeaving(t *testing.T) {
	t.Parallel()
	module, release, ended := wasm(1, 5000), make(chan struct{}), make(chan struct{}, 10)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			w.Write(module)
		case <-r.Context().Done():
			ended <- struct{}{}
		}
	})
	f := setup(t, Options{}, s.source())
	ref, digest := parse(t, s.URL+"/x.wasm"), DigestOf(module)
	start := func() (leave context.CancelFunc, result chan error) {
		before := f.waiting(digest)
		ctx, cancel := context.WithCancel(t.Context())
		result = make(chan error, 1)
		go func() {
			_, err := f.Get(ctx, ref, digest)
			result <- err
		}()
		until(t, func() bool { return f.waiting(digest) == before+1 })
		return cancel, result
	}
	leave1, result1 := start()
	leave2, result2 := start()
	until(t, func() bool { return len(s.requests()) == 1 })
	leave1()
	if err := <-result1; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	leave2()
	if err := <-result2; !errors.Is(err, context.Canceled) {
		t.Errorf("who left last got %v", err)
	}
	<-ended
	leave3, result3 := start()
	leave4, result4 := start()
	leave3()
	<-result3
	close(release)
	if err := <-result4; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	leave4()
	if got := s.requests(); len(got) != 2 {
		t.Errorf("asked %q, want two requests", got)
	}
}

// TestAnotherRefFails: two refs of one digest share a fetch; that one's server fails does not fail the other.
func TestAnotherRefFails(t *testing.T) {
	t.Parallel()
	module, release := wasm(1, 5000), make(chan struct{})
	bad := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	good := serve(t, gives(module))
	f := setup(t, Options{}, bad.source(), good.source())
	digest, failed := DigestOf(module), make(chan error, 1)
	go func() {
		_, err := f.Get(t.Context(), parse(t, bad.URL+"/x.wasm"), digest)
		failed <- err
	}()
	until(t, func() bool { return f.waiting(digest) == 1 })
	fine := make(chan error, 1)
	go func() {
		_, err := f.get(good.URL+"/x.wasm", digest)
		fine <- err
	}()
	until(t, func() bool { return f.waiting(digest) == 2 })
	close(release)
	if err := <-failed; !errors.Is(err, ErrUnavailable) {
		t.Errorf("the bad server: %v", err)
	}
	if err := <-fine; err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestClose: a fetch that runs ends, and no other begins.
func TestClose(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	})
	f := setup(t, Options{}, s.source())
	digest, result := DigestOf(nil), make(chan error, 1)
	go func() {
		_, err := f.get(s.URL+"/x.wasm", digest)
		result <- err
	}()
	until(t, func() bool { return len(s.requests()) == 1 })
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("who waited got %v", err)
	}
	<-ended
	if _, err := f.get(s.URL+"/x.wasm", digest); !errors.Is(err, ErrClosed) {
		t.Errorf("who comes later gets %v", err)
	}
}

// TestFlightsThatEnd: who comes after all have left waits for nothing of theirs; Close does.
func TestFlightsThatEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Dir: "none"})
		if err != nil {
			t.Fatal(err)
		}
		ref, digest, hold := parse(t, "https://h.example/x.wasm"), DigestOf(nil), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.share(ctx, ref, digest, func(ctx context.Context) ([]byte, error) {
				<-ctx.Done()
				<-hold
				return nil, ctx.Err()
			})
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		got, err := s.share(t.Context(), ref, digest, func(context.Context) ([]byte, error) { return []byte("x"), nil })
		if err != nil || string(got) != "x" {
			t.Errorf("who came then got %q, %v", got, err)
		}
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		close(hold)
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// TestHammer: Get, GC, tampering and leaving side by side; whatever Get gives is the module.
func TestHammer(t *testing.T) {
	t.Parallel()
	const count = 4
	var all [count][]byte
	for i := range all {
		all[i] = wasm(byte(i), 20_000)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var i int
		fmt.Sscanf(r.URL.Path, "/%d.wasm", &i)
		w.Write(all[i])
	})
	f := setup(t, Options{}, s.source())
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for round := range 30 {
				i := (worker + round) % count
				digest := DigestOf(all[i])
				switch (worker*7 + round) % 6 {
				case 0:
					if _, err := f.GC([]Digest{DigestOf(all[0])}); err != nil {
						t.Error(err)
					}
				case 1:
					if err := os.WriteFile(f.cached(digest), []byte("other"), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Error(err)
					}
				case 2:
					ctx, cancel := context.WithCancel(t.Context())
					go cancel()
					if _, err := f.Get(ctx, parse(t, fmt.Sprintf("%s/%d.wasm", s.URL, i)), digest); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				default:
					if _, err := f.get(fmt.Sprintf("%s/%d.wasm", s.URL, i), digest); err != nil {
						t.Error(err)
					}
				}
				f.Cached(digest)
			}
		})
	}
	wg.Wait()
	f.grounded()
}
