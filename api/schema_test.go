package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checker compares values with the schemas of an OpenAPI description. It knows the words that schemas.go uses, and fails
// on any other.
type checker struct{ components map[string]any }

// check says how v differs from the schema; "" = it does not.
func (k checker) check(s map[string]any, v any, at string) string {
	if name, ok := s["$ref"].(string); ok {
		target, ok := k.components[strings.TrimPrefix(name, "#/components/schemas/")].(map[string]any)
		if !ok {
			return at + ": no schema " + name
		}
		return k.check(target, v, at)
	}
	for word, arg := range s {
		if why := k.word(s, word, arg, v, at); why != "" {
			return why
		}
	}
	return ""
}

func (k checker) word(s map[string]any, word string, arg, v any, at string) string {
	switch word {
	case "type":
		return checkType(arg, v, at)
	case "enum":
		if !slices.Contains(arg.([]any), v) {
			return fmt.Sprintf("%s: %v is not one of %v", at, v, arg)
		}
	case "anyOf":
		return k.any(arg.([]any), v, at)
	case "items":
		for i, item := range asArray(v) {
			if why := k.check(arg.(map[string]any), item, fmt.Sprintf("%s/%d", at, i)); why != "" {
				return why
			}
		}
	case "required":
		for _, name := range arg.([]any) {
			if _, has := asObject(v)[name.(string)]; !has {
				return fmt.Sprintf("%s: %s is missing", at, name)
			}
		}
	case "properties":
		for name, sub := range arg.(map[string]any) {
			if value, has := asObject(v)[name]; has {
				if why := k.check(sub.(map[string]any), value, at+"/"+name); why != "" {
					return why
				}
			}
		}
	case "additionalProperties": // of schemas without properties
		for name, value := range asObject(v) {
			if why := k.check(arg.(map[string]any), value, at+"/"+name); why != "" {
				return why
			}
		}
	case "format", "default", "minimum", "maximum":
	default:
		return fmt.Sprintf("%s: the checker does not know %q", at, word)
	}
	return ""
}

func (k checker) any(choices []any, v any, at string) string {
	var whys []string
	for _, s := range choices {
		why := k.check(s.(map[string]any), v, at)
		if why == "" {
			return ""
		}
		whys = append(whys, why)
	}
	return strings.Join(whys, "; ")
}

func checkType(arg, v any, at string) string {
	names, ok := arg.([]any)
	if !ok {
		names = []any{arg}
	}
	for _, name := range names {
		if isType(name.(string), v) {
			return ""
		}
	}
	return fmt.Sprintf("%s: %T is not %v", at, v, arg)
}

func isType(name string, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case json.Number:
		_, err := v.Int64()
		return name == "number" || name == "integer" && err == nil
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

func asArray(v any) []any { a, _ := v.([]any); return a }

func asObject(v any) map[string]any { o, _ := v.(map[string]any); return o }

func parseJSON(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}
