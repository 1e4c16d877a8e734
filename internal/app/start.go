package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
)

// loadConfig reads the file at path ("" = none) as the server understands it.
func loadConfig(path string, o Options) (*config.Config, config.Report) {
	return config.Load(path, loadOptions(o))
}

func loadOptions(o Options) config.Options {
	return config.Options{
		Env:       lookup(o.Getenv),
		Flags:     config.Flags{Listen: o.Listen, DataDir: o.Data, Insecure: o.Insecure},
		CheckList: queue.CheckListName,
		Known:     known,
		Digest:    func(module string) string { return digestOf(module, o) },
	}
}

// known says which modules this build can make.
func known(kind config.Kind, module string) error {
	ok, names := false, []string(nil)
	if kind == config.LinkKind && config.IsModule(module) {
		return knownModule(module)
	}
	switch kind {
	case config.LinkKind:
		_, ok = builtin.FindLink(module)
		names = builtin.LinkNames()
	case config.StorageKind:
		_, ok = builtin.FindStorage(module)
		names = builtin.StorageNames()
	case config.TracerKind:
		_, ok = builtin.FindTracer(module)
		names = builtin.TracerNames()
	}
	if ok {
		return nil
	}
	return fmt.Errorf("this build has the %ss %s only", kind, strings.Join(names, ", "))
}

// knownModule says whether a ref can be had.
func knownModule(text string) error {
	ref, err := modules.ParseRef(text)
	if err != nil {
		return err
	}
	if ref.Kind() != modules.File && ref.Kind() != modules.HTTPS {
		return fmt.Errorf("modules of %s: are %w; file: and https: are", ref.Kind(), modules.ErrUnsupported)
	}
	return nil
}

// digestOf is the pin that a file: module would have now, "" when it cannot be told.
func digestOf(text string, o Options) string {
	ref, err := modules.ParseRef(text)
	if err != nil || ref.Kind() != modules.File {
		return ""
	}
	store, err := modules.New(modules.Options{Dir: DataDir(o.Data, o.Getenv), Base: filepath.Dir(config.Path(o.Config, lookup(o.Getenv), "."))})
	if err != nil {
		return ""
	}
	_, err = store.Get(context.Background(), ref, modules.Digest{})
	if unpinned, ok := errors.AsType[*modules.PinError](err); ok && !unpinned.Actual.IsZero() {
		return unpinned.Actual.Hex()
	}
	return ""
}

func refused(r config.Report) *RefusedError {
	e := &RefusedError{}
	for _, p := range r.Of(config.Error) {
		e.Problems = append(e.Problems, p.String())
	}
	return e
}

// checkStart refuses what would run but not as meant.
func checkStart(cfg *config.Config, o Options) error {
	switch {
	case cfg.Queue.Store == "redis":
		return &RefusedError{[]string{"queue.store: this build has no Redis store yet: unset REDIS_URL and queue.redis.url, or set queue.store: embedded"}}
	case o.Role == "api" || o.Role == "worker":
		return &RefusedError{[]string{"--role " + o.Role + ": api and worker as separate processes need REDIS_URL"}}
	case o.Role != "" && o.Role != "all":
		return &RefusedError{[]string{fmt.Sprintf("--role %q: want all, api or worker", o.Role)}}
	}
	return nil
}

// apiSettings are what the API needs of a configuration.
func apiSettings(cfg *config.Config) api.Settings {
	s := api.SettingsFrom(cfg)
	s.TLS = cfg.Server.TLS.Cert != ""
	return s
}

// openStore opens the embedded store and explains what a person can do about the two common refusals.
func openStore(cfg *config.Config, log *slog.Logger) (*embedded.Store, error) {
	store, err := embedded.Open(cfg.DataDir, embedded.Options{Logger: log, DeadExpiry: cfg.Queue.DLQExpiry})
	switch {
	case errors.Is(err, queue.ErrLocked):
		return nil, fmt.Errorf("%w (one server per folder: stop the other, or choose another folder with --data)", err)
	case err != nil:
		return nil, fmt.Errorf("open the store in %s: %w", cfg.DataDir, err)
	}
	return store, nil
}

