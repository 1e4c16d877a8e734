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

// Expired says that the key no longer counts.
func (k AuthKey) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// Has says that the key has scope. modules:publish:acme-* covers modules:publish:acme-tagger, and `modules:publish:x`
// is covered by modules:admin.
func (k AuthKey) Has(scope string) bool {
	for _, s := range k.Scopes {
		if s == scope || covers(s, scope) {
			return true
		}
	}
	return false
}

func covers(have, want string) bool {
	const publish = "modules:publish:"
	if !strings.HasPrefix(want, publish) {
		return false
	}
	prefix, wild := strings.CutSuffix(have, "*")
	return have == "modules:admin" || wild && strings.HasPrefix(prefix, publish) && strings.HasPrefix(want, prefix)
}

// Open says that there is neither token nor key: the main routes ask for none.
func (a Auth) Open() bool { return len(a.Tokens) == 0 && len(a.Keys) == 0 }

// Match finds the key that was presented; expired ones do not count. A CONSERVER token comes as a key without name
// that has all scopes. It compares with every key, so the time taken says nothing about which one matched.
func (a Auth) Match(presented string, now time.Time) (AuthKey, bool) {
	sum := sha256.Sum256([]byte(presented))
	var found AuthKey
	var ok bool
	for _, k := range a.Keys {
		if k.Key.matches(sum) && !k.Expired(now) {
			found, ok = k, true
		}
	}
	for _, t := range a.Tokens {
		if t.matches(sum) {
			found, ok = AuthKey{Key: t, Scopes: append(Scopes(), "modules:publish:*")}, true
		}
	}
	return found, ok
}

// IngressList is one entry of `ingress_auth`: the keys with which partners may post to List.
type IngressList struct {
	List string       `config:",name"`
	Keys []IngressKey `config:"-"`
	Pos  Pos          `config:"-"`
}

func (l *IngressList) setPos(p Pos) { l.Pos = p }

// Match is Auth.Match over the keys of this list.
func (l IngressList) Match(presented string, now time.Time) (IngressKey, bool) {
	sum := sha256.Sum256([]byte(presented))
	var found IngressKey
	var ok bool
	for _, k := range l.Keys {
		if k.Key.matches(sum) && !k.Expired(now) {
			found, ok = k, true
		}
	}
	return found, ok
}

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

// Expired says that the key no longer counts.
func (k IngressKey) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// KeyHash is a key of ours, kept as its SHA-256 only: plain keys of the file are hashed while loading. The zero value
// matches nothing.
type KeyHash struct {
	sum [sha256.Size]byte
	set bool
}

const hashPrefix = "sha256:"

// HashKey makes the KeyHash of a plain key.
func HashKey(plain string) KeyHash { return KeyHash{sum: sha256.Sum256([]byte(plain)), set: true} }

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
