package app

import (
	"context"
	"sync"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/runtime/chain"
)

// sharedTracers are the open tracers that configurations in force use: the one before a reload and the one after it are
// there side by side, and a file must not be written by two. The zero value is ready. Safe for concurrent use.
type sharedTracers struct {
	mu   sync.Mutex
	open map[string]*sharedTracer
}

type sharedTracer struct {
	chain.Tracer
	users int
}

// take gives the tracer of a key, opened when nobody has it. Each release gives it back; the last one closes it.
func (s *sharedTracers) take(key string, open func() (chain.Tracer, error)) (t chain.Tracer, release func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.open[key]
	if shared == nil {
		if t, err = open(); err != nil {
			return nil, nil, err
		}
		if s.open == nil {
			s.open = map[string]*sharedTracer{}
		}
		shared = &sharedTracer{Tracer: t}
		s.open[key] = shared
	}
	shared.users++
	return shared.Tracer, func() error { return s.release(key) }, nil
}

func (s *sharedTracers) release(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.open[key]
	if shared.users--; shared.users > 0 {
		return nil
	}
	delete(s.open, key)
	return shared.Close()
}

// openTracer opens a tracer for the chains that it watches.
func (p *parts) openTracer(ctx context.Context, cfg *config.Config, t config.Tracer) {
	entry, ok := builtin.FindTracer(t.Module)
	if !ok {
		return // the configuration has held its chains
	}
	options := t.Options.JSON()
	unknown, err := entry.Check(options)
	for _, text := range unknown {
		p.note(cfg, "tracers."+t.Name+".options", t.Pos, text)
	}
	if p.offline || err != nil {
		p.blind[t.Name] = err // nil: nothing is wrong with it
		return
	}
	env := builtin.TracerEnv{Log: p.log, DataDir: cfg.DataDir}
	tracer, release, err := p.builder.tracers.take(t.Name+"\x00"+t.Module+"\x00"+string(options), func() (chain.Tracer, error) {
		return entry.Open(env)(ctx, t.Name, options)
	})
	if err != nil {
		p.blind[t.Name] = err
		return
	}
	p.closers = append(p.closers, release)
	fatal := chain.ReadOptions(options).Bool("dlq_vcon_on_error", false)
	p.tracers[t.Name] = chain.NamedTracer{Name: t.Name, Tracer: tracer, Fatal: fatal}
}
