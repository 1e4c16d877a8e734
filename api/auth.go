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
	mode   vcon.Mode // of an ingress key
	denial string    // authIngress: the 403 to come
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
	key := match(c.set.Keys, c.presented())
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
func match(keys []Key, presented []byte) *Key {
	var found *Key
	for i := range keys {
		if k := &keys[i]; k.Hash.Matches(string(presented)) && fresh(k.Expires) {
			found = k
		}
	}
	if len(presented) == 0 {
		return nil
	}
	return found
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
	found := -1
	for i := range list.Keys {
		if k := &list.Keys[i]; k.Hash.Matches(string(presented)) && fresh(k.Expires) {
			found = i
		}
	}
	if found < 0 {
		return fmt.Sprintf("Invalid API Key for ingress list '%s'", name)
	}
	k := &list.Keys[found]
	c.who.name, c.who.mode = k.Name, k.Validation
	if k.Name == "" {
		c.who.name = name + "#" + strconv.Itoa(found+1)
	}
	return ""
}
