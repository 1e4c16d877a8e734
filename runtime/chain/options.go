package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options reads the options of a storage or tracer: each by name with its default, all problems together in Err. Values
// are taken as the Python server took them: numbers may be written as text, booleans as 0 and 1. null is "not given".
// Error texts name options, never values. Not safe for concurrent use.
type Options struct {
	raw   map[string]json.RawMessage
	known []string
	errs  []error
}

// ReadOptions begins reading; raw is a JSON object, or empty.
func ReadOptions(raw json.RawMessage) *Options {
	o := &Options{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return o
	}
	if err := json.Unmarshal(raw, &o.raw); err != nil {
		o.errs = append(o.errs, errors.New("options must be an object"))
	}
	return o
}

// take gives the text of an option; false when it is not given.
func (o *Options) take(name string) (json.RawMessage, bool) {
	o.known = append(o.known, name)
	v, ok := o.raw[name]
	return v, ok && string(v) != "null"
}

// Fail adds a problem with an option.
func (o *Options) Fail(name, format string, args ...any) {
	o.errs = append(o.errs, fmt.Errorf("option %q "+format, append([]any{name}, args...)...))
}

// Ignore accepts options without meaning here.
func (o *Options) Ignore(names ...string) { o.known = append(o.known, names...) }

// Has reports whether an option is given.
func (o *Options) Has(name string) bool {
	v, ok := o.raw[name]
	return ok && string(v) != "null"
}

// Raw is the option's JSON; nil when it is not given.
func (o *Options) Raw(name string) json.RawMessage {
	v, _ := o.take(name)
	return v
}

// Text reads a string; a number or boolean is taken as it is written.
func (o *Options) Text(name, def string) string {
	v, ok := o.take(name)
	if !ok {
		return def
	}
	if s, ok := scalar(v); ok {
		return s
	}
	o.Fail(name, "must be text")
	return def
}

// Bool reads a boolean, 0 or 1, or their usual words.
func (o *Options) Bool(name string, def bool) bool {
	v, ok := o.take(name)
	if !ok {
		return def
	}
	s, _ := scalar(v)
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	}
	o.Fail(name, "must be true or false")
	return def
}

// Int reads a whole number from lo to hi.
func (o *Options) Int(name string, def, lo, hi int64) int64 {
	v, ok := o.take(name)
	if !ok {
		return def
	}
	s, _ := scalar(v)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		o.Fail(name, "must be a whole number")
		return def
	}
	if n < lo || n > hi {
		o.Fail(name, "must be between %d and %d", lo, hi)
		return def
	}
	return n
}

// Duration reads a time from lo to hi: a number of seconds, or a text such as "1m30s".
func (o *Options) Duration(name string, def, lo, hi time.Duration) time.Duration {
	v, ok := o.take(name)
	if !ok {
		return def
	}
	s, _ := scalar(v)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(seconds) < 1e9 {
		s = strconv.FormatFloat(seconds, 'f', 9, 64) + "s"
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		o.Fail(name, `must be a number of seconds, or a time such as "30s"`)
	case d < lo || d > hi:
		o.Fail(name, "must be between %s and %s", lo, hi)
	default:
		return d
	}
	return def
}

// Texts reads a list of strings; one string alone is a list of one.
func (o *Options) Texts(name string) []string {
	v, ok := o.take(name)
	if !ok {
		return nil
	}
	var list []string
	if json.Unmarshal(v, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(v, &one) == nil {
		return []string{one}
	}
	o.Fail(name, "must be a list of texts")
	return nil
}

// TextMap reads an object whose values are scalars.
func (o *Options) TextMap(name string) map[string]string {
	v, ok := o.take(name)
	if !ok {
		return nil
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(v, &raw) != nil {
		o.Fail(name, "must be an object of texts")
		return nil
	}
	m := make(map[string]string, len(raw))
	for _, k := range slices.Sorted(maps.Keys(raw)) {
		s, ok := scalar(raw[k])
		if !ok {
			o.Fail(name, "must have text as the value of %q", k)
		}
		m[k] = s
	}
	return m
}

// Err is every problem at once; nil when there is none.
func (o *Options) Err() error { return errors.Join(o.errs...) }

// Unknown says which options nobody reads, for a warning: the Python server ignored them, and files in the field have
// them. Ask it when every option was read.
func (o *Options) Unknown() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o.raw)) {
		if !slices.Contains(o.known, name) {
			out = append(out, fmt.Sprintf("option %q is unknown, it does nothing (known: %s)", name, strings.Join(o.known, ", ")))
		}
	}
	return out
}

// scalar is the text of a JSON string, number or boolean.
func scalar(v json.RawMessage) (string, bool) {
	if len(v) == 0 || v[0] == '{' || v[0] == '[' {
		return "", false
	}
	if v[0] != '"' {
		return string(v), true
	}
	var s string
	err := json.Unmarshal(v, &s)
	return s, err == nil
}
