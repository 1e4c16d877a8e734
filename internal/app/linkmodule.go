package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/runtime/wasm"
)

// linkModule is what MODULE of a `vconduit link` command names.
type linkModule struct {
	link    string // name as a link
	builtin string // name of a builtin link; "" = a module
	path    string
	text    []byte // of a module; nil = a builtin
}

// findModule finds a builtin link or reads a module's file. Errors say what to do.
func findModule(name string) (*linkModule, error) {
	if _, ok := builtin.FindLink(name); ok {
		return &linkModule{link: linkName(strings.TrimPrefix(strings.TrimPrefix(name, "server."), "links.")), builtin: name}, nil
	}
	if strings.HasPrefix(name, "links.") && !there(name) {
		return nil, fmt.Errorf("there is no builtin link %s; there are %s", name, strings.Join(builtin.LinkNames(), ", "))
	}
	path := strings.TrimPrefix(name, "file:")
	if path == name {
		ref, err := modules.ParseRef(name)
		switch {
		case err == nil:
			return nil, fmt.Errorf("%s: only files are read here: get the module first, and give its path", ref)
		case strings.Contains(name, "://"):
			return nil, fmt.Errorf("only files are read here: get the module first, and give its path (%w)", err)
		}
	}
	text, err := readModule(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	return &linkModule{link: linkName(strings.TrimSuffix(base, filepath.Ext(base))), path: path, text: text}, nil
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readModule reads a file of at most as many bytes as a server takes.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("module %s: there is no such file%s", path, nearbyModule(path))
	case err != nil:
		return nil, fmt.Errorf("module: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("module %s: is a folder: build the module, and give the path of its .wasm file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, modules.DefaultMaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("module: %w", err)
	case len(text) > modules.DefaultMaxSize:
		return nil, fmt.Errorf("module %s: is larger than %d bytes, which a server takes unless its modules.max_size says otherwise", path, modules.DefaultMaxSize)
	}
	return text, nil
}

// nearbyModule is a hint at a file that may be meant.
func nearbyModule(path string) string {
	if there(path + ".wasm") {
		return fmt.Sprintf("; is %s.wasm meant?", path)
	}
	return fmt.Sprintf(" (a builtin link is called by its name: %s)", strings.Join(builtin.LinkNames(), ", "))
}

func (m *linkModule) digest() string { return modules.DigestOf(m.text).String() }

// foreign refuses what is no module, with the line that makes one of it. Errors: *wasm.RefusedError.
func (m *linkModule) foreign() error {
	refused := func(format string, args ...any) error {
		return &wasm.RefusedError{Problems: []string{m.path + ": " + fmt.Sprintf(format, args...)}}
	}
	text := bytes.TrimLeft(m.text, " \t\r\n\ufeff")
	switch {
	case bytes.HasPrefix(m.text, []byte("\x00asm")):
		return nil
	case bytes.HasPrefix(text, []byte("(")), bytes.HasPrefix(text, []byte(";;")):
		return refused("is WebAssembly text, not a module: assemble it first: wat2wasm --debug-names %s -o %s.wasm", m.path, strings.TrimSuffix(m.path, filepath.Ext(m.path)))
	case len(m.text) == 0:
		return refused("is empty: the build that should have written it failed")
	}
	return refused("is no WebAssembly module: those begin with the bytes 00 61 73 6d; give the .wasm file that the build wrote")
}
