package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// unenforced is a key that this build reads and checks but does not obey. A key that is read in silence is the defect
// that operators of vcon-server know (`enabled`, `timeout`); so each is named until the code behind it is there.
// Delete its line then; TestUnenforced keeps the table to keys that exist.
type unenforced struct {
	key    string // path, `*` for a name or an index
	needs  string
	obeyed []string // the values that are obeyed, if there are any
}

func notEnforced() []unenforced {
	const fuel, modules, redis = "metering of fuel", "signatures and locks of modules", "the Redis store"
	return []unenforced{
		{key: "ingress_auth.*.tenant", needs: fuel},   // one key for the list
		{key: "ingress_auth.*.*.tenant", needs: fuel}, // a list of keys
		{key: "queue.index_keep", needs: "an index that outlives its documents"},
		{key: "queue.reshard_window", needs: redis},
		{key: "queue.redis.documents", needs: redis},
		{key: "queue.redis.durability", needs: redis},
		{key: "queue.redis.replicas", needs: redis},
		{key: "sandbox.defaults.fuel", needs: fuel},
		{key: "sandbox.ceiling.limits.fuel", needs: fuel},
		{key: "sandbox.tenants", needs: fuel},
		{key: "sandbox.pool", needs: "the pool of guests"},
		{key: "modules.lock", needs: modules},
		{key: "modules.sources.*.verify", needs: modules},
		{key: "links.*.limits.fuel", needs: fuel},
		{key: "links.*.isolation", needs: "instances that outlive a run", obeyed: []string{"vcon", "fresh"}}, // both: a fresh one for each
		{key: "links.*.shadow", needs: "shadow runs"},
		{key: "links.*.signed_write", needs: "amended copies", obeyed: []string{"fail"}},
		{key: "followers", needs: "the follower"},
	}
}

// enforcement warns of each such key that the file sets.
func (l *loading) enforcement() {
	for _, u := range notEnforced() {
		pattern := strings.Split(u.key, ".")
		for path, n := range l.seen {
			empty := n.kind == nullNode || n.text == "" && len(n.items) == 0
			if empty || slices.Contains(u.obeyed, n.text) || !matches(pattern, SplitPath(path)) {
				continue
			}
			l.add(Warning, codeNotEnforced, n.pos, path, "this build reads the key but does not obey it",
				fmt.Sprintf("it needs %s, which is not built in", u.needs))
		}
	}
}

func matches(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == "*" || p == s })
}

// SplitPath takes the Path of a Problem apart: a["b.c"][3] is "a", "b.c", "3".
func SplitPath(path string) []string {
	var out []string
	for path != "" {
		switch {
		case strings.HasPrefix(path, `["`):
			quoted, _ := strconv.QuotedPrefix(path[1:])
			name, _ := strconv.Unquote(quoted)
			out, path = append(out, name), path[len(quoted)+2:]
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			out, path = append(out, path[1:end]), path[end+1:]
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			out, path = append(out, path[:end]), path[end:]
		}
	}
	return out
}
