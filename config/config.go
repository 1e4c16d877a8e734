// Package config reads config.yml: vconduit's own file and, unchanged, the one of the Python vcon-server.
//
// It guarantees that all problems of a file are reported at once, each with its line, a hint and the nearest known
// name; that order is kept wherever a map's order means something (list priority, fallback order); that scalars below
// `options:` become what PyYAML made of them; and that keys, tokens and passwords never show when a value is printed,
// logged or marshalled. A Config is immutable once loaded: read it from as many goroutines as wanted.
//
// Only bad YAML, wrong types and bad values refuse a file. A chain that cannot be built is held: see Chain.Held.
//
// Left to others: which modules exist (Options.Known), the grammar of list names (Options.CheckList), the meaning of
// `options:`, and every effect of a setting.
package config

import (
	"encoding/json"
	"time"
)

// Config is a whole configuration with flags, environment, file and defaults already merged, in this order.
type Config struct {
	Server      Server        `config:"server"`
	Auth        Auth          `config:"auth"`
	IngressAuth []IngressList `config:"ingress_auth"`
	Queue       Queue         `config:"queue"`
	Telemetry   Telemetry     `config:"telemetry"`
	Sandbox     Sandbox       `config:"sandbox"`
	Modules     Modules       `config:"modules"`
	Imports     []Import      `config:"imports"`
	Links       []Link        `config:"links"`
	Storages    []Storage     `config:"storages"`
	Tracers     []Tracer      `config:"tracers"`
	Chains      []Chain       `config:"chains"`
	Followers   []Follower    `config:"followers"`

	// File is the path of the file read, "" when there is none.
	File string `config:"-"`
	// DataDir is where the embedded store and admin.sock live: --data, VCONDUIT_DATA, else "./data".
	DataDir string `config:"-"`
	// VconServer is true for a file in which no key is ours: one that a Python vcon-server may have run until now.
	VconServer bool `config:"-"`

	tokenFile string
}

func (Config) openKeys() {}

// Server is the section `server`.
type Server struct {
	// Listen is host:port. When nobody sets it: 0.0.0.0:8000 with a token, 127.0.0.1:8000 without. ListenSet tells.
	Listen string `config:"listen"`
	// Insecure allows a Listen that is not loopback although there is no token.
	Insecure bool `config:"insecure"`
	// CORS are the allowed origins, ["*"] by default as in Python; empty = none.
	CORS []string `config:"cors"`
	// RootPath is an optional prefix: every route answers bare and prefixed. "" = no prefix. Default /api.
	RootPath string `config:"root_path"`
	// KeyHeader is the header of both key schemes.
	KeyHeader string `config:"key_header"`
	TLS       TLS    `config:"tls"`
	// BodyLimit is the largest request body, after decompression.
	BodyLimit Size `config:"body_limit" min:"1"`
	// BodyInflight bounds the sum over requests being read.
	BodyInflight Size `config:"body_inflight" min:"1"`
	// ReadTimeout is for a whole body.
	ReadTimeout time.Duration `config:"read_timeout" min:"1"`
	Connections int           `config:"connections" min:"1"`
	// Drain is how long running chains may finish after SIGTERM.
	Drain time.Duration `config:"drain" min:"0"`
	// Workers is how many vCons are worked at once: this key, else CONSERVER_WORKERS x CONSERVER_VCON_CONCURRENCY, else
	// 2 x cores.
	Workers int `config:"workers" min:"1"`
	// Validation is lenient, strict or upstream.
	Validation string `config:"validation" oneof:"lenient|strict|upstream"`
	// UnknownLists is accept or reject.
	UnknownLists string `config:"unknown_lists" oneof:"accept|reject"`

	// ListenSet says that the operator chose Listen (flag, environment or file).
	ListenSet bool `config:"-"`
	// EgressFormat is "" or "0.0.1", the version that reads, webhooks and some storages give (EGRESS_FORMAT_VERSION).
	EgressFormat string `config:"-"`
}

// TLS names PEM files, relative to the config file; both or neither.
type TLS struct {
	Cert string `config:"cert"`
	Key  string `config:"key"`
}

// Queue is the section `queue`.
type Queue struct {
	// Store is embedded or redis once loaded; auto is resolved: redis if REDIS_URL or queue.redis.url is set.
	Store string `config:"store" oneof:"auto|embedded|redis"`
	Redis Redis  `config:"redis"`
	// Order between lists: fair or strict (config order, as Python).
	Order  string        `config:"order" oneof:"fair|strict"`
	Lease  time.Duration `config:"lease" min:"1s" max:"1h"`
	Tries  int           `config:"tries" min:"1"`
	Dedupe time.Duration `config:"dedupe" min:"0"`
	// Expiry is the life of a finished vCon that a storage holds, or of a halted one.
	Expiry time.Duration `config:"expiry" min:"0"`
	// EgressExpiry is at least given to a vCon on an egress list that no storage holds.
	EgressExpiry time.Duration `config:"egress_expiry" min:"0"`
	// IndexKeep is how long the search index outlives the document: 0 = for ever (the default on embedded), 24h on Redis.
	IndexKeep     time.Duration `config:"index_keep" min:"0"`
	ReshardWindow time.Duration `config:"reshard_window" min:"0"`

	// ExpirySet says that the operator chose Expiry (queue.expiry or VCON_REDIS_EXPIRY); if not, the embedded store keeps
	// what no storage holds for ever.
	ExpirySet bool `config:"-"`
	// DLQExpiry purges dead letters after this time; 0 = never, also when VCON_DLQ_EXPIRY is not set.
	DLQExpiry time.Duration `config:"-"`
}

