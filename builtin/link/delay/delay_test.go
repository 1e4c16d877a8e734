package delay_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.delay", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/delay/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"seconds": 0}`), open, guest(f))
}

// BenchmarkGuest is a fresh instance of the module for each vCon against a call of the same function.
func BenchmarkGuest(b *testing.B) {
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[{"purpose":"tags","body":["vip:vip"]}]}`)
	wasmtest.Compare(b, doc, json.RawMessage(`{"seconds": 0}`), open, guesttest.Build(b, "builtin/link/delay/guest"))
}

// TestWaitsOnce: a run waits until its time has come, then goes on; the same link further on waits again.
func TestWaitsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		options := json.RawMessage(`{"seconds": 10}`)
		l, grants, err := open(options)
		if err != nil {
			t.Fatal(err)
		}
		kv := &chaintest.KV{}
		run := func(name byte) (hostabi.Verdict, time.Duration) {
			c := hostabi.New(t.Context(), hostabi.Options{Doc: chaintest.Document(t, "").Draft(), Config: options, Grants: grants, KV: kv, Run: [16]byte{name}})
			defer c.Close()
			verdict, _ := l.Run(t.Context(), c) // that it waits is no surprise
			after, _ := c.RetryDelay()
			return verdict, after
		}
		want := func(name byte, verdict hostabi.Verdict, after time.Duration) {
			t.Helper()
			if v, a := run(name); v != verdict || a != after {
				t.Errorf("verdict %d after %v, want %d after %v", v, a, verdict, after)
			}
		}
		want(1, hostabi.Retry, 10*time.Second)
		time.Sleep(4 * time.Second)
		want(1, hostabi.Retry, 6*time.Second) // taken early, after a restart for one
		want(2, hostabi.Retry, 10*time.Second)
		time.Sleep(6 * time.Second)
		want(1, hostabi.NoChange, 0)
		want(1, hostabi.Retry, 10*time.Second)
		if kv.Len() != 2 {
			t.Errorf("%d keys are left", kv.Len())
		}
	})
}
