package config

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the generated parts of docs/configuration.md")

// docs/configuration.md shows the tables of this package: go test ./config -update writes them.
func TestDocumentationIsCurrent(t *testing.T) {
	t.Parallel()
	const path = "../docs/configuration.md"
	old := read(t, path)
	text := old
	for name, table := range map[string]string{"variables": variableTable(), "unenforced": unenforcedTable(), "keys": keyTable()} {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for %s", path, name)
		}
		text = before + begin + table + end + after
	}
	if text == old {
		return
	}
	if !*update {
		t.Fatalf("%s is not current: run go test ./config -update", path)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func variableTable() string {
	var b strings.Builder
	b.WriteString("| variable | default | stands for | what it does |\n|---|---|---|---|\n")
	for _, v := range Variables() {
		does, key, def := v.Does, v.Key, v.Default
		if v.NoEffect {
			does = "no effect here, because " + does
		}
		if key != "" {
			key = "`" + key + "`"
		}
		if def == "" {
			def = "none"
		}
		if v.NoEffect {
			def = ""
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, def, key, does)
	}
	return b.String()
}

func unenforcedTable() string {
	var b strings.Builder
	b.WriteString("| key | needs |\n|---|---|\n")
	for _, u := range notEnforced() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", u.key, u.needs)
	}
	return b.String()
}

func keyTable() string {
	var b strings.Builder
	b.WriteString("| key | takes | default |\n|---|---|---|\n")
	c := Default()
	c.Queue.IndexKeep = 0
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Type() == reflect.TypeFor[IngressList]() {
			v = reflect.ValueOf(&IngressKey{}).Elem()
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			key := f.Tag.Get("config")
			if key == "" || key == "-" || key[0] == ',' {
				continue
			}
			at := strings.TrimPrefix(path+"."+key, ".")
			val := v.Field(i)
			if val.Kind() == reflect.Slice && val.Type().Elem().Kind() == reflect.Struct && !special(val.Type().Elem()) {
				walk(fresh(val.Type().Elem(), Pos{}), at+".*")
				continue
			}
			if val.Kind() == reflect.Struct && !special(val.Type()) {
				walk(val, at)
				continue
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", at, takes(val.Type(), f.Tag), shown(val, at))
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return b.String()
}

// special are structs that are one value in the file.
func special(t reflect.Type) bool {
	switch reflect.New(t).Interface().(type) {
	case *time.Time, *Rate, *KeyHash, *RawOptions, *ReadGrant, *FetchGrant, *Input, *SourceAuth, *Shard, *LinkRef, *HTTPGrant, *Header:
		return true
	}
	return false
}

func takes(t reflect.Type, tag reflect.StructTag) string {
	if words := strings.TrimPrefix(tag.Get("oneof"), "|"); words != "" {
		return strings.ReplaceAll("`"+strings.ReplaceAll(words, "|", "` `")+"`", "` `", "`, `")
	}
	switch reflect.New(t).Elem().Interface().(type) {
	case time.Duration:
		return "duration"
	case time.Time:
		return "date"
	case Size:
		return "size"
	case Count:
		return "count"
	case Rate:
		return "rate"
	case KeyHash:
		return "key, or `sha256:` and hex"
	case RawOptions:
		return "map"
	case ReadGrant:
		return "JSON pointers, or `{not: [...]}`"
	case FetchGrant:
		return "`true`, or origins"
	case Input:
		return "JSON pointers, or `none`"
	case SourceAuth:
		return "`docker`, or `{bearer: env:NAME}`"
	case []Shard:
		return "address, or a list of addresses and `{url, drain}`"
	case []LinkRef:
		return "names, or `name: {options}`"
	case []HTTPGrant:
		return "addresses, or `{url, methods}`"
	case []Header:
		return "map of texts"
	case *bool, bool:
		return "boolean"
	}
	return map[reflect.Kind]string{reflect.Int: "number", reflect.Float64: "number", reflect.Slice: "list of texts"}[t.Kind()] + map[bool]string{true: "text"}[t.Kind() == reflect.String]
}

func shown(v reflect.Value, path string) string {
	switch path {
	case "server.listen":
		return "`0.0.0.0:8000` with a token, else `127.0.0.1:8000`"
	case "server.workers":
		return "2 x cores"
	case "queue.index_keep":
		return "for ever on embedded, `24h` on Redis"
	case "links.*.memo":
		return "`true` with `allow.http`"
	}
	if v.IsZero() && v.Kind() != reflect.Bool {
		return ""
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return "`" + short(d) + "`"
	}
	if v.Kind() == reflect.Struct {
		return ""
	}
	return fmt.Sprintf("`%v`", v.Interface())
}

func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if t, ok := strings.CutSuffix(s, zero); ok && t != "" && (t[len(t)-1] == 'm' || t[len(t)-1] == 'h') {
			s = t
		}
	}
	return s
}
