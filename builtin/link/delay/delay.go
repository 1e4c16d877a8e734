// Package delay is the builtin link "links.delay": a vCon waits before it goes on in its chain.
//
// It waits on its list, not in a worker: the link asks to be run again after the time, keeps in its own store when that is,
// and lets the vCon pass once the time has come. So a long delay holds nothing up, and survives a restart.
// Source: vcon-server's link of the same name, which slept.
package delay

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link. Absent options mean DefaultOptions.
type Options struct {
	// Seconds to wait: a number, below 0 as 0, or a text such as "1m30s". At most MaxDelay.
	Seconds Seconds `json:"seconds"`
}

// DefaultOptions wait 5 seconds.
func DefaultOptions() Options { return Options{Seconds: Seconds(5 * time.Second)} }

// MaxDelay is below the time for which a run may ask to be run again without a try being counted.
const MaxDelay = 23 * time.Hour

// Seconds is a link.Duration that takes numbers below 0 as 0.
type Seconds time.Duration

// UnmarshalJSON reads it.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	if n, err := strconv.ParseFloat(string(data), 64); err == nil && n < 0 {
		*s = 0
		return nil
	}
	return (*link.Duration)(s).UnmarshalJSON(data)
}

// Check reports a delay that is too long.
func (o *Options) Check() []link.Problem {
	if time.Duration(o.Seconds) > MaxDelay {
		return []link.Problem{{Option: "seconds", Text: "is more than " + MaxDelay.String()}}
	}
	return nil
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

// errWaits is why a run ends that waits.
var errWaits = errors.New("the vCon waits")

// Run sends the vCon back to its list until its time has come.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	if o.Seconds <= 0 {
		return link.NoChange()
	}
	info, err := c.Info()
	if err != nil {
		return link.Fail(err)
	}
	wait, err := left(c, info.Run, time.Duration(o.Seconds))
	switch {
	case err != nil:
		return link.Fail(err)
	case wait > 0:
		return link.Retry(errWaits, wait)
	}
	return link.NoChange()
}

// keepFor is how long the store knows when a run goes on, beyond its delay.
const keepFor = 24 * time.Hour

// left is how long a run must wait yet. The first time it notes when the run may go on; once that has come, it forgets it, so
// that the same link further on in the chain waits again.
func left(c *link.Call, run string, delay time.Duration) (time.Duration, error) {
	noted, err := c.KV().Get(run)
	switch {
	case errors.Is(err, link.NotFound):
		until := strconv.FormatInt(c.Now().Add(delay).UnixMilli(), 10)
		return delay, c.KV().Put(run, []byte(until), delay+keepFor)
	case err != nil:
		return 0, err
	}
	until, err := strconv.ParseInt(string(noted), 10, 64)
	if err != nil {
		until = 0 // not ours: the vCon has waited long enough
	}
	if wait := time.UnixMilli(until).Sub(c.Now()); wait > 0 {
		return wait, nil
	}
	return 0, c.KV().Delete(run)
}
