package link

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Level of a log line.
type Level int32

// The levels.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// Logf writes a line to the server's log, at most 1 KiB of it. Never log what people said.
//
//	c.Logf(link.LevelInfo, "%d dialogs", c.At("dialog").Len())
func (c *Call) Logf(level Level, format string, args ...any) {
	c.Host.Log(int32(level), fmt.Appendf(nil, format, args...))
}

// Count adds to a counter; names are [A-Za-z_][A-Za-z0-9_.-]*, at most 32 in a link.
//
//	c.Count("words", float64(n))
func (c *Call) Count(name string, n float64) error {
	return c.done("metric", c.Host.Metric(0, []byte(name), n))
}

// Gauge sets a gauge.
//
//	c.Gauge("confidence", 0.93)
func (c *Call) Gauge(name string, value float64) error {
	return c.done("metric", c.Host.Metric(1, []byte(name), value))
}

// Observe adds a value to a histogram.
//
//	c.Observe("vendor_seconds", took.Seconds())
func (c *Call) Observe(name string, value float64) error {
	return c.done("metric", c.Host.Metric(2, []byte(name), value))
}

// Now is the time, in steps of 1 ms. Use it in place of time.Now: a guest's own clock may stand still.
func (c *Call) Now() time.Time { return time.Unix(0, c.Host.Now()) }

// Rand is a random number generator with a seed of its own for each run. Use it in place of the top-level functions of
// math/rand: in a guest these may give every vCon the same numbers.
//
//	if c.Rand().Float64() >= rate {
//		return link.Halt()
//	}
func (c *Call) Rand() *rand.Rand {
	var seed [32]byte
	c.Host.Random(seed[:])
	return rand.New(rand.NewChaCha8(seed))
}

// KV is a small store of the link's own, shared by all its runs. It acts at once and keeps what it has when a run fails.
// Needs kv: true.
type KV struct{ call *Call }

// KV gives the link's store.
//
//	seen, err := c.KV().Get("seen:" + caller)
//	if errors.Is(err, link.NotFound) { … }
func (c *Call) KV() KV { return KV{c} }

// Get gives the value of a key. Errors: NotFound.
func (s KV) Get(key string) ([]byte, error) {
	return s.call.sized("kv_get", func(out []byte) int64 { return s.call.Host.KVGet([]byte(key), out) })
}

// Put stores a value of at most 64 KiB; ttl 0 = for ever, parts of a second count as one. Errors: Denied, OverQuota.
//
//	err := c.KV().Put("seen:"+caller, []byte(uuid), 24*time.Hour)
func (s KV) Put(key string, value []byte, ttl time.Duration) error {
	return s.call.done("kv_put", s.call.Host.KVPut([]byte(key), value, wholeSeconds(ttl)))
}

// Swap puts value where old is; a nil old means that nothing must be there, a nil value removes. Errors: Conflict when
// another run was quicker.
//
//	old, _ := c.KV().Get("turn") // nil when there is none
//	err := c.KV().Swap("turn", old, []byte("bob"), 0)
func (s KV) Swap(key string, old, value []byte, ttl time.Duration) error {
	return s.call.done("kv_cas", s.call.Host.KVCas([]byte(key), old, value, wholeSeconds(ttl)))
}

// Delete removes a key. Errors: NotFound.
//
//	err := c.KV().Delete("seen:" + caller)
func (s KV) Delete(key string) error { return s.call.done("kv_del", s.call.Host.KVDel([]byte(key))) }
