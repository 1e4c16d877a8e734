package vcon

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"
)

// ID is a vCon's uuid in binary; its text is always the canonical form, lower case with hyphens.
type ID [16]byte

// ParseID reads a uuid of any version in the forms Python's UUID type takes: hyphenated, 32 hex digits, any case,
// "urn:uuid:" in front, braces around. Error: ErrID.
func ParseID(s string) (ID, error) {
	if len(s) >= 9 && strings.EqualFold(s[:9], "urn:uuid:") {
		s = s[9:]
	}
	if len(s) >= 2 && s[0] == '{' && s[len(s)-1] == '}' {
		s = s[1 : len(s)-1]
	}
	var digits [32]byte
	switch len(s) {
	case 32:
		copy(digits[:], s)
	case 36:
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return ID{}, ErrID
		}
		copy(digits[:8], s)
		copy(digits[8:12], s[9:])
		copy(digits[12:16], s[14:])
		copy(digits[16:20], s[19:])
		copy(digits[20:], s[24:])
	default:
		return ID{}, ErrID
	}
	var id ID
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return ID{}, ErrID
	}
	return id, nil
}

// String is the canonical form, 36 bytes.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// IsZero reports the nil uuid.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText is String, so that an ID is a JSON string and a JSON member name.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// lastTick is the newest tick that NewID gave out: what keeps the IDs of one process distinct and ascending is by
// nature one variable per process.
var lastTick atomic.Uint64

// NewID makes a version 8 uuid: 48 bits of Unix milliseconds, 12 bits below the millisecond or a counter, and the first
// 8 bytes of SHA-1(domain) with the variant put over them. IDs of one process are distinct and ascend.
func NewID(domain string) ID {
	now := ticks(time.Now())
	for {
		last := lastTick.Load()
		next := max(now, last+1)
		if lastTick.CompareAndSwap(last, next) {
			return makeID(domain, next)
		}
	}
}

// DeriveID is NewID with time and sub-millisecond bits taken from at and a hash of seed: the same input, the same ID.
// 26 bits of the hash are subtracted from the time, which so lies at most 17 s before at. Different seeds may rarely
// meet: 100 IDs of one at do so with a chance of 1 in 13,000, and a caller must be ready for a taken ID.
func DeriveID(domain string, at time.Time, seed []byte) ID {
	sum := sha256.Sum256(seed)
	back := uint64(binary.BigEndian.Uint32(sum[:4]) >> 6)
	return makeID(domain, ticks(at)-back)
}

// ticks are milliseconds with 12 further bits of fraction, 60 bits in all.
func ticks(t time.Time) uint64 {
	ms := uint64(t.UnixMilli())
	fraction := uint64(t.Nanosecond()%int(time.Millisecond)) << 12 / uint64(time.Millisecond)
	return ms<<12 | fraction
}

func makeID(domain string, tick uint64) ID {
	var id ID
	maker := sha1.Sum([]byte(domain))
	binary.BigEndian.PutUint64(id[:8], tick>>12<<16|0x8000|tick&0xfff)
	copy(id[8:], maker[:8])
	id[8] = id[8]&0x3f | 0x80
	return id
}
