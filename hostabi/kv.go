package hostabi

import (
	"time"
)

const (
	maxKey   = 256
	maxValue = 64 << 10
)

// checkKV checks key, value and time to live, then the grant and the quota of writes (n bytes).
func (c *Call) checkKV(name string, key, value []byte, ttl int64, n int) *callError {
	switch {
	case len(key) == 0 || len(key) > maxKey:
		return failure(Invalid, "%s: a key has 1 to %d bytes", name, maxKey)
	case len(value) > maxValue:
		return failure(Invalid, "%s: a value has at most %d bytes", name, maxValue)
	case ttl < 0 || ttl > int64(maxExpire/time.Second):
		return failure(Invalid, "%s: ttl %d is not within 0 and 10 years", name, ttl)
	case !c.o.Grants.KV:
		return failure(Denied, "%s is not granted; allow it with kv: true", name)
	case c.o.KV == nil:
		return failure(Unsupported, "%s: no store here", name)
	case !fits(c.used.KV, int64(n), c.limits.KV):
		return failure(OverQuota, "%s: more than %d bytes in one run", name, c.limits.KV)
	}
	c.used.KV += int64(n)
	return nil
}

// KVGet gives the value of a key of the link's own store. It and the other kv calls act at once, outside the run's
// success. Errors: -1 none or expired, -5, -10, -11.
func (c *Call) KVGet(key, out []byte) int64 {
	if e := c.enter("kv_get"); e != 0 {
		return int64(e)
	}
	if err := c.checkKV("kv_get", key, nil, 0, 0); err != nil {
		return int64(c.fail(err))
	}
	value, ok, err := c.o.KV.Get(c.ctx, string(key))
	if err != nil {
		return int64(c.fail(waitError("kv_get", err)))
	}
	if !ok {
		return int64(c.failf(NotFound, "kv_get: no such key"))
	}
	return give(value, out)
}

// KVPut stores a value of at most 64 KiB for ttl seconds, 0 = for ever. Errors: -5, -6, -10, -11.
func (c *Call) KVPut(key, value []byte, ttl int64) int32 {
	if e := c.enter("kv_put"); e != 0 {
		return int32(e)
	}
	if err := c.checkKV("kv_put", key, value, ttl, len(key)+len(value)); err != nil {
		return int32(c.fail(err))
	}
	if err := c.o.KV.Put(c.ctx, string(key), value, seconds(ttl)); err != nil {
		return int32(c.fail(waitError("kv_put", err)))
	}
	return 0
}

// KVCas replaces old by value; a nil old means that the key must be absent, a nil value removes it. Errors: -9 when
// something else is there, -5, -6, -10, -11.
func (c *Call) KVCas(key, old, value []byte, ttl int64) int32 {
	if e := c.enter("kv_cas"); e != 0 {
		return int32(e)
	}
	if err := c.checkKV("kv_cas", key, value, ttl, len(key)+len(value)); err != nil {
		return int32(c.fail(err))
	}
	swapped, err := c.o.KV.CAS(c.ctx, string(key), old, value, seconds(ttl))
	if err != nil {
		return int32(c.fail(waitError("kv_cas", err)))
	}
	if !swapped {
		return int32(c.failf(Conflict, "kv_cas: the value is another"))
	}
	return 0
}

// KVDel removes a key: 0, or -1 when there was none. Errors: -5, -10, -11.
func (c *Call) KVDel(key []byte) int32 {
	if e := c.enter("kv_del"); e != 0 {
		return int32(e)
	}
	if err := c.checkKV("kv_del", key, nil, 0, 0); err != nil {
		return int32(c.fail(err))
	}
	existed, err := c.o.KV.Del(c.ctx, string(key))
	if err != nil {
		return int32(c.fail(waitError("kv_del", err)))
	}
	if !existed {
		return int32(c.failf(NotFound, "kv_del: no such key"))
	}
	return 0
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
