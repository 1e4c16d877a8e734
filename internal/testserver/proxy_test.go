package testserver

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// echoServer sends back what it gets.
func echoServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// exchange sends a text and reads the same number of bytes back.
func exchange(c net.Conn, text string) (string, error) {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	back := make([]byte, len(text))
	n, err := io.ReadFull(c, back)
	return string(back[:n]), err
}

func TestProxy(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, echoServer(t))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	works := func(c net.Conn) {
		t.Helper()
		if got, err := exchange(c, "hello"); got != "hello" {
			t.Errorf("a good network: %q, %v", got, err)
		}
	}
	c := dial()
	works(c)

	p.Delay(30 * time.Millisecond)
	start := time.Now()
	works(c)
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("there and back took %s, want twice the delay", took)
	}
	p.Up()

	p.Down()
	if got, err := exchange(c, "hello"); err == nil {
		t.Errorf("an open connection lives on when the network is down: %q", got)
	}
	if got, err := exchange(dial(), "hello"); err == nil {
		t.Errorf("a new connection works when the network is down: %q", got)
	}
	p.Up()
	works(dial())

	for name, cut := range map[string]func(int64){"requests": p.CutRequests, "answers": p.CutAnswers} {
		c = dial()
		works(c)
		cut(3)
		if got, err := exchange(c, "hello"); len(got) > 3 || err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("%s cut after 3 bytes: %q, %v", name, got, err)
		}
		p.Up()
		works(dial())
	}
}
