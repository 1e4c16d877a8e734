package core

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// TestStrip: all sections stay as they are; of the custom ones the names of functions are left, at the end.
func TestStrip(t *testing.T) {
	t.Parallel()
	m := read(t, base().bytes(custom("a", []byte("x")), custom("name", nameMap(0), nameMap(1, "env.add", "main"), nameMap(2, "local")), custom(".debug_info", []byte("y"))))
	stripped := m.Strip()
	if want := base().bytes(custom("name", nameMap(1, "env.add", "main"))); !bytes.Equal(stripped, want) {
		t.Errorf("got  % x\nwant % x", stripped, want)
	}
	again := read(t, stripped)
	if !bytes.Equal(again.Strip(), stripped) {
		t.Error("stripping twice changes something")
	}
	if !reflect.DeepEqual(again.Types, m.Types) || !reflect.DeepEqual(again.Funcs, m.Funcs) || again.FuncName(1) != "main" {
		t.Error("the stripped module is another one")
	}
	front := cat(parts{}.bytes(custom("z", []byte("1"))), base().bytes()[preambleBytes:])
	if !bytes.Equal(read(t, front).Strip(), base().bytes()) {
		t.Error("a custom section in front is left")
	}
}

// TestBrokenNames: names are a courtesy. What is wrong with them is neither an error nor handed on.
func TestBrokenNames(t *testing.T) {
	t.Parallel()
	part := func(b ...byte) []byte { return custom("name", cat([]byte{1}, u(len(b)), b)) }
	for name, customs := range map[string][][]byte{
		"two sections":          {custom("name", nameMap(1, "a")), custom("name", nameMap(1, "b"))},
		"claims 2^32 names":     {part(0xff, 0xff, 0xff, 0xff, 0x0f)},
		"a name beyond":         {part(1, 0, 9, 'a')},
		"not UTF-8":             {part(1, 0, 1, 0xff)},
		"not in order":          {part(2, 1, 1, 'a', 0, 1, 'b')},
		"one function twice":    {part(2, 1, 1, 'a', 1, 1, 'b')},
		"bytes too many":        {part(1, 0, 1, 'a', 0)},
		"a part beyond":         {custom("name", []byte{1, 9, 1, 0})},
		"a part without size":   {custom("name", []byte{1})},
		"no names of functions": {custom("name", nameMap(0), nameMap(2, "x"))},
		"no names at all":       {part(0)},
	} {
		m := read(t, base().bytes(customs...))
		if !bytes.Equal(m.Strip(), base().bytes()) {
			t.Errorf("%s: it is handed on", name)
		}
		if got := m.FuncName(1) + "," + m.FuncName(0); got != "run," {
			t.Errorf("%s: names %q", name, got)
		}
	}
}

// TestTrapNames: a trap in a stripped module names the functions that it was in.
func TestTrapNames(t *testing.T) {
	t.Parallel()
	b := parts{
		SectionType: vec(funcType(0, 0)), SectionFunction: {2, 0, 0}, SectionExport: vec(cat(str("run"), []byte{0, 0})),
		SectionCode: vec(body(noLocals(), []byte{0x10, 1}), body(noLocals(), []byte{0})),
	}.bytes(custom("name", nameMap(1, "outer", "inner"), nameMap(2, "x")), custom(".debug_info", []byte("none")))
	guest, err := newRuntime(t, wazero.NewRuntimeConfig()).Instantiate(t.Context(), read(t, b).Strip())
	if err != nil {
		t.Fatal(err)
	}
	_, err = guest.ExportedFunction("run").Call(t.Context())
	if err == nil || !strings.Contains(err.Error(), "inner()") || !strings.Contains(err.Error(), "outer()") {
		t.Error(err)
	}
}
