// Package tag_router is the builtin link "links.tag_router": a vCon goes to the lists that its tags name.
// Source: vcon-server's link of the same name.
package tag_router

import (
	"encoding/json"
	"errors"
	"slices"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link.
type Options struct {
	// TagRoutes: the name of a tag, and the list or lists that vCons with it go to; a value of the tag does not matter.
	// None: the link does nothing but say so in the log.
	TagRoutes map[string]Lists `json:"tag_routes"`
	// ForwardOriginal: the vCon goes on in its chain, too; false: the chain is halted, whether a tag matched or not.
	ForwardOriginal bool `json:"forward_original"`
}

// DefaultOptions route nothing, and let everything pass.
func DefaultOptions() Options { return Options{ForwardOriginal: true} }

// Lists are names of lists; one text stands for a list of one.
type Lists []string

// UnmarshalJSON reads both forms.
func (l *Lists) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = Lists{one}
	} else if json.Unmarshal(data, (*[]string)(l)) != nil {
		return errors.New("want the name of a list, or several")
	}
	if len(*l) == 0 || slices.Contains(*l, "") {
		return errors.New("the name of a list is missing")
	}
	return nil
}

// Targets are all lists that vCons may go to, each once, sorted.
func (o *Options) Targets() []string {
	var all []string
	for _, lists := range o.TagRoutes {
		all = append(all, lists...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

// Run routes the vCon, once to each list.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	if len(o.TagRoutes) == 0 {
		c.Logf(link.LevelWarn, "option tag_routes names no tag: nothing is routed")
		return link.NoChange()
	}
	routed, err := route(c, o.TagRoutes)
	if err != nil {
		return link.Fail(err)
	}
	if routed > 0 {
		c.Count("conserver.link.tag_router.routes_matched", float64(routed))
		c.Count("conserver.link.tag_router.routed_count", 1)
	}
	switch {
	case !o.ForwardOriginal:
		return link.Halt()
	case routed > 0:
		return link.Done() // what was asked for outside the document counts only then
	}
	return link.NoChange()
}

// route gives how many tags matched.
func route(c *link.Call, routes map[string]Lists) (matched int, err error) {
	tags, err := c.Tags()
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, tag := range tags {
		lists, ok := routes[tag.Name]
		if !ok || seen[tag.Name] {
			continue
		}
		seen[tag.Name] = true
		matched++
		for _, list := range lists {
			if err := c.Route(list); err != nil {
				return matched, err
			}
		}
	}
	return matched, nil
}
