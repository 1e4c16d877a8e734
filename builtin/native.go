package builtin

import (
	"context"

	"github.com/vconduit/vconduit/hostabi"
	link "github.com/vconduit/vconduit/sdk/go"
)

// native runs a link of the SDK in this process.
type native struct{ run link.Func }

// A Call is a Host: links and guests meet the same methods.
var _ link.Host = (*hostabi.Call)(nil)

// Run runs the link on a call.
func (n native) Run(_ context.Context, c *hostabi.Call) (hostabi.Verdict, error) {
	r := link.Exec(c, n.run)
	return hostabi.Verdict(r.Verdict), r.Err
}

// Close does nothing: a native link holds nothing.
func (n native) Close(context.Context) error { return nil }
