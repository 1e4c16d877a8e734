package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/wasm"
)

// step makes one link in its place.
func (p *parts) step(cfg *config.Config, ref config.LinkRef) (chain.Step, error) {
	l, ok := cfg.Link(ref)
	if !ok {
		return chain.Step{}, errors.New("no link of this name is defined")
	}
	open := p.builtinStep
	if l.IsModule() {
		open = p.moduleStep
	}
	s, err := open(cfg, l)
	if err != nil {
		return chain.Step{}, err
	}
	s.Name = l.Name
	s.Retry = chain.Retry{Attempts: l.Retry.Attempts, Delay: l.Retry.Delay, MaxDelay: l.Retry.MaxDelay, For: l.Retry.For}
	s.OnError = onError(l.OnError)
	s.Breaker = p.breaker(l)
	return s, nil
}

// builtinStep opens a builtin link, which may do what its options imply, and less where its allow: says so.
func (p *parts) builtinStep(cfg *config.Config, l config.Link) (chain.Step, error) {
	opened, err := builtin.OpenLink(l.Module, l.Options.JSON())
	if err != nil {
		return chain.Step{}, err
	}
	grants, err := narrowed(opened.Grants, l.Allow)
	if err != nil {
		return chain.Step{}, errors.Join(err, opened.Close(context.Background()))
	}
	p.closers = append(p.closers, func() error { return opened.Close(context.Background()) })
	for _, w := range opened.Warnings {
		p.note(cfg, "links."+l.Name+".options", l.Pos, w.String())
	}
	p.noteIdle(cfg, l)
	memo := opened.Memo
	if l.Memo != nil {
		memo = *l.Memo
	}
	return chain.Step{Module: l.Module, Link: opened, Options: opened.Options, Grants: grants, Limits: builtinLimits(l.Limits), Memo: memo}, nil
}

// noteIdle warns of what only modules obey.
func (p *parts) noteIdle(cfg *config.Config, l config.Link) {
	for key, said := range map[string]bool{
		"sha256": l.SHA256 != "", "input": l.Input.None || l.Input.Pointers != nil, "output": l.Output != "", "engine": l.Engine == "interpreter",
		"allow.secrets": l.Allow.Secrets != nil, "limits.memory": l.Limits.Memory > 0, "limits.time": l.Limits.Time > 0,
	} {
		if said {
			p.note(cfg, "links."+l.Name+"."+key, l.Pos, "is for modules; "+l.Module+" is built in, so it does nothing")
		}
	}
}

// moduleStep takes a module that is there, with what the configuration grants it.
func (p *parts) moduleStep(cfg *config.Config, l config.Link) (chain.Step, error) {
	grants, err := moduleGrants(cfg, l, p.getenv)
	if err != nil {
		return chain.Step{}, err
	}
	s := chain.Step{Module: shownRef(l.Module), Options: l.Options.JSON(), Grants: grants, Limits: hostLimits(moduleLimits(cfg, l)), Memo: l.KeepsAnswers()}
	if p.offline {
		return s, p.inspect(cfg, l)
	}
	link, release, err := p.modules.take(cfg, l)
	if err != nil {
		return chain.Step{}, err
	}
	p.closers = append(p.closers, release)
	s.Link, s.Digest = shielded{link}, link.Info().Digest
	return s, nil
}

// shielded keeps a link that several plans run from being closed by one of them.
type shielded struct{ *wasm.Link }

// Close implements chain.Link: the plan's release does the work.
func (shielded) Close(context.Context) error { return nil }

// inspect says what is wrong with a module, as far as that can be seen without compiling, fetching or writing anything.
func (p *parts) inspect(cfg *config.Config, l config.Link) error {
	if p.files == nil {
		store, err := newOfflineStore(cfg, p.getenv)
		if err != nil {
			return err
		}
		p.files, p.closers = store, append(p.closers, store.Close)
	}
	w := wishOf(cfg, l)
	text, err := w.fetch(context.Background(), p.files)
	if errors.Is(err, modules.ErrUnavailable) && !strings.HasPrefix(l.Module, "file:") {
		p.note(cfg, "links."+l.Name+".module", l.Pos, "is not in the cache, so it was not looked at: serve will fetch it")
		return nil
	}
	if err != nil {
		return err
	}
	info, err := wasm.Inspect(text)
	if err == nil {
		err = info.Fits(w.Run)
	}
	if err != nil {
		return w.named(wasm.Digest(text), err)
	}
	for _, warning := range info.Warnings {
		p.note(cfg, "links."+l.Name+".module", l.Pos, warning)
	}
	return nil
}

// newOfflineStore reads files and the cache, and dials nobody.
func newOfflineStore(cfg *config.Config, getenv func(string) string) (*modules.Store, error) {
	o := moduleOptions(cfg, getenv)
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errOffline }
	return modules.New(o)
}

var errOffline = fmt.Errorf("offline: %w", net.ErrClosed)

var _ chain.Link = shielded{}
