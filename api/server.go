package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/router"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

const (
	headerTimeout  = 10 * time.Second  // from the first byte of a connection or request to the end of its headers
	idleTimeout    = 120 * time.Second // of a kept-alive connection
	writeTimeout   = 120 * time.Second // of one answer; a 100 MB document over a slow line
	maxHeaderBytes = 32 << 10          // request line and headers
)

// Server answers the routes. Make it with New; it is safe for concurrent use.
type Server struct {
	store   Store
	archive Archive
	config  ConfigFile
	audit   Audit
	limits  limiters
	backup  func(context.Context) (io.ReadCloser, error)
	ready   func(context.Context) (int, any)
	drain   func(context.Context)
	build   Build
	log     *slog.Logger
	metrics *meters
	span    func(method, route, traceparent string) (string, func(int)) // never nil
	gather  prometheus.Gatherer

	http   *fasthttp.Server
	router *router.Router
	routes []*route

	settings atomic.Pointer[settings]

	mu        sync.Mutex     // guards the two below
	listeners []net.Listener // of Serve and ServeAdmin
	closing   bool           // Shutdown was called

	conns    atomic.Int64 // open, over all listeners
	inflight atomic.Int64 // bytes of bodies held

	base   context.Context // of store calls: ends when Shutdown gives up waiting, never with one connection
	cancel context.CancelFunc
}

// New makes a server; it serves nothing yet. It panics when o.Store is nil or the routes contradict each other.
func New(o Options) *Server {
	if o.Store == nil {
		panic("api: no store")
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		store: o.Store, archive: o.Archive, config: o.Config, audit: o.Audit, backup: o.Backup, ready: o.Ready, drain: o.Drain, log: o.Log,
		build: Build{
			Version: orDefault(o.Build.Version, "dev"),
			Commit:  orDefault(o.Build.Commit, "unknown"),
			Time:    orDefault(o.Build.Time, "unknown"),
		},
		gather: o.Metrics, span: o.Span,
	}
	if s.span == nil {
		s.span = noSpan
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.metrics = newMeters(o.Metrics, s)
	s.mount(table())
	s.http = s.transport()
	s.Apply(o.Settings)
	return s
}

// Apply swaps the settings. Requests under way keep the ones that they began with.
func (s *Server) Apply(set Settings) { s.settings.Store(compile(set)) }

// transport is the fasthttp server: limits, timeouts and what happens before a handler.
func (s *Server) transport() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:        s.serve,
		ExpectHandler:  s.expect,
		ErrorHandler:   s.malformed,
		HeaderReceived: s.headerReceived,
		ConnState:      s.connState,
		Name:           "vconduit",

		ReadTimeout:    headerTimeout,
		IdleTimeout:    idleTimeout,
		WriteTimeout:   writeTimeout,
		ReadBufferSize: maxHeaderBytes,

		// Bodies are read by body.go, which knows whose they are: nothing is buffered before.
		StreamRequestBody:            true,
		MaxRequestBodySize:           math.MaxInt,
		DisablePreParseMultipartForm: true,

		NoDefaultContentType:  true,
		CloseOnShutdown:       true,
		SecureErrorLogMessage: true,
		Logger:                quiet{s.log},
	}
}

// Serve answers connections of ln until Shutdown, then returns nil. It may be called for several listeners. TLS is the
// caller's: hand over a TLS listener.
func (s *Server) Serve(ln net.Listener) error {
	return s.serveOn(&limitedListener{Listener: ln, s: s})
}

// ServeAdmin is Serve for a listener that only the server's owner can reach, a unix socket with mode 0600: every caller
// has every scope without a key.
func (s *Server) ServeAdmin(ln net.Listener) error {
	return s.serveOn(&ownerListener{ln})
}

func (s *Server) serveOn(ln net.Listener) error {
	ln = &closeOnce{Listener: ln}
	if !s.register(ln) {
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("close %s: %w", ln.Addr(), err)
		}
		return nil
	}
	if err := s.http.Serve(ln); err != nil {
		return fmt.Errorf("serve http on %s: %w", ln.Addr(), err)
	}
	return nil
}

// register remembers a listener for Shutdown; false: that has been called. fasthttp would serve a listener that comes
// after its own shutdown for ever.
func (s *Server) register(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.listeners = append(s.listeners, ln)
	}
	return !s.closing
}

// closeListeners closes what was registered, and what comes.
func (s *Server) closeListeners() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	var errs []error
	for _, ln := range s.listeners {
		errs = append(errs, ln.Close())
	}
	return errors.Join(errs...)
}

// Shutdown closes the listeners, also those that are served only later, waits for requests under way to be answered and
// closes their connections. When ctx ends first, it cancels their store calls and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.cancel()
	if err := s.closeListeners(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("shut down http: %w", err)
	}
	if err := s.http.ShutdownWithContext(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("shut down http: %w", err)
	}
	return nil
}

// headerReceived gives the body its own, longer deadline once the headers are there.
func (s *Server) headerReceived(*fasthttp.RequestHeader) fasthttp.RequestConfig {
	return fasthttp.RequestConfig{ReadTimeout: s.settings.Load().ReadTimeout}
}

func (s *Server) connState(_ net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		s.conns.Add(1)
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		s.conns.Add(-1)
	}
}

// quiet keeps fasthttp's own messages at debug level: they are about single connections and may quote peers.
type quiet struct{ log *slog.Logger }

// Printf is fasthttp.Logger.
func (q quiet) Printf(format string, args ...any) {
	if q.log.Enabled(context.Background(), slog.LevelDebug) {
		q.log.Debug("http connection", "error", fmt.Sprintf(format, args...))
	}
}
