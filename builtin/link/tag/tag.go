// Package tag is the builtin link "links.tag": it adds the tags that its options name. A tag that is there already is
// not added again. Source: vcon-server's link of the same name.
package tag

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link. Absent options mean no tags.
type Options struct {
	// Tags to add: "vip" (the tag vip with the value vip), "priority:high", or {name: priority, value: high}.
	Tags Tags `json:"tags"`
}

// Tags is a list of tags; one text stands for a list of one.
type Tags []link.Tag

// UnmarshalJSON reads every form of a tag and reports every wrong one.
func (t *Tags) UnmarshalJSON(data []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		items = []json.RawMessage{data}
	}
	var errs []error
	for i, item := range items {
		tag, err := parse(item)
		if err != nil {
			errs = append(errs, fmt.Errorf("item %d: %w", i+1, err))
			continue
		}
		*t = append(*t, tag)
	}
	return errors.Join(errs...)
}

func parse(item json.RawMessage) (link.Tag, error) {
	text, ok := scalar(item)
	if ok {
		name, value, hasValue := strings.Cut(text, ":")
		if !hasValue {
			value = name
		}
		return link.Tag{Name: name, Value: value}, checkName(name)
	}
	var pair struct {
		Name  json.RawMessage `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(item, &pair); err != nil {
		return link.Tag{}, errors.New(`want a text, "name:value" or {name, value}`)
	}
	name, hasName := scalar(pair.Name)
	value, hasValue := scalar(pair.Value)
	switch {
	case !hasName:
		return link.Tag{}, errors.New("a tag needs a name")
	case !hasValue && pair.Value != nil:
		return link.Tag{}, errors.New("the value of a tag must be a text")
	case !hasValue:
		value = name
	}
	return link.Tag{Name: name, Value: value}, checkName(name)
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name of a tag is empty")
	case strings.Contains(name, ":"):
		return errors.New("the name of a tag must not hold a colon")
	}
	return nil
}

// scalar is a text, or a number or truth value in its spelling: YAML makes those of unquoted words.
func scalar(item json.RawMessage) (string, bool) {
	var v any
	if len(item) == 0 || json.Unmarshal(item, &v) != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case float64, bool:
		return string(item), true
	}
	return "", false
}

// Run adds the tags.
func Run(c *link.Call) link.Result {
	var o Options
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	for _, tag := range o.Tags {
		if err := c.AddTag(tag.Name, tag.Value); err != nil {
			return link.Fail(err)
		}
	}
	return link.Done()
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem { return link.DecodeOptions(options, new(Options)) }
