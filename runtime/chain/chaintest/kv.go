package chaintest

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// KV is a link's small store in memory, for tests: times to live are taken and not obeyed. The zero value is empty and
// ready. Safe for concurrent use.
type KV struct {
	mu     sync.Mutex
	values map[string][]byte
}

// Get implements hostabi.KV.
func (k *KV) Get(_ context.Context, key string) ([]byte, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.values[key]
	return v, ok, nil
}

// Put implements hostabi.KV.
func (k *KV) Put(_ context.Context, key string, value []byte, _ time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(key, value)
	return nil
}

func (k *KV) put(key string, value []byte) {
	if k.values == nil {
		k.values = map[string][]byte{}
	}
	k.values[key] = bytes.Clone(value)
}

// CAS implements hostabi.KV.
func (k *KV) CAS(_ context.Context, key string, old, value []byte, _ time.Duration) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, ok := k.values[key]
	if ok != (old != nil) || !bytes.Equal(now, old) {
		return false, nil
	}
	if value == nil {
		delete(k.values, key)
	} else {
		k.put(key, value)
	}
	return true, nil
}

// Del implements hostabi.KV.
func (k *KV) Del(_ context.Context, key string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.values[key]
	delete(k.values, key)
	return ok, nil
}

// Len is the number of keys.
func (k *KV) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.values)
}
