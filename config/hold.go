package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (l *loading) checkChains() {
	for _, c := range l.Chains {
		path := keyPath("chains", c.Name)
		l.checkName("chains", c.Name, c.Pos)
		for i, list := range c.IngressLists {
			l.checkList(indexPath(path+".ingress_lists", i), list, l.at(path+".ingress_lists"))
		}
		for i, list := range c.EgressLists {
			at := indexPath(path+".egress_lists", i)
			l.checkList(at, list, l.at(path+".egress_lists"))
			if slices.Contains(c.IngressLists, list) {
				l.add(Warning, codeShared, l.at(path+".egress_lists"), at, fmt.Sprintf("the chain reads %q too: each vCon comes back for ever", list), "")
			}
		}
		n := l.seen[path+".timeout"]
		if _, err := strconv.Atoi(textOf(n)); err == nil && c.Timeout > 0 && c.Timeout < time.Minute {
			l.add(Warning, codeValue, n.pos, path+".timeout", fmt.Sprintf("without a unit these are seconds: a run of the links longer than %s fails and is tried again", c.Timeout),
				"Python ignored this key; write 30s if it is meant, else 10m or nothing")
		}
	}
}

func textOf(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}

// shareLists leaves each ingress list with one chain: the last one that names it, as Python; but a disabled chain does
// not take a list from one that runs.
func (l *loading) shareLists() {
	owner := map[string]int{}
	for i, c := range l.Chains {
		for _, list := range c.IngressLists {
			if j, taken := owner[list]; !taken || c.Enabled || !l.Chains[j].Enabled {
				owner[list] = i
			}
		}
	}
	for i := range l.Chains {
		c := &l.Chains[i]
		var kept []string
		for _, list := range c.IngressLists {
			if owner[list] != i {
				path := keyPath("chains", c.Name) + ".ingress_lists"
				l.add(Warning, codeShared, l.at(path), path, fmt.Sprintf("list %q is read by chain %q, which names it too", list, l.Chains[owner[list]].Name),
					"a list feeds one chain: the last enabled one")
			} else if !slices.Contains(kept, list) {
				kept = append(kept, list)
			}
		}
		c.IngressLists = kept
	}
}

// hold finds why a chain cannot be built. Its lists then accept and keep, and everything else runs.
func (l *loading) hold() {
	unbuildable := map[string]string{} // link, storage or tracer -> why
	for _, k := range l.Links {
		l.judge(unbuildable, LinkKind, k.Name, k.Module, k.Written, k.PipName, k.Pos)
		l.judgePin(unbuildable, k)
	}
	for _, s := range l.Storages {
		l.judge(unbuildable, StorageKind, s.Name, s.Module, s.Written, "", s.Pos)
	}
	for _, t := range l.Tracers {
		l.judge(unbuildable, TracerKind, t.Name, t.Module, t.Written, t.PipName, t.Pos)
	}
	for i := range l.Chains {
		c := &l.Chains[i]
		path := keyPath("chains", c.Name)
		for _, ref := range c.Links {
			l.needs(c, unbuildable, LinkKind, ref.Name, ref.Pos, names(l.Links, func(k Link) string { return k.Name }))
		}
		for _, name := range c.Storages {
			l.needs(c, unbuildable, StorageKind, name, l.at(path+".storages"), names(l.Storages, Storage.name))
		}
		if c.Tracers == nil {
			for _, t := range l.Tracers {
				l.needs(c, unbuildable, TracerKind, t.Name, c.Pos, []string{t.Name})
			}
		}
		for _, name := range c.Tracers {
			l.needs(c, unbuildable, TracerKind, name, l.at(path+".tracers"), names(l.Tracers, Tracer.name))
		}
		if len(c.Held) > 0 {
			l.add(Warning, CodeHeld, c.Pos, path, "the chain is held: "+strings.Join(c.Held, "; "),
				"its lists accept and keep their vCons; it starts when this is mended")
		}
	}
}

func names[T any](all []T, nameOf func(T) string) []string {
	var out []string
	for _, e := range all {
		out = append(out, nameOf(e))
	}
	return out
}

// needs holds the chain if what it names is not defined or cannot be built.
func (l *loading) needs(c *Chain, unbuildable map[string]string, kind Kind, name string, pos Pos, defined []string) {
	if !slices.Contains(defined, name) {
		hint := fmt.Sprintf("define it under %ss:", kind)
		if near := nearest(name, defined); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		l.add(Warning, codeReference, pos, keyPath("chains", c.Name), fmt.Sprintf("%s %q is not defined", kind, name), hint)
		c.Held = append(c.Held, fmt.Sprintf("%s %q is not defined", kind, name))
		return
	}
	if why := unbuildable[string(kind)+" "+name]; why != "" {
		c.Held = append(c.Held, fmt.Sprintf("%s %q: %s", kind, name, why))
	}
}

// judge decides whether one link, storage or tracer can be built and says why not.
func (l *loading) judge(unbuildable map[string]string, kind Kind, name, module, written, pip string, pos Pos) {
	path := keyPath(string(kind)+"s", name)
	why, hint := l.cannot(kind, module, pip)
	if written != module && why != "" {
		why += fmt.Sprintf(" (written as %s)", written)
	}
	why = hideUserinfo(why) // what Known says may have the address in it, and /ready shows why to everybody
	switch {
	case why != "":
		unbuildable[string(kind)+" "+name] = why
		l.add(Warning, CodeHeld, pos, path, why, hint)
	case pip != "":
		l.add(Warning, codePython, l.at(path+".pip_name"), path+".pip_name", "no Python package is installed here; ignored, because "+module+" is built in", "remove it")
	}
	if kind == LinkKind && written != module && vendorOf(canonical(written)) != "" {
		l.add(Info, codePython, pos, path+".module", fmt.Sprintf("%s is an old name; it runs as links.transcribe with vendor %s", written, vendorOf(canonical(written))), "")
	}
}

// judgePin holds what would run whatever bytes are there.
func (l *loading) judgePin(unbuildable map[string]string, k Link) {
	key := string(LinkKind) + " " + k.Name
	if k.SHA256 != "" || !needsPin(k.Module) || unbuildable[key] != "" {
		return
	}
	hint := "pin it: sha256: and the 64 hex digits that sha256sum prints for its bytes"
	if l.Digest != nil {
		if digest := l.Digest(k.Module); digest != "" {
			hint = "pin it: sha256: " + digest
		}
	}
	unbuildable[key] = showModule(k.Module) + " is not pinned"
	l.add(Warning, CodeHeld, k.Pos, keyPath("links", k.Name), unbuildable[key], hint)
}

func (l *loading) cannot(kind Kind, module, pip string) (why, hint string) {
	prefix := map[Kind]string{LinkKind: "links.", StorageKind: "storage.", TracerKind: "tracers."}[kind]
	switch {
	case module == "":
		return "it names no module", "as module: " + prefix + "NAME"
	case removedModule(module) != "":
		return "there is no " + module, removedModule(module)
	case IsModule(module) && kind != LinkKind:
		return "only links can be modules", ""
	case !IsModule(module) && !strings.HasPrefix(module, prefix):
		hint = "vconduit runs no Python: port it to a WebAssembly module, or call it over HTTP with links.webhook"
		if pip != "" {
			return fmt.Sprintf("%s is a Python package", module), hint
		}
		return fmt.Sprintf("%s is no builtin and no module ref", showModule(module)), hint
	case l.Known == nil:
		return "", ""
	}
	if err := l.Known(kind, module); err != nil {
		return fmt.Sprintf("%s: %v", showModule(module), err), ""
	}
	return "", ""
}
