package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const redacted = "***"

// Secret is a text that never shows: each way of printing, logging or marshalling it gives ***. Convert it with
// string(s) where it is used.
type Secret string

// String gives ***, or "" for the empty secret.
func (s Secret) String() string { return hide(string(s)) }

// GoString is String: %#v is no way around it.
func (s Secret) GoString() string { return hide(string(s)) }

// Format is String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hide(string(s))) }

// MarshalText is String; encoding/json uses it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hide(string(s))), nil }

// MarshalYAML is String.
func (s Secret) MarshalYAML() (any, error) { return hide(string(s)), nil }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hide(string(s))) }

func hide(s string) string {
	if s == "" {
		return ""
	}
	return redacted
}

// URL is an address that may hold credentials: printing shows it with *** for them. string(u) is the real one.
type URL string

// String gives the address without credentials.
func (u URL) String() string { return hideUserinfo(string(u)) }

// GoString is String.
func (u URL) GoString() string { return u.String() }

// Format is String for every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText is String; encoding/json uses it.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalYAML is String.
func (u URL) MarshalYAML() (any, error) { return u.String(), nil }

// LogValue is String.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// inURL finds what may be secret in an address.
var inURL = sync.OnceValue(func() (re struct{ userinfo, query *regexp.Regexp }) {
	re.userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s]*@`)
	re.query = regexp.MustCompile(`([?&;]([^=&#;\s]+)=)([^&#;\s]+)`)
	return re
})

// hideUserinfo replaces user:password@ in each URL of s, and the values of query parameters with a secret's name.
func hideUserinfo(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	s = inURL().userinfo.ReplaceAllString(s, "${1}"+redacted+"@")
	return inURL().query.ReplaceAllStringFunc(s, func(m string) string {
		name, _, _ := strings.Cut(m[1:], "=")
		if plain, err := url.QueryUnescape(name); err != nil || secretName(plain) {
			return m[:1] + name + "=" + redacted
		}
		return m
	})
}

// secretName says that the value of an option or header of this name is hidden. Case and the characters between words
// do not matter: apiKey, API-KEY and openai_api_key are alike.
func secretName(name string) bool {
	words := nameWords(name)
	joined := strings.Join(words, "_")
	for _, part := range []string{"passwd", "password", "passphrase", "secret", "token", "apikey", "api_key", "credential",
		"authorization", "dsn", "private_key", "cookie", "biscui", "connection_string"} {
		if strings.Contains(joined, part) && !countsTokens(words) {
			return true
		}
	}
	return slices.Contains(words, "auth") || len(words) > 0 && slices.Contains(secretWords(), words[len(words)-1])
}

// secretWords make a name that ends in one of them a secret's; sig and signature are those of presigned addresses.
func secretWords() []string {
	return []string{"key", "pwd", "pass", "sig", "signature", "jwt", "bearer", "sas"}
}

// countsTokens tells max_tokens, which every LLM link has, from a token.
func countsTokens(words []string) bool {
	return slices.Contains(words, "tokens") && slices.Contains(words, "max")
}

// nameWords splits a name at separators and at the borders of camelCase, in lower case.
func nameWords(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			if lower {
				b.WriteByte('_')
			}
			lower = false
			b.WriteRune(r + 'a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			lower = true
			b.WriteRune(r)
		default:
			lower = false
			b.WriteByte('_')
		}
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == '_' })
}

// GoString hides the hash.
func (KeyHash) GoString() string { return redacted }

// Format hides the hash for every verb.
func (KeyHash) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the hash; encoding/json uses it.
func (KeyHash) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the hash.
func (KeyHash) LogValue() slog.Value { return slog.StringValue(redacted) }

// String is Redacted.
func (o RawOptions) String() string { return string(o.Redacted()) }

// GoString is Redacted.
func (o RawOptions) GoString() string { return o.String() }

// Format is Redacted for every verb.
func (o RawOptions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalJSON is Redacted.
func (o RawOptions) MarshalJSON() ([]byte, error) { return o.Redacted(), nil }

// MarshalYAML is Redacted, as a text.
func (o RawOptions) MarshalYAML() (any, error) { return o.String(), nil }

// LogValue is Redacted.
func (o RawOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }
