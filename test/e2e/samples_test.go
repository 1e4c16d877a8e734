package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/vcon"
)

// TestSamples sends every public sample through a chain without links: each is stored, given back and saved byte for
// byte, signed and encrypted ones too. A chain that tags adds bytes to the unsigned ones and changes none; a signed or
// encrypted one cannot be tagged and becomes a dead letter that keeps its document.
func TestSamples(t *testing.T) {
	t.Parallel()
	n := newNode(t, `
ingress_auth: {calls: e2e-partner-key-0123456789, tagged: e2e-partner-key-0123456789}
links: {tag: {module: links.tag, options: {tags: [e2e]}}}
storages: {files: {module: storage.file, options: {path: "%s/files"}}, tagged: {module: storage.file, options: {path: "%s/tagged"}}}
chains:
  keep: {ingress_lists: [calls], storages: [files], egress_lists: [done]}
  main: {ingress_lists: [tagged], links: [tag], storages: [tagged], egress_lists: [done]}
`)
	n.start()
	for _, file := range testenv.Samples(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := vcon.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		n.keeps(file, doc)
		n.tags(file, doc)
	}
}

// keeps posts a document to the chain without links and compares.
func (n *node) keeps(file string, doc *vcon.VCon) {
	n.t.Helper()
	name, text := filepath.Base(file), doc.Bytes()
	if !n.post("calls", text) {
		n.t.Errorf("%s: not taken", name)
		return
	}
	n.forwarded(doc.ID())
	_, got, err := n.call("GET", "/vcon/"+doc.ID().String(), nil, "")
	if err != nil || !bytes.Equal(got, text) {
		n.t.Errorf("%s: given back otherwise (%v)", name, err)
	}
	if saved := n.saved("files", doc.ID()); !bytes.Equal(saved, text) {
		n.t.Errorf("%s: saved otherwise", name)
	}
}

// tags posts it to the chain that tags.
func (n *node) tags(file string, doc *vcon.VCon) {
	n.t.Helper()
	name, text := filepath.Base(file), doc.Bytes()
	if !n.post("tagged", text) {
		n.t.Errorf("%s: not taken", name)
		return
	}
	if doc.Form() != vcon.Unsigned {
		n.eventually(name+" is a dead letter", 20*time.Second, func() error {
			var dead []string
			if err := n.get("/dlq?ingress_list=tagged", &dead); err != nil {
				return err
			}
			if !strings.Contains(fmt.Sprint(dead), doc.ID().String()) {
				return fmt.Errorf("dead letters %v", dead)
			}
			return nil
		})
		return
	}
	n.forwarded(doc.ID())
	saved := n.saved("tagged", doc.ID())
	head := 0
	for head < len(text) && head < len(saved) && text[head] == saved[head] {
		head++
	}
	if !bytes.HasSuffix(saved, text[head:]) || !bytes.Contains(saved, []byte("e2e:e2e")) {
		n.t.Errorf("%s: tagging changed bytes that were sent", name)
	}
}

// saved is the file of a vCon in a folder of the node.
func (n *node) saved(folder string, id vcon.ID) []byte {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.dir, folder, "*", "*", "*", id.String()+".json"))
	if flat, _ := filepath.Glob(filepath.Join(n.dir, folder, id.String()+".json")); len(flat) > 0 {
		found = flat
	}
	if err != nil || len(found) == 0 {
		n.t.Errorf("%s is in no file of %s (%v)", id, folder, err)
		return nil
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		n.t.Fatal(err)
	}
	return text
}
