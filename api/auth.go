package api

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// auth is how a route is guarded.
type auth uint8

const (
	authOpen    auth = iota // nobody is asked
	authKey                 // a key of Settings.Keys with the route's scope
	authIngress             // a key of Settings.Ingress for the list in the query; the handler answers the denial
)

// caller is who asks, as far as known.
type caller struct {
	name   string // of the key, never the key; "" = nobody in particular
	owner  bool   // of the process: ServeAdmin
	all    bool   // every scope
	scopes []string
	mode   vcon.Mode     // of an ingress key
	quota  int64         // of an ingress key; 0 = none
	wait   time.Duration // until an ingress key may come again; 0 = now
	denial string        // authIngress: the 403 to come
}

func (w *caller) has(scope string) bool {
	return w.all || slices.Contains(w.scopes, scope) || slices.Contains(w.scopes, ScopeAll)
}

// authorize finds out who calls and whether that is enough for the route: "" or the detail of the 403.
func (c *call) authorize(rt *route) string {
	if _, ok := c.ctx.Conn().(ownerConn); ok {
		c.who = caller{name: "owner", owner: true, all: true}
	}
	switch {
	case rt.auth == authIngress:
		return c.authorizeIngress()
	case c.who.owner, rt.auth == authOpen && !(rt.scope == scopeMetrics && c.set.MetricsClosed):
		return ""
	case c.set.open:
		c.who.all = true
		return ""
	}
	key, expired := match(c.set.Keys, c.presented())
	if key == nil && expired != nil {
		c.s.metrics.refused.WithLabelValues(expired.Name, refusedExpired).Inc()
	}
	if key == nil {
		return "Invalid API Key"
	}
	c.who.name, c.who.scopes = key.Name, key.Scopes
	if !c.who.has(rt.scope) {
		return lacks(rt.scope)
	}
	return ""
}

// presented is the key that the request carries; nil = none.
func (c *call) presented() []byte { return c.ctx.Request.Header.PeekBytes(c.set.header) }

// match asks every key, so that the time taken does not tell which one it was.
func match(keys []Key, presented []byte) (found, expired *Key) {
	for i := range keys {
		switch k := &keys[i]; {
		case !k.Hash.Matches(string(presented)):
		case fresh(k.Expires):
			found = k
		default:
			expired = k
		}
	}
	if len(presented) == 0 {
		return nil, nil
	}
	return found, expired
}

func lacks(scope string) string { return "Key lacks scope " + scope }

func fresh(expires time.Time) bool { return expires.IsZero() || time.Now().Before(expires) }

// authorizeIngress checks a partner's key; the texts and their order are the Python server's.
func (c *call) authorizeIngress() string {
	presented := c.presented()
	if len(presented) == 0 {
		return "API Key required"
	}
	if len(c.set.Ingress) == 0 {
		return "No ingress authentication configured"
	}
	name := c.query().text("ingress_list")
	list, ok := c.set.Ingress[name]
	if !ok {
		return fmt.Sprintf("Ingress list '%s' not configured", name)
	}
	if list.Invalid {
		return fmt.Sprintf("Invalid configuration for ingress list '%s'", name)
	}
	found, expired := -1, -1
	for i := range list.Keys {
		switch k := &list.Keys[i]; {
		case !k.Hash.Matches(string(presented)):
		case fresh(k.Expires):
			found = i
		default:
			expired = i
		}
	}
	if found < 0 {
		if expired >= 0 {
			c.s.metrics.refused.WithLabelValues(list.account(name, expired), refusedExpired).Inc()
		}
		return fmt.Sprintf("Invalid API Key for ingress list '%s'", name)
	}
	k := &list.Keys[found]
	c.who.name, c.who.mode, c.who.quota = list.account(name, found), k.Validation, k.Quota
	c.who.wait = c.s.limits.wait(c.who.name, k)
	return ""
}

// account names a key where it is counted: by its name, else list#n.
func (l *IngressList) account(list string, i int) string {
	if name := l.Keys[i].Name; name != "" {
		return name
	}
	return list + "#" + strconv.Itoa(i+1)
}
