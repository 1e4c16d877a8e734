package modules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// The defaults of Options.
const (
	DefaultMaxSize = 32 << 20
	DefaultTimeout = 2 * time.Minute
)

// Options make a Store.
type Options struct {
	// Dir is the cache's folder, made with mode 0700 when the first module is fetched. Required.
	Dir string
	// Base is the folder at which relative paths begin: those of file: refs, tokens and authorities. "" is the process's.
	Base string
	// MaxSize is in bytes, of one module; 0 = DefaultMaxSize.
	MaxSize int64
	// Timeout is for one fetch with its redirects; 0 = DefaultTimeout.
	Timeout time.Duration
	Sources []Source
	// Getenv gives the tokens at env:NAME, "" for none; nil = os.Getenv.
	Getenv func(string) string
	// Log is told what was fetched, and what was wrong with the cache; nil = nobody.
	Log *slog.Logger
	// Progress is told during a fetch how many bytes came and how many there will be, -1 = nobody knows. A redirect begins
	// anew. It is called from the goroutine that fetches and must not block; nil = nobody is told.
	Progress func(ref Ref, done, total int64)

	Resolver outbound.Resolver                                                 // nil: the system's
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // addr is ip:port, checked; nil: net.Dialer
}

// Store gives modules. Safe for concurrent use.
type Store struct {
	cache    cache
	base     string
	maxSize  int64
	timeout  time.Duration
	sources  []*source
	getenv   func(string) string
	log      *slog.Logger
	progress func(ref Ref, done, total int64)
	resolver outbound.Resolver
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)

	mu      sync.Mutex
	closed  bool
	flights map[Digest]*flight
	running sync.WaitGroup // flights, those that everybody left too
}

// New makes a Store. It touches neither disk nor network. The error joins all that is wrong with the options.
func New(o Options) (*Store, error) {
	sources, err := parseSources(o.Sources)
	if o.Dir == "" {
		err = errors.Join(errors.New("the cache of modules needs a folder"), err)
	}
	if o.MaxSize < 0 || o.Timeout < 0 {
		err = errors.Join(errors.New("the limits of modules are not below 0"), err)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{
		base: o.Base, maxSize: cmp.Or(o.MaxSize, DefaultMaxSize), timeout: cmp.Or(o.Timeout, DefaultTimeout), sources: sources,
		getenv: o.Getenv, log: o.Log, progress: o.Progress, resolver: o.Resolver, dial: o.Dial, flights: map[Digest]*flight{},
	}
	if s.getenv == nil {
		s.getenv = os.Getenv
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.cache = cache{dir: filepath.Join(o.Dir, "sha256"), maxSize: s.maxSize, log: s.log}
	return s, nil
}

// Get gives the module that ref names, if its bytes have the digest; the zero Digest is a missing pin.
//
// A file: ref is read from its file, at once. An https: ref is looked for in the cache and fetched if it is not there; callers
// that want the same digest at the same time share one fetch. It blocks until the module is there, ctx ends, or the
// store's time limit.
//
// Errors, each with the ref in it: ErrRef, ErrUnsupported, ErrNoPin (PinError), ErrDigest (DigestError), ErrNotFound,
// ErrTooLarge, ErrDenied, ErrUnavailable, ErrClosed; ctx.Err().
func (s *Store) Get(ctx context.Context, ref Ref, digest Digest) (*Module, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("module %s: %w", ref, err)
	}
	var wasm []byte
	var err error
	switch ref.kind {
	case File:
		wasm, err = s.fromFile(ref, digest)
	case HTTPS:
		wasm, err = s.fromServer(ctx, ref, digest)
	case "":
		err = fmt.Errorf("%w: there is none", ErrRef)
	default:
		err = fmt.Errorf("module %s: %w: modules from %s", ref, ErrUnsupported, ref.kind)
	}
	if err != nil {
		return nil, err
	}
	return &Module{Ref: ref, Digest: digest, Wasm: wasm}, nil
}

// fromServer gives what an https: ref names, from the cache if it is there.
func (s *Store) fromServer(ctx context.Context, ref Ref, d Digest) ([]byte, error) {
	switch {
	case d.IsZero():
		return nil, &PinError{Ref: ref}
	case len(s.source(ref.rest).Verify) > 0:
		return nil, fmt.Errorf("module %s: %w: checking signatures, which its source asks for", ref, ErrUnsupported)
	}
	return s.share(ctx, ref, d, func(ctx context.Context) ([]byte, error) {
		if wasm, ok := s.cache.load(d); ok {
			return wasm, nil
		}
		return s.download(ctx, ref, d)
	})
}

// download fetches a module and caches it.
func (s *Store) download(ctx context.Context, ref Ref, d Digest) ([]byte, error) {
	wasm, err := s.fetch(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", ref, err)
	}
	if err := verify(ref, d, wasm); err != nil {
		return nil, err
	}
	s.log.Info("module fetched", "module", ref, "digest", d.Hex(), "bytes", len(wasm))
	if err := s.cache.keep(d, wasm); err != nil { // it can be used all the same; the next start will need the network
		s.log.Warn("module not cached", "module", ref, "digest", d.Hex(), "error", err)
	}
	return wasm, nil
}

// Close ends the fetches that run, and waits for them. Afterwards, https: refs answer ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, f := range s.flights {
		f.cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// Cached says that the cache has a module of this digest, so that Get needs no network for it. Only Get looks at the
// bytes: a file that was tampered with counts until then.
func (s *Store) Cached(digest Digest) bool { return s.cache.has(digest) }

// GC removes every cached module whose digest is not in keep, nor being fetched, and gives those that it removed, also
// beside an error. What another process needs of the same folder belongs into keep, too.
func (s *Store) GC(keep []Digest) (removed []Digest, err error) {
	return s.cache.collect(func(d Digest) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.flights[d] != nil || slices.Contains(keep, d)
	})
}
