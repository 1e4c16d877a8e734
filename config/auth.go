package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"
)

// Scopes are the rights that a key can have; modules:publish:NAME is the family that is not listed.
func Scopes() []string {
	return []string{"read", "write", "dlq", "usage", "metrics", "audit", "admin",
		"config:read", "config:write", "config:secrets", "modules:admin"}
}

// Auth is the section `auth` and the CONSERVER tokens.
type Auth struct {
	Keys []AuthKey `config:"keys"`
	// Tokens are CONSERVER_API_TOKEN and the lines of CONSERVER_API_TOKEN_FILE; they have all scopes.
	Tokens []KeyHash `config:"-"`
}

// AuthKey is a key of the main routes.
type AuthKey struct {
	Name    string    `config:"name"`
	Key     KeyHash   `config:"key"`
	Scopes  []string  `config:"scopes"`
	Expires time.Time `config:"expires"` // zero = never; a date means 00:00 UTC
	Pos     Pos       `config:"-"`
}

func (k *AuthKey) setPos(p Pos) { k.Pos = p }

// Open says that there is neither token nor key: the main routes ask for none.
func (a Auth) Open() bool { return len(a.Tokens) == 0 && len(a.Keys) == 0 }

// IngressList is one entry of `ingress_auth`: the keys with which partners may post to List.
type IngressList struct {
	List string       `config:",name"`
	Keys []IngressKey `config:"-"`
	Pos  Pos          `config:"-"`
}

func (l *IngressList) setPos(p Pos) { l.Pos = p }

// IngressKey is a partner's key. Name is for logs and metrics: `list#n`, n from 1, when the file gives none.
type IngressKey struct {
	Name string  `config:"name"`
	Key  KeyHash `config:"key"`
	// Rate bounds requests, with Burst at once (0 = one second's worth); zero = unbounded. Quota is counted per UTC day.
	Rate       Rate      `config:"rate"`
	Burst      int       `config:"burst" min:"0"`
	Quota      Rate      `config:"quota"`
	Expires    time.Time `config:"expires"`
	Validation string    `config:"validation" oneof:"|lenient|strict|upstream"` // "" = server.validation
	Tenant     string    `config:"tenant"`
	Pos        Pos       `config:"-"`
}

func (k *IngressKey) setPos(p Pos) { k.Pos = p }

// KeyHash is a key of ours, kept as its SHA-256 only: plain keys of the file are hashed while loading. The zero value
// matches nothing.
type KeyHash struct {
	sum [sha256.Size]byte
	set bool
}

const hashPrefix = "sha256:"

// HashKey makes the KeyHash of a plain key.
func HashKey(plain string) KeyHash { return KeyHash{sum: sha256.Sum256([]byte(plain)), set: true} }

// Hash is the form for a configuration: sha256: and 64 hex digits. It is no secret if the key is random.
func (k KeyHash) Hash() string { return hashPrefix + hex.EncodeToString(k.sum[:]) }

// parseKey takes a plain key or sha256: and 64 hex digits; false if the digits are wrong.
func parseKey(text string) (KeyHash, bool) {
	digits, hashed := strings.CutPrefix(text, hashPrefix)
	if !hashed {
		return HashKey(text), text != ""
	}
	k := KeyHash{set: true}
	sum, err := hex.DecodeString(digits)
	return k, err == nil && copy(k.sum[:], sum) == len(sum) && len(sum) == sha256.Size
}

// Matches compares in constant time.
func (k KeyHash) Matches(presented string) bool { return k.matches(sha256.Sum256([]byte(presented))) }

func (k KeyHash) matches(sum [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(k.sum[:], sum[:]) == 1 && k.set
}

// IsZero says that no key was given.
func (k KeyHash) IsZero() bool { return !k.set }

// String hides the hash: short keys could be guessed from it.
func (KeyHash) String() string { return redacted }
