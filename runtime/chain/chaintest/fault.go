package chaintest

import (
	"context"
	"slices"
	"sync"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Memory is a storage in memory that remembers every save and shows faults on demand. It reads and deletes. Set its
// fields before use; safe for concurrent use. The zero value is ready.
type Memory struct {
	// OnSave is asked before each save, with the number of the call from 1; its error fails the call. It may block.
	OnSave func(ctx context.Context, n int, doc *vcon.VCon, rev uint64) error
	// OnDelete is asked before each delete.
	OnDelete func(ctx context.Context, id vcon.ID) error
	// Once: the same save twice is seen twice (chain.Appender).
	Once bool

	mu    sync.Mutex
	docs  map[vcon.ID]*vcon.VCon
	saves []Saved
	calls int
}

// Saved is one save that succeeded.
type Saved struct {
	Doc *vcon.VCon
	Rev uint64
}

// Save keeps the document.
func (m *Memory) Save(ctx context.Context, doc *vcon.VCon, rev uint64) error {
	m.mu.Lock()
	m.calls++
	n := m.calls
	m.mu.Unlock()
	if m.OnSave != nil {
		if err := m.OnSave(ctx, n, doc, rev); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs == nil {
		m.docs = map[vcon.ID]*vcon.VCon{}
	}
	m.docs[doc.ID()] = doc
	m.saves = append(m.saves, Saved{doc, rev})
	return nil
}

// Get gives a kept document.
func (m *Memory) Get(_ context.Context, id vcon.ID) (*vcon.VCon, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if doc := m.docs[id]; doc != nil {
		return doc, nil
	}
	return nil, chain.ErrNotStored
}

// Delete forgets a document.
func (m *Memory) Delete(ctx context.Context, id vcon.ID) error {
	if m.OnDelete != nil {
		if err := m.OnDelete(ctx, id); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, id)
	return nil
}

// Appends is Once.
func (m *Memory) Appends() bool { return m.Once }

// Close does nothing.
func (m *Memory) Close() error { return nil }

// Put keeps a document without a save.
func (m *Memory) Put(doc *vcon.VCon) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs == nil {
		m.docs = map[vcon.ID]*vcon.VCon{}
	}
	m.docs[doc.ID()] = doc
}

// Saves are the saves that succeeded, in order.
func (m *Memory) Saves() []Saved {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.saves)
}

// Calls counts the saves begun.
func (m *Memory) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// WriteOnly hides everything of a storage but Save and Close.
type WriteOnly struct{ chain.Storage }
