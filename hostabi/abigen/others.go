package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/vconduit/vconduit/hostabi"
)

// cHeader writes the declarations for C and C++.
func cHeader(b *bytes.Buffer, all []hostabi.Function) {
	fmt.Fprintf(b, `// %s
//
// The guest ABI %s for C and C++. hostabi/ABI.md says what each function means.
#ifndef VCON_LINK_H
#define VCON_LINK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VCON_IMPORT(name) __attribute__((import_module("%s"), import_name(name)))
#define VCON_EXPORT(name) __attribute__((export_name(name)))

// Length of an argument that is not given, where a function says so.
#define VCON_NOT_GIVEN 0xffffffffu

`, notice, hostabi.ImportModule, hostabi.ImportModule)
	b.WriteString("// What vcon_link_run returns; anything else fails the run.\nenum vcon_result { VCON_DONE = 0, VCON_HALT = 1, VCON_RETRY = 2, VCON_NO_CHANGE = 3 };\n\n")
	b.WriteString("// Results below zero.\nenum vcon_error {\n")
	for code := hostabi.NotFound; code >= hostabi.Cancelled; code-- {
		fmt.Fprintf(b, "  VCON_E_%s = %d,\n", strings.ToUpper(strings.ReplaceAll(code.String(), " ", "_")), int32(code))
	}
	b.WriteString("};\n\n")
	for _, f := range all {
		fmt.Fprintf(b, "VCON_IMPORT(%q) %s vcon_%s(%s);\n", f.Name, cResult(f), f.Name, cParams(f))
	}
	b.WriteString("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n")
}

func cResult(f hostabi.Function) string {
	if f.Result == hostabi.I64 {
		return "int64_t"
	}
	return "int32_t"
}

func cParams(f hostabi.Function) string {
	var list []string
	for _, p := range f.Params {
		switch p.Kind {
		case hostabi.Num32:
			list = append(list, "int32_t "+p.Name)
		case hostabi.Num64:
			list = append(list, "int64_t "+p.Name)
		case hostabi.Float:
			list = append(list, "double "+p.Name)
		case hostabi.Out:
			list = append(list, "void *"+p.Name, "uint32_t "+p.Size)
		default:
			list = append(list, "const void *"+p.Name, "uint32_t "+p.Size)
		}
	}
	if list == nil {
		return "void"
	}
	return strings.Join(list, ", ")
}

// rustExtern writes the extern block for Rust.
func rustExtern(b *bytes.Buffer, all []hostabi.Function) {
	fmt.Fprintf(b, "// %s\n//\n// The guest ABI %s. hostabi/ABI.md says what each function means.\n\n", notice, hostabi.ImportModule)
	b.WriteString("/// Length of an argument that is not given, where a function says so.\npub const NOT_GIVEN: u32 = 0xffff_ffff;\n\n")
	fmt.Fprintf(b, "#[link(wasm_import_module = %q)]\nextern \"C\" {\n", hostabi.ImportModule)
	for _, f := range all {
		var list []string
		for _, p := range f.Params {
			switch p.Kind {
			case hostabi.Num32:
				list = append(list, p.Name+": i32")
			case hostabi.Num64:
				list = append(list, p.Name+": i64")
			case hostabi.Float:
				list = append(list, p.Name+": f64")
			case hostabi.Out:
				list = append(list, p.Name+": *mut u8", p.Size+": u32")
			default:
				list = append(list, p.Name+": *const u8", p.Size+": u32")
			}
		}
		fmt.Fprintf(b, "    pub fn %s(%s) -> %s;\n", f.Name, rustNames(strings.Join(list, ", ")), f.Result)
	}
	b.WriteString("}\n")
}

// rustNames renames what is a word of the language.
func rustNames(params string) string { return strings.ReplaceAll(params, "as: i32", "r#as: i32") }

// asDeclare writes the declarations for AssemblyScript.
func asDeclare(b *bytes.Buffer, all []hostabi.Function) {
	fmt.Fprintf(b, "// %s\n//\n// The guest ABI %s. hostabi/ABI.md says what each function means.\n\n", notice, hostabi.ImportModule)
	b.WriteString("/** Length of an argument that is not given, where a function says so. */\nexport const NOT_GIVEN: u32 = 0xffffffff;\n")
	for _, f := range all {
		var list []string
		for _, p := range f.Params {
			switch p.Kind {
			case hostabi.Num32:
				list = append(list, p.Name+": i32")
			case hostabi.Num64:
				list = append(list, p.Name+": i64")
			case hostabi.Float:
				list = append(list, p.Name+": f64")
			default:
				list = append(list, p.Name+": usize", p.Size+": u32")
			}
		}
		fmt.Fprintf(b, "\n// @ts-ignore: decorator\n@external(%q, %q)\nexport declare function %s(%s): %s;\n", hostabi.ImportModule, f.Name, f.Name, asNames(strings.Join(list, ", ")), f.Result)
	}
}

// asNames renames what is a word of the language.
func asNames(params string) string { return strings.ReplaceAll(params, "as: i32", "how: i32") }
