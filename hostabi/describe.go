package hostabi

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// described is Grants for those who keep account: what is not granted is left out.
type described struct {
	Read    any               `json:"read,omitempty"`
	Write   any               `json:"write,omitempty"`
	Tags    bool              `json:"tags,omitempty"`
	HTTP    []string          `json:"http,omitempty"`
	Fetch   any               `json:"fetch,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`
	Queues  []string          `json:"queues,omitempty"`
	TTL     bool              `json:"ttl,omitempty"`
	Create  bool              `json:"create,omitempty"`
	KV      bool              `json:"kv,omitempty"`
}

// Describe is the grants as one line of JSON, written as allow: writes them. Equal grants give equal bytes, and no value of
// a secret is in it.
func (g Grants) Describe() []byte {
	d := described{Read: g.Read.describe(), Write: g.Write.describe(), Tags: g.Tags, HTTP: describeRules(g.HTTP.Rules),
		Queues: slices.Sorted(slices.Values(g.Queues)), TTL: g.TTL, Create: g.Create, KV: g.KV}
	switch {
	case g.Fetch.Any:
		d.Fetch = true
	case len(g.Fetch.Origins) > 0:
		d.Fetch = describeRules(g.Fetch.Origins)
	}
	for _, s := range slices.Backward(g.Secrets) { // of two with one name the first counts
		if d.Secrets == nil {
			d.Secrets = map[string]string{}
		}
		d.Secrets[s.name] = s.describe()
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic("hostabi: describe grants: " + err.Error()) // texts and booleans always encode
	}
	return text
}

// describe is nil for nothing, true for everything.
func (p Paths) describe() any {
	type limited struct {
		Allow  []string `json:"allow,omitempty"`
		Not    []string `json:"not,omitempty"`
		Within any      `json:"within,omitempty"`
	}
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	switch {
	case !p.All && len(p.Allow) == 0:
		return nil
	case p.Within != nil:
		return limited{sorted(p.Allow), sorted(p.Not), p.Within.describe()}
	case len(p.Not) > 0:
		return limited{Allow: sorted(p.Allow), Not: sorted(p.Not)}
	case p.All:
		return true
	}
	return sorted(p.Allow)
}

func describeRules(rules []outbound.Rule) []string {
	var all []string
	for _, r := range rules {
		text := r.String()
		if len(r.Methods) > 0 {
			text = strings.Join(slices.Sorted(slices.Values(r.Methods)), ",") + " " + text
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// describe says where a secret may go.
func (s Secret) describe() string {
	var hosts []string
	for _, h := range s.hosts {
		hosts = append(hosts, h.String())
	}
	slices.Sort(hosts)
	return s.in.String() + " to " + strings.Join(hosts, ", ")
}
