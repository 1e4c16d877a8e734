package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// options are those of a storage at a URL; more are laid over them.
func options(t testing.TB, url, more string) json.RawMessage {
	t.Helper()
	o := map[string]any{"redis_url": url}
	if more != "" {
		if err := json.Unmarshal([]byte(more), &o); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func open(t testing.TB, url, more string) *Storage {
	t.Helper()
	s, err := Open(t.Context(), "cache", options(t, url, more))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*Storage)
}

// dial gives a client that looks at the server without the storage.
func dial(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func save(t testing.TB, s chain.Storage, doc *vcon.VCon) {
	t.Helper()
	if err := s.Save(t.Context(), doc, 1); err != nil {
		t.Fatal(err)
	}
}

func holds(t testing.TB, s *Storage, want *vcon.VCon) {
	t.Helper()
	if got, err := s.Get(t.Context(), want.ID()); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("get: %v, or another text", err)
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	url := testserver.Redis(t)
	for name, more := range map[string]string{"defaults": "", "for ever": `,"expires":0`, "as text": `,"expires":"3600"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chaintest.Storage(t, chaintest.StorageCase{
				Open: Open, Exact: true, Large: 20 << 20,
				Options: func(t *testing.T) json.RawMessage { // a place of its own: a prefix
					return options(t, url, fmt.Sprintf(`{"prefix":%q%s}`, vcon.NewID("redis.example"), more))
				},
				Bad: map[string]string{
					`{"redis_url":"http://x"}`:                       "redis_url",
					`{"redis_url":{}}`:                               "redis_url",
					`{"redis_url":"redis://x/y"}`:                    "redis_url",
					`{"redis_url":"redis://x/0?turbo=1"}`:            "redis_url",
					`{"redis_url":"rediss://x?ssl_cert_reqs=maybe"}`: "ssl_cert_reqs",
					`{"expires":-1}`:                                 "expires",
					`{"expires":0.5}`:                                "expires",
					`{"expires":"soon"}`:                             "expires",
					`{"prefix":[],"expires":"soon"}`:                 "prefix",
					`[]`:                                             "options",
				},
			})
		})
	}
}

// TestLayout: key, type and life are those of the Python server.
func TestLayout(t *testing.T) {
	t.Parallel()
	url := testserver.Redis(t)
	c := dial(t, url)
	for more, want := range map[string]struct {
		key  string
		life time.Duration // -1: for ever, as Redis tells it
	}{
		`{}`:                             {"vcon_storage:%s", 604800 * time.Second},
		`{"prefix":"calls:acme"}`:        {"calls:acme:%s", 604800 * time.Second},
		`{"prefix":"p","expires":60}`:    {"p:%s", time.Minute},
		`{"prefix":"p","expires":"90m"}`: {"p:%s", 90 * time.Minute},
		`{"prefix":"p","expires":0}`:     {"p:%s", -1},
	} {
		s, doc := open(t, url, more), chaintest.Document(t, `,"x":1.0`)
		key := fmt.Sprintf(want.key, doc.ID())
		for range 2 { // the second save begins the life anew
			save(t, s, doc)
			got, err := c.Get(t.Context(), key).Result()
			if err != nil || got != string(doc.Bytes()) {
				t.Errorf("%s: %s holds %q, %v", more, key, got, err)
			}
			life, err := c.TTL(t.Context(), key).Result()
			if err != nil || life > want.life || life < want.life-5*time.Second {
				t.Errorf("%s: %s lives for %s, want %s", more, key, life, want.life)
			}
			if err := c.Expire(t.Context(), key, 10*time.Second).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete(t.Context(), doc.ID()); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Exists(t.Context(), key).Result(); err != nil || n != 0 {
			t.Errorf("%s: after delete %s is there: %v", more, key, err)
		}
	}
}

// TestReadsPython: what the Python server wrote is read as it is.
func TestReadsPython(t *testing.T) {
	t.Parallel()
	url := testserver.Redis(t)
	id := vcon.NewID("redis.example")
	text := fmt.Sprintf(`{"uuid": %q, "vcon": "0.0.1", "created_at": "2025-02-03T04:05:06.000+00:00", "subject": "Gr\u00fc\u00dfe", "parties": []}`, id)
	if err := dial(t, url).Set(t.Context(), "vcon_storage:"+id.String(), text, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, url, "").Get(t.Context(), id)
	if err != nil || string(got.Bytes()) != text {
		t.Errorf("get = %v, %v", got, err)
	}
}

// TestExpired: a vCon whose life has ended is not stored.
func TestExpired(t *testing.T) {
	t.Parallel()
	url := testserver.Redis(t)
	s, doc := open(t, url, ""), chaintest.Document(t, "")
	save(t, s, doc)
	if err := dial(t, url).ExpireAt(t.Context(), "vcon_storage:"+doc.ID().String(), time.Now().Add(-time.Second)).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), doc.ID()); !errors.Is(err, chain.ErrNotStored) {
		t.Errorf("get = %v, %v; want ErrNotStored", got, err)
	}
}

// TestForeignValues: what is no vCon is an error, never a vCon, and a save replaces it.
func TestForeignValues(t *testing.T) {
	t.Parallel()
	url := testserver.Redis(t)
	c, s := dial(t, url), open(t, url, "")
	for want, put := range map[string]func(key string) error{
		"something else than a string": func(key string) error { return c.RPush(t.Context(), key, "a").Err() },
		"vcon:":                        func(key string) error { return c.Set(t.Context(), key, "{", time.Minute).Err() },
	} {
		doc := chaintest.Document(t, "")
		if err := put("vcon_storage:" + doc.ID().String()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), doc.ID()); err == nil || errors.Is(err, chain.ErrNotStored) || !strings.Contains(err.Error(), want) {
			t.Errorf("get = %v, want an error with %q", err, want)
		}
		save(t, s, doc)
		holds(t, s, doc)
	}
}

// TestHundredMegabytes: about as much as the API takes.
func TestHundredMegabytes(t *testing.T) {
	t.Parallel()
	s := open(t, testserver.Redis(t), `{"expires":60}`)
	doc, err := vcon.ParseWith(fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"x":"%s"}`, vcon.NewID("redis.example"), strings.Repeat("x", 100<<20)), vcon.Limits{Bytes: math.MaxInt32})
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, doc)
	holds(t, s, doc)
	if err := s.Delete(t.Context(), doc.ID()); err != nil {
		t.Error(err)
	}
}

