package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/vconduit/vconduit/hostabi"
)

// binding writes the table that runtime/wasm links guests with: for each function its name, its type, and how its
// arguments become those of a method of Call.
func binding(b *bytes.Buffer, all []hostabi.Function) {
	fmt.Fprintf(b, "// %s\n\npackage wasm\n\nimport (\n\"github.com/tetratelabs/wazero/api\"\n\n\"github.com/vconduit/vconduit/hostabi\"\n)\n\n", notice)
	b.WriteString("// hostFunctions are the functions of the import module " + hostabi.ImportModule + ". Each takes its arguments from s and leaves its\n" +
		"// result in s[0]; bytes outside the guest's memory are BadMemory, whatever else is wrong.\n")
	b.WriteString("func hostFunctions() []hostFunction {\nreturn []hostFunction{\n")
	for _, f := range all {
		params, result := f.Types()
		fmt.Fprintf(b, "{%q, []api.ValueType{%s}, api.ValueType%s, func(c *hostabi.Call, m memory, s []uint64) {\n", f.Name, valueTypes(params), strings.ToUpper(result.String()))
		bindBody(b, f)
		b.WriteString("}},\n")
	}
	b.WriteString("}\n}\n")
}

func valueTypes(types []hostabi.ValueType) string {
	var list []string
	for _, t := range types {
		list = append(list, "api.ValueType"+strings.ToUpper(t.String()))
	}
	return strings.Join(list, ", ")
}

// bindBody writes how one function is called.
func bindBody(b *bytes.Buffer, f hostabi.Function) {
	var args, bad []string
	at := 0
	for i, p := range f.Params {
		switch p.Kind {
		case hostabi.Num32:
			args = append(args, fmt.Sprintf("int32(s[%d])", at))
		case hostabi.Num64:
			args = append(args, fmt.Sprintf("int64(s[%d])", at))
		case hostabi.Float:
			args = append(args, fmt.Sprintf("api.DecodeF64(s[%d])", at))
		default:
			read := "bytes"
			if p.Kind == hostabi.OptIn {
				read = "optional"
			}
			fmt.Fprintf(b, "b%d, ok%d := m.%s(s[%d], s[%d])\n", i, i, read, at, at+1)
			args, bad = append(args, fmt.Sprintf("b%d", i)), append(bad, fmt.Sprintf("!ok%d", i))
		}
		at += len(p.Types())
	}
	encode := "encode32"
	if f.Result == hostabi.I64 {
		encode = "encode64"
	}
	if len(bad) > 0 {
		fmt.Fprintf(b, "if %s {\ns[0] = %s(%s(c.OutsideMemory(%q)))\nreturn\n}\n", strings.Join(bad, " || "), encode, goResult(f), f.Name)
	}
	fmt.Fprintf(b, "s[0] = %s(c.%s(%s))\n", encode, f.Method, strings.Join(args, ", "))
}

// goImports writes the SDK's Host of a guest.
func goImports(b *bytes.Buffer, all []hostabi.Function) {
	fmt.Fprintf(b, "// %s\n\n//go:build wasip1\n\npackage link\n\nimport \"unsafe\"\n\n", notice)
	b.WriteString("// imported is the Host of a guest: every method is the host function of its name.\ntype imported struct{}\n\nvar _ Host = imported{}\n\n")
	for _, f := range all {
		goImport(b, f)
		goMethod(b, f)
	}
	b.WriteString(`
func data(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func size(b []byte) uint32 { return uint32(len(b)) }

// given is the length of an argument that may be left out: nil is "not given".
func given(b []byte) uint32 {
	if b == nil {
		return 0xffffffff
	}
	return uint32(len(b))
}
`)
}

func goImport(b *bytes.Buffer, f hostabi.Function) {
	var params []string
	for _, p := range f.Params {
		switch p.Kind {
		case hostabi.Num32:
			params = append(params, p.Name+" int32")
		case hostabi.Num64:
			params = append(params, p.Name+" int64")
		case hostabi.Float:
			params = append(params, p.Name+" float64")
		default:
			params = append(params, p.Name+" unsafe.Pointer", goName(p.Size)+" uint32")
		}
	}
	fmt.Fprintf(b, "//go:wasmimport %s %s\nfunc host%s(%s) %s\n\n", hostabi.ImportModule, f.Name, f.Method, strings.Join(params, ", "), goResult(f))
}

func goMethod(b *bytes.Buffer, f hostabi.Function) {
	var params, args []string
	for _, p := range f.Params {
		switch p.Kind {
		case hostabi.Num32:
			params, args = append(params, p.Name+" int32"), append(args, p.Name)
		case hostabi.Num64:
			params, args = append(params, p.Name+" int64"), append(args, p.Name)
		case hostabi.Float:
			params, args = append(params, p.Name+" float64"), append(args, p.Name)
		case hostabi.OptIn:
			params, args = append(params, p.Name+" []byte"), append(args, "data("+p.Name+")", "given("+p.Name+")")
		default:
			params, args = append(params, p.Name+" []byte"), append(args, "data("+p.Name+")", "size("+p.Name+")")
		}
	}
	fmt.Fprintf(b, "func (imported) %s(%s) %s { return host%s(%s) }\n\n", f.Method, strings.Join(params, ", "), goResult(f), f.Method, strings.Join(args, ", "))
}

func goResult(f hostabi.Function) string {
	if f.Result == hostabi.I64 {
		return "int64"
	}
	return "int32"
}

// goName keeps clear of the builtin functions.
func goName(name string) string {
	if name == "cap" {
		return "room"
	}
	return name
}
