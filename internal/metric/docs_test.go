package metric

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

var update = flag.Bool("update", false, "write the table of docs/observability.md")

// docs/observability.md shows the table: go test ./internal/metric -update writes it.
func TestDocumentationIsCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(testenv.Root(t), "docs", "observability.md")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(old), "<!-- generated: metrics -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	text := before + "<!-- generated: metrics -->\n" + table() + "<!-- end -->" + after
	switch {
	case text == string(old):
	case !*update:
		t.Fatalf("%s is not current: run go test ./internal/metric -update", path)
	default:
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| OTLP | `/metrics` | kind | unit | attributes | counts |\n|---|---|---|---|---|---|\n")
	for _, i := range All() {
		labels := "-"
		if len(i.Labels) > 0 {
			labels = "`" + strings.Join(i.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | %s |\n", i.Name, i.Prometheus(), i.Kind, strings.Trim(i.Unit, "{}"), labels, i.Help)
	}
	return b.String()
}
