package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"golang.org/x/sync/singleflight"
)

// EngineOptions make an Engine.
type EngineOptions struct {
	// CacheDir holds compiled code, made with mode 0700. What lies there is run as it is: nobody else may write to it.
	// "" compiles anew in each process.
	CacheDir string
}

// Engine compiles modules, each once for as long as somebody uses it. Safe for concurrent use.
type Engine struct {
	cache wazero.CompilationCache // nil: none
	mu    sync.Mutex
	held  map[moduleKey]*shared
	made  [2]wazero.Runtime // by engine kind; nil until it is wanted
	once  singleflight.Group
}

// moduleKey is what compiled code is shared by.
type moduleKey struct {
	digest      string
	interpreter bool
}

// shared is one compiled module with the number of its users.
type shared struct {
	module Module
	users  int
}

// NewEngine makes an engine. Errors: the cache's folder cannot be made, or others may write to it.
func NewEngine(o EngineOptions) (*Engine, error) {
	e := &Engine{held: map[moduleKey]*shared{}}
	if o.CacheDir == "" {
		return e, nil
	}
	if err := ownFolder(o.CacheDir); err != nil {
		return nil, err
	}
	var err error
	if e.cache, err = wazero.NewCompilationCacheWithDir(o.CacheDir); err != nil {
		return nil, fmt.Errorf("cache of compiled modules %s: %w", o.CacheDir, err)
	}
	return e, nil
}

// ownFolder makes a folder that only its owner may write to.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cache of compiled modules: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("cache of compiled modules: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("cache of compiled modules %s: others may write to it, and what lies there is run: chmod go-w", dir)
	}
	return nil
}

// Close ends the engine. Every module must be closed before, and no run may be under way.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.held) > 0 {
		return fmt.Errorf("%d modules are still in use", len(e.held))
	}
	var errs []error
	for _, r := range e.made {
		if r != nil {
			errs = append(errs, r.Close(ctx))
		}
	}
	if e.cache != nil {
		errs = append(errs, e.cache.Close(ctx))
	}
	return errors.Join(errs...)
}

// Digest is the name of a module's bytes: 64 hex digits of their SHA-256.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Compile checks a module and compiles it, or takes what is compiled already. interpreter runs it slower by far, in
// code that shares nothing with the compiler. The caller must Close what it gets. Errors: *RefusedError, *core.Error
// inside it where the bytes are at fault.
func (e *Engine) Compile(ctx context.Context, text []byte, interpreter bool) (*Module, error) {
	key := moduleKey{Digest(text), interpreter}
	for {
		if m := e.use(key); m != nil {
			return m, nil
		}
		// The work is shared, so one caller's end must not end it for the others.
		_, err, _ := e.once.Do(fmt.Sprint(key), func() (any, error) {
			return nil, e.compile(context.WithoutCancel(ctx), key, text)
		})
		if err != nil {
			return nil, err
		}
	}
}

// use takes a compiled module, nil when there is none.
func (e *Engine) use(key moduleKey) *Module {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.held[key]
	if s == nil {
		return nil
	}
	s.users++
	return &Module{Info: s.module.Info, runtime: s.module.runtime, compiled: s.module.compiled, free: sync.OnceValue(func() error { return e.leave(key) })}
}

// leave gives a use back; the last one frees the code.
func (e *Engine) leave(key moduleKey) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.held[key]
	if s.users--; s.users > 0 {
		return nil
	}
	delete(e.held, key)
	return s.module.compiled.Close(context.Background())
}

// compile makes a module that nobody uses yet.
func (e *Engine) compile(ctx context.Context, key moduleKey, text []byte) error {
	info, err := Inspect(text)
	if err != nil {
		return err
	}
	r, err := e.runtime(ctx, key.interpreter)
	if err != nil {
		return err
	}
	compiled, err := compileModule(ctx, r, info.Core.Strip())
	if err != nil {
		return refused("it does not compile: %v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held[key] != nil {
		return compiled.Close(ctx)
	}
	e.held[key] = &shared{module: Module{Info: *info, runtime: r, compiled: compiled}}
	return nil
}

// compileModule is the compiler, whose panics are about the module and end nothing else.
func compileModule(ctx context.Context, r wazero.Runtime, text []byte) (_ wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	return r.CompileModule(ctx, text)
}

// runtime is the one for a kind of engine, with everything in it that a module may import.
func (e *Engine) runtime(ctx context.Context, interpreter bool) (wazero.Runtime, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kind, config := 0, wazero.NewRuntimeConfig()
	if interpreter {
		kind, config = 1, wazero.NewRuntimeConfigInterpreter()
	}
	if e.made[kind] != nil {
		return e.made[kind], nil
	}
	// Debug information would be parsed out of bytes that anybody wrote; names come from the name section.
	config = config.WithCoreFeatures(api.CoreFeaturesV2).WithCloseOnContextDone(true).WithDebugInfoEnabled(false)
	if e.cache != nil {
		config = config.WithCompilationCache(e.cache)
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	for _, export := range []func(context.Context, wazero.Runtime) error{exportHost, exportWASI, exportAbort} {
		if err := export(ctx, r); err != nil {
			return nil, errors.Join(err, r.Close(ctx))
		}
	}
	e.made[kind] = r
	return r, nil
}

// Module is one use of a compiled module. Safe for concurrent use until it is closed.
type Module struct {
	Info     Info
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	free     func() error
}

// Close gives the use back.
func (m *Module) Close(context.Context) error { return m.free() }
