package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vars is an Env out of NAME=value texts.
func vars(pairs ...string) Env {
	m := map[string]string{}
	for _, p := range pairs {
		name, v, _ := strings.Cut(p, "=")
		m[name] = v
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// good parses text, which must have no error.
func good(t *testing.T, text string, env ...string) (*Config, Report) {
	t.Helper()
	c, r := Parse(filepath.Join(t.TempDir(), "config.yml"), []byte(text), Options{Env: vars(env...)})
	if c == nil {
		t.Fatalf("refused: %v", r.Err())
	}
	return c, r
}

// bad parses text, which must be refused.
func bad(t *testing.T, text string, env ...string) Report {
	t.Helper()
	c, r := Parse(filepath.Join(t.TempDir(), "config.yml"), []byte(text), Options{Env: vars(env...)})
	if c != nil || r.Err() == nil {
		t.Fatalf("accepted, with %v", r.Problems)
	}
	return r
}

// says finds a problem of this code with the text in it.
func says(r Report, code, text string) bool {
	for _, p := range r.Problems {
		if p.Code == code && strings.Contains(p.String(), text) {
			return true
		}
	}
	return false
}

func mustSay(t *testing.T, r Report, code, text string) {
	t.Helper()
	if !says(r, code, text) {
		t.Errorf("no %s problem with %q in:\n%s", code, text, show(r))
	}
}

func show(r Report) string {
	var b strings.Builder
	_ = r.WriteText(&b, Info)
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// build knows a few builtins, as the composition root's tables would.
func build(kind Kind, module string) error {
	switch module {
	case "links.tag", "links.webhook", "storage.file", "storage.webhook":
		return nil
	}
	return errors.New("no such " + string(kind) + " here")
}

// keyOf finds the key of the main routes that was presented, expired or not; a CONSERVER token has no name.
func keyOf(a Auth, presented string) (AuthKey, bool) {
	for _, t := range a.Tokens {
		if t.Matches(presented) {
			return AuthKey{}, true
		}
	}
	for _, k := range a.Keys {
		if k.Key.Matches(presented) {
			return k, true
		}
	}
	return AuthKey{}, false
}

// ingressKeyOf finds the partner's key that was presented, expired or not.
func ingressKeyOf(l IngressList, presented string) (IngressKey, bool) {
	for _, k := range l.Keys {
		if k.Key.Matches(presented) {
			return k, true
		}
	}
	return IngressKey{}, false
}
