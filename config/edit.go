package config

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// editor turns posted JSON into YAML nodes, taking over the file's nodes where nothing changed.
type editor struct {
	*problems
	detached bool // copy instead of keeping anchors and aliases
}

// edit gives the YAML of posted, and its value with every *** replaced. old is what the file has at this place (nil:
// nothing), shown what View gave for it.
func (e *editor) edit(old *node, shown, posted value, path string) (*yaml.Node, value) {
	if old != nil && (posted.equal(shown) || posted.kind == stringValue && posted.text == redacted) {
		return e.keep(old), old.value()
	}
	switch posted.kind {
	case objectValue:
		return e.object(old, shown, posted, path)
	case listValue:
		return e.sequence(old, shown, posted, path)
	}
	if posted.kind == stringValue && hidesSomething(posted.text) {
		message, hint := "*** stands for a secret, but the file has none here", "write the secret, or ${NAME}"
		if old != nil {
			message, hint = "the text was changed but its secret is still ***", "write the whole text, or ${NAME}"
		}
		e.add(Error, codeSecret, Pos{}, path, message, hint)
	}
	return scalarFor(old, posted), posted
}

// hidesSomething recognises *** and the addresses that redaction makes.
func hidesSomething(s string) bool {
	return s == redacted || strings.Contains(s, "://"+redacted+"@") || strings.Contains(s, "="+redacted) && strings.Contains(s, "://")
}

func (e *editor) keep(old *node) *yaml.Node {
	if e.detached {
		return detach(old)
	}
	return old.src
}

// detach copies what a node means, without anchors and aliases.
func detach(n *node) *yaml.Node {
	src := n.src
	for src.Kind == yaml.AliasNode {
		src = src.Alias
	}
	out := *src
	out.Anchor, out.Content = "", nil
	if n.kind == nullNode && out.Value == "" {
		out.Value = "null" // an empty value is lost in a flow map: {a:, b: 1}
	}
	for i, item := range n.items {
		if n.kind == mapNode {
			key := *n.keys[i].src
			key.Anchor = ""
			out.Content = append(out.Content, &key)
		}
		out.Content = append(out.Content, detach(item))
	}
	return &out
}

func (e *editor) object(old *node, shown, posted value, path string) (*yaml.Node, value) {
	out := e.container(old, yaml.MappingNode, mapNode)
	want := value{kind: objectValue, keys: posted.keys}
	own := ownKeys(old)
	for i, key := range posted.keys {
		at := keyPath(path, key)
		var was *node
		if old != nil && old.kind == mapNode {
			was = old.member(key)
		}
		part, _ := shown.member(key)
		v, w := e.edit(was, part, posted.items[i], at)
		name, mine := own[key]
		if !mine {
			name = textNode(key)
			if was != nil && v == was.src { // reached through << or an alias: the node stays where it is
				v = detach(was)
			}
		}
		out.Content = append(out.Content, name, v)
		want.items = append(want.items, w)
	}
	return out, want
}

// ownKeys are the key nodes that stand in the map itself, not merged into it.
func ownKeys(old *node) map[string]*yaml.Node {
	own := map[string]*yaml.Node{}
	if old != nil && old.src.Kind == yaml.MappingNode {
		for i := 0; i < len(old.src.Content); i += 2 {
			if k := old.src.Content[i]; k.Kind == yaml.ScalarNode && k.Tag != "!!merge" {
				own[k.Value] = k
			}
		}
	}
	return own
}

func (e *editor) sequence(old *node, shown, posted value, path string) (*yaml.Node, value) {
	out := e.container(old, yaml.SequenceNode, listNode)
	want := value{kind: listValue}
	inPlace := old != nil && old.src.Kind == yaml.SequenceNode
	for i, item := range posted.items {
		at := indexPath(path, i)
		var was *node
		var part value
		j, sure := counterpart(old, shown, posted, i)
		if j >= 0 {
			was, part = old.items[j], shown.items[j]
		}
		if !sure && holdsRedacted(item) {
			e.add(Error, codeSecret, Pos{}, at, "entries of this list were removed, so it cannot be told which secret *** stands for", "write the secrets, or ${NAME}, or give the entries names")
			return out, want
		}
		v, w := e.edit(was, part, item, at)
		if was != nil && v == was.src && !inPlace {
			v = detach(was)
		}
		out.Content = append(out.Content, v)
		want.items = append(want.items, w)
	}
	return out, want
}

// counterpart finds what the file has for posted item i: the entry of the same name, else the one that looks the same,
// else the one at the same place (-1: none). It is not sure of the place when the list became shorter.
func counterpart(old *node, shown, posted value, i int) (j int, sure bool) {
	if old == nil || old.kind != listNode || shown.kind != listValue {
		return -1, true
	}
	item := posted.items[i]
	if name, ok := item.member("name"); ok {
		for j, s := range shown.items {
			if n, ok := s.member("name"); ok && n.equal(name) {
				return j, true
			}
		}
		return -1, true
	}
	if !holdsRedacted(item) {
		for j, s := range shown.items {
			if s.equal(item) {
				return j, true
			}
		}
	}
	if i < len(old.items) {
		return i, len(posted.items) >= len(old.items)
	}
	return -1, true
}

func holdsRedacted(v value) bool {
	if v.kind == stringValue {
		return hidesSomething(v.text)
	}
	for _, item := range v.items {
		if holdsRedacted(item) {
			return true
		}
	}
	return false
}

// container makes an empty map or list that looks like the old one.
func (e *editor) container(old *node, kind yaml.Kind, nk nodeKind) *yaml.Node {
	out := &yaml.Node{Kind: kind}
	if old != nil && old.kind == nk && old.src.Kind == kind {
		out.Style, out.Anchor = old.src.Style, old.src.Anchor
		out.HeadComment, out.LineComment, out.FootComment = old.src.HeadComment, old.src.LineComment, old.src.FootComment
	}
	if e.detached {
		out.Anchor = ""
	}
	return out
}

// scalarFor writes a scalar so that YAML 1.1 and 1.2 read the same from it.
func scalarFor(old *node, v value) *yaml.Node {
	out := textNode(v.text)
	switch v.kind {
	case nullValue:
		out = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case boolValue:
		out = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v.yes)}
	case numberValue:
		out = &yaml.Node{Kind: yaml.ScalarNode, Value: numberText(v.text)}
	}
	if old != nil && old.src.Kind == yaml.ScalarNode {
		out.HeadComment, out.LineComment, out.FootComment = old.src.HeadComment, old.src.LineComment, old.src.FootComment
	}
	return out
}

// numberText spells a JSON number for YAML 1.1, where a float needs its point and the sign of its exponent.
func numberText(s string) string {
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	if !scientific {
		return s
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '-' && exponent[0] != '+' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

// textNode quotes whatever some reader of YAML could take for more than a text.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	v, err := resolve11(s)
	_, err2 := strconv.ParseFloat(s, 64)
	_, err3 := strconv.ParseInt(s, 0, 64)
	harmless := err == nil && v.kind == stringValue && !yaml11().date.MatchString(s) && err2 != nil && err3 != nil
	if !harmless || !goodName(strings.ReplaceAll(s, "/", "_")) || s[0] == '-' || s[0] == '.' {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
