package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/vconduit/vconduit/queue"
)

// patient is a store whose Submit waits for the test, or for its context.
type patient struct {
	store
	begun, goOn chan struct{}
}

func (p patient) Submit(ctx context.Context, _ queue.Submission) (queue.Receipt, error) {
	p.begun <- struct{}{}
	select {
	case <-p.goOn:
		return queue.Receipt{}, nil
	case <-ctx.Done():
		return queue.Receipt{}, queue.ErrUnavailable
	}
}

// What was accepted is answered; what comes after is not taken.
func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	p := patient{store{}, make(chan struct{}), make(chan struct{})}
	s, client, done := served(p)
	answers := make(chan answer, 1)
	go func() { answers <- ask(t, client, "POST", "/vcon", doc("")) }()
	<-p.begun
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	close(p.goOn)
	if got := <-answers; got.status != 201 {
		t.Errorf("under way: %d %s", got.status, got.body)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if _, err := client.Get("http://vconduit/health"); err == nil {
		t.Error("a request after Shutdown was answered")
	}
}

// When the time for it is over, store calls are cancelled.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	p := patient{store{}, make(chan struct{}), make(chan struct{})}
	s, client, done := served(p)
	answers := make(chan answer, 1)
	go func() { answers <- ask(t, client, "POST", "/vcon", doc("")) }()
	<-p.begun
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if got := <-answers; got.status != 503 {
		t.Errorf("cancelled: %d %s", got.status, got.body)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// served is serve without the end.
func served(q Store) (*Server, *http.Client, chan error) {
	s := New(Options{Store: q})
	ln := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	return s, &http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return ln.Dial() },
		DisableKeepAlives: true,
	}}, done
}

// A signal may come before the goroutine that serves has begun: it must not serve for ever then.
func TestServeAfterShutdown(t *testing.T) {
	t.Parallel()
	s := New(Options{Store: store{}})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, serve := range map[string]func(net.Listener) error{"Serve": s.Serve, "ServeAdmin": s.ServeAdmin} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := serve(ln); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			c.Close()
			t.Errorf("%s: the listener is open", name)
		}
	}
}
