package hostabi

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

func TestConfigRead(t *testing.T) {
	t.Parallel()
	read := func(c *Call, pointer string) string {
		out := make([]byte, 4096)
		n := c.ConfigRead([]byte(pointer), out)
		if n < 0 {
			return Errno(n).String()
		}
		return string(out[:n])
	}
	c := newCall(t, document, func(o *Options) {
		o.Config = json.RawMessage(` {"a": {"b/c": [1, {"d": "x"}]}, "n": null} `)
		o.Attempt, o.TraceParent, o.Digest = 3, "00-aa-bb-01", "sha256:ff"
		o.Deadline = time.UnixMilli(4_000_000_000_123)
	})
	for pointer, want := range map[string]string{
		"": `{"a": {"b/c": [1, {"d": "x"}]}, "n": null}`, "/a/b~1c/1/d": `"x"`, "/a/b~1c/0": "1", "/n": "null", "/x": "not found", "/a/b~1c/2": "not found",
		"/a/b~1c/01": "not found", "/a/b~1c/-": "not found", "/n/x": "not found", "a": "bad pointer", "/\xff": "invalid argument",
		"/_link/name": `"l"`, "/_link/attempt": "3", "/_link/digest": `"sha256:ff"`, "/_link/deadline_ms": "4000000000123", "/_link/chain": `"c"`, "/_link/list": `"in"`,
		"/_link/traceparent": `"00-aa-bb-01"`, "/_link/run": `"01020300000000000000000000000000"`, "/_link/x": "not found", "/_linked": "not found",
	} {
		if got := read(c, pointer); got != want {
			t.Errorf("config_read %q = %s, want %s", pointer, got, want)
		}
	}
	for config, want := range map[string]string{
		"": "{}", "null": "{}", "{}": "{}", `{"_link":1,"a":2}`: `{"a":2}`, `{"x":"_link"}`: `{"x":"_link"}`, `{"_link":`: "wrong type",
	} {
		c := newCall(t, document, func(o *Options) { o.Config = json.RawMessage(config) })
		if got := read(c, ""); got != want {
			t.Errorf("options %q read as %s, want %s", config, got, want)
		}
		if got := read(c, "/_link/attempt"); got != "1" && config != `{"_link":` {
			t.Errorf("options %q: attempt %s", config, got)
		}
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	c := newCall(t, document, func(o *Options) {
		o.Grants.Queues = append(o.Grants.Queues, "vcon:x")
		o.ListErr = func(name string) error {
			if strings.HasPrefix(name, "vcon:") {
				return errors.New("reserved")
			}
			return nil
		}
	})
	for _, list := range []string{"other", "third", "other"} {
		equalCode(t, c, list, int64(c.Route([]byte(list))), 0)
	}
	for list, want := range map[string]Errno{"": Invalid, "\xff": Invalid, "a\nb": Invalid, "vcon:x": Invalid, "elsewhere": Denied} {
		equalCode(t, c, list, int64(c.Route([]byte(list))), want)
	}
	if got := strings.Join(c.Effects().Routes, " "); got != "other third" {
		t.Errorf("routes %q", got)
	}
}

func TestExpireAndRetryAfter(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	if c.Effects().Expire != nil {
		t.Error("expires unasked")
	}
	if _, ok := c.RetryDelay(); ok {
		t.Error("a delay unasked")
	}
	equalCode(t, c, "expire", int64(c.Expire(60)), 0)
	equalCode(t, c, "expire", int64(c.Expire(0)), 0)
	for _, bad := range []int64{-1, math.MinInt64, math.MaxInt64, 10*365*24*3600 + 1} {
		equalCode(t, c, "expire", int64(c.Expire(bad)), Invalid)
	}
	if d := c.Effects().Expire; d == nil || *d != 0 {
		t.Errorf("expire %v", d)
	}
	equalCode(t, c, "retry_after", int64(c.RetryAfter(1500)), 0)
	for _, bad := range []int64{-1, 3_600_001, math.MaxInt64} {
		equalCode(t, c, "retry_after", int64(c.RetryAfter(bad)), Invalid)
	}
	if d, ok := c.RetryDelay(); !ok || d != 1500*time.Millisecond {
		t.Errorf("delay %v", d)
	}
	narrow := newCall(t, document, func(o *Options) { o.Grants = Grants{} })
	equalCode(t, narrow, "expire", int64(narrow.Expire(1)), Denied)
	equalCode(t, narrow, "vcon_create", narrow.VconCreate(0, nil, []byte(`{}`), make([]byte, 36)), Denied)
}

func TestVconCreate(t *testing.T) {
	t.Parallel()
	make2 := func() (*Call, string, string) {
		c := newCall(t, document)
		a, b := make([]byte, 36), make([]byte, 36)
		equalCode(t, c, "size", c.VconCreate(0, nil, []byte(`{"parties":[]}`), nil), 36)
		equalCode(t, c, "short", c.VconCreate(0, nil, []byte(`{"parties":[]}`), a[:35]), 36)
		equalCode(t, c, "first", c.VconCreate(0, []byte(`["other","third"]`), []byte(` {"parties": []} `), a), 36)
		equalCode(t, c, "second", c.VconCreate(1, nil, []byte(`{}`), b), 36)
		return c, string(a), string(b)
	}
	c, a, b := make2()
	_, again, _ := make2()
	if a == b || a != again {
		t.Errorf("uuids %s, %s, repeated %s", a, b, again)
	}
	id, err := vcon.ParseID(a)
	if err != nil || id[6]>>4 != 8 {
		t.Errorf("uuid %s: %v", a, err)
	}
	ms := int64(binary.BigEndian.Uint64(id[:8]) >> 16)
	if d := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC).Sub(time.UnixMilli(ms)); d < 0 || d > 20*time.Second {
		t.Errorf("uuid of %v", time.UnixMilli(ms).UTC())
	}
	made := c.Effects().Creates
	if len(made) != 2 || made[0].ID != id || made[0].Current || !made[1].Current || string(made[0].Text) != `{"uuid":"`+a+`","parties": []}` || len(made[0].Lists) != 2 ||
		string(made[1].Text) != `{"uuid":"`+b+`"}` {
		t.Errorf("made %+v", made)
	}
	own := `{"uuid":"11111111-2222-8333-8444-555555555555","parties":[]}`
	out := make([]byte, 36)
	equalCode(t, c, "its own uuid", c.VconCreate(0, nil, []byte(own), out), 36)
	if string(out) != "11111111-2222-8333-8444-555555555555" {
		t.Errorf("uuid %s", out)
	}
	equalCode(t, c, "twice", c.VconCreate(0, nil, []byte(own), out), Conflict)
	equalCode(t, c, "that of this vCon", c.VconCreate(0, nil, []byte(document), out), Conflict)
	for _, bad := range []string{"", "[]", "null", "{", `{"uuid":"x"}`, `{"uuid":1}`, strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)} {
		equalCode(t, c, bad[:min(len(bad), 20)], c.VconCreate(0, nil, []byte(bad), out), Invalid)
	}
	equalCode(t, c, "flags", c.VconCreate(2, nil, []byte("{}"), out), Invalid)
	equalCode(t, c, "lists", c.VconCreate(0, []byte("{}"), []byte("{}"), out), Invalid)
	equalCode(t, c, "a list not granted", c.VconCreate(0, []byte(`["x"]`), []byte("{}"), out), Denied)
	equalCode(t, c, "no legal list", c.VconCreate(0, []byte(`[""]`), []byte("{}"), out), Invalid)
	for range maxCreates - 3 {
		c.VconCreate(0, nil, []byte("{}"), out)
	}
	equalCode(t, c, "one too many", c.VconCreate(0, nil, []byte("{}"), out), OverQuota)
}

