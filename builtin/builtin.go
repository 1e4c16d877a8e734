// Package builtin is the tables of what comes with the server: links, by the names that configs call them.
//
// A builtin link gets its capabilities from its own options: what an operator wrote there is granted, private addresses
// included, and nothing else. Modules are granted what their config allows; that is not decided here.
package builtin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/builtin/link/delay"
	"github.com/vconduit/vconduit/builtin/link/diet"
	"github.com/vconduit/vconduit/builtin/link/expire_vcon"
	"github.com/vconduit/vconduit/builtin/link/jq_link"
	"github.com/vconduit/vconduit/builtin/link/sampler"
	"github.com/vconduit/vconduit/builtin/link/tag"
	"github.com/vconduit/vconduit/builtin/link/tag_router"
	"github.com/vconduit/vconduit/builtin/link/webhook"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	link "github.com/vconduit/vconduit/sdk/go"
)

// Link is one builtin link.
type Link struct {
	Run       link.Func
	Options   any                                                   // zero value of its options, for documentation
	Check     func(options json.RawMessage) []link.Problem          // everything that is wrong with options
	Grants    func(options json.RawMessage) (hostabi.Grants, error) // what the options imply
	SendsHTTP bool                                                  // its answers are remembered unless memo: false
}

// links is the table. Old configs write "server.links.tag" too.
func links() map[string]Link {
	return map[string]Link{
		"links.delay":       {Run: delay.Run, Options: delay.Options{}, Check: delay.Check, Grants: delayGrants},
		"links.diet":        {Run: diet.Run, Options: diet.Options{}, Check: diet.Check, Grants: dietGrants, SendsHTTP: true},
		"links.expire_vcon": {Run: expire_vcon.Run, Options: expire_vcon.Options{}, Check: expire_vcon.Check, Grants: expireGrants},
		"links.jq_link":     {Run: jq_link.Run, Options: jq_link.Options{}, Check: jq_link.Check, Grants: readGrants},
		"links.sampler":     {Run: sampler.Run, Options: sampler.Options{}, Check: sampler.Check, Grants: samplerGrants},
		"links.tag":         {Run: tag.Run, Options: tag.Options{}, Check: tag.Check, Grants: tagGrants},
		"links.tag_router":  {Run: tag_router.Run, Options: tag_router.Options{}, Check: tag_router.Check, Grants: tagRouterGrants},
		"links.webhook":     {Run: webhook.Run, Options: webhook.Options{}, Check: webhook.Check, Grants: webhookGrants, SendsHTTP: true},
	}
}

// LinkNames are the modules that FindLink knows, sorted.
func LinkNames() []string { return slices.Sorted(maps.Keys(links())) }

// FindLink gives the builtin link of a module name: "links.tag", "server.links.tag".
func FindLink(module string) (Link, bool) {
	l, ok := links()[strings.TrimPrefix(module, "server.")]
	return l, ok
}

// ErrUnknown: no builtin has this name.
var ErrUnknown = errors.New("builtin: no such module")

// OpenedLink is a builtin link with its options, ready to stand in a chain.
type OpenedLink struct {
	chain.Link
	Options  json.RawMessage // an object
	Grants   hostabi.Grants
	Limits   hostabi.Limits
	Memo     bool           // default of memo:
	Warnings []link.Problem // options that do nothing
}

// OpenLink makes a builtin link. Nothing is connected to. Errors: ErrUnknown; *link.OptionsError with all problems.
func OpenLink(module string, options json.RawMessage) (*OpenedLink, error) {
	l, ok := FindLink(module)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, module)
	}
	if s := strings.TrimSpace(string(options)); s == "" || s == "null" {
		options = json.RawMessage("{}")
	}
	opened := &OpenedLink{Link: native{l.Run}, Options: options, Limits: hostabi.Unlimited(), Memo: l.SendsHTTP}
	var wrong []link.Problem
	for _, p := range l.Check(options) {
		if p.Warn {
			opened.Warnings = append(opened.Warnings, p)
		} else {
			wrong = append(wrong, p)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s: %w", module, &link.OptionsError{Problems: wrong})
	}
	var err error
	if opened.Grants, err = l.Grants(options); err != nil {
		return nil, fmt.Errorf("%s: %w", module, err)
	}
	return opened, nil
}
