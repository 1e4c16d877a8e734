package vcon

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The shapes that the Python server's suite wants refused are refused in both of the modes that a server runs in.
func TestInvalidFixtures(t *testing.T) {
	t.Parallel()
	wrong := []string{"D03", "M01", "D05"}
	want := map[string][]string{
		"bad_dialog_types":              wrong,
		"bad_duration":                  {"D03"},
		"bad_mimetype":                  {"M01"},
		"bad_party_ref":                 {"D05"},
		"bad_url":                       {"H01"},
		"empty_vcon":                    {"T01"},
		"invalid_dialog_url":            {"H01"},
		"missing_uuid_and_vcon_version": {"T01"},
		"null_dialog_string_analysis":   {"T09"},
		"null_parties":                  wrong,
		"out_of_range_party_indices":    {"D05"},
	}
	files, err := filepath.Glob(filepath.Join("testdata", "invalid", "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		name = name[:len(name)-len(".json")]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rules := errorRules(text, Lenient)
			for _, rule := range want[name] {
				if !slices.Contains(rules, rule) {
					t.Errorf("lenient: %s is missing in %v", rule, rules)
				}
			}
			if rules := errorRules(text, Upstream); len(rules) == 0 {
				t.Error("accepted in upstream mode")
			}
		})
	}
}

// errorRules are the rules that refuse a text.
func errorRules(text []byte, m Mode) []string {
	v, err := Parse(text)
	if bad, ok := errors.AsType[*ParseError](err); ok {
		return []string{bad.Finding().Rule}
	}
	var rules []string
	for _, f := range Validate(v, m) {
		if f.Severity == Error {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

func TestParseErrorFinding(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, pointer, kind, message string }{
		{`{"parties":[]}`, "/uuid", "value_error.missing", "field required"},
		{`{}`, "/uuid", "value_error.missing", "field required"},
		{`{"vcon":"0.0.1"}`, "/uuid", "value_error.missing", "field required"},
		{`{"uuid":null}`, "/uuid", "type_error.none.not_allowed", "none is not an allowed value"},
		{`{"uuid":7}`, "/uuid", "type_error.uuid", "value is not a valid uuid"},
		{`{"uuid":"SAMPLE-1"}`, "/uuid", "type_error.uuid", "value is not a valid uuid"},
		{`{"uuid":`, "/uuid", "value_error.jsondecode", "the text ends too early"},
		{`[]`, "", "type_error.dict", "value is not a valid dict"},
		{`{"x":1` + `}`, "/uuid", "value_error.missing", "field required"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.in))
			bad, ok := errors.AsType[*ParseError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			f := bad.Finding()
			if f.Severity != Error || f.Pointer != tt.pointer || f.Type != tt.kind || f.Message != tt.message {
				t.Errorf("got %+v", f)
			}
		})
	}
}
