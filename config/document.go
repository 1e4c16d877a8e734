package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Document is a config file as it was written: with ${VAR} in place, comments, and order. It serves GET and POST
// /config. It is immutable and safe for concurrent use.
type Document struct {
	path  string
	text  []byte
	doc   *yaml.Node // nil for an empty file
	tree  *node      // nil for an empty file
	shown value      // what View gives
}

// OpenDocument reads the file at path. The error says where it is no YAML.
func OpenDocument(path string) (*Document, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return NewDocument(path, text)
}

// NewDocument is OpenDocument for text; path stands in messages only.
func NewDocument(path string, text []byte) (*Document, error) {
	r := &problems{file: path}
	d := &Document{path: path, text: text, shown: value{kind: objectValue}}
	if d.doc = parseYAML(text, r); d.doc != nil {
		d.tree = buildTree(d.doc.Content[0], r, nil)
	}
	if err := r.report().Err(); err != nil {
		return nil, err
	}
	if d.tree != nil {
		d.shown = d.tree.value().redactFile()
	}
	return d, nil
}

// ETag names the content: the same text gives the same tag, quotes included.
func (d *Document) ETag() string {
	sum := sha256.Sum256(d.text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// View is the file as a JSON object, order kept, scalars as vcon-server's GET /config gave them, ${VAR} not replaced.
// Keys, tokens, passwords and credentials in URLs are *** unless secrets is true (scope config:secrets).
func (d *Document) View(secrets bool) []byte {
	if secrets && d.tree != nil {
		return d.tree.value().appendJSON(nil)
	}
	return d.shown.appendJSON(nil)
}

// Apply makes the file's new text out of posted, the JSON object that shall replace it: usually what View gave, edited.
// A *** keeps what the file has at its place; where it has nothing, the report names the path. Order is the posted one;
// unknown keys are kept; sections that did not change keep every byte, and the others their comments where they can.
// The new text is checked to mean exactly what was posted, but not to be a good configuration: give it to Parse.
func (d *Document) Apply(posted []byte) ([]byte, Report) {
	r := &problems{}
	v, err := parseJSON(posted)
	if err == nil && v.kind != objectValue {
		err = fmt.Errorf("a JSON object of sections is wanted")
	}
	if err != nil {
		r.add(Error, codeType, Pos{}, "", err.Error(), "")
		return nil, r.report()
	}
	for _, detached := range []bool{false, true} {
		e := &editor{problems: &problems{}, detached: detached}
		root, want := e.edit(d.tree, d.shown, v, "")
		if len(e.list) > 0 {
			return nil, e.report()
		}
		if d.tree != nil && sameBytes(want, d.tree.value()) {
			return d.text, Report{}
		}
		for _, text := range [][]byte{d.splice(root), d.encode(root)} {
			if means(text, want) {
				return text, Report{}
			}
		}
	}
	r.add(Error, codeYAML, Pos{}, "", "this cannot be written as YAML that reads back the same", "edit the file by hand")
	return nil, r.report()
}

func sameBytes(a, b value) bool { return bytes.Equal(a.appendJSON(nil), b.appendJSON(nil)) }

// means says that text reads as want.
func means(text []byte, want value) bool {
	if text == nil {
		return false
	}
	d, err := NewDocument("", text)
	if err != nil {
		return false
	}
	got := value{kind: objectValue}
	if d.tree != nil {
		got = d.tree.value()
	}
	return got.equal(want)
}

// encode writes the whole document anew.
func (d *Document) encode(root *yaml.Node) []byte {
	doc := yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}
	if d.doc != nil {
		doc.HeadComment, doc.FootComment = d.doc.HeadComment, d.doc.FootComment
	}
	return encodeYAML(&doc)
}

func encodeYAML(n *yaml.Node) (out []byte) {
	defer func() {
		if recover() != nil { // yaml.v3 panics on nodes that it cannot write
			out = nil
		}
	}()
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if enc.Encode(n) != nil || enc.Close() != nil {
		return nil
	}
	return b.Bytes()
}

// splice writes the sections of root, in their order: those that are the file's own nodes as the bytes of the file,
// the others anew. nil if the file is not a plain block of sections.
func (d *Document) splice(root *yaml.Node) []byte {
	pieces := d.sections()
	if pieces == nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(pieces[""].body)
	for i := 0; i < len(root.Content); i += 2 {
		key, v := root.Content[i], root.Content[i+1]
		old, had := pieces[key.Value]
		if b.Len() > 0 && b.Bytes()[b.Len()-1] != '\n' {
			b.WriteByte('\n')
		}
		if had && old.value == v {
			b.WriteString(old.body)
		} else {
			name := *key
			name.HeadComment, name.FootComment = "", "" // they stand in the text around it
			fresh := withoutFeet(v, old.tail)
			b.Write(encodeYAML(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{&name, fresh}}))
		}
		b.WriteString(old.tail)
	}
	return b.Bytes()
}

// section is the text of one section; tail are the blank and comment lines before the next one.
type section struct {
	body, tail string
	value      *yaml.Node
}

// sections cuts the text at the lines of the root's keys; "" holds what stands before the first.
func (d *Document) sections() map[string]section {
	if d.doc == nil {
		return nil
	}
	root := d.doc.Content[0]
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 || len(root.Content) == 0 || root.Anchor != "" || bytes.ContainsRune(d.text, '\r') {
		return nil
	}
	lines := strings.SplitAfter(string(d.text), "\n")
	out := map[string]section{"": {body: strings.Join(lines[:root.Content[0].Line-1], "")}}
	for i := 0; i < len(root.Content); i += 2 {
		key, end := root.Content[i], len(lines)
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line - 1
		}
		if _, again := out[key.Value]; again || key.Column != 1 || key.Line-1 >= end {
			return nil
		}
		tail := end
		for tail > key.Line && aside(lines[tail-1]) {
			tail--
		}
		out[key.Value] = section{strings.Join(lines[key.Line-1:tail], ""), strings.Join(lines[tail:end], ""), root.Content[i+1]}
	}
	return out
}

// aside is a blank line, or a comment that begins the line.
func aside(line string) bool { return strings.TrimSpace(line) == "" || line[0] == '#' }

// withoutFeet copies n without the comments that stand in tail already: yaml.v3 ties them to whatever ended before.
func withoutFeet(n *yaml.Node, tail string) *yaml.Node {
	out := *n
	if strings.Contains(tail, n.FootComment) {
		out.FootComment = ""
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = withoutFeet(c, tail)
	}
	return &out
}
