package api

import (
	"strings"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// Settings are what a reload may change. Handed over, they belong to the server: do not change them afterwards.
type Settings struct {
	RootPath  string   // optional prefix of every route, "/api"; "" = none
	KeyHeader string   // header with the key, for both schemes; "" = x-conserver-api-token
	CORS      []string // origins; "*" = any; none = no CORS headers
	TLS       bool     // redirects name https; needed only behind a proxy, our own TLS is seen

	// Keys open the main routes. Without any, the main routes are open to everybody: whoever makes the settings decides
	// whether that may listen on an address.
	Keys    []Key
	Ingress map[string]IngressList // keys of POST /vcon/external-ingress by list

	BodyLimit    int64         // bytes of one body, unpacked; more is 413; 0 = 128 MiB
	BodyInflight int64         // bytes of all bodies being read or handled; more is 503; 0 = 512 MiB, never below BodyLimit
	ReadTimeout  time.Duration // of a whole body; 0 = 60 s
	Connections  int           // open at once; more is 503; 0 = 4096

	Validation         vcon.Mode
	RejectUnknownLists bool            // a list that no chain reads is 422 instead of a warning
	Lists              map[string]bool // lists that some chain reads
	EgressFormat       string          // version that GET writes documents in: "0.0.1"; "" = as stored
	Dedupe             time.Duration   // external ingress: the same bytes for the same list within this are a retry; 0 = off
	Lifetime           time.Duration   // of a document that is never queued; 0 = for ever
	RestoreLifetime    time.Duration   // of a document put back from a storage; 0 = for ever
	MetricsPath        string          // of the metrics; "" = /metrics
	MetricsClosed      bool            // the metrics need the scope metrics
	EgressAck          time.Duration   // how long GET /vcon/egress?ack=true holds an id; 0 = 60 s
}

// ScopeAll stands for every scope that there is; CONSERVER_API_TOKEN has it.
const ScopeAll = "*"

// The scopes that this package's routes ask for.
const (
	scopeRead          = "read"
	scopeWrite         = "write"
	scopeDLQ           = "dlq"
	scopeUsage         = "usage"
	scopeMetrics       = "metrics"
	scopeAudit         = "audit"
	scopeAdmin         = "admin"
	scopeConfigRead    = "config:read"
	scopeConfigWrite   = "config:write"
	scopeConfigSecrets = "config:secrets"
)

// Hash recognises one key without holding it. config.KeyHash is one.
type Hash interface {
	// Matches compares in constant time.
	Matches(presented string) bool
}

// Key is one key of the main routes.
type Key struct {
	Name    string // for idempotency and operators; not the key
	Hash    Hash
	Scopes  []string  // read write dlq metrics admin config:read config:write config:secrets, or ScopeAll
	Expires time.Time // zero = never; afterwards it is a wrong key
}

// IngressList are the partners' keys of one ingress list.
type IngressList struct {
	Keys    []IngressKey
	Invalid bool // the configuration has something else than keys here: 403 as the Python server
}

// IngressKey is one partner's key.
type IngressKey struct {
	Name       string // "" = list#n
	Hash       Hash
	Expires    time.Time
	Validation vcon.Mode // Lenient = the server's mode
	Rate       float64   // requests a second; 0 = any number
	Burst      int       // requests at once; 0 = those of one second, at least one
	Quota      int64     // vCons in a UTC day; 0 = any number
}

const (
	defaultHeader       = "x-conserver-api-token"
	defaultBodyLimit    = 128 << 20
	defaultBodyInflight = 512 << 20
	defaultReadTimeout  = 60 * time.Second
	defaultConnections  = 4096
	defaultEgressAck    = 60 * time.Second
)

// orDefault is v, or d when v is the zero value.
func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// settings are Settings with the defaults filled in.
type settings struct {
	Settings
	header    []byte // KeyHeader
	anyOrigin bool
	origins   map[string]bool
	open      bool // no keys: the main routes are everybody's
}

func compile(in Settings) *settings {
	set := &settings{Settings: in, origins: map[string]bool{}}
	set.RootPath = "/" + strings.Trim(in.RootPath, "/")
	if set.RootPath == "/" {
		set.RootPath = ""
	}
	set.KeyHeader = orDefault(in.KeyHeader, defaultHeader)
	set.header = []byte(set.KeyHeader)
	set.BodyLimit = orDefault(in.BodyLimit, defaultBodyLimit)
	set.BodyInflight = max(orDefault(in.BodyInflight, defaultBodyInflight), set.BodyLimit)
	set.ReadTimeout = orDefault(in.ReadTimeout, defaultReadTimeout)
	set.Connections = orDefault(in.Connections, defaultConnections)
	set.MetricsPath = orDefault(in.MetricsPath, metricsRoute)
	set.EgressAck = orDefault(in.EgressAck, defaultEgressAck)
	set.open = len(in.Keys) == 0
	for _, o := range in.CORS {
		set.anyOrigin = set.anyOrigin || o == "*"
		set.origins[o] = true
	}
	return set
}
