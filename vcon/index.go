package vcon

import (
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// indexFrom is the size in bytes from which a container gets an index of its own; smaller ones are walked at each read.
const indexFrom = 512

// hashFrom is the number of members from which names are looked up by hash.
const hashFrom = 32

// index tells where the children of one container lie, relative to the container's first byte: so it stays true when
// the container moves, and an edited document shares the indexes of all that was not touched. Its kids never change;
// the rest is learnt on demand. Safe for concurrent use.
type index struct {
	kids  []child
	subs  atomic.Pointer[[]atomic.Pointer[index]] // of the kids; nil while none has one
	names atomic.Pointer[nameTable]               // of large objects
}

// newIndex makes the index of a container that begins at start from its children, which are copied.
func newIndex(kids []scanned, start uint32) *index {
	x := &index{kids: make([]child, len(kids))}
	for n := range kids {
		k := &kids[n]
		x.kids[n] = child{k.key, k.start - start, k.end - start}
		if k.key != 0 {
			x.kids[n].key -= key(start)
		}
		if k.sub != nil {
			x.setSub(n, k.sub)
		}
	}
	return x
}

// buildIndex makes the index of a valid container by walking it.
func buildIndex(container []byte) *index {
	x := &index{}
	for c := open(container); c.next(); {
		x.kids = append(x.kids, c.at)
	}
	return x
}

func (x *index) setSub(n int, sub *index) {
	subs := x.subs.Load()
	if subs == nil {
		made := make([]atomic.Pointer[index], len(x.kids))
		if subs = &made; !x.subs.CompareAndSwap(nil, subs) {
			subs = x.subs.Load()
		}
	}
	(*subs)[n].Store(sub)
}

// sub is the index of a kid with this text; nil when it is not worth one.
func (x *index) sub(n int, text []byte) *index {
	if len(text) < indexFrom || text[0] != '{' && text[0] != '[' {
		return nil
	}
	if subs := x.subs.Load(); subs != nil {
		if sub := (*subs)[n].Load(); sub != nil {
			return sub
		}
	}
	sub := buildIndex(text)
	x.setSub(n, sub)
	return sub
}

// member is the number of the kid with this name, the last one of several; -1 when there is none.
func (x *index) member(container []byte, name string) int {
	if len(x.kids) >= hashFrom {
		return x.memberByHash(container, name)
	}
	for n := len(x.kids) - 1; n >= 0; n-- {
		if x.kids[n].is(container, name) {
			return n
		}
	}
	return -1
}

// nameTable finds members by the hash of their names: rows are the upper half of the hash and the number of the kid,
// sorted. The seed is its own, so nobody can send names that meet.
type nameTable struct {
	seed maphash.Seed
	rows []uint64
}

func (t *nameTable) row(name string) uint64 { return maphash.String(t.seed, name) &^ (1<<32 - 1) }

func (x *index) memberByHash(container []byte, name string) int {
	t := x.names.Load()
	if t == nil {
		t = &nameTable{seed: maphash.MakeSeed(), rows: make([]uint64, len(x.kids))}
		for n := range x.kids {
			t.rows[n] = t.row(x.kids[n].name(container)) | uint64(n)
		}
		slices.Sort(t.rows)
		x.names.Store(t)
	}
	hash := t.row(name)
	at, _ := slices.BinarySearch(t.rows, hash|(1<<32-1))
	for at--; at >= 0 && t.rows[at]&^(1<<32-1) == hash; at-- {
		if n := int(uint32(t.rows[at])); x.kids[n].is(container, name) {
			return n
		}
	}
	return -1
}

// child is one element or member. Offsets are relative to the container.
type child struct {
	key        key // 0 in an array
	start, end uint32
}

// key is the offset of a member name's opening quote; the highest bit says that the name has escapes.
type key uint32

const escaped key = 1 << 31

func newKey(offset int, escapes bool) key {
	k := key(offset)
	if escapes {
		k |= escaped
	}
	return k
}

func (k key) offset() int { return int(k &^ escaped) }

// name is the decoded name of a member of container.
func (c *child) name(container []byte) string {
	at := c.key.offset()
	return unquote(container[at:skipString(container, at)])
}

// is reports whether the member's name is name.
func (c *child) is(container []byte, name string) bool {
	at := c.key.offset() + 1
	if c.key&escaped != 0 {
		return c.name(container) == name
	}
	end := at + len(name)
	return end < len(container) && container[end] == '"' && string(container[at:end]) == name && plain(name)
}

// plain reports a name that may be compared byte by byte with one that has no escapes.
func plain(name string) bool {
	for i := range len(name) {
		if name[i] == '"' || name[i] == '\\' {
			return false
		}
	}
	return true
}
