// Package rules tests the shape of the tree: who may import whom, and that every package says what it is for.
package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

const module = "github.com/vconduit/vconduit/"

// edges lists, for each package (or "dir/*" for its children), the packages of ours that it may import. What is not
// here may import nothing of ours. docs/architecture.md draws the same.
var edges = map[string][]string{
	"vcon":                       {},
	"config":                     {},
	"queue":                      {"vcon"},
	"queue/embedded":             {"queue", "vcon"},
	"queue/queuetest":            {"queue", "vcon"},
	"hostabi":                    {"vcon", "hostabi/outbound"},
	"hostabi/abigen":             {"hostabi"},
	"hostabi/outbound":           {},
	"modules":                    {"hostabi/outbound"},
	"modules/examples/*":         {"sdk/go"},
	"sdk/go":                     {},
	"sdk/go/linktest":            {"sdk/go", "hostabi", "runtime/chain", "runtime/chain/chaintest"},
	"runtime/chain":              {"vcon", "hostabi"},
	"runtime/chain/chaintest":    {"vcon", "hostabi", "hostabi/outbound", "runtime/chain"},
	"runtime/wasm":               {"hostabi", "runtime/chain", "runtime/wasm/core"},
	"runtime/wasm/core":          {},
	"runtime/wasm/wasmtest":      {"hostabi", "runtime/chain", "runtime/chain/chaintest", "runtime/wasm", "internal/testenv", "vcon"},
	"runtime/worker":             {"runtime/chain", "hostabi", "queue", "vcon"},
	"builtin":                    {"builtin/link/*", "builtin/storage/*", "builtin/tracer/*", "runtime/chain", "hostabi", "queue", "hostabi/outbound", "sdk/go", "vcon"},
	"builtin/link/*":             {"sdk/go"},
	"builtin/link/diet/*":        {"builtin/link/diet", "sdk/go"},
	"builtin/link/jq_link/*":     {"builtin/link/jq_link", "sdk/go"},
	"builtin/link/delay/*":       {"builtin/link/delay", "sdk/go"},
	"builtin/link/sampler/*":     {"builtin/link/sampler", "sdk/go"},
	"builtin/link/tag/*":         {"builtin/link/tag", "sdk/go"},
	"builtin/link/expire_vcon/*": {"builtin/link/expire_vcon", "sdk/go"},
	"builtin/link/tag_router/*":  {"builtin/link/tag_router", "sdk/go"},
	"builtin/link/webhook/*":     {"builtin/link/webhook", "sdk/go"},
	"builtin/storage/*":          {"runtime/chain", "hostabi/outbound", "vcon"},
	"builtin/tracer/*":           {"runtime/chain", "hostabi/outbound", "vcon"},
	"api":                        {"queue", "vcon", "config", "internal/metric"},
	"internal/app":               {"*"},
	"internal/backup":            {},
	"internal/cli":               {"internal/app", "internal/backup", "internal/top", "config", "modules/examples/talkshare", "queue", "vcon"},
	"cmd/*":                      {"internal/cli"},
	"internal/guesttest":         {"internal/testenv"},
	"internal/metric":            {},
	"internal/telemetry":         {"config", "internal/metric", "runtime/chain", "runtime/worker", "vcon"},
	"internal/testenv":           {},
	"internal/top":               {},
	"internal/testserver":        {"internal/testenv"},
	"test/*":                     {"*"},

	"internal/telemetry/telemetrytest": {},
}

// owners lists third-party modules that stay in one place.
var owners = map[string][]string{
	"github.com/valyala/fasthttp":   {"api", "test/*"},
	"github.com/fasthttp/router":    {"api"},
	"modernc.org/sqlite":            {"queue/embedded"},
	"gopkg.in/yaml.v3":              {"config"},
	"github.com/tetratelabs/wazero": {"runtime/wasm"},
	"github.com/aws":                {"builtin/storage/s3", "hostabi/outbound"},
	"github.com/itchyny/gojq":       {"builtin/link/jq_link"},
	"github.com/redis/go-redis/v9":  {"builtin/storage/redis"},
	"golang.org/x/time":             {"api"},
	"github.com/jackc/pgx/v5":       {"builtin/storage/postgres"},
	"github.com/klauspost/compress": {"internal/backup"},
	"go.opentelemetry.io":           {"internal/telemetry", "internal/telemetry/telemetrytest"},

	"github.com/aws/aws-sdk-go-v2/aws/signer": {"hostabi/outbound"},
}

