package config

import "time"

// Link is one entry of `links`.
type Link struct {
	Name string `yaml:",name"`
	// Module is a builtin's canonical name (links.tag) or a module ref (oci:, https:, file:, script:, upload:). Old names
	// are translated: server.links.tag, and the transcription vendors, which run as links.transcribe.
	Module string `yaml:"module"`
	// Written is the module as the file says it.
	Written string `yaml:"-"`
	// PipName is a Python package: without a builtin of that module its chains are held.
	PipName string     `yaml:"pip_name"`
	Options RawOptions `yaml:"options"`
	// SHA256 is 64 hex digits of the wasm bytes, "" = pinned by the lock alone.
	SHA256    string `yaml:"sha256"`
	Allow     Grants `yaml:"allow"`
	Limits    Limits `yaml:"limits"`
	Isolation string `yaml:"isolation" oneof:"vcon|fresh|shared"`
	Engine    string `yaml:"engine" oneof:"compiler|interpreter"`
	// Memo keeps answers of http_send over redelivery; nil = true if the link may use HTTP.
	Memo  *bool `yaml:"memo"`
	Retry Retry `yaml:"retry"`
	// OnError is fail or skip.
	OnError string  `yaml:"on_error" oneof:"fail|skip"`
	Breaker Breaker `yaml:"breaker"`
	// SignedWrite is fail or amend.
	SignedWrite string `yaml:"signed_write" oneof:"fail|amend"`
	// Shadow is a module ref that runs beside without effects.
	Shadow string `yaml:"shadow"`
	// Input and Output are for command modules only.
	Input  Input  `yaml:"input"`
	Output string `yaml:"output" oneof:"|patch|vcon|merge|none"`

	// AllowSet says that the file has an allow: block; on a builtin it narrows.
	AllowSet bool `yaml:"-"`
	Pos      Pos  `yaml:"-"`

	vendor string     // transcription vendor of an old module name
	own    RawOptions // options before they were wrapped for that vendor
}

func (Link) openKeys()       {}
func (l *Link) setPos(p Pos) { l.Pos = p }
func (l *Link) setDefaults() {
	l.Isolation, l.Engine, l.OnError, l.SignedWrite = "vcon", "compiler", "fail", "fail"
	l.Retry = Retry{Attempts: 5, Delay: 5 * time.Second, MaxDelay: 10 * time.Minute, For: 24 * time.Hour}
	l.Breaker = Breaker{Failures: 20, Within: time.Minute, Open: 30 * time.Second}
}

// Retry says when a run that failed retryably is tried again. The delay doubles from Delay to MaxDelay, with jitter.
type Retry struct {
	Attempts int           `yaml:"attempts" min:"1"`
	Delay    time.Duration `yaml:"delay" min:"0"`
	MaxDelay time.Duration `yaml:"max_delay" min:"0"`
	// For is how long a link may ask for waits that count no try.
	For time.Duration `yaml:"for" min:"0"`
}

// Breaker opens after Failures within Within, for Open; vCons then wait in their list.
type Breaker struct {
	Failures int           `yaml:"failures" min:"1"`
	Within   time.Duration `yaml:"within" min:"1"`
	Open     time.Duration `yaml:"open" min:"1"`
}

// Limits bound one run of a module. 0 = inherited (from sandbox.defaults) or, in a ceiling, unbounded.
type Limits struct {
	Memory       Size          `yaml:"memory" min:"0"`
	Time         time.Duration `yaml:"time" min:"0"`
	Fuel         Count         `yaml:"fuel" min:"0"`
	HostCalls    Count         `yaml:"host_calls" min:"0"`
	Edits        Size          `yaml:"edits" min:"0"`
	Log          Size          `yaml:"log" min:"0"`
	HTTPRequests Count         `yaml:"http_requests" min:"0"`
	HTTPBytes    Size          `yaml:"http_bytes" min:"0"`
	Streams      Size          `yaml:"streams" min:"0"`
	KV           Size          `yaml:"kv" min:"0"`
}

