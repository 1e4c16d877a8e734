package link

import "encoding/json"

// Call is one run of a link over one vCon, with helpers over Host. Not safe for concurrent use.
type Call struct {
	Host Host // the host functions themselves
}

// Func is a link.
type Func func(c *Call) Result

// Exec runs a link on a host, tells the host why it failed or when to come again, and gives its result. Authors do not
// call it: the server does for builtin links, the exports of a guest do there. Tests of a link may.
//
//	result := link.Exec(host, Run) // host: a *hostabi.Call over a vCon
func Exec(h Host, run Func) Result {
	c := &Call{Host: h}
	r := run(c)
	if r.Err != nil {
		h.ErrorSet([]byte(r.Err.Error()))
	}
	if r.Verdict == VerdictRetry && r.After > 0 {
		h.RetryAfter(min(r.After, maxRetryAfter).Milliseconds())
	}
	return r
}

// Info is what the host says of this run.
type Info struct {
	Name        string `json:"name"`        // of the link in the config
	Chain       string `json:"chain"`       //
	List        string `json:"list"`        // that the vCon came from
	Attempt     int    `json:"attempt"`     // from 1
	DeadlineMS  int64  `json:"deadline_ms"` // Unix time in ms when the run is ended; 0 = none
	TraceParent string `json:"traceparent"` // W3C trace context, "" = none
	Run         string `json:"run"`         // hex; the same when this run is repeated
	Digest      string `json:"digest"`      // of the module; "" for a builtin link
}

// Info says where and why this run takes place.
//
//	if info, _ := c.Info(); info.Attempt > 1 {
//		c.Logf(link.LevelInfo, "attempt %d", info.Attempt)
//	}
func (c *Call) Info() (Info, error) {
	var info Info
	text, err := c.Config("/_link")
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	return info, err
}

// Config gives the JSON text at a JSON Pointer into the link's options; "" is all of them.
//
//	text, err := c.Config("/thresholds/0")
func (c *Call) Config(pointer string) ([]byte, error) {
	return c.sized("config_read", func(out []byte) int64 { return c.Host.ConfigRead([]byte(pointer), out) })
}

// sized calls a host function that fills a buffer, with one that is large enough.
func (c *Call) sized(op string, fill func(out []byte) int64) ([]byte, error) {
	out := make([]byte, 512)
	for {
		n := fill(out)
		if n < 0 {
			return nil, c.fail(op, n)
		}
		if n <= int64(len(out)) {
			return out[:n], nil
		}
		out = make([]byte, n)
	}
}

// done turns the result of a host function into an error, nil when it is one of success.
func (c *Call) done(op string, code int32) error {
	if code >= 0 {
		return nil
	}
	return c.fail(op, int64(code))
}
