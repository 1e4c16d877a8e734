package docs

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/internal/testenv"
)

var (
	variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)
	section  = regexp.MustCompile(`(?s)\n## Options\n(.*?)\n## `)
	row      = regexp.MustCompile("(?m)^\\| `([A-Za-z0-9_-]+)` \\|")
	known    = regexp.MustCompile(`\(known: (.*)\)`)
)

// kinds are the folders of docs that have a page for each builtin, with the names that need one and the options that
// each reads.
var kinds = []struct {
	folder, prefix string
	names          []string
	options        func(t *testing.T, module string) []string
}{
	{"links", "links.", builtin.LinkNames(), linkOptions},
	{"storages", "storage.", builtin.StorageNames(), storageOptions},
	{"tracers", "tracers.", builtin.TracerNames(), tracerOptions},
}

// TestBuiltinPages: each builtin has a page; the example on it is a configuration without any problem, and its table has
// the options that the code reads.
func TestBuiltinPages(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		var want []string
		for _, module := range kind.names {
			name := strings.TrimPrefix(module, kind.prefix)
			page := filepath.Join("docs", kind.folder, name+".md")
			want = append(want, page)
			checkExample(t, page, module)
			checkOptions(t, page, kind.options(t, module))
		}
		checkNoOthers(t, kind.folder, want)
	}
}

func checkExample(t *testing.T, page, module string) {
	t.Helper()
	example := block(t, page, "yaml", 0)
	file := filepath.Join(t.TempDir(), "config.yml")
	mustWrite(t, file, example)
	env := map[string]string{}
	for _, v := range variable.FindAllStringSubmatch(example, -1) {
		env[v[1]] = "example"
	}
	r := app.Check(t.Context(), app.Options{Config: file, Getenv: func(k string) string { return env[k] }})
	if r.Errors+r.Warnings+len(r.Held) > 0 || len(r.Chains) == 0 || !strings.Contains(example, "module: "+module) {
		t.Errorf("%s: the page's configuration: %+v", page, r)
	}
}

func checkOptions(t *testing.T, page string, reads []string) {
	t.Helper()
	table := section.FindStringSubmatch(pages(t)[page])
	if table == nil {
		t.Errorf("%s: no section Options before another one", page)
		return
	}
	var told []string
	for _, m := range row.FindAllStringSubmatch(table[1], -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	slices.Sort(reads)
	if !slices.Equal(told, reads) {
		t.Errorf("%s: the page tells the options %q, the code reads %q", page, told, reads)
	}
}

// checkNoOthers: a page of a builtin that is gone goes too.
func checkNoOthers(t *testing.T, folder string, want []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), "docs", folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if page := filepath.Join("docs", folder, filepath.Base(f)); !slices.Contains(want, page) {
			t.Errorf("%s is the page of nothing", page)
		}
	}
}

// linkOptions are the members of the link's Options.
func linkOptions(t *testing.T, module string) (names []string) {
	t.Helper()
	l, _ := builtin.FindLink(module)
	for f := range reflect.TypeOf(l.Options).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// storageOptions are what the storage itself says it knows.
func storageOptions(t *testing.T, module string) []string {
	t.Helper()
	s, _ := builtin.FindStorage(module)
	unknown, _ := s.Check(json.RawMessage(`{"no such option":0}`)) // that others are missing is no matter here
	return knownOptions(t, module, unknown)
}

// tracerOptions are what the tracer itself says it knows.
func tracerOptions(t *testing.T, module string) []string {
	t.Helper()
	tr, _ := builtin.FindTracer(module)
	unknown, _ := tr.Check(json.RawMessage(`{"no such option":0}`))
	return knownOptions(t, module, unknown)
}

func knownOptions(t *testing.T, module string, unknown []string) []string {
	t.Helper()
	reads := known.FindStringSubmatch(strings.Join(unknown, ""))
	if reads == nil {
		t.Fatalf("%s does not say which options it knows: %q", module, unknown)
	}
	return strings.Split(reads[1], ", ")
}