// Redis is `queue.redis`.
type Redis struct {
	// URL is empty, one, or a list of shards.
	URL        []Shard `config:"url"`
	Documents  string  `config:"documents" oneof:"auto|json|string"`
	Durability string  `config:"durability" oneof:"server|fsync"`
	Replicas   int     `config:"replicas" min:"0"`
}

// Shard is one Redis. Drain: nothing new is put there.
type Shard struct {
	URL   URL  `config:"url"`
	Drain bool `config:"drain"`
}

// Telemetry is the section `telemetry`.
type Telemetry struct {
	Log        Log        `config:"log"`
	Prometheus Prometheus `config:"prometheus"`
	OTLP       OTLP       `config:"otlp"`
}

// Log is `telemetry.log`.
type Log struct {
	Level  string `config:"level" oneof:"debug|info|warn|error"`
	Format string `config:"format" oneof:"auto|text|json"`
	// Guest is the least level of lines that links print; off = none.
	Guest string `config:"guest" oneof:"debug|info|warn|error|off"`
}

// Prometheus is `telemetry.prometheus`. Open: no key needed, else scope metrics.
type Prometheus struct {
	Path string `config:"path"`
	Open bool   `config:"open"`
}

// OTLP is `telemetry.otlp`; OTEL_* variables win. Endpoint "" and no Datadog key = off.
type OTLP struct {
	Endpoint string   `config:"endpoint"`
	Protocol string   `config:"protocol" oneof:"grpc|http/protobuf"`
	Headers  []Header `config:"headers"`
	// Traces is the sampled share, 0 to 1.
	Traces float64 `config:"traces" min:"0" max:"1"`

	Insecure       bool          `config:"-"` // OTEL_EXPORTER_OTLP_INSECURE
	Service        string        `config:"-"` // OTEL_SERVICE_NAME, else service.name of Resource, else vcon-server
	Resource       []Attribute   `config:"-"` // OTEL_RESOURCE_ATTRIBUTES
	MetricInterval time.Duration `config:"-"` // OTEL_METRIC_EXPORT_INTERVAL, default 5s
	Delta          bool          `config:"-"` // OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
	Datadog        Datadog       `config:"-"`
}

// Attribute is one attribute of the resource that telemetry is about.
type Attribute struct{ Name, Value string }

// Datadog is where metrics go without an agent: DD_API_KEY and DD_SITE. It is in force only while Endpoint is "".
type Datadog struct {
	Key  Secret
	Site string // default datadoghq.com
}

// Header is one HTTP header with a value that may be a credential.
type Header struct {
	Name  string `config:",name"`
	Value Secret `config:",value"`
}

// Import is one entry of `imports`: a module to fetch before the chains start, or a Python one, which is ignored.
type Import struct {
	Name    string `config:",name"`
	Module  string `config:"module"`
	PipName string `config:"pip_name"`
	Pos     Pos    `config:"-"`
}

func (Import) openKeys()           {}
func (i *Import) setPos(p Pos)     { i.Pos = p }
func (i *Import) setText(s string) { i.Module = s }

// Storage is one entry of `storages`.
type Storage struct {
	Name string `config:",name"`
	// Module is canonical (storage.s3); Written is what the file says (server.storage.s3).
	Module  string     `config:"module"`
	Written string     `config:"-"`
	Options RawOptions `config:"options"`
	// Timeout is for one save.
	Timeout time.Duration `config:"timeout" min:"1"`
	// RetryFor is how long a failing save is tried before the vCon goes to the storage's DLQ.
	RetryFor time.Duration `config:"retry_for" min:"0"`
	// FormatVersion is "" or "0.0.1".
	FormatVersion string `config:"format_version" oneof:"|0.0.1"`
	Pos           Pos    `config:"-"`
}

func (Storage) openKeys()       {}
func (s *Storage) setPos(p Pos) { s.Pos = p }
func (s *Storage) setDefaults() { s.Timeout, s.RetryFor = 10*time.Second, time.Hour }

// Tracer is one entry of `tracers`.
type Tracer struct {
	Name    string     `config:",name"`
	Module  string     `config:"module"`
	Written string     `config:"-"`
	PipName string     `config:"pip_name"`
	Options RawOptions `config:"options"`
	Pos     Pos        `config:"-"`
}

