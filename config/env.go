package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Variable is one environment variable that vcon-server reads, or that we add, and what it does here.
type Variable struct {
	Name string
	// Default is what holds when it is not set, as documentation.
	Default string
	// Key is the setting that it stands for, "" if there is none in the file.
	Key string
	// Does says what it does; for one without effect it completes "has no effect here, because ...".
	Does string
	// NoEffect: its presence is named at start, unless Silent.
	NoEffect bool
	// Silent: it is set everywhere (HOSTNAME), so naming it would be noise.
	Silent bool

	apply func(l *loading, v string)
}

// Variables is the whole table. docs/configuration.md is generated from it.
func Variables() []Variable {
	return slices.Concat(ownVariables(), serverVariables(), logVariables(), otlpVariables(), strangeVariables())
}

func ownVariables() []Variable {
	return []Variable{
		{Name: "VCONDUIT_DATA", Default: "./data", Does: "folder of the embedded store and of admin.sock; `--data` wins",
			apply: func(l *loading, v string) { l.DataDir = v }},
		{Name: "VCONDUIT_LISTEN", Key: "server.listen", Does: "address to listen on; `--listen` wins",
			apply: func(l *loading, v string) { l.Server.Listen, l.Server.ListenSet = v, true }},
		{Name: "VCONDUIT_INSECURE", Default: "false", Key: "server.insecure", Does: "`1`: serve without any token on any address",
			apply: func(l *loading, v string) { l.assign("VCONDUIT_INSECURE", v, &l.Server.Insecure) }},
	}
}

func serverVariables() []Variable {
	return []Variable{
		{Name: "REDIS_URL", Key: "queue.redis.url", Does: "with `queue.store: auto` it chooses Redis as the store", apply: applyRedis},
		{Name: "CONSERVER_CONFIG_FILE", Default: "./config.yml", Does: "path of the config file; `--config` wins; without any file there are no chains",
			apply: readElsewhere},
		{Name: "CONSERVER_API_TOKEN", Does: "token with all scopes",
			apply: func(l *loading, v string) { l.token("CONSERVER_API_TOKEN", v) }},
		{Name: "CONSERVER_API_TOKEN_FILE", Does: "file with more such tokens, one a line; read again when it changes", apply: applyTokenFile},
		{Name: "CONSERVER_HEADER_NAME", Default: "x-conserver-api-token", Key: "server.key_header", Does: "header of both key schemes, and of followers' calls",
			apply: func(l *loading, v string) { l.Server.KeyHeader = v }},
		{Name: "API_ROOT_PATH", Default: "/api", Key: "server.root_path", Does: "optional prefix of every route",
			apply: func(l *loading, v string) { l.Server.RootPath = v }},
		{Name: "VCON_REDIS_EXPIRY", Default: "3600", Key: "queue.expiry", Does: "seconds; life of a finished vCon. Setting it also bounds what the embedded store would keep for ever",
			apply: func(l *loading, v string) {
				l.Queue.ExpirySet = l.assign("VCON_REDIS_EXPIRY", v, &l.Queue.Expiry) || l.Queue.ExpirySet
			}},
		{Name: "VCON_INDEX_EXPIRY", Default: "86400", Key: "queue.index_keep", Does: "seconds that the search index outlives the document, on Redis; the embedded store obeys `queue.index_keep` alone",
			apply: func(l *loading, v string) {
				keep := l.Queue.IndexKeep
				switch ok := l.assign("VCON_INDEX_EXPIRY", v, &keep); {
				case ok && l.Queue.Store == "redis":
					l.Queue.IndexKeep = keep
				case ok:
					l.variable(Info, "VCON_INDEX_EXPIRY", "has no effect here, because the embedded store obeys queue.index_keep alone")
				}
			}},
		{Name: "VCON_DLQ_EXPIRY", Default: "none", Does: "seconds after which a dead letter is purged, document and detail together; `0` or unset: never",
			apply: func(l *loading, v string) { l.assign("VCON_DLQ_EXPIRY", v, &l.Queue.DLQExpiry) }},
		{Name: "EGRESS_FORMAT_VERSION", Default: "none", Does: "`0.0.1`: reads, webhooks and storages give this version; per storage: `format_version`", apply: applyEgressFormat},
		{Name: "CONSERVER_WORKERS", Default: "1", Key: "server.workers", Does: "times CONSERVER_VCON_CONCURRENCY: vCons worked at once, unless `server.workers` says it", apply: applyWorkers},
		{Name: "CONSERVER_VCON_CONCURRENCY", Default: "1", Key: "server.workers", Does: "see CONSERVER_WORKERS", apply: applyWorkers},
		{Name: "VCON_SERVER_VERSION", Default: "the binary's", Does: "version that /version and the X-Vcon-Server-Version header give", apply: readElsewhere},
		{Name: "VCON_SERVER_GIT_COMMIT", Default: "the binary's", Does: "commit that /version and the X-Vcon-Server-Commit header give", apply: readElsewhere},
		{Name: "VCON_SERVER_BUILD_TIME", Default: "the binary's", Does: "build time that /version gives", apply: readElsewhere},
	}
}

func logVariables() []Variable {
	return []Variable{
		{Name: "LOG_LEVEL", Default: "info", Key: "telemetry.log.level", Does: "Python's names are taken too (WARNING, CRITICAL); vcon-server read it without effect", apply: applyLogLevel},
	}
}

// readElsewhere is for variables that have their effect outside a Config: Path, and the version of the binary.
func readElsewhere(*loading, string) {}

