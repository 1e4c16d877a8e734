package hostabi

// Limits are the quotas of one run: totals, not rates. A zero field takes its default, a negative one means no limit.
// What is over a quota answers -6 and the run goes on; log lines are dropped.
type Limits struct {
	HostCalls    int64 // counted (see Call.Used); whoever binds guests ends the run. Default 100000
	Edits        int64 // bytes of staged values and created vCons; default 32 MiB
	Log          int64 // bytes of log lines; default 64 KiB
	HTTPRequests int64 // default 50
	HTTPBytes    int64 // bodies sent and received; default 256 MiB
	Streams      int64 // bytes written to streams and decoded from bodies; default 256 MiB
	KV           int64 // bytes of keys and values written; default 1 MiB
}

// DefaultLimits are those of a link whose config names none.
func DefaultLimits() Limits {
	return Limits{HostCalls: 100_000, Edits: 32 << 20, Log: 64 << 10, HTTPRequests: 50, HTTPBytes: 256 << 20, Streams: 256 << 20, KV: 1 << 20}
}

// Unlimited are the limits of builtin links: an operator who installs the server trusts them already.
func Unlimited() Limits {
	return Limits{HostCalls: -1, Edits: -1, Log: -1, HTTPRequests: -1, HTTPBytes: -1, Streams: -1, KV: -1}
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ have, def *int64 }{
		{&l.HostCalls, &d.HostCalls}, {&l.Edits, &d.Edits}, {&l.Log, &d.Log}, {&l.HTTPRequests, &d.HTTPRequests},
		{&l.HTTPBytes, &d.HTTPBytes}, {&l.Streams, &d.Streams}, {&l.KV, &d.KV},
	} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	return l
}

// fits reports whether n more of a quota may be used.
func fits(used, n, limit int64) bool { return limit < 0 || n <= limit-used }

// Used is what a run has used of its Limits so far.
func (c *Call) Used() Limits { return c.used }
