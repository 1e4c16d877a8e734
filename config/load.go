package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are what Load takes beside the file. The zero value knows no variable and takes every module for known.
type Options struct {
	// Env is the real environment: os.LookupEnv in a program. It wins over the .env beside the file.
	Env Env
	// Flags win over everything.
	Flags Flags
	// CheckList refuses bad names of lists; nil refuses the empty one only.
	CheckList func(name string) error
	// Known says whether a module can be built: nil, or why not. Names are canonical (links.tag, storage.s3,
	// tracers.jlinc) or module refs. Option nil knows every builtin name and every ref.
	Known func(kind Kind, module string) error
	// Digest gives what an unpinned module's sha256 would be now, "" if that cannot be told without a network, say. It is for
	// the hint alone: nothing is pinned by itself. nil tells of none.
	Digest func(module string) string
}

// Flags of `vconduit serve` that stand above environment and file; the zero value is "not given".
type Flags struct {
	Listen   string
	DataDir  string
	Insecure bool
}

// Kind says what a module is for.
type Kind string

// The kinds of modules.
const (
	LinkKind    Kind = "link"
	StorageKind Kind = "storage"
	TracerKind  Kind = "tracer"
)

// Path chooses the config file: flag, CONSERVER_CONFIG_FILE (the environment, or the .env in dir), dir/config.yml if
// it is there, else "" for none.
func Path(flag string, env Env, dir string) string {
	if flag != "" {
		return flag
	}
	if path, ok := env.over(readDotEnv(dir, &problems{})).get("CONSERVER_CONFIG_FILE"); ok {
		return path
	}
	path := filepath.Join(dir, "config.yml")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Load reads the file at path, "" for none: then defaults and environment alone count. The Config is nil if the report
// holds an error; otherwise it may be used, and the report's warnings should be shown.
func Load(path string, o Options) (*Config, Report) {
	if path == "" {
		return parse("", nil, ".", o)
	}
	text, err := readFile(path)
	if err != nil {
		return nil, Report{Problems: []Problem{{Severity: Error, Code: codeFile, File: path, Message: err.Error(),
			Hint: "choose the file with --config or CONSERVER_CONFIG_FILE"}}}
	}
	return parse(path, text, filepath.Dir(path), o)
}

// Parse is Load for text that is not (yet) in the file at path.
func Parse(path string, text []byte, o Options) (*Config, Report) {
	return parse(path, text, filepath.Dir(path), o)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if info.IsDir() {
		return nil, errors.New("is a folder (a bind mount of a missing file makes one)")
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("has %d bytes, at most %d are read", info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

func parse(path string, text []byte, dir string, o Options) (*Config, Report) {
	r := &problems{file: path}
	env := o.Env.over(readDotEnv(dir, r))
	root := parseTree(text, r, func(s string) (string, bool, []varFault) { return expandVars(s, env) })
	d := &decoder{problems: r, seen: map[string]*node{}}
	c := Default()
	c.File = path
	if root != nil {
		d.decode(root, "", reflect.ValueOf(c).Elem(), "")
	}
	l := &loading{decoder: d, Config: c, Options: o, env: env, root: root}
	l.finish()
	scrub(root, r.list)
	report := r.report()
	report.PythonIgnored = l.pythonIgnored()
	if report.Worst() == Error {
		return nil, report
	}
	return c, report
}

// scrub takes the values of variables out of the messages, because they may be secrets.
func scrub(root *node, list []Problem) {
	var pairs []string
	variables(root, "", func(n *node, _ string) {
		if n.text != "" {
			pairs = append(pairs, strconv.Quote(n.text), "the value of the variable")
		}
		if len(n.text) >= 8 {
			pairs = append(pairs, n.text, redacted)
		}
	})
	if len(pairs) == 0 {
		return
	}
	replacer := strings.NewReplacer(pairs...)
	for i := range list {
		list[i].Message, list[i].Path = replacer.Replace(list[i].Message), replacer.Replace(list[i].Path)
	}
}

// loading is one run of Load, after the file was decoded.
type loading struct {
	*decoder
	*Config
	Options
	env  Env
	root *node
}

// set says that the file has the key at path, with a value.
func (l *loading) set(path string) bool {
	n, ok := l.seen[path]
	return ok && n.kind != nullNode
}

// Default is the configuration of an empty file and an empty environment, before Load decides about Listen and Store.
func Default() *Config {
	c := &Config{DataDir: "./data"}
	c.Server = Server{
		CORS: []string{"*"}, RootPath: "/api", KeyHeader: "x-conserver-api-token",
		BodyLimit: 128 << 20, BodyInflight: 512 << 20, ReadTimeout: time.Minute, Connections: 4096, Drain: 8 * time.Second,
		Workers: 2 * runtime.GOMAXPROCS(0), Validation: "lenient", UnknownLists: "accept",
	}
	c.Queue = Queue{
		Store: "auto", Redis: Redis{Documents: "auto", Durability: "server"}, Order: "fair", Lease: 30 * time.Second, Tries: 5,
		Dedupe: time.Minute, Expiry: time.Hour, EgressExpiry: 7 * 24 * time.Hour, ReshardWindow: 30 * 24 * time.Hour,
	}
	c.Telemetry = Telemetry{
		Log:        Log{Level: "info", Format: "auto", Guest: "warn"},
		Prometheus: Prometheus{Path: "/metrics", Open: true},
		OTLP: OTLP{Protocol: "grpc", Traces: 1, Service: "vcon-server", MetricInterval: 5 * time.Second,
			Datadog: Datadog{Site: "datadoghq.com"}},
	}
	c.Sandbox = Sandbox{
		Defaults: Limits{Memory: 64 << 20, Time: 2 * time.Minute, Fuel: 10e9, HostCalls: 100_000, Edits: 32 << 20, Log: 64 << 10,
			HTTPRequests: 50, HTTPBytes: 256 << 20, Streams: 256 << 20, KV: 1 << 20},
		Ceiling: Ceiling{PlainSecrets: "warn"},
		Pool:    Pool{Guests: 16, Memory: 1 << 30},
	}
	c.Modules = Modules{Lock: "modules.lock", MaxSize: 32 << 20}
	return c
}

// Successor reports why next must not take c's place in a running server, though a server may start with it: without
// its last token the server would be open to whoever reaches the address that it listens on already. A token file that
// is being rewritten looks just so.
func (c *Config) Successor(next *Config) Report {
	r := &problems{file: next.File}
	if !c.Auth.Open() && next.Auth.Open() && !next.Server.Insecure {
		r.add(Error, codeListen, Pos{}, "auth", "the last token is gone: the running server would be open to everybody",
			"set a token, or say server.insecure: true, or restart without one")
	}
	return r.report()
}

// Restart names the settings in which next differs from c but which a running server cannot change.
func (c *Config) Restart(next *Config) []string {
	var out []string
	for _, s := range []struct {
		name string
		same bool
	}{
		{"server.listen", c.Server.Listen == next.Server.Listen},
		{"server.tls", c.Server.TLS == next.Server.TLS},
		{"queue.store", c.Queue.Store == next.Queue.Store},
		{"queue.redis.url", slices.Equal(c.Queue.Redis.URL, next.Queue.Redis.URL)},
	} {
		if !s.same {
			out = append(out, s.name)
		}
	}
	return out
}
