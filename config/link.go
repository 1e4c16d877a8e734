package config

import "time"

// Link is one entry of `links`.
type Link struct {
	Name string `config:",name"`
	// Module is a builtin's canonical name (links.tag) or a module ref (oci:, https:, file:, script:, upload:). Old names
	// are translated: server.links.tag, and the transcription vendors, which run as links.transcribe.
	Module string `config:"module"`
	// Written is the module as the file says it.
	Written string `config:"-"`
	// PipName is a Python package: without a builtin of that module its chains are held.
	PipName string     `config:"pip_name"`
	Options RawOptions `config:"options"`
	// SHA256 is the pin: the SHA-256 of the wasm bytes as 64 lower-case hex digits ("sha256:" before them and upper case are
	// read too), "" = pinned by the lock alone. Without any pin, a link whose module is a file: or https: ref holds its chains.
	SHA256    string `config:"sha256"`
	Allow     Grants `config:"allow"`
	Limits    Limits `config:"limits"`
	Isolation string `config:"isolation" oneof:"vcon|fresh|shared"`
	Engine    string `config:"engine" oneof:"compiler|interpreter"`
	// Memo keeps answers of http_send over redelivery; nil = true if the link may use HTTP.
	Memo  *bool `config:"memo"`
	Retry Retry `config:"retry"`
	// OnError is fail or skip.
	OnError string  `config:"on_error" oneof:"fail|skip"`
	Breaker Breaker `config:"breaker"`
	// SignedWrite is fail or amend.
	SignedWrite string `config:"signed_write" oneof:"fail|amend"`
	// Shadow is a module ref that runs beside without effects.
	Shadow string `config:"shadow"`
	// Input and Output are for command modules only.
	Input  Input  `config:"input"`
	Output string `config:"output" oneof:"|patch|vcon|merge|none"`

	// AllowSet says that the file has an allow: block; on a builtin it narrows.
	AllowSet bool `config:"-"`
	Pos      Pos  `config:"-"`

	// WrittenOptions are the options as the file says them: Options wraps them for an old transcription link.
	WrittenOptions RawOptions `config:"-" json:"-"`

	vendor string // transcription vendor of an old module name
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
	Attempts int           `config:"attempts" min:"1"`
	Delay    time.Duration `config:"delay" min:"0"`
	MaxDelay time.Duration `config:"max_delay" min:"0"`
	// For is how long a link may ask for waits that count no try.
	For time.Duration `config:"for" min:"0"`
}

// Breaker opens after Failures within Within, for Open; vCons then wait in their list.
type Breaker struct {
	Failures int           `config:"failures" min:"1"`
	Within   time.Duration `config:"within" min:"1"`
	Open     time.Duration `config:"open" min:"1"`
}

// Limits bound one run of a module. 0 = inherited (from sandbox.defaults) or, in a ceiling, unbounded.
type Limits struct {
	Memory       Size          `config:"memory" min:"0"`
	Time         time.Duration `config:"time" min:"0"`
	Fuel         Count         `config:"fuel" min:"0"`
	HostCalls    Count         `config:"host_calls" min:"0"`
	Edits        Size          `config:"edits" min:"0"`
	Log          Size          `config:"log" min:"0"`
	HTTPRequests Count         `config:"http_requests" min:"0"`
	HTTPBytes    Size          `config:"http_bytes" min:"0"`
	Streams      Size          `config:"streams" min:"0"`
	KV           Size          `config:"kv" min:"0"`
}

// Grants is an `allow:` block: what a link may do. Its zero value grants reading all and the default writes.
type Grants struct {
	Read ReadGrant `config:"read"`
	// Write are JSON pointers (`*` one step, `-` append) and the word tags; nil = /analysis/-, /attachments/-, tags.
	Write   []string      `config:"write"`
	HTTP    []HTTPGrant   `config:"http"`
	Secrets []SecretGrant `config:"secrets"`
	Fetch   FetchGrant    `config:"fetch"`
	// Queues are the lists that route() may name.
	Queues []string `config:"queues"`
	// KV, TTL, Create: nil = not said (false in a link, unrestricted in a ceiling).
	KV     *bool `config:"kv"`
	TTL    *bool `config:"ttl"`
	Create *bool `config:"create"`
}

// ReadGrant is what of the document a link sees: Only these pointers, or all but Not; both nil = all.
type ReadGrant struct {
	Only []string
	Not  []string
}

// HTTPGrant is an address that a link may call: scheme://host[:port][/prefix], or https://* for any public host.
type HTTPGrant struct {
	URL     string   `config:"url"`
	Methods []string `config:"methods"` // nil = all
}

// SecretGrant is a secret that the host puts into requests of a link; the guest sees its name only.
type SecretGrant struct {
	Name string   `config:",name"`
	From string   `config:"from"` // env:NAME or file:PATH
	For  []string `config:"for"`  // hosts
	In   []string `config:"in"`   // header (default), query, body
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
	Defaults Limits   `config:"defaults"`
	Ceiling  Ceiling  `config:"ceiling"`
	Tenants  []Tenant `config:"tenants"`
	Pool     Pool     `config:"pool"`
}

// Ceiling is what no link gets more than, whatever it asks.
type Ceiling struct {
	Limits Limits `config:"limits"`
	Allow  Grants `config:"allow"`
	// PlainSecrets is warn or deny: what happens when a module's option holds a secret in plain.
	PlainSecrets string `config:"plain_secrets" oneof:"warn|deny"`
}

// Tenant bounds all runs for one tenant; over it, vCons wait. The zero Rate = unbounded.
type Tenant struct {
	Name         string `config:",name"`
	Fuel         Rate   `config:"fuel"`
	HTTPRequests Rate   `config:"http_requests"`
}

// Pool bounds guests over all links.
type Pool struct {
	Guests int  `config:"guests" min:"1"`
	Memory Size `config:"memory" min:"1"`
}

// Modules is the section `modules`.
type Modules struct {
	// Lock is beside the config file.
	Lock    string   `config:"lock"`
	MaxSize Size     `config:"max_size" min:"1"`
	Sources []Source `config:"sources"`
}

// Source says how modules below Match, an https:// or oci:// host and path, are fetched; the longest match wins.
type Source struct {
	Match   string     `config:"match"`
	Auth    SourceAuth `config:"auth"`
	Verify  Verify     `config:"verify"`
	CA      string     `config:"ca"`
	Private []string   `config:"private"` // networks (CIDR) that may be dialled
}

// SourceAuth is Kind docker (the docker config file's credentials), or bearer with where the token comes From; "" = anonymous.
type SourceAuth struct {
	Kind string
	From string // env:NAME or file:PATH
}

// Verify lists cosign public keys (file:PATH).
type Verify struct {
	Cosign []string `config:"cosign"`
}

// KeepsAnswers says whether answers of http_send are kept: as the file says, else if the link may use HTTP.
func (l Link) KeepsAnswers() bool {
	if l.Memo != nil {
		return *l.Memo
	}
	return len(l.Allow.HTTP) > 0
}

// IsModule says that the link is a WebAssembly module, named by a ref, and no builtin.
func (l Link) IsModule() bool { return IsModule(l.Module) }

// IsModule tells a module ref from the name of a builtin or of a Python module.
func IsModule(module string) bool {
	return hasPrefix(module, "oci://", "https://", "http://", "file:", "script:", "upload:")
}
