package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is one thing that is wrong with a link's options.
type Problem struct {
	Option string // its name, "" for the options as a whole
	Text   string // what is wrong and what would be right; never the value
	Warn   bool   // the link can run in spite of it: an option that it does not know
}

func (p Problem) String() string {
	if p.Option == "" {
		return p.Text
	}
	return fmt.Sprintf("option %q: %s", p.Option, p.Text)
}

// OptionsError are all problems of a link's options at once.
type OptionsError struct{ Problems []Problem }

func (e *OptionsError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return strings.Join(texts, "; ")
}

// Options decodes the link's options into a struct (pointer), by the names in its json tags. Fields that the options do
// not name keep the values they have: put the defaults in first. Absent options are {}. When the struct has a method
// Check() []Problem, that is asked too. Errors: *OptionsError with everything that is wrong.
//
//	o := struct {
//		Model   string        `json:"model"`
//		Timeout link.Duration `json:"timeout"`
//	}{Model: "small", Timeout: link.Duration(10 * time.Second)}
//	if err := c.Options(&o); err != nil {
//		return link.Fail(err)
//	}
func (c *Call) Options(into any) error {
	text, err := c.Config("")
	if err != nil {
		return err
	}
	wrong, _ := split(DecodeOptions(text, into))
	return optionsError(wrong)
}

// split tells what is wrong from what only does nothing.
func split(problems []Problem) (wrong, warnings []Problem) {
	for _, p := range problems {
		if p.Warn {
			warnings = append(warnings, p)
		} else {
			wrong = append(wrong, p)
		}
	}
	return wrong, warnings
}

// optionsError is nil without problems.
func optionsError(wrong []Problem) error {
	if len(wrong) == 0 {
		return nil
	}
	return &OptionsError{wrong}
}

// DecodeOptions is Call.Options without a run: it decodes options, a JSON object (nil and null are {}), and gives every
// problem, warnings about names that no field has included.
func DecodeOptions(options []byte, into any) []Problem {
	members, order, err := object(options)
	if err != nil {
		return []Problem{{Text: err.Error()}}
	}
	target := reflect.ValueOf(into).Elem()
	fields := optionFields(target)
	var problems []Problem
	for _, name := range order {
		field, known := fields[name]
		switch {
		case name == "after_link": // any link may have it
		case !known:
			problems = append(problems, Problem{Option: name, Text: "unknown, it does nothing" + suggest(name, fields), Warn: true})
		default:
			problems = append(problems, decodeField(name, members[name], field)...)
		}
	}
	if checker, ok := into.(interface{ Check() []Problem }); ok {
		if wrong, _ := split(problems); len(wrong) == 0 {
			problems = append(problems, checker.Check()...)
		}
	}
	return problems
}

// object splits a JSON object into its members, and their names in order.
func object(text []byte) (members map[string]json.RawMessage, order []string, err error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || string(text) == "null" {
		return nil, nil, nil
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, nil, errors.New("the options must be a map of names and values")
	}
	for name := range members {
		order = append(order, name)
	}
	slices.Sort(order)
	return members, order, nil
}

// optionFields finds the fields of a struct by the names in their json tags.
func optionFields(target reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		field := target.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		if field.IsExported() && name != "-" {
			fields[name] = target.Field(i)
		}
	}
	return fields
}

// decodeField decodes one option. null leaves the field as it is. A type may give several problems by joining them.
func decodeField(name string, text json.RawMessage, field reflect.Value) []Problem {
	if string(text) == "null" {
		return nil
	}
	err := json.Unmarshal(text, field.Addr().Interface())
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		have, _, _ := strings.Cut(wrong.Value, " ") // the rest may be the value
		err = fmt.Errorf("want %s, have %s", typeName(wrong.Type), have)
		if wrong.Field != "" {
			err = fmt.Errorf("%s: %w", wrong.Field, err)
		}
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var problems []Problem
	for _, err := range all {
		problems = append(problems, Problem{Option: name, Text: err.Error()})
	}
	return problems
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Map, reflect.Struct:
		return "map"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	}
	return "number"
}

// suggest finds the name that was meant.
func suggest(name string, fields map[string]reflect.Value) string {
	best, distance := "", 3
	for known := range fields {
		if d := editDistance(plainName(name), plainName(known)); d < distance || d == distance && known < best {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// plainName leaves out what people mix up.
func plainName(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// editDistance counts the letters to change, insert or drop to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Duration is an option that is a time: "10s", "2m30s", or a number of seconds.
//
//	request.Timeout = time.Duration(o.Timeout)
type Duration time.Duration

// UnmarshalJSON reads it.
func (d *Duration) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds <= 1e9 {
		*d = Duration(seconds * float64(time.Second))
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return errors.New(`want a time such as "10s" or a number of seconds`)
	}
	*d = Duration(parsed)
	return nil
}
