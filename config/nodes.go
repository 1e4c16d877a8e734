package config

import (
	"fmt"
	"reflect"
)

// The types that have several forms in the file read themselves.

func (o *RawOptions) fromNode(d *decoder, n *node, path string) {
	if n.kind != mapNode {
		d.wrong(n, path, "a map")
		return
	}
	o.raw = n.value().appendJSON(nil)
}

// fromNode of a list of shards: text, list of texts and maps.
func (s *Shard) fromNode(d *decoder, n *node, path string) {
	if n.kind == scalarNode {
		s.URL = URL(n.text)
		return
	}
	type plain Shard
	d.decode(n, path, reflect.ValueOf((*plain)(s)).Elem(), "")
}

func (r *Redis) fromNode(d *decoder, n *node, path string) {
	type plain Redis
	if url := n.member("url"); url != nil && url.kind == scalarNode {
		one := *url
		url.kind, url.items = listNode, nil
		if one.text != "" {
			url.items = []*node{&one}
		}
		defer func() { *url = one }()
	}
	d.decode(n, path, reflect.ValueOf((*plain)(r)).Elem(), "")
}

func (k *KeyHash) fromNode(d *decoder, n *node, path string) {
	if n.kind != scalarNode {
		d.wrong(n, path, "a key")
		return
	}
	var ok bool
	switch *k, ok = parseKey(n.text); {
	case n.text == "":
		d.add(Error, codeValue, n.pos, path, "the key is empty", "")
	case !ok:
		*k = KeyHash{}
		d.add(Error, codeValue, n.pos, path, "sha256: must be followed by 64 hex digits", "printf %s KEY | sha256sum prints them")
	case len(n.text) < 16:
		d.add(Warning, codeKey, n.pos, path, fmt.Sprintf("a key of %d characters can be guessed", len(n.text)), "use 16 or more, as openssl rand -hex 32 gives")
	}
}

func (l *IngressList) fromNode(d *decoder, n *node, path string) {
	items, at := n.items, func(i int) string { return indexPath(path, i) }
	if n.kind != listNode {
		items, at = []*node{n}, func(int) string { return path }
	}
	for i, item := range items {
		k := IngressKey{Pos: item.pos}
		if item.kind == scalarNode {
			k.Key.fromNode(d, item, at(i))
		} else if item.kind == mapNode {
			d.decode(item, at(i), reflect.ValueOf(&k).Elem(), "")
		} else {
			d.wrong(item, at(i), "a key, or a map with name and key,")
		}
		if k.Name == "" {
			k.Name = fmt.Sprintf("%s#%d", l.List, i+1)
		}
		l.Keys = append(l.Keys, k)
	}
}

func (r *LinkRef) fromNode(d *decoder, n *node, path string) {
	r.Pos = n.pos
	switch {
	case n.kind == scalarNode:
		r.Name = n.text
	case n.kind == mapNode && len(n.keys) == 1:
		r.Name = n.keys[0].text
		if n.items[0].kind != nullNode {
			r.Options.fromNode(d, n.items[0], keyPath(path, r.Name))
		}
	default:
		d.add(Error, codeType, n.pos, path, "a link's name is wanted here, or name: {options}", "indent the options below the name")
	}
}

func (g *ReadGrant) fromNode(d *decoder, n *node, path string) {
	if n.kind == mapNode {
		not := struct {
			Not []string `config:"not"`
		}{}
		d.decode(n, path, reflect.ValueOf(&not).Elem(), "")
		g.Not = not.Not
		return
	}
	d.decode(n, path, reflect.ValueOf(&g.Only).Elem(), "")
}

func (g *HTTPGrant) fromNode(d *decoder, n *node, path string) {
	if n.kind == scalarNode {
		g.URL = n.text
		return
	}
	type plain HTTPGrant
	d.decode(n, path, reflect.ValueOf((*plain)(g)).Elem(), "")
}

func (g *FetchGrant) fromNode(d *decoder, n *node, path string) {
	if n.kind == scalarNode {
		d.decode(n, path, reflect.ValueOf(&g.Any).Elem(), "")
		return
	}
	d.decode(n, path, reflect.ValueOf(&g.Origins).Elem(), "")
}

func (i *Input) fromNode(d *decoder, n *node, path string) {
	if n.kind == scalarNode && n.text == "none" {
		i.None = true
		return
	}
	d.decode(n, path, reflect.ValueOf(&i.Pointers).Elem(), "")
}

func (a *SourceAuth) fromNode(d *decoder, n *node, path string) {
	if n.kind == scalarNode {
		a.Kind = n.text
		if a.Kind != "docker" && a.Kind != "" {
			d.add(Error, codeValue, n.pos, path, "is neither docker nor {bearer: env:NAME}", "")
		}
		return
	}
	bearer := struct {
		Bearer string `config:"bearer"`
	}{}
	d.decode(n, path, reflect.ValueOf(&bearer).Elem(), "")
	a.Kind, a.From = "bearer", bearer.Bearer
}
