package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds of a file. Anchors may repeat what they name, but not without end ("billion laughs").
const (
	maxFile         = 16 << 20
	maxAliasedNodes = 100_000
	maxAliasedBytes = 16 << 20
)

type nodeKind uint8

const (
	nullNode nodeKind = iota
	scalarNode
	listNode
	mapNode
)

// node is a YAML value with aliases, merges, duplicate keys and variables already resolved.
type node struct {
	kind    nodeKind
	pos     Pos
	src     *yaml.Node
	text    string // scalar, variables replaced
	val     value  // scalar as PyYAML resolves it; a string if a variable was replaced in it
	fromVar bool
	keys    []*node // of a map: scalars
	items   []*node
	at      map[string]int // of a map: index by key
}

func (n *node) member(key string) *node {
	if i, ok := n.at[key]; ok {
		return n.items[i]
	}
	return nil
}

// builder makes nodes out of yaml.v3's.
type builder struct {
	report  *problems
	expand  expander
	within  map[*yaml.Node]bool // what is being expanded: an alias to it would be a cycle
	aliased int                 // > 0 below an alias
	nodes   int
	bytes   int
	stopped bool
}

// expander replaces the variables in a scalar; nil leaves them.
type expander func(text string) (out string, used bool, faults []varFault)

// parseTree reads one YAML document into a map node; nil if the text is empty, or broken (then it is reported).
func parseTree(text []byte, r *problems, expand expander) *node {
	doc := parseYAML(text, r)
	if doc == nil {
		return nil
	}
	return buildTree(doc.Content[0], r, expand)
}

func buildTree(doc *yaml.Node, r *problems, expand expander) *node {
	b := &builder{report: r, expand: expand, within: map[*yaml.Node]bool{}}
	root := b.build(doc, "", 0)
	if root.kind == nullNode || b.stopped {
		return nil
	}
	if root.kind != mapNode {
		r.add(Error, codeType, root.pos, "", "the file must be a map of sections", "")
		return nil
	}
	return root
}

// parseYAML gives the document node, nil if there is none or it is empty.
func parseYAML(text []byte, r *problems) (out *yaml.Node) {
	defer func() {
		if p := recover(); p != nil { // yaml.v3 has panicked on malformed text before; its message may hold the text
			r.add(Error, codeYAML, Pos{}, "", "the YAML parser gave up on this file", "is it YAML text at all?")
			out = nil
		}
	}()
	if len(text) > maxFile {
		r.add(Error, codeLimit, Pos{}, "", fmt.Sprintf("the file has %d bytes, at most %d are read", len(text), maxFile), "")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		yamlError(err, text, r)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		r.add(Error, codeYAML, posOf(&second), "", "a second document begins here", "remove the line ---")
		return nil
	} else if !errors.Is(err, io.EOF) {
		yamlError(err, text, r)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return &doc
}

// yamlError reports what the YAML parser found. An alias may be a password that begins with *, so its name is not shown.
func yamlError(err error, text []byte, r *problems) {
	message := regexp.MustCompile(`^yaml: (line \d+: )?`).ReplaceAllString(err.Error(), "")
	if m := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(message); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		pos := Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n')}
		r.add(Error, codeYAML, pos, "", "an alias (* and a name) for which there is no anchor", "put it in quotes if it is a text")
		return
	}
	line := 1 // the parser leaves the first line out
	if m := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	r.add(Error, codeYAML, Pos{Line: line, Column: 1}, "", message, "")
}

func posOf(n *yaml.Node) Pos { return Pos{Line: n.Line, Column: n.Column} }

func (b *builder) build(n *yaml.Node, path string, depth int) *node {
	if b.stopped || b.overBudget(n, path, depth) {
		return &node{pos: posOf(n), src: n}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.alias(n, path, depth)
	case yaml.MappingNode:
		return b.mapping(n, path, depth)
	case yaml.SequenceNode:
		return b.sequence(n, path, depth)
	default:
		return b.scalar(n, path)
	}
}

func (b *builder) overBudget(n *yaml.Node, path string, depth int) bool {
	message := ""
	if depth > maxDepth {
		message = fmt.Sprintf("nested deeper than %d", maxDepth)
	}
	if b.aliased > 0 {
		b.nodes++
		b.bytes += len(n.Value)
		if b.nodes > maxAliasedNodes || b.bytes > maxAliasedBytes {
			message = "the anchors of this file expand to too much"
		}
	}
	if message == "" {
		return false
	}
	b.stopped = true
	b.report.add(Error, codeLimit, posOf(n), path, message, "")
	return true
}

func (b *builder) alias(n *yaml.Node, path string, depth int) *node {
	if b.within[n.Alias] {
		b.stopped = true
		b.report.add(Error, codeYAML, posOf(n), path, "an anchor contains itself", "")
		return &node{pos: posOf(n), src: n}
	}
	b.aliased++
	out := *b.build(n.Alias, path, depth+1)
	b.aliased--
	out.pos, out.src = posOf(n), n
	return &out
}

func (b *builder) enter(n *yaml.Node) func() {
	b.within[n] = true
	return func() { delete(b.within, n) }
}

