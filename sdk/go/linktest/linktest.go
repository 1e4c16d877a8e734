// Package linktest tests links that are written with the SDK: natively, in the process of the test, on the real host
// functions, without a server and without a toolchain for WebAssembly.
//
// A link has a folder of cases, testdata/<case>/{in,options,out,effects,http}.json; chaintest.Link says what stands in
// them. `go test -update` writes out.json and effects.json: read them once, then commit them.
package linktest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	link "github.com/vconduit/vconduit/sdk/go"
)

// Allowed is what a link may do whose config has no allow: it reads everything, and adds analyses, attachments and tags.
// Add what the config of the link will grant.
//
//	allowed := linktest.Allowed()
//	allowed.Queues = []string{"needs_review"}
func Allowed() hostabi.Grants {
	return hostabi.Grants{
		Read:  hostabi.Paths{All: true},
		Write: hostabi.Paths{Allow: []string{"/analysis/-", "/attachments/-"}},
		Tags:  true,
	}
}

// Golden runs a link over the cases below dir.
//
//	func TestRun(t *testing.T) { linktest.Golden(t, "testdata", Run, linktest.Allowed()) }
func Golden(t *testing.T, dir string, run link.Func, allowed hostabi.Grants, others ...chaintest.Way) {
	t.Helper()
	chaintest.Link(t, dir, Open(run, allowed), others...)
}

// Fuzz runs a link over whatever vCons the fuzzer finds, and over awkward ones in a plain test.
//
//	func FuzzRun(f *testing.F) { linktest.Fuzz(f, `{"words": ["refund"]}`, Run, linktest.Allowed()) }
func Fuzz(f *testing.F, options string, run link.Func, allowed hostabi.Grants, others ...chaintest.Way) {
	f.Helper()
	chaintest.FuzzLink(f, json.RawMessage(options), Open(run, allowed), others...)
}

// Open makes a native link of a function, for the suites of chaintest.
func Open(run link.Func, allowed hostabi.Grants) chaintest.OpenLink {
	return func(json.RawMessage) (chain.Link, hostabi.Grants, error) { return native{run}, allowed, nil }
}

// native runs a link in this process.
type native struct{ run link.Func }

// Run implements chain.Link.
func (n native) Run(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
	r := link.Exec(c, n.run)
	return hostabi.Verdict(r.Verdict), r.Err
}

// Close implements chain.Link.
func (native) Close(context.Context) error { return nil }
