package app

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/wasm"
	"github.com/vconduit/vconduit/runtime/wasm/core"
)

// LinkInspection is what is seen of a module without running or compiling anything of it.
type LinkInspection struct {
	File     string   `json:"file"`
	Digest   string   `json:"digest"` // "sha256:" and 64 hex digits
	Size     int      `json:"bytes"`
	Kind     string   `json:"kind,omitempty"` // reactor, command; "" = refused
	Problems []string `json:"problems"`       // why it is refused; none = it may run
	Warnings []string `json:"warnings"`

	Manifest *wasm.Manifest `json:"manifest,omitempty"` // nil = refused
	Imports  []LinkImport   `json:"imports"`
	Needs    []string       `json:"needs"` // keys of allow: without which some import answers "denied"
	Parts    *LinkParts     `json:"parts,omitempty"`
}

// LinkImport is something that a module imports.
type LinkImport struct {
	Name  string `json:"name"`            // "vcon:link/v1.http_send"
	Needs string `json:"needs,omitempty"` // key of allow:; "" = works without any
}

// LinkParts are the sizes of a module. Bytes but for Functions.
type LinkParts struct {
	Functions int   `json:"functions"` // with a body
	Code      int   `json:"code_bytes"`
	Data      int   `json:"data_bytes"`
	Custom    int   `json:"custom_bytes"` // names, manifest and the like
	Memory    int64 `json:"memory_bytes"` // that an instance begins with
}

// InspectLink looks at a module: the path of a .wasm file, with or without file: before it. A module that is refused is
// a result with Problems. Errors: *LinkRunError: there is no such file, or it is a builtin link's name.
func InspectLink(module string) (*LinkInspection, error) {
	m, err := findModule(module)
	if err != nil {
		return nil, &LinkRunError{[]string{err.Error()}}
	}
	if m.builtin != "" {
		return nil, &LinkRunError{[]string{m.builtin + " is built in: there is no module to look at"}}
	}
	out := &LinkInspection{File: m.path, Digest: m.digest(), Size: len(m.text), Problems: []string{}, Warnings: []string{}, Imports: []LinkImport{}, Needs: []string{}}
	if err := m.foreign(); err != nil {
		out.refused(err)
		return out, nil
	}
	info, err := wasm.Inspect(m.text)
	if err != nil {
		out.refused(err)
		if module, err := core.Read(m.text, core.Limits{}); err == nil { // it is one, though not for this host
			out.take(module)
		}
		return out, nil
	}
	out.Kind, out.Manifest = string(info.Kind), &info.Manifest
	out.take(info.Core)
	out.Parts.Memory = info.MinMemory()
	out.Warnings = append(append(out.Warnings, info.Warnings...), wrongWants(info.Manifest.Wants)...)
	return out, nil
}

func (o *LinkInspection) refused(err error) {
	var refused *wasm.RefusedError
	if errors.As(err, &refused) {
		o.Problems = append(o.Problems, refused.Problems...)
		return
	}
	o.Problems = append(o.Problems, err.Error())
}

// take takes down imports and sizes.
func (o *LinkInspection) take(m *core.Module) {
	grants := map[string]string{}
	for _, f := range hostabi.Functions() {
		grants[hostabi.ImportModule+"."+f.Name] = f.Grant
	}
	for _, i := range m.Imports {
		name := i.Module + "." + i.Name
		o.Imports = append(o.Imports, LinkImport{Name: name, Needs: grants[name]})
		if need := grants[name]; need != "" && !slices.Contains(o.Needs, need) {
			o.Needs = append(o.Needs, need)
		}
	}
	slices.Sort(o.Needs)
	o.Parts = &LinkParts{Functions: len(m.Bodies)}
	for _, s := range m.Sections {
		n := int(s.End - s.Start)
		switch s.ID {
		case core.SectionCode:
			o.Parts.Code += n
		case core.SectionData:
			o.Parts.Data += n
		case core.SectionCustom:
			o.Parts.Custom += n
		}
	}
}

// wrongWants says what in a manifest's wants no configuration could grant.
func wrongWants(wants json.RawMessage) (out []string) {
	if len(wants) == 0 {
		return nil
	}
	f := linkFlags{getenv: func(string) string { return "" }}
	f.block("allow", string(wants))
	for _, p := range f.problems {
		out = append(out, "the manifest's wants are no allow: block"+strings.TrimPrefix(p, "--allow"))
	}
	return out
}
