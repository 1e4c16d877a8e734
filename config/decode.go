package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxProblems bounds a report: beyond it problems are counted only.
const maxProblems = 1000

// problems collects what is wrong.
type problems struct {
	file  string
	list  []Problem
	more  int      // not listed
	worst Severity // of those
}

func (r *problems) add(s Severity, code string, pos Pos, path, message, hint string) {
	if r.full() {
		r.more, r.worst = r.more+1, max(r.worst, s)
		return
	}
	r.list = append(r.list, Problem{s, code, r.file, pos, path, message, hint})
}

func (r *problems) full() bool { return len(r.list) >= maxProblems }

// report gives all problems by line.
func (r *problems) report() Report {
	out := Report{Problems: append([]Problem{}, r.list...)}
	out.sort()
	if r.more > 0 {
		out.Problems = append(out.Problems, Problem{Severity: r.worst, Code: codeLimit, File: r.file, Message: fmt.Sprintf("and %d more problems", r.more)})
	}
	return out
}

// decoder fills the types of this package from a tree. Types say in their field tags what they take:
//
//	config:"key"   the key; ",name" gets the key of a named entry, ",value" its value if that is no map
//	oneof:"a|b"    the words allowed
//	min:"" max:""  bounds, in the syntax of the type
type decoder struct {
	*problems
	seen map[string]*node // every key of ours that the file sets, by path
}

// What types may do beside their tags.
type (
	decodable interface {
		fromNode(d *decoder, n *node, path string)
	} // reads itself
	openKeyed interface{ openKeys() } // a section of vcon-server: see unknownKey
	placed    interface{ setPos(Pos) }
	defaulted interface{ setDefaults() }
	textual   interface{ setText(string) } // takes a bare text instead of a map
)

func (d *decoder) wrong(n *node, path, want string) {
	d.add(Error, codeType, n.pos, path, fmt.Sprintf("%s is wanted here, not %s", want, kindName(n)), "")
}

func kindName(n *node) string {
	return [...]string{"nothing", "a single value", "a list", "a map"}[n.kind]
}

// decode fills v, which is addressable, from n; null leaves the default.
func (d *decoder) decode(n *node, path string, v reflect.Value, tag reflect.StructTag) {
	if n.kind == nullNode {
		return
	}
	if p, ok := v.Addr().Interface().(decodable); ok {
		p.fromNode(d, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.decode(n, path, fresh.Elem(), tag)
		v.Set(fresh)
	case reflect.Struct:
		switch v.Interface().(type) {
		case time.Time, Rate:
			d.scalar(n, path, v, tag)
		default:
			d.structure(n, path, v)
		}
	case reflect.Slice:
		d.slice(n, path, v)
	default:
		d.scalar(n, path, v, tag)
	}
}

func (d *decoder) structure(n *node, path string, v reflect.Value) {
	if n.kind == scalarNode {
		if p, ok := v.Addr().Interface().(textual); ok {
			p.setText(n.text)
			return
		}
	}
	if n.kind != mapNode {
		d.wrong(n, path, "a map")
		return
	}
	fields := fieldsOf(v.Type())
	for i, k := range n.keys {
		at := keyPath(path, k.text)
		f, ok := fields[k.text]
		if !ok {
			d.unknownKey(k, at, v, fields)
			continue
		}
		d.seen[at] = n.items[i]
		d.decode(n.items[i], at, v.FieldByIndex(f.Index), f.Tag)
	}
}

func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	out := map[string]reflect.StructField{}
	for i := range t.NumField() {
		f := t.Field(i)
		if key := f.Tag.Get("config"); key != "" && key != "-" && key[0] != ',' {
			out[key] = f
		}
	}
	return out
}

// role finds the field tagged ",name" or ",value".
func role(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if f := t.Field(i); f.Tag.Get("config") == ","+name {
				return f, true
			}
		}
	}
	return reflect.StructField{}, false
}

// unknownKey: in our own sections a key that no type knows is an error. The sections of vcon-server took any key and
// ignored it, and its files must load unchanged: there it is an error only when it looks like a mistyped key.
func (d *decoder) unknownKey(k *node, path string, v reflect.Value, fields map[string]reflect.StructField) {
	names := slices.Sorted(maps.Keys(fields))
	near := ""
	if !d.full() {
		near = nearest(k.text, names)
	}
	_, open := v.Interface().(openKeyed)
	switch {
	case near != "":
		d.add(Error, codeUnknownKey, k.pos, path, "there is no such key", fmt.Sprintf("did you mean %q?", near))
	case open && strings.HasPrefix(k.text, "x-"): // the usual place for anchors
	case open:
		d.add(Warning, codeUnknownKey, k.pos, path, "there is no such key; it is ignored, as vcon-server did", "")
	default:
		d.add(Error, codeUnknownKey, k.pos, path, "there is no such key", "known here: "+strings.Join(names, ", "))
	}
}