func (b *builder) sequence(n *yaml.Node, path string, depth int) *node {
	defer b.enter(n)()
	b.containerTag(n, path, "!!seq")
	out := &node{kind: listNode, pos: posOf(n), src: n}
	for i, item := range n.Content {
		out.items = append(out.items, b.build(item, indexPath(path, i), depth+1))
	}
	return out
}

func (b *builder) containerTag(n *yaml.Node, path, want string) {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != want && n.Tag != "!" {
		b.report.add(Error, codeYAML, posOf(n), path, "this tag (! and a name) is not supported", "")
	}
}

// mapping puts merged members first and lets own ones override them in place, as PyYAML does.
func (b *builder) mapping(n *yaml.Node, path string, depth int) *node {
	defer b.enter(n)()
	b.containerTag(n, path, "!!map")
	out := &node{kind: mapNode, pos: posOf(n), src: n, at: map[string]int{}}
	var own []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Tag == "!!merge" {
			b.merge(out, n.Content[i+1], path, depth)
		} else {
			own = append(own, k, n.Content[i+1])
		}
	}
	lines := map[string]int{}
	for i := 0; i < len(own); i += 2 {
		key := b.key(own[i], path)
		if key == nil {
			continue
		}
		if first, again := lines[key.text]; again && b.aliased == 0 {
			b.report.add(Warning, codeDuplicate, key.pos, keyPath(path, key.text),
				fmt.Sprintf("this key stands also in line %d; the last one counts", first), "remove one of them")
		}
		lines[key.text] = key.pos.Line
		out.set(key, b.build(own[i+1], keyPath(path, key.text), depth+1))
	}
	return out
}

// merge adds the members of `<<: *anchor` or `<<: [*a, *b]`; of several the first wins.
func (b *builder) merge(out *node, v *yaml.Node, path string, depth int) {
	from := b.build(v, path, depth+1)
	maps := []*node{from}
	if from.kind == listNode {
		maps = from.items
	}
	for i := len(maps) - 1; i >= 0; i-- {
		if maps[i].kind != mapNode {
			if !b.stopped {
				b.report.add(Error, codeYAML, posOf(v), path, "<< takes a map or a list of maps", "")
			}
			return
		}
		for j, k := range maps[i].keys {
			out.set(k, maps[i].items[j])
		}
	}
}

func (n *node) set(key, v *node) {
	if i, ok := n.at[key.text]; ok {
		n.keys[i], n.items[i] = key, v
		return
	}
	n.at[key.text] = len(n.keys)
	n.keys, n.items = append(n.keys, key), append(n.items, v)
}

func (b *builder) key(k *yaml.Node, path string) *node {
	for k.Kind == yaml.AliasNode {
		k = k.Alias
	}
	if k.Kind == yaml.ScalarNode {
		return &node{kind: scalarNode, pos: posOf(k), src: k, text: k.Value}
	}
	message, hint := "a key must be a text", ""
	if isBareTemplate(k) {
		message, hint = "YAML reads a bare {{ as a map", `write it in quotes: "{{secret:NAME}}"`
	}
	b.report.add(Error, codeYAML, posOf(k), path, message, hint)
	return nil
}

// isBareTemplate recognises {{secret:X}} without quotes: a map whose key is a map.
func isBareTemplate(k *yaml.Node) bool {
	return k.Kind == yaml.MappingNode && k.Style&yaml.FlowStyle != 0 && len(k.Content) == 2
}

func (b *builder) scalar(n *yaml.Node, path string) *node {
	out := &node{kind: scalarNode, pos: posOf(n), src: n, text: n.Value}
	if b.expand != nil {
		text, used, faults := b.expand(n.Value)
		for _, f := range faults {
			b.report.add(f.severity(), codeVariable, posOf(n), path, f.message(), f.hint())
		}
		out.text, out.fromVar = text, used
	}
	var err error
	switch {
	case out.fromVar:
		out.val = value{kind: stringValue, text: out.text}
	case n.Style&yaml.TaggedStyle != 0:
		out.val, err = tagged11(n.Tag, out.text)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		out.val = value{kind: stringValue, text: out.text}
	default:
		out.val, err = resolve11(out.text)
	}
	if err != nil {
		b.report.add(Error, codeValue, out.pos, path, err.Error(), "put it in quotes if it is a text")
		out.val = value{kind: stringValue, text: out.text}
	}
	if out.val.kind == nullValue {
		out.kind = nullNode
	}
	return out
}

// value is the JSON of a node.
func (n *node) value() value {
	switch n.kind {
	case listNode, mapNode:
		v := value{kind: listValue, items: make([]value, 0, len(n.items))}
		if n.kind == mapNode {
			v.kind = objectValue
			for _, k := range n.keys {
				v.keys = append(v.keys, k.text)
			}
		}
		for _, item := range n.items {
			v.items = append(v.items, item.value())
		}
		return v
	}
	return n.val
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// keyPath writes a.b, and a["b.c"] where a dot would mislead.
func keyPath(path, key string) string {
	if strings.ContainsAny(key, ".[]\" \t\n") || key == "" {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