func TestVconCreateAsksWhatExists(t *testing.T) {
	t.Parallel()
	var answer error
	c := newCall(t, document, func(o *Options) {
		o.Exists = func(_ context.Context, id vcon.ID) (bool, error) { return id.String()[0] == '1', answer }
	})
	out := make([]byte, 36)
	equalCode(t, c, "exists", c.VconCreate(0, nil, []byte(`{"uuid":"11111111-2222-8333-8444-555555555555"}`), out), Conflict)
	equalCode(t, c, "new", c.VconCreate(0, nil, []byte(`{"uuid":"21111111-2222-8333-8444-555555555555"}`), out), 36)
	answer = errors.New("down")
	equalCode(t, c, "unknown", c.VconCreate(0, nil, []byte(`{"uuid":"31111111-2222-8333-8444-555555555555"}`), out), Network)
	answer = context.DeadlineExceeded
	equalCode(t, c, "late", c.VconCreate(0, nil, []byte(`{"uuid":"31111111-2222-8333-8444-555555555555"}`), out), TimedOut)
}

func TestBegan(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]int64{
		`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`:                                     0x018e3f5c6f1a,
		`{"uuid":"018e3f5c-6f1a-4b2c-9d3e-4f5a6b7c8d9e"}`:                                     0,
		`{"uuid":"018e3f5c-6f1a-4b2c-9d3e-4f5a6b7c8d9e","created_at":"bad"}`:                  0,
		`{"uuid":"x018","created_at":"2024-03-01T12:00:00Z"}`:                                 -1,
		`{"uuid":"018e3f5c-6f1a-4b2c-9d3e-4f5a6b7c8d9e","created_at":"2024-03-01T12:00:00Z"}`: 1709294400000,
	} {
		if want < 0 {
			continue
		}
		c := newCall(t, doc)
		if got := c.began().UnixMilli(); got != want {
			t.Errorf("%s began %d, want %d", doc, got, want)
		}
	}
}

