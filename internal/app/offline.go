package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/queue/embedded"
)

// OfflineAPI is the API over a store that no server holds, for commands of its owner. No chain runs.
type OfflineAPI struct {
	store  *embedded.Store
	backup *backups
	api    *api.Server
	pipe   *pipe
	served chan error
}

// Offline opens the store of o.Data and serves its API in this process alone; every caller has all rights. The
// configuration decides what the API needs of it and may be missing. Errors: queue.ErrLocked when a server runs.
func Offline(ctx context.Context, o Options) (*OfflineAPI, error) {
	cfg, report := loadConfig(config.Path(o.Config, lookup(o.Getenv), "."), o)
	if cfg == nil {
		return nil, refused(report)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := openStore(cfg, log)
	if err != nil {
		return nil, err
	}
	f := &OfflineAPI{store: store, pipe: newPipe(), served: make(chan error, 1)}
	f.backup = &backups{store: store, dir: cfg.DataDir, version: Version(o.Getenv).Version, log: log}
	f.api = api.New(api.Options{Store: store, Settings: apiSettings(cfg), Backup: f.backup.open, Metrics: prometheus.NewRegistry(), Log: log})
	go func() { f.served <- f.api.ServeAdmin(f.pipe) }()
	return f, nil
}

// Dial connects to the API.
func (f *OfflineAPI) Dial(ctx context.Context) (net.Conn, error) { return f.pipe.dial(ctx) }

// Close ends API and store.
func (f *OfflineAPI) Close() error {
	err := errors.Join(f.api.Shutdown(context.Background()), f.pipe.Close(), <-f.served)
	f.backup.wait()
	return errors.Join(err, f.store.Close())
}

// pipe is a listener inside the process.
type pipe struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, fmt.Errorf("pipe: %w", net.ErrClosed)
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "in-process", Net: "unix"} }