// socketPath is the longest path of a Unix socket that every system takes.
const socketPath = 103

// listen opens the API's address and the owner's socket.
func (a *App) listen(cfg *config.Config) (err error) {
	if a.ln, err = net.Listen("tcp", cfg.Server.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Server.Listen, err)
	}
	if t := cfg.Server.TLS; t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(beside(cfg.File, t.Cert), beside(cfg.File, t.Key))
		if err != nil {
			return fmt.Errorf("server.tls: %w", err)
		}
		a.ln = tls.NewListener(a.ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	path := AdminSocket(cfg.DataDir)
	if len(path) > socketPath {
		return fmt.Errorf("admin socket: %s has more than %d bytes, and no system takes that for a socket: choose a shorter --data, or a relative one", path, socketPath)
	}
	// The store's lock is ours: a socket that lies here is left from a process that was killed.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("admin socket: %w", err)
	}
	if a.admin, err = net.Listen("unix", path); err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	b := a.current.Load()
	a.log.Info("listening", "address", a.Addr(), "tls", cfg.Server.TLS.Cert != "", "chains", len(b.chains), "held", len(b.held))
	return nil
}

// beside is path as written in file: relative to the folder of it.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// tellStart says once what an operator should know of this configuration.
func (a *App) tellStart(cfg *config.Config, report config.Report) {
	v := Version(a.o.Getenv)
	a.log.Info("starting", "version", v.Version, "commit", v.GitCommit, "config", cfg.File, "data", cfg.DataDir, "workers", cfg.Server.Workers)
	a.tellReport(report)
	a.tellPython(cfg, report)
	if cfg.File == "" {
		a.log.Warn("no configuration file: no chains run; write a config.yml here, or name one with --config or CONSERVER_CONFIG_FILE")
	}
	if cfg.Auth.Open() {
		a.log.Warn("no API token: the main routes are open to whoever reaches the address; set CONSERVER_API_TOKEN")
	}
	if cfg.Queue.ExpirySet {
		a.log.Info("finished vCons live", "expiry", cfg.Queue.Expiry.String())
	} else {
		a.log.Info("finished vCons that a storage can give back live", "expiry", cfg.Queue.Expiry.String(), "others", "for ever")
	}
	a.tellBuilt(a.current.Load())
}

// tellReport logs warnings and notes: each variable without effect is named once, at start.
func (a *App) tellReport(report config.Report) {
	for _, p := range report.Of(config.Warning) {
		a.log.Warn("config", problemAttrs(p)...)
	}
	for _, p := range report.Of(config.Info) {
		a.log.Info("config", problemAttrs(p)...)
	}
}

// tellPython says what a file that a vcon-server ran means here, where Python read a key without effect.
func (a *App) tellPython(cfg *config.Config, report config.Report) {
	if !cfg.VconServer {
		return
	}
	for _, p := range report.PythonIgnored {
		a.log.Info("config", problemAttrs(p)...)
	}
}

// problemAttrs are a problem's parts; those that it has not are left out.
func problemAttrs(p config.Problem) []any {
	attrs := []any{"path", p.Path, "problem", p.Message}
	if p.Line > 0 {
		attrs = append(attrs, "at", fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if p.Hint != "" {
		attrs = append(attrs, "hint", p.Hint)
	}
	return attrs
}

// tellBuilt says what building a configuration found: options that do nothing, chains that are held.
func (a *App) tellBuilt(b *built) {
	for _, p := range b.notes {
		a.log.Warn("config", problemAttrs(p)...)
	}
	for name, why := range b.held {
		if b.waits[name] {
			a.log.Info("chain waits for its module: its lists accept and keep", "chain", name, "why", strings.Join(why, "; "))
			continue
		}
		a.log.Warn("chain held: its lists accept and keep", "chain", name, "why", strings.Join(why, "; "))
	}
}
