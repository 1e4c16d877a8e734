package api

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

var update = flag.Bool("update", false, "write the generated part of docs/http.md")

// TestReferenceIsCurrent: docs/http.md has a row for each route; go test ./api -update writes them.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../docs/http.md", "<!-- generated: routes -->\n", "<!-- end -->"
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the routes", page)
	}
	text := before + begin + routesTable() + end + after
	switch {
	case text == string(old):
	case !*update:
		t.Errorf("%s is not current: run go test ./api -run Reference -update", page)
	default:
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func routesTable() string {
	var b strings.Builder
	b.WriteString("| Route | Needs | Parameters | Body | Success | What it does |\n|---|---|---|---|---|---|\n")
	for _, rt := range table() {
		fmt.Fprintf(&b, "| `%s %s` | %s | %s | %s | %s | %s |\n", rt.method, rt.path, needs(rt), parametersCell(rt.doc.params),
			typeCell(rt.doc.body), successCell(rt), rt.doc.summary)
	}
	return b.String()
}

func needs(rt *route) string {
	switch {
	case rt.auth == authIngress:
		return "a key of the list"
	case rt.auth == authOpen:
		return ""
	}
	return "`" + rt.scope + "`"
}

func parametersCell(params []param) string {
	var cells []string
	for _, p := range params {
		cell := "`" + p.name + "`"
		if p.required {
			cell += " (required)"
		} else if def, ok := p.schema["default"]; ok && def != false {
			cell += fmt.Sprintf(" = %v", def)
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, ", ")
}

// typeCell names a schema in few words.
func typeCell(s schema) string {
	if name, ok := s["$ref"].(string); ok {
		return strings.TrimPrefix(name, "#/components/schemas/")
	}
	if items, ok := s["items"].(schema); ok {
		return "array of " + typeCell(items)
	}
	if choices, ok := s["anyOf"].([]schema); ok {
		var names []string
		for _, c := range choices {
			names = append(names, typeCell(c))
		}
		return strings.Join(names, " or ")
	}
	if s["format"] == "uuid" {
		return "uuid"
	}
	name, _ := s["type"].(string)
	return name
}

func successCell(rt *route) string {
	cell := fmt.Sprint(orDefault(rt.doc.status, fasthttp.StatusOK))
	if of := typeCell(rt.doc.result); of != "" {
		cell += " " + of
	}
	return cell
}