// memoryKV is a KV in a map.
type memoryKV struct {
	m   map[string][]byte
	ttl time.Duration
	err error
}

func newMemoryKV() *memoryKV { return &memoryKV{m: map[string][]byte{}} }

func (k *memoryKV) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := k.m[key]
	return v, ok, k.err
}

func (k *memoryKV) Put(_ context.Context, key string, value []byte, ttl time.Duration) error {
	k.m[key], k.ttl = bytes.Clone(value), ttl
	return k.err
}

func (k *memoryKV) CAS(_ context.Context, key string, old, value []byte, _ time.Duration) (bool, error) {
	have, has := k.m[key]
	if has != (old != nil) || !bytes.Equal(have, old) {
		return false, k.err
	}
	if value == nil {
		delete(k.m, key)
	} else {
		k.m[key] = bytes.Clone(value)
	}
	return true, k.err
}

func (k *memoryKV) Del(_ context.Context, key string) (bool, error) {
	_, had := k.m[key]
	delete(k.m, key)
	return had, k.err
}

func TestKV(t *testing.T) {
	t.Parallel()
	kv := newMemoryKV()
	c := newCall(t, document, func(o *Options) { o.KV = kv })
	k := []byte("k")
	equalCode(t, c, "get of nothing", c.KVGet(k, nil), NotFound)
	equalCode(t, c, "put", int64(c.KVPut(k, []byte("one"), 60)), 0)
	if kv.ttl != time.Minute {
		t.Errorf("ttl %v", kv.ttl)
	}
	if got := text(t, func(out []byte) int64 { return c.KVGet(k, out) }); got != "one" {
		t.Errorf("get %q", got)
	}
	equalCode(t, c, "cas of another", int64(c.KVCas(k, []byte("two"), []byte("x"), 0)), Conflict)
	equalCode(t, c, "cas of nothing", int64(c.KVCas(k, nil, []byte("x"), 0)), Conflict)
	equalCode(t, c, "cas", int64(c.KVCas(k, []byte("one"), []byte("two"), 0)), 0)
	equalCode(t, c, "cas that removes", int64(c.KVCas(k, []byte("two"), nil, 0)), 0)
	equalCode(t, c, "del of nothing", int64(c.KVDel(k)), NotFound)
	equalCode(t, c, "cas of an absent key", int64(c.KVCas(k, nil, []byte{}, 0)), 0)
	equalCode(t, c, "del", int64(c.KVDel(k)), 0)
	for _, key := range [][]byte{nil, make([]byte, maxKey+1)} {
		equalCode(t, c, "key", c.KVGet(key, nil), Invalid)
		equalCode(t, c, "key", int64(c.KVPut(key, nil, 0)), Invalid)
		equalCode(t, c, "key", int64(c.KVCas(key, nil, nil, 0)), Invalid)
		equalCode(t, c, "key", int64(c.KVDel(key)), Invalid)
	}
	equalCode(t, c, "value", int64(c.KVPut(k, make([]byte, maxValue+1), 0)), Invalid)
	equalCode(t, c, "ttl", int64(c.KVPut(k, nil, -1)), Invalid)
	equalCode(t, c, "ttl", int64(c.KVCas(k, nil, nil, math.MaxInt64)), Invalid)
	kv.err = errors.New("down")
	for what, got := range map[string]int64{"get": c.KVGet(k, nil), "put": int64(c.KVPut(k, nil, 0)), "cas": int64(c.KVCas(k, nil, nil, 0)), "del": int64(c.KVDel(k))} {
		equalCode(t, c, what, got, Network)
	}
	small := newCall(t, document, func(o *Options) { o.KV, o.Limits.KV = newMemoryKV(), 5 })
	equalCode(t, small, "4 bytes", int64(small.KVPut(k, []byte("abc"), 0)), 0)
	equalCode(t, small, "2 more", int64(small.KVPut(k, []byte("a"), 0)), OverQuota)
	none := newCall(t, document)
	equalCode(t, none, "no store", c64(none.KVDel(k)), Unsupported)
	denied := newCall(t, document, func(o *Options) { o.KV, o.Grants.KV = newMemoryKV(), false })
	equalCode(t, denied, "not granted", denied.KVGet(k, nil), Denied)
}

