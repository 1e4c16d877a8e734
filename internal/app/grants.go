package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
)

// moduleGrants are the capabilities of a link that is a module: what its allow: says, under the ceiling. Errors: every
// rule and secret that cannot be used.
func moduleGrants(cfg *config.Config, l config.Link, getenv func(string) string) (hostabi.Grants, error) {
	a := l.Allow
	g := hostabi.Grants{Read: readable(a.Read), Queues: a.Queues, KV: said(a.KV), TTL: said(a.TTL), Create: said(a.Create)}
	write := a.Write
	if write == nil {
		write = []string{"/analysis/-", "/attachments/-", "tags"}
	}
	g.Write, g.Tags = writable(write)
	var errs []error
	var err error
	if g.HTTP, err = httpRules(a.HTTP); err != nil {
		errs = append(errs, fmt.Errorf("allow.http: %w", err))
	}
	if g.Fetch, err = fetchRules(a.Fetch); err != nil {
		errs = append(errs, fmt.Errorf("allow.fetch: %w", err))
	}
	if g.Secrets, err = secrets(a.Secrets, cfg.File, getenv); err != nil {
		errs = append(errs, fmt.Errorf("allow.secrets: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return g, err
	}
	return narrowed(g, cfg.Sandbox.Ceiling.Allow)
}

// moduleLimits bound one run of a link that is a module: its own limits, over the defaults, under the ceiling.
func moduleLimits(cfg *config.Config, l config.Link) config.Limits {
	return l.Limits.Over(cfg.Sandbox.Defaults).Under(cfg.Sandbox.Ceiling.Limits)
}

// hostLimits are the quotas that the host counts. 0 = open.
func hostLimits(l config.Limits) hostabi.Limits {
	return hostabi.Limits{
		HostCalls: int64(l.HostCalls), Edits: int64(l.Edits), Log: int64(l.Log), HTTPRequests: int64(l.HTTPRequests),
		HTTPBytes: int64(l.HTTPBytes), Streams: int64(l.Streams), KV: int64(l.KV),
	}
}

// builtinLimits are without bounds but for what the link's own limits: say.
func builtinLimits(l config.Limits) hostabi.Limits {
	own, open := hostLimits(l), hostabi.Unlimited()
	for _, f := range []struct{ own, open *int64 }{
		{&own.HostCalls, &open.HostCalls}, {&own.Edits, &open.Edits}, {&own.Log, &open.Log}, {&own.HTTPRequests, &open.HTTPRequests},
		{&own.HTTPBytes, &open.HTTPBytes}, {&own.Streams, &open.Streams}, {&own.KV, &open.KV},
	} {
		if *f.own == 0 {
			*f.own = *f.open
		}
	}
	return own
}

// narrowed is g with what by does not grant taken away. What by does not mention stays: it is a ceiling, or the allow:
// of a builtin link, whose grants follow from its options.
func narrowed(g hostabi.Grants, by config.Grants) (hostabi.Grants, error) {
	if by.Read.Only != nil || by.Read.Not != nil {
		bound := readable(by.Read)
		g.Read.Within = &bound
	}
	if by.Write != nil {
		bound, tags := writable(by.Write)
		g.Write.Within, g.Tags = &bound, g.Tags && tags
	}
	if by.HTTP != nil {
		bound, err := httpRules(by.HTTP)
		if err != nil {
			return g, fmt.Errorf("allow.http: %w", err)
		}
		named := bound
		named.Rules = slices.Clone(bound.Rules)
		for i := range named.Rules {
			named.Rules[i].Private = named.Rules[i].Host != "*" // fetch takes a named host for its addresses
		}
		g.HTTP, g.Fetch = g.HTTP.Under(bound), underFetch(g.Fetch, named)
	}
	if by.Queues != nil {
		g.Queues = slices.DeleteFunc(slices.Clone(g.Queues), func(q string) bool { return !slices.Contains(by.Queues, q) })
	}
	g.KV, g.TTL, g.Create = g.KV && saidOr(by.KV), g.TTL && saidOr(by.TTL), g.Create && saidOr(by.Create)
	return g, nil
}

// underFetch cuts what may be fetched to a policy.
func underFetch(f hostabi.Fetch, bound outbound.Policy) hostabi.Fetch {
	rules := outbound.Policy{Rules: slices.Clone(f.Origins)}
	if f.Any {
		rules.Rules = append(rules.Rules, outbound.Rule{Scheme: "https", Host: "*"})
	}
	return hostabi.Fetch{Origins: rules.Under(bound).Rules}
}

func said(b *bool) bool { return b != nil && *b }

func saidOr(b *bool) bool { return b == nil || *b }

// readable is what of a vCon a link sees.
func readable(g config.ReadGrant) hostabi.Paths {
	if g.Only != nil {
		return hostabi.Paths{Allow: g.Only}
	}
	return hostabi.Paths{All: true, Not: g.Not}
}

// writable splits a list of what a link may write into pointers and the word tags.
func writable(list []string) (p hostabi.Paths, tags bool) {
	for _, entry := range list {
		if entry == "tags" {
			tags = true
			continue
		}
		p.Allow = append(p.Allow, entry)
	}
	return p, tags
}

func httpRules(list []config.HTTPGrant) (p outbound.Policy, _ error) {
	var errs []error
	for _, entry := range list {
		rule, err := outbound.Parse(entry.URL)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", entry.URL, err))
			continue
		}
		for _, m := range entry.Methods {
			rule.Methods = append(rule.Methods, strings.ToUpper(m))
		}
		p.Rules = append(p.Rules, rule)
	}
	return p, errors.Join(errs...)
}

func fetchRules(f config.FetchGrant) (out hostabi.Fetch, _ error) {
	out.Any = f.Any
	var errs []error
	for _, origin := range f.Origins {
		rule, err := outbound.Parse(origin)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", origin, err))
			continue
		}
		out.Origins = append(out.Origins, rule)
	}
	return out, errors.Join(errs...)
}

// secrets reads the values that a link's requests are filled with; relative paths begin beside file.
func secrets(list []config.SecretGrant, file string, getenv func(string) string) (out []hostabi.Secret, _ error) {
	var errs []error
	for _, s := range list {
		value, err := secretValue(s.From, file, getenv)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
			continue
		}
		secret, err := hostabi.NewSecret(s.Name, value, s.For, s.In)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, secret)
	}
	return out, errors.Join(errs...)
}

// secretValue reads env:NAME or file:PATH; the line break that ends a file is none of it.
func secretValue(from, file string, getenv func(string) string) (string, error) {
	if name, ok := strings.CutPrefix(from, "env:"); ok {
		if value := getenv(name); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the variable %s is not set", name)
	}
	text, err := os.ReadFile(beside(file, strings.TrimPrefix(from, "file:")))
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
