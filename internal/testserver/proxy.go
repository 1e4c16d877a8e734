package testserver

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands before a TCP server and makes the network bad on demand. Its methods are safe for concurrent use and hold
// for connections that are open, too.
type Proxy struct {
	target   string
	listener net.Listener
	end      context.Context // of the test

	mu    sync.Mutex
	delay time.Duration // before each piece that goes through, in either direction
	left  [2]int64      // bytes that may still go each way before a connection is cut; below 0: any number
	down  bool
	conns map[net.Conn]bool
}

// The ways through a proxy.
const (
	toServer = iota
	toClient
)

// NewProxy starts a proxy before a server at "host:port"; it ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, listener: l, end: t.Context(), left: [2]int64{-1, -1}, conns: map[net.Conn]bool{}}
	done := make(chan struct{})
	go func() { defer close(done); p.accept() }()
	t.Cleanup(func() { l.Close(); p.Down(); <-done })
	return p
}

// Addr is where the proxy listens, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Delay makes each piece of up to 32 KiB wait that long, in either direction.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// CutRequests lets n more bytes reach the server, all connections together, and cuts those that have more; until Up.
func (p *Proxy) CutRequests(n int64) { p.set(func() { p.left[toServer] = n }) }

// CutAnswers is CutRequests for what comes from the server.
func (p *Proxy) CutAnswers(n int64) { p.set(func() { p.left[toClient] = n }) }

// Down cuts all connections, and each new one at once.
func (p *Proxy) Down() {
	p.set(func() {
		p.down = true
		for c := range p.conns {
			c.Close()
		}
	})
}

// Up makes the network good again.
func (p *Proxy) Up() { p.set(func() { p.delay, p.left, p.down = 0, [2]int64{-1, -1}, false }) }

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *Proxy) accept() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.enter(client, server) {
		return
	}
	defer p.set(func() { delete(p.conns, client); delete(p.conns, server) })
	var wg sync.WaitGroup
	for way, ends := range [2][2]net.Conn{toServer: {server, client}, toClient: {client, server}} {
		wg.Go(func() {
			p.pass(way, ends[0], ends[1])
			client.Close() // one way has ended: so does the other
			server.Close()
		})
	}
	wg.Wait()
}

// enter notes open connections; false when there may be none.
func (p *Proxy) enter(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

// pass copies pieces until one side ends or the proxy cuts.
func (p *Proxy) pass(way int, to io.Writer, from io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		take, delay := p.admit(way, n)
		if !p.wait(delay) {
			return
		}
		if _, werr := to.Write(piece[:take]); err != nil || werr != nil || take < n {
			return
		}
	}
}

// admit says how much of a piece may pass, and after what time.
func (p *Proxy) admit(way, n int) (int, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left[way] >= 0 {
		n = int(min(int64(n), p.left[way]))
		p.left[way] -= int64(n)
	}
	return n, p.delay
}

// wait waits; false when the test ends meanwhile.
func (p *Proxy) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-p.end.Done():
		return false
	}
}