func c64(n int32) int64 { return int64(n) }

func TestNowAndRandom(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	now := c.Now()
	if d := time.Since(time.Unix(0, now)); d < 0 || d > time.Minute || now%int64(time.Millisecond) != 0 {
		t.Errorf("now is %v ago", d)
	}
	a, b := make([]byte, 32), make([]byte, 32)
	if c.Random(a) != 0 || c.Random(b) != 0 || bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("random %x, %x", a, b)
	}
	equalCode(t, c, "random", int64(c.Random(make([]byte, maxRandom))), 0)
	equalCode(t, c, "random", int64(c.Random(make([]byte, maxRandom+1))), Invalid)
}

func TestLog(t *testing.T) {
	t.Parallel()
	var lines []string
	c := newCall(t, document, func(o *Options) { o.Log = func(_ int, line string) { lines = append(lines, line) } })
	for in, want := range map[string]string{
		"plain ü": "plain ü", "a\nb\x1b[31m\x00": `a\x0ab\x1b[31m\x00`, "\u009b\u202e\u2028": `\x9b\u202e\u2028`, "": "",
		strings.Repeat("x", 2000): strings.Repeat("x", 1024), strings.Repeat("x", 1023) + "üü": strings.Repeat("x", 1023),
	} {
		lines = nil
		if c.Log(1, []byte(in)) != 0 || len(lines) != 1 || lines[0] != want {
			t.Errorf("log %q = %q, want %q", in, lines, want)
		}
	}
	equalCode(t, c, "level", int64(c.Log(4, nil)), Invalid)
	equalCode(t, c, "level", int64(c.Log(-1, nil)), Invalid)
	equalCode(t, c, "UTF-8", int64(c.Log(0, []byte("\xff"))), Invalid)
	lines = nil
	small := newCall(t, document, func(o *Options) { o.Limits.Log, o.Log = 10, c.o.Log })
	if small.Log(0, []byte("12345678")) != 0 || small.Log(0, []byte("123")) != 1 || small.Log(0, []byte("12")) != 0 || len(lines) != 2 {
		t.Errorf("a full log: %q", lines)
	}
	if newCall(t, document).Log(0, []byte("nobody listens")) != 0 {
		t.Error("without a logger")
	}
}

func TestMetric(t *testing.T) {
	t.Parallel()
	got := map[string]float64{}
	c := newCall(t, document, func(o *Options) { o.Metric = func(_ int, name string, v float64) { got[name] = v } })
	equalCode(t, c, "counter", int64(c.Metric(0, []byte("a.b-c_9"), 2)), 0)
	equalCode(t, c, "gauge", int64(c.Metric(1, []byte("g"), -2)), 0)
	equalCode(t, c, "histogram", int64(c.Metric(2, []byte("h"), 0.5)), 0)
	if got["a.b-c_9"] != 2 || got["g"] != -2 || got["h"] != 0.5 {
		t.Errorf("got %v", got)
	}
	for _, m := range []struct {
		kind  int32
		name  string
		value float64
	}{{3, "a", 1}, {-1, "a", 1}, {0, "", 1}, {0, "9a", 1}, {0, "a b", 1}, {0, strings.Repeat("a", 65), 1}, {0, "a\n", 1}, {0, "a", -1}, {1, "a", math.NaN()}, {2, "a", math.Inf(1)}} {
		equalCode(t, c, m.name, int64(c.Metric(m.kind, []byte(m.name), m.value)), Invalid)
	}
	for i := range maxMetrics {
		c.Metric(0, []byte{'n', byte('a' + i%26), byte('a' + i/26)}, 1)
	}
	equalCode(t, c, "a new name", int64(c.Metric(0, []byte("new"), 1)), OverQuota)
	equalCode(t, c, "an old name", int64(c.Metric(1, []byte("g"), 1)), 0)
}

func TestErrorSet(t *testing.T) {
	t.Parallel()
	c := newCall(t, document)
	if c.Failure() != "" {
		t.Error("a failure from the start")
	}
	c.ErrorSet([]byte("first"))
	c.ErrorSet([]byte("a\n\x1b[2Jb"))
	if got := c.Failure(); got != "a\n\\x1b[2Jb" {
		t.Errorf("failure %q", got)
	}
	c.ErrorSet([]byte(strings.Repeat("ü", 1000)))
	if got := c.Failure(); len(got) != 1024 || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
	equalCode(t, c, "UTF-8", int64(c.ErrorSet([]byte("\xff"))), Invalid)
}