// Grants is an `allow:` block: what a link may do. Its zero value grants reading all and the default writes.
type Grants struct {
	Read ReadGrant `yaml:"read"`
	// Write are JSON pointers (`*` one step, `-` append) and the word tags; nil = /analysis/-, /attachments/-, tags.
	Write   []string      `yaml:"write"`
	HTTP    []HTTPGrant   `yaml:"http"`
	Secrets []SecretGrant `yaml:"secrets"`
	Fetch   FetchGrant    `yaml:"fetch"`
	// Queues are the lists that route() may name.
	Queues []string `yaml:"queues"`
	// KV, TTL, Create: nil = not said (false in a link, unrestricted in a ceiling).
	KV     *bool `yaml:"kv"`
	TTL    *bool `yaml:"ttl"`
	Create *bool `yaml:"create"`
}

// ReadGrant is what of the document a link sees: Only these pointers, or all but Not; both nil = all.
type ReadGrant struct {
	Only []string
	Not  []string
}

// HTTPGrant is an address that a link may call: scheme://host[:port][/prefix], or https://* for any public host.
type HTTPGrant struct {
	URL     string   `yaml:"url"`
	Methods []string `yaml:"methods"` // nil = all
}

// SecretGrant is a secret that the host puts into requests of a link; the guest sees its name only.
type SecretGrant struct {
	Name string   `yaml:",name"`
	From string   `yaml:"from"` // env:NAME or file:PATH
	For  []string `yaml:"for"`  // hosts
	In   []string `yaml:"in"`   // header (default), query, body
}

func (s *SecretGrant) setDefaults() { s.In = []string{"header"} }

// FetchGrant is about URLs that stand in the vCon: none, Any public https one, or those below Origins.
type FetchGrant struct {
	Any     bool
	Origins []string
}

// Input is what a command gets on stdin: the whole document, these Pointers, or None.
type Input struct {
	None     bool
	Pointers []string
}

// Sandbox is the section `sandbox`, for modules only.
type Sandbox struct {
	Defaults Limits   `yaml:"defaults"`
	Ceiling  Ceiling  `yaml:"ceiling"`
	Tenants  []Tenant `yaml:"tenants"`
	Pool     Pool     `yaml:"pool"`
}

// Ceiling is what no link gets more than, whatever it asks.
type Ceiling struct {
	Limits Limits `yaml:"limits"`
	Allow  Grants `yaml:"allow"`
	// PlainSecrets is warn or deny: what happens when a module's option holds a secret in plain.
	PlainSecrets string `yaml:"plain_secrets" oneof:"warn|deny"`
}

// Tenant bounds all runs for one tenant; over it, vCons wait. The zero Rate = unbounded.
type Tenant struct {
	Name         string `yaml:",name"`
	Fuel         Rate   `yaml:"fuel"`
	HTTPRequests Rate   `yaml:"http_requests"`
}

// Pool bounds guests over all links.
type Pool struct {
	Guests int  `yaml:"guests" min:"1"`
	Memory Size `yaml:"memory" min:"1"`
}

// Modules is the section `modules`.
type Modules struct {
	// Lock is beside the config file.
	Lock    string   `yaml:"lock"`
	MaxSize Size     `yaml:"max_size" min:"1"`
	Sources []Source `yaml:"sources"`
}

// Source says how modules below Match are fetched; the longest match wins.
type Source struct {
	Match   string     `yaml:"match"`
	Auth    SourceAuth `yaml:"auth"`
	Verify  Verify     `yaml:"verify"`
	CA      string     `yaml:"ca"`
	Private []string   `yaml:"private"` // networks (CIDR) that may be dialled
}

// SourceAuth is Kind docker (the docker config file's credentials), or bearer with where the token comes From; "" = anonymous.
type SourceAuth struct {
	Kind string
	From string // env:NAME or file:PATH
}

// Verify lists cosign public keys (file:PATH).
type Verify struct {
	Cosign []string `yaml:"cosign"`
}
