package core

import (
	"fmt"
	"unicode/utf8"
)

// cursor reads forward over a part of the module. The first problem sticks: from then on every read gives zero and
// nothing is left, so that loops end and callers look at err once.
type cursor struct {
	b       []byte // the whole module
	at, end int    // what is left is b[at:end]
	section string // for errors
	fn      int    // function that is read, for errors; -1 none
	err     *Error
}

func (c *cursor) left() int { return c.end - c.at }

// fail keeps the problem if it is the first one.
func (c *cursor) fail(e *Error) {
	if c.err == nil {
		e.Section, e.Func = c.section, c.fn
		c.err = e
	}
	c.at = c.end
}

// broken: the bytes at offset break the format.
func (c *cursor) broken(offset int, format string, args ...any) {
	if c.err == nil { // sparing the work when the loop above has not looked yet
		c.fail(&Error{Kind: Malformed, Offset: offset, Reason: fmt.Sprintf(format, args...)})
	}
}

// refuse: the bytes at offset mean a feature that is not allowed; by is the instruction or form that means it.
func (c *cursor) refuse(offset int, feature, by string) {
	c.fail(&Error{Kind: Unsupported, Offset: offset, Feature: feature,
		Reason: fmt.Sprintf("uses %s (%s), which this host does not allow", feature, by)})
}

// over refuses a value above its limit; name is the field of Limits, what the thing that is counted.
func (c *cursor) over(offset int, name string, value uint64, limit int, what string) bool {
	most := uint64(max(limit, 0))
	if value <= most {
		return false
	}
	c.fail(&Error{Kind: Limit, Offset: offset, Limit: name, Value: value, Max: most,
		Reason: fmt.Sprintf("%d %s, the limit %s allows %d", value, what, name, most)})
	return true
}

func (c *cursor) byte() byte {
	if c.at >= c.end {
		c.cut()
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *cursor) cut() {
	if c.end == len(c.b) {
		c.broken(c.end, "the module is cut off")
		return
	}
	c.broken(c.end, "reads beyond its end")
}

// bytes takes the next n bytes, as part of the module.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(c.left()) {
		c.cut()
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at : c.at]
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (c *cursor) u32() uint32 {
	if c.at < c.end && c.b[c.at] < 0x80 {
		c.at++
		return uint32(c.b[c.at-1])
	}
	return c.longU32()
}

func (c *cursor) longU32() uint32 {
	start, v := c.at, uint32(0)
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		if shift == 28 && b&0xf0 != 0 {
			c.leb(start, b, 32)
			return 0
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	return v
}

// signed reads a signed LEB128 number of at most the given bits (32, 33 or 64), sign extended.
func (c *cursor) signed(bits int) int64 {
	start, v := c.at, int64(0)
	for shift := 0; ; shift += 7 {
		b := c.byte()
		v |= int64(b&0x7f) << shift
		if rest := bits - shift; rest <= 7 { // the last byte that is allowed: its unused bits repeat the sign
			unused := byte(0x7f) << (rest - 1) & 0x7f
			if b >= 0x80 || b&unused != 0 && b&unused != unused {
				c.leb(start, b, bits)
				return 0
			}
		}
		if b < 0x80 {
			if shift += 7; shift < 64 && b&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
}

func (c *cursor) leb(start int, last byte, bits int) {
	if last >= 0x80 {
		c.broken(start, "a number takes more bytes than %d bits need", bits)
		return
	}
	c.broken(start, "a number does not fit into %d bits", bits)
}

// count reads how many items follow, each of at least size bytes, and refuses a number that the bytes left cannot hold:
// nothing is ever allocated for a claim.
func (c *cursor) count(size int, what string) int {
	start := c.at
	n := c.u32()
	if uint64(n)*uint64(size) > uint64(c.left()) {
		c.broken(start, "claims %d %s in %d bytes", n, what, c.left())
		return 0
	}
	return int(n)
}

// name reads a name, which must be UTF-8.
func (c *cursor) name(limit int, what string) string {
	start := c.at
	n := c.u32()
	raw := c.bytes(uint64(n))
	if c.err != nil || c.over(start, "NameBytes", uint64(n), limit, "bytes of "+what) {
		return ""
	}
	if !utf8.Valid(raw) {
		c.broken(start, "%s is not UTF-8", what)
		return ""
	}
	return string(raw)
}
