// Package redis is the storage "redis_storage": vCons as strings of a Redis, byte for byte as they are in the live store,
// for as long as its options say.
//
// A vCon is the value of {prefix}:{uuid}. Guarantees: Save returns when the server has the whole new value with a whole
// new life; a reader sees the old value or the new one. How durable that is, the server decides. Errors name the server,
// and hold neither passwords nor what the server wrote.
// Left to others: retries and time limits (runtime/chain). A call that is under way ends at the deadline of its context,
// not when the context is cancelled. Source: the Python server's storage.redis_storage.
package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Config are the options.
type Config struct {
	URL     string        // redis_url: redis://, rediss:// (TLS) or unix://; default that of the live store, else redis://localhost:6379
	Prefix  string        // prefix: of the keys; default vcon_storage
	Expires time.Duration // expires: how long a vCon is kept after it was saved, seconds or "168h", 0 = for ever; default 604800

	server *server // what URL says
}

func readConfig(raw json.RawMessage) (_ Config, unknown []string, _ error) {
	o := chain.ReadOptions(raw)
	c := Config{
		URL:     cmp.Or(o.Text("redis_url", ""), "redis://localhost:6379"),
		Prefix:  o.Text("prefix", "vcon_storage"),
		Expires: o.Duration("expires", 7*24*time.Hour, 0, 100*365*24*time.Hour),
	}
	if c.Expires > 0 && c.Expires < time.Second {
		o.Fail("expires", "must be a second at least, or 0")
	}
	var err error
	if c.server, err = parseURL(c.URL); err != nil {
		o.Fail("redis_url", "%w", err)
	}
	return c, o.Unknown(), o.Err()
}

// Storage keeps vCons in a Redis. Safe for concurrent use, also by several processes.
type Storage struct {
	c       Config
	client  *redis.Client
	largest int // value that the server takes, in bytes
	closed  atomic.Bool
}

// Check says everything that is wrong with the options, and which of them do nothing; it connects to nothing.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, unknown, err = readConfig(options)
	return unknown, err
}

// openWithin bounds the question of Open.
const openWithin = 10 * time.Second

// Open connects to the server and asks whether it is there for us.
func Open(ctx context.Context, name string, options json.RawMessage) (chain.Storage, error) {
	c, _, err := readConfig(options)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	client, err := c.server.client()
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("storage %q: open %s: %w", name, c.server, explain(err)), client.Close())
	}
	return &Storage{c: c, client: client, largest: 512 << 20}, nil
}

// Save writes the vCon's value; its life begins anew.
func (s *Storage) Save(ctx context.Context, doc *vcon.VCon, _ uint64) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	text := doc.Bytes()
	if len(text) > s.largest {
		return chain.Permanent(fmt.Errorf("save vcon %s to %s: it has %d bytes, a value of Redis at most %d", doc.ID(), s.c.server, len(text), s.largest))
	}
	if err := s.client.Set(ctx, s.key(doc.ID()), text, s.c.Expires).Err(); err != nil {
		return fmt.Errorf("save vcon %s to %s: %w", doc.ID(), s.c.server, explain(err))
	}
	return nil
}

// Get reads the vCon's value.
func (s *Storage) Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	text, err := s.client.Get(ctx, s.key(id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, chain.ErrNotStored
	}
	if err != nil {
		return nil, fmt.Errorf("read vcon %s from %s: %w", id, s.c.server, explain(err))
	}
	doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: math.MaxInt32})
	if err != nil {
		return nil, fmt.Errorf("read vcon %s from %s: %w", id, s.c.server, err)
	}
	return doc, nil
}

// Delete removes the vCon's value.
func (s *Storage) Delete(ctx context.Context, id vcon.ID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.client.Unlink(ctx, s.key(id)).Err(); err != nil { // the memory of a large one is given back beside other work
		return fmt.Errorf("delete vcon %s from %s: %w", id, s.c.server, explain(err))
	}
	return nil
}

// Close makes further calls fail and ends those that are under way.
func (s *Storage) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.client.Close()
}

func (s *Storage) ready(ctx context.Context) error {
	if s.closed.Load() {
		return chain.ErrClosed
	}
	return ctx.Err()
}

func (s *Storage) key(id vcon.ID) string { return s.c.Prefix + ":" + id.String() }

var (
	_ chain.OpenStorage = Open
	_ chain.Reader      = (*Storage)(nil)
	_ chain.Deleter     = (*Storage)(nil)
)
