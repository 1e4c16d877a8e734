package api

import (
	"fmt"
	"strings"
	"testing"
)

// describe reads the server's own description.
func describe(t *testing.T, text string) (paths, components map[string]any) {
	t.Helper()
	all := asObject(parseJSON(t, text))
	paths = asObject(all["paths"])
	components = asObject(asObject(all["components"])["schemas"])
	if len(paths) == 0 || len(components) == 0 {
		t.Fatalf("the description is empty: %s", text)
	}
	return paths, components
}

func TestOpenAPIHead(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Settings: Settings{RootPath: "/api", KeyHeader: "X-Key"}})
	got := ask(t, client, "GET", "/api/openapi.json", "")
	all := asObject(parseJSON(t, got.body))
	for path, want := range map[string]string{
		"openapi": "3.1.0", "info/title": "FastAPI", "info/version": "0.1.0",
		"components/securitySchemes/APIKeyHeader/name": "X-Key", "components/securitySchemes/APIKeyHeader/in": "header",
	} {
		var at any = all
		for name := range strings.SplitSeq(path, "/") {
			at = asObject(at)[name]
		}
		if at != want {
			t.Errorf("%s: %v, want %v", path, at, want)
		}
	}
	if servers := fmt.Sprint(all["servers"]); servers != "[map[url:/api]]" {
		t.Errorf("servers: %s", servers)
	}
	schemas := asObject(asObject(all["components"])["schemas"])
	for _, name := range []string{"DialogEntry", "PartyEntry", "Vcon", "HTTPValidationError", "ValidationError"} {
		if schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
}

// Every operation is complete: a summary, a tag, an id of its own, and references that lead somewhere.
func TestOpenAPIIsWhole(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}})
	paths, components := describe(t, ask(t, client, "GET", "/openapi.json", "").body)
	ids := map[any]bool{}
	n := 0
	for path, methods := range paths {
		for method, op := range asObject(methods) {
			o := asObject(op)
			n++
			if o["summary"] == "" || asArray(o["tags"])[0] == "" || ids[o["operationId"]] {
				t.Errorf("%s %s: summary %v, tags %v, id %v", method, path, o["summary"], o["tags"], o["operationId"])
			}
			ids[o["operationId"]] = true
		}
	}
	if n != len(table()) {
		t.Errorf("%d operations described, %d routed", n, len(table()))
	}
	refs(t, paths, components)
	refs(t, components, components)
}

func refs(t *testing.T, v any, components map[string]any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if name == "$ref" && components[strings.TrimPrefix(value.(string), "#/components/schemas/")] == nil {
				t.Errorf("nothing at %v", value)
			}
			refs(t, value, components)
		}
	case []any:
		for _, item := range v {
			refs(t, item, components)
		}
	}
}

// The page needs nothing from elsewhere.
func TestDocsPageIsSelfContained(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}})
	for _, path := range []string{"/docs", "/redoc"} {
		got := ask(t, client, "GET", path, "")
		if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "openapi.json") {
			t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
		}
		for _, bad := range []string{"http://", "https://", "src=", "@import", "//cdn"} {
			if strings.Contains(got.body, bad) {
				t.Errorf("%s: the page has %q", path, bad)
			}
		}
	}
}
