// Package expire_vcon is the builtin link "links.expire_vcon": it sets how long a vCon is kept in the live store after its
// chain. Storages keep theirs. Source: vcon-server's link of the same name.
package expire_vcon

import (
	"encoding/json"
	"time"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link. Absent options mean DefaultOptions.
type Options struct {
	// Seconds until the vCon ends: a number, or a text such as "24h"; 0 = with the chain.
	Seconds link.Duration `json:"seconds"`
}

// DefaultOptions keep a vCon for a day, as vcon-server's documentation says.
func DefaultOptions() Options { return Options{Seconds: link.Duration(24 * time.Hour)} }

// maxLife is what the host takes.
const maxLife = 10 * 365 * 24 * time.Hour

// Check reports an endless time.
func (o *Options) Check() []link.Problem {
	if time.Duration(o.Seconds) > maxLife {
		return []link.Problem{{Option: "seconds", Text: "is more than 10 years"}}
	}
	return nil
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

// Run sets the time.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	if err := c.Expire(time.Duration(o.Seconds)); err != nil {
		return link.Fail(err)
	}
	return link.Done()
}