type source struct {
	dir  string // of the package, slash-separated, relative to the module
	test bool
	file *ast.File
	name string
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue // tests may use the suites and the real neighbours of their package
		}
		for _, imp := range s.file.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkOurs(t, s, p)
			checkOwner(t, s, p)
		}
	}
}

func checkOurs(t *testing.T, s source, imp string) {
	t.Helper()
	to, ours := strings.CutPrefix(imp, module)
	if !ours {
		return
	}
	key, ok := lookup(s.dir)
	if !ok {
		t.Errorf("%s: package %s has no line in the table of edges", s.name, s.dir)
		return
	}
	if !matchesAny(edges[key], to) {
		t.Errorf("%s imports %s; %s may import only %v", s.name, to, s.dir, edges[key])
	}
}

func checkOwner(t *testing.T, s source, imp string) {
	t.Helper()
	for prefix, allowed := range owners {
		if (imp == prefix || strings.HasPrefix(imp, prefix+"/")) && !matchesAny(allowed, s.dir) {
			t.Errorf("%s imports %s, which only %v may", s.name, imp, allowed)
		}
	}
}

// TestEveryPackageIsListed keeps the table free of packages that are gone.
func TestEveryPackageIsListed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		key, ok := lookup(s.dir)
		if !ok && !s.test {
			t.Errorf("package %s has no line in the table of edges", s.dir)
		}
		seen[key] = true
	}
	for key := range edges {
		if !seen[key] {
			t.Errorf("the table of edges has %q, which is no package", key)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	docs := map[string][]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		docs[s.dir] = append(docs[s.dir], "")
		if s.file.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s.name)
			if text := s.file.Doc.Text(); s.file.Name.Name != "main" && !strings.HasPrefix(text, "Package "+s.file.Name.Name+" ") {
				t.Errorf("%s: the package comment begins with %q, not \"Package %s \"", s.name, first(text), s.file.Name.Name)
			}
		}
	}
	for dir, files := range docs {
		files = slices.DeleteFunc(files, func(f string) bool { return f == "" })
		if len(files) != 1 {
			t.Errorf("package %s has %d package comments %v, want one", dir, len(files), files)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", s.name, d.Name.Name)
				}
			case *ast.GenDecl:
				checkSpecs(t, s, d)
			}
		}
	}
}

func checkSpecs(t *testing.T, s source, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				t.Errorf("%s: type %s has no comment", s.name, spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					t.Errorf("%s: %s has no comment", s.name, n.Name)
				}
			}
		}
	}
}

// exportedReceiver reports whether users can see the method; methods that fulfil an interface on a hidden type need no
// comment of their own.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if idx, ok := typ.(*ast.IndexExpr); ok {
		typ = idx.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported() && !slices.Contains([]string{"String", "Error", "Unwrap", "Is", "Close", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Format", "GoString", "LogValue"}, d.Name.Name)
}

func first(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func lookup(dir string) (string, bool) {
	if _, ok := edges[dir]; ok {
		return dir, true
	}
	key := path.Dir(dir) + "/*"
	_, ok := edges[key]
	return key, ok
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == "*" || p == dir || strings.HasSuffix(p, "/*") && path.Dir(dir) == strings.TrimSuffix(p, "/*")
	})
}

func sources(t *testing.T) []source {
	t.Helper()
	root := testenv.Root(t)
	var out []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(p, "go.mod"))
			if n := d.Name(); p != root && (err == nil || n == "testdata" || strings.HasPrefix(n, ".")) {
				return filepath.SkipDir // a module of its own, files that are no code, or somebody's tools
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{dir: path.Dir(rel), test: strings.HasSuffix(p, "_test.go"), file: file, name: rel})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
