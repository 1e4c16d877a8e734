package vcon

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

// tree is a JSON value with all that is in it, laid out flat in document order, each with a hash of its value: numbers by
// their value, strings by their text, objects without order (of members with one name the last one counts).
type tree struct {
	text   []byte
	branch []branch
}

// branch is one value of a tree.
type branch struct {
	sum        uint64 // the same for equal values; for others not, unless by a chance of 2^-64
	start, end uint32
	name       key    // of a member; 0 for others
	next       uint32 // number of the branch behind this one and all in it
}

func (t *tree) value(i uint32) Value {
	b := &t.branch[i]
	return Value(t.text[b.start:b.end:b.end])
}

// kids are the numbers of the elements of an array, in order.
func (t *tree) kids(i uint32) []uint32 {
	var kids []uint32
	for k := i + 1; k < t.branch[i].next; k = t.branch[k].next {
		kids = append(kids, k)
	}
	return kids
}

// sums are the hashes of branches.
func (t *tree) sums(kids []uint32) []uint64 {
	sums := make([]uint64, len(kids))
	for n, k := range kids {
		sums[n] = t.branch[k].sum
	}
	return sums
}

// members are the members of an object: the names, each once, in order, and the numbers of their last values.
func (t *tree) members(i uint32) (names []string, at map[string]uint32) {
	at = map[string]uint32{}
	for k := i + 1; k < t.branch[i].next; k = t.branch[k].next {
		name := t.nameOf(k)
		if _, again := at[name]; !again {
			names = append(names, name)
		}
		at[name] = k
	}
	return names, at
}

func (t *tree) nameOf(i uint32) string {
	c := child{key: t.branch[i].name}
	return c.name(t.text)
}

// hasher hashes values. Its keys are secret and its own, so nobody can send values that meet.
type hasher struct {
	seed maphash.Seed
	a, b uint64
}

func newHasher() hasher {
	seed := maphash.MakeSeed()
	return hasher{seed: seed, a: maphash.String(seed, "a"), b: maphash.String(seed, "b")}
}

// mix makes one hash of two, order counts.
func (h *hasher) mix(x, y uint64) uint64 {
	high, low := bits.Mul64(x^h.a, y^h.b)
	return high ^ low
}

func (h *hasher) bytes(k Kind, b []byte) uint64 { return h.mix(maphash.Bytes(h.seed, b), uint64(k)) }

// str is the hash of the string at an offset, and where it ends.
func (h *hasher) str(text []byte, i int) (sum uint64, end int) {
	end = skipString(text, i)
	raw := text[i+1 : end-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = []byte(unquote(text[i:end]))
	}
	return h.bytes(String, raw), end
}

// grower lays out one tree.
type grower struct {
	tree
	*hasher
	pairs  []hashed // members of the objects that are still open
	number [64]byte
}

// hashed is a member by its hashes.
type hashed struct{ name, value uint64 }

// tree lays out a valid value without white space around it.
func (h *hasher) tree(v Value) tree {
	g := grower{tree: tree{text: v}, hasher: h}
	g.grow(0)
	return g.tree
}

// grow adds the value at an offset and gives the offset behind it.
func (g *grower) grow(i int) int {
	n := len(g.branch)
	g.branch = append(g.branch, branch{start: uint32(i)})
	var sum uint64
	end := 0
	switch k := Value(g.text[i:]).Kind(); k {
	case Object:
		sum, end = g.object(i)
	case Array:
		sum, end = g.array(i)
	case String:
		sum, end = g.str(g.text, i)
	default:
		end = skipValue(g.text, i)
		raw := g.text[i:end]
		if k == Number {
			raw = appendDecimal(g.number[:0], raw)
		}
		sum = g.bytes(k, raw)
	}
	b := &g.branch[n]
	b.sum, b.end, b.next = sum, uint32(end), uint32(len(g.branch))
	return end
}

func (g *grower) array(i int) (sum uint64, end int) {
	sum = uint64(Array)
	for i = skipSpace(g.text, i+1); g.text[i] != ']'; i = g.comma(i) {
		n := len(g.branch)
		i = g.grow(i)
		sum = g.mix(sum, g.branch[n].sum)
	}
	return sum, i + 1
}

func (g *grower) object(i int) (sum uint64, end int) {
	mark := len(g.pairs)
	for i = skipSpace(g.text, i+1); g.text[i] != '}'; i = g.comma(i) {
		at := i
		var name uint64
		name, i = g.str(g.text, i)
		escapes := bytes.IndexByte(g.text[at:i], '\\') >= 0
		n := len(g.branch)
		i = g.grow(skipSpace(g.text, skipSpace(g.text, i)+1))
		g.branch[n].name = newKey(at, escapes)
		g.pairs = append(g.pairs, hashed{name, g.branch[n].sum})
	}
	sum = g.fold(g.pairs[mark:])
	g.pairs = g.pairs[:mark]
	return g.mix(sum, uint64(Object)), i + 1
}

// comma steps from the end of a child to the next one, or to the closing bracket.
func (g *grower) comma(i int) int {
	if i = skipSpace(g.text, i); g.text[i] == ',' {
		return skipSpace(g.text, i+1)
	}
	return i
}

// fold adds up the members of an object, so that their order does not count; of those with one name the last one does.
func (g *grower) fold(pairs []hashed) uint64 {
	if len(pairs) > fewNames {
		slices.SortStableFunc(pairs, func(p, q hashed) int { return cmp.Compare(p.name, q.name) })
	}
	var sum uint64
	for n, p := range pairs {
		if !g.repeated(pairs[n+1:], p.name) {
			sum += g.mix(p.name, p.value)
		}
	}
	return sum
}

// repeated reports whether a name comes again; many pairs are sorted.
func (g *grower) repeated(rest []hashed, name uint64) bool {
	if len(rest) > fewNames {
		return rest[0].name == name
	}
	return slices.ContainsFunc(rest, func(p hashed) bool { return p.name == name })
}
