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
	key   string // path, `*` for a name or an index
	needs string
}

func notEnforced() []unenforced {
	const modules, accounts, breaker = "the module engine", "counting per key", "the circuit breaker"
	return []unenforced{
		{"ingress_auth.*.rate", accounts}, // one key for the list
		{"ingress_auth.*.burst", accounts},
		{"ingress_auth.*.quota", accounts},
		{"ingress_auth.*.tenant", accounts},
		{"ingress_auth.*.*.rate", accounts}, // a list of keys
		{"ingress_auth.*.*.burst", accounts},
		{"ingress_auth.*.*.quota", accounts},
		{"ingress_auth.*.*.tenant", accounts},
		{"queue.reshard_window", "the Redis store"},
		{"telemetry.otlp.endpoint", "the OTLP exporter"},
		{"telemetry.log.guest", modules},
		{"sandbox", modules},
		{"modules", modules},
		{"links.*.sha256", modules},
		{"links.*.limits", modules},
		{"links.*.isolation", modules},
		{"links.*.engine", modules},
		{"links.*.shadow", modules},
		{"links.*.input", modules},
		{"links.*.output", modules},
		{"links.*.breaker", breaker},
		{"followers", "the follower"},
	}
}

// enforcement warns of each such key that the file sets.
func (l *loading) enforcement() {
	for _, u := range notEnforced() {
		pattern := strings.Split(u.key, ".")
		for path, n := range l.seen {
			empty := n.kind == nullNode || n.text == "" && len(n.items) == 0
			if empty || !matches(pattern, splitPath(path)) {
				continue
			}
			l.add(Warning, codeNotEnforced, n.pos, path, "this build reads the key but does not obey it",
				fmt.Sprintf("it needs %s, which is not built in", u.needs))
		}
	}
	if l.Telemetry.OTLP.Endpoint != "" && !l.set("telemetry.otlp.endpoint") {
		l.variable(Warning, "OTEL_EXPORTER_OTLP_ENDPOINT", "nothing is sent: this build has no OTLP exporter")
	}
}

func matches(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == "*" || p == s })
}

// splitPath undoes keyPath and indexPath: a["b.c"][3] is a, b.c, 3.
func splitPath(path string) []string {
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
