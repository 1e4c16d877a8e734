package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// pythonIgnored lists the keys that vcon-server read without effect, or otherwise, and that mean something here.
func (l *loading) pythonIgnored() []Problem {
	p := &problems{file: l.file}
	say := func(n *node, path, message string) { p.add(Info, codePython, n.pos, path, message, "") }
	for _, c := range l.Chains {
		path := keyPath("chains", c.Name)
		if n := l.seen[path+".timeout"]; n != nil && c.Timeout > 0 {
			say(n, path+".timeout", fmt.Sprintf("Python ignored this; here it means that a run of the links longer than %s fails and is tried again", c.Timeout.Round(time.Millisecond)))
		}
		if n := l.seen[path+".enabled"]; n != nil && !c.Enabled {
			say(n, path+".enabled", "Python ignored this and ran the chain; here it means that the chain does not run and its lists keep what they have")
		}
		if n := l.seen[path+".tracers"]; n != nil && c.Tracers != nil {
			say(n, path+".tracers", "Python ignored this and ran all tracers; here it means that only these watch the chain")
		}
		for _, ref := range c.Links {
			if !ref.Options.IsZero() {
				p.add(Info, codePython, ref.Pos, path+".links", fmt.Sprintf("Python dead-lettered every vCon here; here it means that link %q runs with these options over its own", ref.Name), "")
			}
		}
	}
	for _, s := range l.Storages {
		used := slices.ContainsFunc(l.Chains, func(c Chain) bool { return slices.Contains(c.Storages, s.Name) })
		options := keyPath("storages", s.Name) + ".options"
		if n := l.seen[options]; n != nil && s.Module == "storage.redis_storage" && n.member("redis_url") != nil {
			say(n.member("redis_url"), options+".redis_url", "Python ignored this and used REDIS_URL; here it means that the vCons are saved to that server")
		}
		if !used {
			p.add(Info, codePython, s.Pos, keyPath("storages", s.Name), "no chain saves to it: Python opened it only to look for a missing vCon; here it is opened at start", "")
		}
	}
	variables(l.root, "", func(n *node, path string) {
		say(n, path, "Python kept the text ${...} as it stands; here it means the variable's value")
	})
	return p.report().Problems
}

// variables calls f for each scalar below n in which a variable was replaced.
func variables(n *node, path string, f func(n *node, path string)) {
	if n == nil {
		return
	}
	if n.fromVar {
		f(n, path)
	}
	for i, item := range n.items {
		at := indexPath(path, i)
		if n.kind == mapNode {
			at = keyPath(path, n.keys[i].text)
		}
		variables(item, at, f)
	}
}

// plainSecrets finds secrets that a module would hold in its memory: option values that came from a variable, or whose
// name says so. A builtin is our own code and may.
func (l *loading) plainSecrets() {
	severity := Warning
	if l.Sandbox.Ceiling.PlainSecrets == "deny" {
		severity = Error
	}
	say := func(n *node, path, key string) {
		l.add(severity, codeSecret, n.pos, path, "this hands a secret to the module's code",
			fmt.Sprintf(`write "{{secret:%[1]s}}" here and allow: {secrets: {%[1]s: {from: "env:%[1]s", for: [HOST]}}}`, secretNameFor(key)))
	}
	module := map[string]bool{}
	for _, k := range l.Links {
		module[k.Name] = IsModule(k.Module)
		if options, ok := l.seen[keyPath("links", k.Name)+".options"]; ok && module[k.Name] {
			secrets(options, keyPath("links", k.Name)+".options", say)
		}
	}
	for _, c := range l.Chains {
		path := keyPath("chains", c.Name) + ".links"
		refs := l.seen[path]
		for i, ref := range c.Links {
			if module[ref.Name] && !ref.Options.IsZero() && i < len(refs.items) {
				secrets(refs.items[i].items[0], keyPath(indexPath(path, i), ref.Name), say)
			}
		}
	}
}

func secrets(n *node, path string, f func(n *node, path, key string)) {
	for i, item := range n.items {
		at, key := indexPath(path, i), "SECRET"
		if n.kind == mapNode {
			at, key = keyPath(path, n.keys[i].text), n.keys[i].text
		}
		plain := item.kind == scalarNode && item.text != "" && !isReference(item.text)
		if plain && (item.fromVar || n.kind == mapNode && secretName(key) && item.val.kind == stringValue) {
			f(item, at, key)
		}
		secrets(item, at, f)
	}
}

// secretNameFor makes API_KEY out of api-key.
func secretNameFor(key string) string {
	name := strings.ToUpper(strings.Join(nameWords(key), "_"))
	if !variableName(name) {
		return "SECRET"
	}
	return name
}
