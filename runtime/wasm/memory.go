package wasm

import (
	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory is a guest's memory: address space for all that it may have, of which pages cost something once they
// are touched. It does not move when it grows.
type linearMemory struct {
	space   []byte // reserved; its length is the most that the guest may have
	used    uint64
	refused bool // the guest has asked for more than it may have
}

// allocator makes the memory of one guest. A module whose least memory is above limit must not get here: the runtime
// has no way to be told no.
type allocator struct {
	limit  uint64 // bytes, whole pages
	memory *linearMemory
}

var _ experimental.MemoryAllocator = (*allocator)(nil)

// Allocate implements experimental.MemoryAllocator.
func (a *allocator) Allocate(_, most uint64) experimental.LinearMemory {
	a.memory = &linearMemory{space: reserve(min(most, a.limit))}
	return a.memory
}

// Reallocate implements experimental.LinearMemory: nil is no.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.space)) {
		m.refused = true
		return nil
	}
	m.used = max(m.used, size)
	return m.space[:size:len(m.space)]
}

// Free implements experimental.LinearMemory.
func (m *linearMemory) Free() {
	release(m.space)
	m.space = nil
}
