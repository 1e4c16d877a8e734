package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
)

func keyCommand(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	io := quiet()
	io.In = strings.NewReader(stdin)
	code = Main(context.Background(), append([]string{"key"}, args...), io)
	return code, io.Out.(*bytes.Buffer).String(), io.Err.(*bytes.Buffer).String()
}

// TestKeyNew: the entry that is printed lets the printed key in, and no other.
func TestKeyNew(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []struct {
		args string
		want string // in the entry
	}{
		{"--name admin --scopes read,dlq --expires 2099-06-30", `"scopes":["read","dlq"]`},
		{"--list in --name acme --rate 50/s --burst 200 --quota 100000/day", `"quota":"100000/day"`},
		{"--list in", "ingress_auth:"},
	} {
		code, out, errs := keyCommand(t, "", append([]string{"new"}, strings.Fields(c.args)...)...)
		key := strings.TrimSpace(out)
		if code != ExitOK || !strings.HasPrefix(key, keyPrefix) || len(key) < 47 || seen[key] {
			t.Fatalf("key new %s: %d %q %s", c.args, code, out, errs)
		}
		seen[key] = true
		_, entry, _ := strings.Cut(errs, ":\n\n")
		if strings.Contains(entry, key) || !strings.Contains(entry, c.want) {
			t.Errorf("key new %s: the entry has the key, or lacks %q:\n%s", c.args, c.want, entry)
		}
		conf, report := config.Parse("", []byte(entry), config.Options{Env: func(string) (string, bool) { return "", false }})
		if conf == nil {
			t.Fatalf("key new %s: the entry does not load: %v\n%s", c.args, report.Problems, entry)
		}
		hash := conf.Auth.Keys
		if strings.HasPrefix(c.args, "--list") {
			in, _ := conf.Ingress("in")
			if len(in.Keys) != 1 || !in.Keys[0].Key.Matches(key) || in.Keys[0].Key.Matches("x") {
				t.Errorf("key new %s: the entry does not hold the key", c.args)
			}
		} else if len(hash) != 1 || !hash[0].Key.Matches(key) || hash[0].Name != "admin" {
			t.Errorf("key new %s: the entry does not hold the key", c.args)
		}
	}
}

func TestKeyNewJSON(t *testing.T) {
	t.Parallel()
	code, out, errs := keyCommand(t, "", "new", "--list", "in", "--name", "acme", "--json")
	var got struct {
		Plain, Section string
		Entry          struct{ Name, Key string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != ExitOK || errs != "" {
		t.Fatalf("%d %q %q: %v", code, out, errs, err)
	}
	if got.Section != "ingress_auth.in" || got.Entry.Name != "acme" || got.Entry.Key != config.HashKey(got.Plain).Hash() {
		t.Errorf("%+v", got)
	}
}

// TestKeyNewMistakes: what the configuration would refuse is refused here, by the option's own words.
func TestKeyNewMistakes(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                     "want --list, or --name and --scopes",
		"--name a":                             "want --list, or --name and --scopes",
		"--name a --scopes reed":               "scopes",
		"--name a --scopes read --rate 1/s":    "name their --list",
		"--list in --scopes read":              "--scopes is for keys of the main routes",
		"--list in --rate fast":                "rate",
		"--list in --quota 5/s":                "quota",
		"--list in --burst -1":                 "burst",
		"--list in --expires soon":             "expires",
		"--name a --scopes read word":          "takes no words",
		"--name a --scopes read --expires 3pm": "expires",
	} {
		code, out, errs := keyCommand(t, "", append([]string{"new"}, strings.Fields(args)...)...)
		if code != ExitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("key new %s: %d %q %q, want %q", args, code, out, errs, want)
		}
	}
}

func TestKeyHash(t *testing.T) {
	t.Parallel()
	const want = "sha256:785dc7eb7b403aa0c6b98eba27abc59527ec577a31013aa339c57e3117e0d1da"
	for _, stdin := range []string{"customer-api-key-12345", "customer-api-key-12345\n", "customer-api-key-12345\r\n"} {
		code, out, errs := keyCommand(t, stdin, "hash")
		if code != ExitOK || strings.TrimSpace(out) != want {
			t.Errorf("%q: %d %q %s", stdin, code, out, errs)
		}
	}
	for stdin, want := range map[string]string{"": "holds no key", "\n": "holds no key", "a\nb": "more than one line"} {
		if code, out, errs := keyCommand(t, stdin, "hash"); code != ExitFail || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %q %q", stdin, code, out, errs)
		}
	}
	if code, _, _ := keyCommand(t, "", "hash", "my-key"); code != ExitUsage {
		t.Errorf("a key as an argument: %d", code)
	}
}
