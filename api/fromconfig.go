package api

import (
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/vcon"
)

// SettingsFrom are the settings that a configuration asks for. Lists are those of all chains, also of held and disabled
// ones: their lists keep what they get. RestoreLifetime is queue.expiry, Lifetime too if the operator set it himself.
func SettingsFrom(c *config.Config) Settings {
	set := Settings{
		RootPath: c.Server.RootPath, KeyHeader: c.Server.KeyHeader, CORS: c.Server.CORS,
		BodyLimit: int64(c.Server.BodyLimit), BodyInflight: int64(c.Server.BodyInflight),
		ReadTimeout: c.Server.ReadTimeout, Connections: c.Server.Connections,
		Validation:         modes[c.Server.Validation],
		RejectUnknownLists: c.Server.UnknownLists == "reject",
		Lists:              map[string]bool{},
		Ingress:            map[string]IngressList{},
		EgressFormat:       c.Server.EgressFormat,
		Dedupe:             c.Queue.Dedupe,
		RestoreLifetime:    c.Queue.Expiry,
		MetricsPath:        c.Telemetry.Prometheus.Path,
		MetricsClosed:      !c.Telemetry.Prometheus.Open,
	}
	if c.Queue.ExpirySet {
		set.Lifetime = c.Queue.Expiry
	}
	for _, chain := range c.Chains {
		for _, list := range chain.IngressLists {
			set.Lists[list] = true
		}
	}
	for _, list := range c.IngressAuth {
		set.Ingress[list.List] = ingressFrom(list)
	}
	set.Keys = keysFrom(c.Auth)
	return set
}

var modes = map[string]vcon.Mode{"lenient": vcon.Lenient, "strict": vcon.Strict, "upstream": vcon.Upstream}

func keysFrom(a config.Auth) []Key {
	var keys []Key
	for _, t := range a.Tokens {
		keys = append(keys, Key{Name: "token", Hash: t, Scopes: []string{ScopeAll}})
	}
	for _, k := range a.Keys {
		keys = append(keys, Key{Name: k.Name, Hash: k.Key, Scopes: k.Scopes, Expires: k.Expires})
	}
	return keys
}

func ingressFrom(list config.IngressList) IngressList {
	out := IngressList{Invalid: len(list.Keys) == 0}
	for _, k := range list.Keys {
		out.Keys = append(out.Keys, IngressKey{Name: k.Name, Hash: k.Key, Expires: k.Expires, Validation: modes[k.Validation],
			Rate: k.Rate.PerSecond(), Burst: k.Burst, Quota: int64(k.Quota.Count)})
	}
	return out
}