func TestTooLargeIsPermanent(t *testing.T) {
	t.Parallel()
	s := open(t, testserver.Redis(t), "")
	if s.largest != 512<<20 {
		t.Errorf("the largest value is %d, want Redis's 512 MiB", s.largest)
	}
	s.largest = 100
	doc := chaintest.Document(t, `,"subject":"`+strings.Repeat("x", 100)+`"`)
	if err := s.Save(t.Context(), doc, 1); !chain.IsPermanent(err) || !strings.Contains(err.Error(), doc.ID().String()) {
		t.Errorf("save = %v", err)
	}
}

func BenchmarkSave(b *testing.B) {
	s := open(b, testserver.Redis(b), `{"prefix":"bench","expires":60}`)
	for _, size := range []int{4 << 10, 1 << 20, 20 << 20} {
		doc := chaintest.Document(b, `,"x":"`+strings.Repeat("x", size)+`"`)
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%dKiB/%d", size>>10, parallel), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.SetParallelism(parallel)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Save(b.Context(), doc, 1); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, testserver.Redis(b), `{"prefix":"bench","expires":60}`)
	for _, size := range []int{4 << 10, 1 << 20, 20 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			doc := chaintest.Document(b, `,"x":"`+strings.Repeat("x", size)+`"`)
			save(b, s, doc)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Get(b.Context(), doc.ID()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