func (Tracer) openKeys()       {}
func (t *Tracer) setPos(p Pos) { t.Pos = p }

// Follower is one entry of `followers`: a peer whose egress list is read into a list of ours. All keys are required.
type Follower struct {
	Name string `config:",name"`
	// URL is the base of the peer's API, with /api if it needs one.
	URL                 URL           `config:"url"`
	EgressList          string        `config:"egress_list"`
	FollowerIngressList string        `config:"follower_ingress_list"`
	AuthToken           Secret        `config:"auth_token"`
	PullingInterval     time.Duration `config:"pulling_interval" min:"1s"`
	FetchVconLimit      int           `config:"fetch_vcon_limit" min:"1"`
	Pos                 Pos           `config:"-"`
}

func (Follower) openKeys()       {}
func (f *Follower) setPos(p Pos) { f.Pos = p }

// Chain is one entry of `chains`.
type Chain struct {
	Name     string    `config:",name"`
	Links    []LinkRef `config:"links"`
	Storages []string  `config:"storages"`
	// IngressLists are the lists that this chain reads. A list that several chains name is left with the last enabled
	// one only, so no list is in two chains.
	IngressLists []string `config:"ingress_lists"`
	EgressLists  []string `config:"egress_lists"`
	// Egress is after_storages, saved_only or first.
	Egress string `config:"egress" oneof:"after_storages|saved_only|first"`
	// Tracers by name; nil (key absent) = all, empty = none.
	Tracers []string `config:"tracers"`
	// Timeout is for all links of one run, waits included, storages not; 0 = none.
	Timeout time.Duration `config:"timeout" min:"0"`
	Weight  int           `config:"weight" min:"1"`
	// Enabled false: its lists keep what they have.
	Enabled bool `config:"enabled"`

	// Held is why this chain cannot be built, one reason a line; empty = it can. A held chain's lists accept and keep.
	Held []string `config:"-"`
	Pos  Pos      `config:"-"`
}

func (Chain) openKeys()       {}
func (c *Chain) setPos(p Pos) { c.Pos = p }
func (c *Chain) setDefaults() { c.Egress, c.Weight, c.Enabled = "after_storages", 1, true }

// LinkRef is a step of a chain: a link by name, with options laid over the link's own (top level only).
type LinkRef struct {
	Name    string
	Options RawOptions
	Pos     Pos
}

// Link gives the link that ref names, with ref's options laid over its own; false if no such link is defined.
func (c *Config) Link(ref LinkRef) (Link, bool) {
	for _, l := range c.Links {
		if l.Name == ref.Name {
			l.overlay(ref.Options)
			return l, true
		}
	}
	return Link{}, false
}

// Storage finds a storage by name.
func (c *Config) Storage(name string) (Storage, bool) { return find(c.Storages, name, Storage.name) }

// Tracer finds a tracer by name.
func (c *Config) Tracer(name string) (Tracer, bool) { return find(c.Tracers, name, Tracer.name) }

// Chain finds a chain by name.
func (c *Config) Chain(name string) (Chain, bool) { return find(c.Chains, name, Chain.name) }

// ChainOf finds the chain that reads list, held and disabled ones included; false if none does.
func (c *Config) ChainOf(list string) (Chain, bool) {
	for _, ch := range c.Chains {
		for _, l := range ch.IngressLists {
			if l == list {
				return ch, true
			}
		}
	}
	return Chain{}, false
}

// Ingress finds the external-ingress keys of list; false if the list has none, so nobody may post to it.
func (c *Config) Ingress(list string) (IngressList, bool) {
	return find(c.IngressAuth, list, IngressList.name)
}

// TracersOf are the tracers that watch chain, in the order of the section `tracers`, or of the chain's own list.
func (c *Config) TracersOf(chain Chain) []Tracer {
	if chain.Tracers == nil {
		return c.Tracers
	}
	var out []Tracer
	for _, name := range chain.Tracers {
		if t, ok := c.Tracer(name); ok {
			out = append(out, t)
		}
	}
	return out
}

func (s Storage) name() string     { return s.Name }
func (t Tracer) name() string      { return t.Name }
func (c Chain) name() string       { return c.Name }
func (l IngressList) name() string { return l.List }

// find gives the last entry of that name: names are unique after loading.
func find[T any](all []T, name string, nameOf func(T) string) (T, bool) {
	for _, e := range all {
		if nameOf(e) == name {
			return e, true
		}
	}
	var none T
	return none, false
}

// RawOptions is an `options:` map as JSON, order kept, scalars as PyYAML resolves them. It may hold secrets, so every
// way of printing it gives the redacted form; JSON gives the real one. The zero value means that there is no such key.
type RawOptions struct{ raw json.RawMessage }

// JSON is the object in plain, nil if the file has no options (or null). Do not change or log it.
func (o RawOptions) JSON() json.RawMessage { return o.raw }

// IsZero says that the file has no options here; `{}` is not zero.
func (o RawOptions) IsZero() bool { return o.raw == nil }
