package vcon

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// model is a document as encoding/json decodes it, with the edits done the plain way: what a Draft must agree with.
type model struct{ root map[string]any }

func newModel(t testing.TB, text []byte) *model {
	return &model{root: decode(t, text).(map[string]any)}
}

// pointers lists every value, sorted.
func (m *model) pointers() []string {
	var all []string
	var walk func(p string, v any)
	walk = func(p string, v any) {
		all = append(all, p)
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(string(appendToken([]byte(p), name)), v[name])
			}
		case []any:
			for i := range v {
				walk(p+"/"+strconv.Itoa(i), v[i])
			}
		}
	}
	walk("", m.root)
	return all
}

// spelt is the name under which a member is reached: its own, or another spelling that is there.
func spelt(o map[string]any, token string, tokens []string) string {
	if _, ok := o[token]; ok {
		return token
	}
	a := areaOf(tokens)
	for i := 0; a != elsewhere; i++ {
		other := a.otherName(token, i)
		if other == "" {
			break
		}
		if _, ok := o[other]; ok {
			return other
		}
	}
	return token
}

func areaOf(tokens []string) area {
	a := atTop
	for i, token := range tokens {
		if i%2 == 1 && a&(inParties|inDialog|inAnalysis|inAttachments|inHistory) != 0 {
			a = a.element()
		} else {
			a = a.member(token)
		}
	}
	return a
}

// edit walks to the parent of a pointer and lets f change it there; f returns the parent's new value.
func (m *model) edit(pointer string, f func(parent any, token string, tokens []string) (any, bool)) bool {
	tokens := strings.Split(pointer, "/")[1:]
	for i := range tokens {
		tokens[i] = decodeToken(tokens[i])
	}
	var walk func(v any, at int) (any, bool)
	walk = func(v any, at int) (any, bool) {
		if at == len(tokens)-1 {
			return f(v, tokens[at], tokens[:at])
		}
		switch v := v.(type) {
		case map[string]any:
			name := spelt(v, tokens[at], tokens[:at])
			if _, ok := v[name]; !ok {
				return nil, false
			}
			child, ok := walk(v[name], at+1)
			if ok {
				v[name] = child
			}
			return v, ok
		case []any:
			i, isIndex := arrayIndex(tokens[at])
			if !isIndex || i >= len(v) {
				return nil, false
			}
			child, ok := walk(v[i], at+1)
			if ok {
				v[i] = child
			}
			return v, ok
		}
		return nil, false
	}
	_, ok := walk(m.root, 0)
	return ok
}

// do is one edit; false when it cannot be done.
func (m *model) do(op, pointer string, value any) bool {
	if pointer == "" || pointer == "/uuid" || strings.HasPrefix(pointer, "/uuid/") {
		return false
	}
	return m.edit(pointer, func(parent any, token string, tokens []string) (any, bool) {
		switch parent := parent.(type) {
		case map[string]any:
			return parent, doMember(parent, op, spelt(parent, token, tokens), token, len(tokens), value)
		case []any:
			return doElement(parent, op, token, value)
		}
		return nil, false
	})
}

func doMember(o map[string]any, op, name, given string, depth int, value any) bool {
	old, there := o[name]
	switch op {
	case "add":
		o[given] = value
		return true
	case "set":
		o[name] = value
		return true
	case "remove":
		delete(o, name)
		return there
	}
	list, isList := old.([]any)
	if old == nil && depth == 0 && isCoreArray("/"+given) {
		isList = true
	}
	if isList {
		o[name] = append(list, value)
	}
	return isList
}

func doElement(list []any, op, token string, value any) (any, bool) {
	i, isIndex := arrayIndex(token)
	there := isIndex && i < len(list)
	switch {
	case op == "add" && (token == "-" || isIndex && i <= len(list)):
		if token == "-" {
			i = len(list)
		}
		return slices.Insert(list, i, value), true
	case op == "set" && there:
		list[i] = value
		return list, true
	case op == "remove" && there:
		return slices.Delete(list, i, i+1), true
	case op == "append" && there:
		inner, ok := list[i].([]any)
		if ok {
			list[i] = append(inner, value)
		}
		return list, ok
	}
	return nil, false
}

// tags are every pair, read the plain way.
func (m *model) tags() []string {
	var tags []string
	list, _ := m.root["attachments"].([]any)
	for _, a := range list {
		o, _ := a.(map[string]any)
		if o["purpose"] != "tags" && o["type"] != "tags" {
			continue
		}
		body := o["body"]
		if text, ok := body.(string); ok {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			body = nil
			if d.Decode(&body) != nil || d.More() {
				continue
			}
		}
		items, _ := body.([]any)
		for _, item := range items {
			if s, ok := item.(string); ok {
				tags = append(tags, s)
			}
		}
		pairs, _ := body.(map[string]any)
		for name, v := range pairs {
			values, isList := v.([]any)
			if !isList {
				values = []any{v}
			}
			for _, v := range values {
				switch v.(type) {
				case string, bool, json.Number:
					tags = append(tags, fmt.Sprint(name, ":", v))
				}
			}
		}
	}
	slices.Sort(tags)
	return tags
}
