// Package wasmtest is for tests alone: it runs guests where the suites of runtime/chain/chaintest run links, so that a
// guest can be held against golden pairs, and against the same link run natively.
package wasmtest

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm"
)

// shared is the engine of all tests of a process.
var shared struct {
	sync.Once
	engine *wasm.Engine
	err    error
}

// Engine is the engine of this process. Compiled code stays in .cache/wasm for the next one: a guest in Go takes two
// seconds to compile.
func Engine(t testing.TB) *wasm.Engine {
	t.Helper()
	shared.Do(func() {
		shared.engine, shared.err = wasm.NewEngine(wasm.EngineOptions{CacheDir: filepath.Join(testenv.Root(t), ".cache", "wasm")})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

// Open runs a module as a link. The module stays compiled until the test ends. What a guest gives as its reason is the
// error of the run, without the class that the runtime puts before it, as a native link has none.
//
//	chaintest.Link(t, "testdata", wasmtest.Open(t, guesttest.Build(t, "modules/examples/redact"), wasm.LinkOptions{}, allowed))
func Open(t testing.TB, module []byte, o wasm.LinkOptions, allowed hostabi.Grants) chaintest.OpenLink {
	t.Helper()
	engine := Engine(t)
	held, err := engine.Compile(t.Context(), module, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := held.Close(context.Background()); err != nil {
			t.Errorf("close the module: %v", err)
		}
	})
	return func(json.RawMessage) (chain.Link, hostabi.Grants, error) {
		m, err := engine.Compile(context.Background(), module, false)
		if err != nil {
			return nil, hostabi.Grants{}, err
		}
		l, err := wasm.NewLink(m, o)
		if err != nil {
			return nil, hostabi.Grants{}, errors.Join(err, m.Close(context.Background()))
		}
		return unclassed{l}, allowed, nil
	}
}

// Guest is another way to run a native link: the same source as a module, with what the native one is granted. Options
// that the native one refuses do not come to the guest.
func Guest(t testing.TB, module []byte, native chaintest.OpenLink) chaintest.Way {
	t.Helper()
	guest := Open(t, module, wasm.LinkOptions{}, hostabi.Grants{})
	return chaintest.Way{Name: "guest", Open: func(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
		l, allowed, err := native(options)
		if err != nil {
			return nil, hostabi.Grants{}, err
		}
		if err := l.Close(context.Background()); err != nil {
			return nil, hostabi.Grants{}, err
		}
		l, _, err = guest(options)
		return l, allowed, err
	}}
}

// unclassed is a guest whose own words are its error.
type unclassed struct{ *wasm.Link }

// Run implements chain.Link.
func (u unclassed) Run(ctx context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
	verdict, err := u.Link.Run(ctx, c)
	if e, ok := errors.AsType[*wasm.RunError](err); ok && (e.Class == wasm.ClassFailed || e.Class == wasm.ClassDenied) {
		err = errors.New(e.Reason)
	}
	return verdict, err
}