// strangeVariables are those without effect.
func strangeVariables() []Variable {
	none := func(name, because string) Variable { return Variable{Name: name, Does: because, NoEffect: true} }
	link := func(name, what string) Variable {
		return none(name, "this build has no "+what+"; write the key into its options as ${"+name+"}")
	}
	return []Variable{
		none("VCON_CONTEXT_EXPIRY", "the trace context is kept with the queued vCon and goes with it"),
		none("VCON_SORTED_SET_NAME", "it names a Redis key, and the embedded store has none"),
		none("VCON_STORAGE_FALLBACK_ENABLED", "a queued vCon never leaves the store; reads of finished ones always ask the storages too"),
		none("CONSERVER_PARALLEL_STORAGE", "a chain's storages are always written side by side, each retried alone"),
		none("CONSERVER_START_METHOD", "one process runs all workers; nothing is forked or spawned"),
		none("LOGGING_CONFIG_FILE", "it names a Python logging file; use telemetry.log"),
		none("SENTRY_DSN", "errors are logged, counted and kept with the dead letter; there is no Sentry client"),
		none("ENV", "it named the Sentry environment; use OTEL_RESOURCE_ATTRIBUTES"),
		link("GROQ_API_KEY", "Groq transcription"),
		link("OPENAI_API_KEY", "link that uses OpenAI"),
		link("DEEPGRAM_KEY", "Deepgram transcription"),
		link("SXT_API_KEY", "Space and Time storage"),
		link("SXT_VCON_TABLENAME", "Space and Time storage"),
		link("SXT_VCON_TABLE_WRITE_BISCUI", "Space and Time storage"),
		none("UUID8_DOMAIN_NAME", "vcon-server read it and did not use it either"),
		none("DNS_HOST", "the reverse proxy and the installer read it, not the server"),
		none("DNS_REGISTRATION_EMAIL", "the reverse proxy and the installer read it, not the server"),
		none("CONSERVER_EXTERNAL_PORT", "compose maps the port; use server.listen"),
		none("REDIS_EXTERNAL_PORT", "compose maps the port; use REDIS_URL"),
		none("COMPOSE_PROFILES", "compose reads it, not the server"),
		none("TICK_INTERVAL", "vcon-server read it and did not use it either"),
		none("WEVIATE_HOST", "vcon-server read it and did not use it either"),
		none("WEVIATE_API_KEY", "vcon-server read it and did not use it either"),
		none("VCON_SORTED_FORCE_RESET", "vcon-server read it and did not use it either"),
		none("VCON_STORAGE", "vcon-server read it and did not use it either"),
		{Name: "HOSTNAME", Does: "vcon-server read it and did not use it either", NoEffect: true, Silent: true},
	}
}

// environment applies every variable that is set.
func (l *loading) environment() {
	for _, v := range Variables() {
		text, ok := l.env.get(v.Name)
		switch {
		case !ok:
		case v.apply != nil:
			v.apply(l, text)
		case !v.Silent:
			l.variable(Info, v.Name, "has no effect here, because "+v.Does)
		}
	}
}

// variable reports on an environment variable; values are never shown.
func (l *loading) variable(s Severity, name, message string) {
	l.list = append(l.list, Problem{Severity: s, Code: codeEnv, Path: name, Message: message})
}

// assign parses v into what to points at; numbers and durations must not be negative.
func (l *loading) assign(name, v string, to any) bool {
	target := reflect.ValueOf(to).Elem()
	old := reflect.ValueOf(target.Interface())
	if err := setText(target, v); err != nil {
		l.variable(Error, name, "its value "+err.Error())
		return false
	}
	if target.CanInt() && target.Int() < 0 {
		target.Set(old)
		l.variable(Error, name, "its value is negative")
		return false
	}
	return true
}

func applyRedis(l *loading, v string) {
	if l.set("queue.redis.url") && len(l.Queue.Redis.URL) > 0 && (len(l.Queue.Redis.URL) > 1 || string(l.Queue.Redis.URL[0].URL) != v) {
		l.variable(Warning, "REDIS_URL", "wins over queue.redis.url, which says something else")
	}
	l.Queue.Redis.URL = []Shard{{URL: URL(v)}}
	if l.Queue.Store == "auto" {
		l.Queue.Store = "redis"
	}
}

func (l *loading) token(from, v string) {
	l.Auth.Tokens = append(l.Auth.Tokens, HashKey(v))
	if len(v) < 16 {
		l.variable(Warning, from, fmt.Sprintf("a token of %d characters can be guessed; openssl rand -hex 32 makes a good one", len(v)))
	}
}

func applyTokenFile(l *loading, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		l.variable(Error, "CONSERVER_API_TOKEN_FILE", "the file it names cannot be read")
		return
	}
	l.tokenFile = path
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			l.token("CONSERVER_API_TOKEN_FILE", line)
		}
	}
}

func applyEgressFormat(l *loading, v string) {
	if v != "0.0.1" {
		l.variable(Error, "EGRESS_FORMAT_VERSION", "only 0.0.1 is supported")
		return
	}
	l.Server.EgressFormat = v
}

// applyWorkers runs for both variables; the second finds the same product.
func applyWorkers(l *loading, _ string) {
	product := 1
	for _, name := range []string{"CONSERVER_WORKERS", "CONSERVER_VCON_CONCURRENCY"} {
		if v, ok := l.env.get(name); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				l.variable(Error, name, "its value is no whole number")
				return
			}
			product *= max(n, 1)
		}
	}
	if !l.set("server.workers") {
		l.Server.Workers = min(product, 1<<16)
	}
}

func applyLogLevel(l *loading, v string) {
	level := strings.ToLower(v)
	switch level {
	case "debug", "info", "warn", "error":
	case "warning":
		level = "warn"
	case "critical", "fatal":
		level = "error"
	case "notset", "trace":
		level = "debug"
	default:
		l.variable(Warning, "LOG_LEVEL", "is no level; use debug, info, warn or error")
		return
	}
	l.Telemetry.Log.Level = level
}
