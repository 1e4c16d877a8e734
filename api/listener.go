package api

import (
	"net"
	"sync"
	"time"
)

// tooMany is written to a connection above the limit. The peer is not read, so the answer is fixed.
const tooMany = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n" +
	"Connection: close\r\nContent-Length: 33\r\n\r\n" + `{"detail":"Too many connections"}`

// limitedListener turns connections away while Settings.Connections are open.
type limitedListener struct {
	net.Listener
	s *Server
}

// Accept gives the next connection within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.s.conns.Load() < int64(l.s.settings.Load().Connections) {
			return c, nil
		}
		turnAway(c)
	}
}

// turnAway never blocks the accept loop: a fresh plain connection takes these bytes at once, a TLS one would begin its
// handshake and is just closed.
func turnAway(c net.Conn) {
	if _, plain := c.(*net.TCPConn); plain {
		if c.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
			_, _ = c.Write([]byte(tooMany)) // the peer may be gone already
		}
	}
	_ = c.Close()
}

// closeOnce is a listener that may be closed again: by Shutdown and by fasthttp, which waits for no connection when its
// own close fails.
type closeOnce struct {
	net.Listener
	once sync.Once
}

// Close closes the listener the first time, and then does nothing.
func (l *closeOnce) Close() (err error) {
	l.once.Do(func() { err = l.Listener.Close() })
	return err
}

// ownerListener marks its connections as the owner's.
type ownerListener struct{ net.Listener }

// Accept gives the next connection, marked.
func (l *ownerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return ownerConn{c}, nil
}

type ownerConn struct{ net.Conn }
