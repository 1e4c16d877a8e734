package api

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/queue"
)

// listenTCP runs a server on a loopback port until the test ends and gives its address.
func listenTCP(t testing.TB, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

// largeDoc reads as a document with a body of size bytes, without holding it.
func largeDoc(size int64) io.Reader {
	return io.MultiReader(
		strings.NewReader(`{"vcon":"0.4.0","uuid":"`+goodID+`","created_at":"2024-01-15T10:30:00Z","parties":[],"dialog":[{"type":"recording","encoding":"base64url","mediatype":"audio/x-wav","body":"`),
		io.LimitReader(letters{}, size),
		strings.NewReader(`"}]}`))
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk")
	}
	return len(p), nil
}

// A document of 100 MB costs at most about two copies of itself. It counts every allocation of the process, so it runs
// alone.
func TestLargeDocumentMemory(t *testing.T) {
	for _, tt := range []struct {
		name    string
		size    int64
		chunked bool
		store   func(testing.TB) Store
		most    float64
	}{
		{"embedded store", large, false, func(t testing.TB) Store { return open(t) }, 2},
		{"chunked, no store", 32 << 20, true, func(testing.TB) Store { return forgetful{} }, 2.3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := listenTCP(t, New(Options{Store: tt.store(t), Settings: Settings{BodyLimit: 2 * tt.size, BodyInflight: 4 * tt.size}}))
			n, err := io.Copy(io.Discard, largeDoc(tt.size))
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/vcon", largeDoc(tt.size))
			if err != nil {
				t.Fatal(err)
			}
			if req.ContentLength = n; tt.chunked {
				req.ContentLength = -1
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			back, err := io.Copy(io.Discard, resp.Body)
			if err != nil || resp.StatusCode != 201 || back != n {
				t.Fatalf("%d, %d bytes back of %d: %v", resp.StatusCode, back, n, err)
			}
			runtime.ReadMemStats(&after)
			copies := float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
			t.Logf("%.2f times the document was allocated", copies)
			if copies > tt.most {
				t.Errorf("%.2f times the document was allocated, at most %.1f", copies, tt.most)
			}
		})
	}
}

// forgetful takes documents and keeps nothing.
type forgetful struct{ store }

func (forgetful) Submit(context.Context, queue.Submission) (queue.Receipt, error) {
	return queue.Receipt{Gen: 1, Rev: 1}, nil
}
