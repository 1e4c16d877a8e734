package vcon

import "time"

// ID is a vCon's uuid in binary; its text is always the canonical form, lower case with hyphens.
type ID [16]byte

// ParseID reads a uuid of any version in the forms Python's UUID type takes: hyphenated, 32 hex digits, any case,
// "urn:uuid:" in front, braces around.
func ParseID(s string) (ID, error) { panic("vcon: next commit") }

// String is the canonical form, 36 bytes.
func (id ID) String() string { panic("vcon: next commit") }

// IsZero reports the nil uuid.
func (id ID) IsZero() bool { return id == ID{} }

// NewID makes a version 8 uuid: 48 bits of Unix milliseconds, 12 bits below the millisecond or a counter, and the first
// 8 bytes of SHA-1(domain) with the variant put over them. IDs of one process are distinct and ascend.
func NewID(domain string) ID { panic("vcon: next commit") }

// DeriveID is NewID with time and sub-millisecond bits taken from at and a hash of seed: the same input, the same ID.
func DeriveID(domain string, at time.Time, seed []byte) ID { panic("vcon: next commit") }