func (d *decoder) slice(n *node, path string, v reflect.Value) {
	elem := v.Type().Elem()
	if _, named := role(elem, "name"); named {
		d.named(n, path, v)
		return
	}
	if n.kind != listNode {
		d.wrong(n, path, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.items))
	for i, item := range n.items {
		at := indexPath(path, i)
		if item.kind == nullNode {
			d.add(Error, codeType, item.pos, at, "an empty entry in a list", "remove the line")
			continue
		}
		e := fresh(elem, item.pos)
		d.decode(item, at, e, "")
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

func fresh(t reflect.Type, pos Pos) reflect.Value {
	e := reflect.New(t)
	if p, ok := e.Interface().(defaulted); ok {
		p.setDefaults()
	}
	if p, ok := e.Interface().(placed); ok {
		p.setPos(pos)
	}
	return e.Elem()
}

// named reads a map of named entries into a slice, order kept.
func (d *decoder) named(n *node, path string, v reflect.Value) {
	if n.kind != mapNode {
		d.wrong(n, path, "a map of names")
		return
	}
	elem := v.Type().Elem()
	name, _ := role(elem, "name")
	val, hasValue := role(elem, "value")
	out := reflect.MakeSlice(v.Type(), 0, len(n.keys))
	for i, k := range n.keys {
		at := keyPath(path, k.text)
		e := fresh(elem, k.pos)
		e.FieldByIndex(name.Index).SetString(k.text)
		d.seen[at] = n.items[i]
		if hasValue {
			d.decode(n.items[i], at, e.FieldByIndex(val.Index), val.Tag)
		} else {
			d.decode(n.items[i], at, e, "")
		}
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

// scalar reads one value. Problems never quote it: it may come from a variable.
func (d *decoder) scalar(n *node, path string, v reflect.Value, tag reflect.StructTag) {
	if n.kind != scalarNode {
		d.wrong(n, path, "a single value")
		return
	}
	if err := setText(v, n.text); err != nil {
		d.add(Error, codeValue, n.pos, path, d.show(n)+" "+err.Error(), "")
		return
	}
	d.bounds(n, path, v, tag)
}

// show quotes a value unless it came from a variable.
func (d *decoder) show(n *node) string {
	if n.fromVar {
		return "the value of the variable"
	}
	return strconv.Quote(n.text)
}

// setText parses text into v.
func setText(v reflect.Value, text string) (err error) {
	switch v.Interface().(type) {
	case time.Duration:
		return parsed(v, text, parseDuration)
	case time.Time:
		return parsed(v, text, parseTime)
	case Size:
		return parsed(v, text, parseSize)
	case Count:
		return parsed(v, text, parseCount)
	case Rate:
		return parsed(v, text, parseRate)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		return parsed(v, text, parseBool)
	case reflect.Int:
		n, err := int11(text)
		i, err2 := strconv.Atoi(n.text)
		if err != nil || err2 != nil {
			return fmt.Errorf("is no whole number")
		}
		v.SetInt(int64(i))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != f {
			return fmt.Errorf("is no number")
		}
		v.SetFloat(f)
	default:
		panic("config: no way to read a " + v.Type().String())
	}
	return nil
}

func parsed[T any](v reflect.Value, text string, parse func(string) (T, error)) error {
	if text == "" && v.Kind() != reflect.Bool { // an empty text is the default, as in `index_keep: ""`
		return nil
	}
	t, err := parse(text)
	if err == nil {
		v.Set(reflect.ValueOf(t).Convert(v.Type()))
	}
	return err
}

func (d *decoder) bounds(n *node, path string, v reflect.Value, tag reflect.StructTag) {
	if words, ok := tag.Lookup("oneof"); ok && !oneOf(v.String(), words) {
		list := strings.Split(strings.TrimPrefix(words, "|"), "|")
		hint := ""
		if near := nearest(v.String(), list); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		d.add(Error, codeValue, n.pos, path, d.show(n)+" is none of "+strings.Join(list, ", "), hint)
	}
	for _, b := range []struct {
		name, word string
		bad        func(v, bound float64) bool
	}{
		{"min", "at least", func(v, bound float64) bool { return v < bound }},
		{"max", "at most", func(v, bound float64) bool { return v > bound }},
	} {
		text, ok := tag.Lookup(b.name)
		if !ok {
			continue
		}
		bound := reflect.New(v.Type()).Elem()
		if err := setText(bound, text); err != nil {
			panic("config: bound " + text + " of " + path + ": " + err.Error())
		}
		if b.bad(number(v), number(bound)) {
			d.add(Error, codeValue, n.pos, path, fmt.Sprintf("%s is out of range: %s %s", d.show(n), b.word, text), "")
		}
	}
}

func number(v reflect.Value) float64 {
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

func oneOf(s, words string) bool {
	for w := range strings.SplitSeq(words, "|") {
		if w == s {
			return true
		}
	}
	return false
}
