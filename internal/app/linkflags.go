package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/queue"
)

// readLinkFlags makes the link's part of a configuration of what a run was asked for. Each flag is read by package config
// itself, so that it takes and refuses what a configuration does.
func readLinkFlags(r LinkRun, m *linkModule) (l config.Link, problems []string) {
	l.Name = m.link
	f := linkFlags{getenv: r.Getenv}
	for _, text := range r.Allow {
		l.Allow = grantsSum(l.Allow, f.block("allow", text).Allow)
	}
	for _, text := range r.Secrets {
		f.secret(&l.Allow, text)
	}
	l.Limits = f.limits(r.Limits)
	l.Engine = f.block("engine", r.Engine).Engine
	l.Input = f.block("input", r.Input).Input
	l.Output = f.block("output", r.Output).Output
	if m.builtin != "" {
		f.onlyModules(r)
	}
	return l, f.problems
}

// linkFlags reads flags and collects what is wrong with them.
type linkFlags struct {
	getenv   func(string) string
	problems []string
}

func (f *linkFlags) add(format string, args ...any) {
	f.problems = append(f.problems, fmt.Sprintf(format, args...))
}

// onlyModules refuses what means nothing for a builtin link.
func (f *linkFlags) onlyModules(r LinkRun) {
	for _, flag := range []struct{ name, value string }{
		{"secret", strings.Join(r.Secrets, "")}, {"limits", r.Limits}, {"engine", r.Engine}, {"input", r.Input}, {"output", r.Output},
	} {
		if flag.value != "" {
			f.add("--%s is for modules; %s is built in and runs without a sandbox", flag.name, r.Module)
		}
	}
}

// linkHead stands before a key of a link in the configuration that is made of a flag, and linkIndent before each line of
// its value.
const (
	linkHead   = "links:\n  link:\n    module: links.tag\n    "
	linkIndent = "      "
)

// block reads the value of one key of a link; the flag has the key's name.
func (f *linkFlags) block(key, text string) config.Link {
	if strings.TrimSpace(text) == "" {
		return config.Link{}
	}
	head := linkHead + key + ":\n"
	body := head + linkIndent + strings.ReplaceAll(text, "\n", "\n"+linkIndent) + "\n"
	cfg, report := config.Parse("", []byte(body), config.Options{Env: lookup(f.getenv), CheckList: queue.CheckListName})
	for _, p := range report.Of(config.Error) {
		f.problems = append(f.problems, flagProblem(p, key, strings.Count(head, "\n")))
	}
	if cfg == nil {
		return config.Link{}
	}
	return cfg.Links[0]
}

// flagProblem writes a problem of a made configuration as one of the flag. Lines are told where there are several.
func flagProblem(p config.Problem, key string, headLines int) string {
	where := "--" + key
	if line := p.Line - headLines; line > 1 {
		where = fmt.Sprintf("%s:%d:%d", where, line, max(p.Column-len(linkIndent), 1))
	}
	if path := strings.TrimPrefix(strings.TrimPrefix(p.Path, "links.link."+key), "."); path != "" {
		where += ": " + path
	}
	text := where + ": " + p.Message
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// limits reads limits: as a block, or as name=value,name=value.
func (f *linkFlags) limits(text string) config.Limits {
	if !strings.ContainsAny(text, ":{") {
		text = f.pairs(text)
	}
	l := f.block("limits", text).Limits
	if l.Fuel != 0 {
		f.add("--limits: fuel: this build does not count it (bound time instead)")
	}
	return l
}

// pairs makes a block of name=value,name=value.
func (f *linkFlags) pairs(text string) string {
	var lines []string
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			f.add("--limits: %q is no limit: write name=value, as memory=64MiB,time=30s", pair)
			continue
		}
		lines = append(lines, strconv.Quote(strings.TrimSpace(name))+": "+strconv.Quote(strings.TrimSpace(value)))
	}
	if len(lines) == 0 {
		return ""
	}
	return "{" + strings.Join(lines, ", ") + "}" // one line: places in it would say nothing to whoever wrote the flag
}

// secret grants NAME=env:VARIABLE or NAME=file:PATH. A secret that allow: has already gets its value from there; another
// one is for the hosts of allow.http.
func (f *linkFlags) secret(g *config.Grants, text string) {
	name, from, ok := strings.Cut(text, "=")
	if !ok {
		f.add("--secret: want NAME=env:VARIABLE or NAME=file:PATH")
		return
	}
	if !strings.HasPrefix(from, "env:") && !strings.HasPrefix(from, "file:") {
		f.add("--secret %s: says where the value is, not what it is: env:VARIABLE or file:PATH", name)
		return
	}
	if i := slices.IndexFunc(g.Secrets, func(s config.SecretGrant) bool { return s.Name == name }); i >= 0 {
		g.Secrets[i].From = from
		return
	}
	hosts := namedHosts(g.HTTP)
	if len(hosts) == 0 {
		f.add("--secret %s: it is for no host, so it goes nowhere (grant one with --allow 'http: [https://HOST]')", name)
		return
	}
	block, err := json.Marshal(map[string]any{"secrets": map[string]any{name: map[string]any{"from": from, "for": hosts}}})
	if err != nil {
		f.add("--secret %s: %v", name, err)
		return
	}
	g.Secrets = append(g.Secrets, f.block("allow", string(block)).Allow.Secrets...)
}

// namedHosts are the hosts of rules that name one.
func namedHosts(rules []config.HTTPGrant) (hosts []string) {
	for _, entry := range rules {
		if rule, err := outbound.Parse(entry.URL); err == nil && rule.Host != "*" {
			hosts = append(hosts, outbound.Host{Name: rule.Host, Port: rule.Port}.String())
		}
	}
	return hosts
}

// grantsSum is everything that a and b grant; of what has one value b's counts.
func grantsSum(a, b config.Grants) config.Grants {
	a.Read.Only = joined(a.Read.Only, b.Read.Only)
	a.Read.Not = joined(a.Read.Not, b.Read.Not)
	a.Write = joined(a.Write, b.Write)
	a.HTTP = joined(a.HTTP, b.HTTP)
	a.Secrets = joined(a.Secrets, b.Secrets)
	a.Queues = joined(a.Queues, b.Queues)
	a.Fetch.Any = a.Fetch.Any || b.Fetch.Any
	a.Fetch.Origins = joined(a.Fetch.Origins, b.Fetch.Origins)
	for _, f := range []struct{ to, from **bool }{{&a.KV, &b.KV}, {&a.TTL, &b.TTL}, {&a.Create, &b.Create}} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	return a
}

// joined keeps nil, which is not said, apart from an empty list, which grants nothing.
func joined[T any](a, b []T) []T {
	if a == nil {
		return b
	}
	return append(a, b...)
}
