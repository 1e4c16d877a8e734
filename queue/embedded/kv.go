package embedded

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/queue"
)

const kvSelect = `SELECT value FROM kv WHERE link=?1 AND key=?2 AND (until IS NULL OR until>?3)`

// KVGet reads a link's value. Errors: queue.ErrNotFound when there is none or it expired.
func (s *Store) KVGet(ctx context.Context, link, key string) (value []byte, err error) {
	err = s.read(ctx, func(c *conn) error {
		found, err := c.one(func(v []driver.Value) { value = append([]byte{}, asBlob(v[0])...) }, kvSelect, link, key, s.now())
		if err == nil && !found {
			err = queue.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read value of link %q: %w", link, err)
	}
	return value, nil
}

// KVPut writes a link's value, for ttl or, with 0, for ever.
func (s *Store) KVPut(ctx context.Context, link, key string, value []byte, ttl time.Duration) error {
	err := s.grow(ctx, len(value)+len(key), func(t *tx) error { return t.put(link, key, value, ttl) })
	if err != nil {
		return fmt.Errorf("write value of link %q: %w", link, err)
	}
	return nil
}

func (t *tx) put(link, key string, value []byte, ttl time.Duration) error {
	var until any
	if ttl > 0 {
		until = t.now + max(ttl.Milliseconds(), 1)
	}
	if value == nil {
		value = []byte{} // an empty value is not NULL
	}
	_, err := t.exec(`INSERT OR REPLACE INTO kv(link, key, value, until) VALUES(?,?,?,?)`, link, key, value, until)
	return err
}

// KVCAS replaces old (nil: must be absent) with value (nil: remove). Errors: queue.ErrConflict when something else is
// there.
func (s *Store) KVCAS(ctx context.Context, link, key string, old, value []byte, ttl time.Duration) error {
	err := s.grow(ctx, len(value)+len(key), func(t *tx) error {
		var now []byte
		found, err := t.one(func(v []driver.Value) { now = asBlob(v[0]) }, kvSelect, link, key, t.now)
		switch {
		case err != nil:
			return err
		case found != (old != nil) || !bytes.Equal(now, old):
			return queue.ErrConflict
		case value == nil:
			_, err := t.exec(`DELETE FROM kv WHERE link=? AND key=?`, link, key)
			return err
		}
		return t.put(link, key, value, ttl)
	})
	if err != nil {
		return fmt.Errorf("exchange value of link %q: %w", link, err)
	}
	return nil
}

// KVDel removes a link's value. Errors: queue.ErrNotFound when there was none.
func (s *Store) KVDel(ctx context.Context, link, key string) error {
	err := s.do(ctx, len(key), func(t *tx) error {
		found, err := t.one(nil, kvSelect, link, key, t.now)
		if err != nil {
			return err
		}
		if !found {
			return queue.ErrNotFound
		}
		_, err = t.exec(`DELETE FROM kv WHERE link=? AND key=?`, link, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove value of link %q: %w", link, err)
	}
	return nil
}
