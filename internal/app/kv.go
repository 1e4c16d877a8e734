package app

import (
	"context"
	"errors"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// linkKV is the store's KV, scoped to one link.
type linkKV struct {
	kv   queue.KV
	link string
}

// Get implements hostabi.KV.
func (k linkKV) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, err := k.kv.KVGet(ctx, k.link, key)
	ok, err := found(err)
	return v, ok, err
}

// Put implements hostabi.KV.
func (k linkKV) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return k.kv.KVPut(ctx, k.link, key, value, ttl)
}

// CAS implements hostabi.KV.
func (k linkKV) CAS(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	err := k.kv.KVCAS(ctx, k.link, key, old, value, ttl)
	if errors.Is(err, queue.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// Del implements hostabi.KV.
func (k linkKV) Del(ctx context.Context, key string) (bool, error) {
	return found(k.kv.KVDel(ctx, k.link, key))
}

func found(err error) (bool, error) {
	if errors.Is(err, queue.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
