package cli

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/vconduit/vconduit/config"
)

// keyBytes is the random part of a new key: 256 bits.
const keyBytes = 32

// keyPrefix marks our keys, so that scanners of source code can tell them.
const keyPrefix = "vck_"

// keyEntry is a key as the configuration holds it, in either section.
type keyEntry struct {
	Name    string   `json:"name,omitempty"`
	Key     string   `json:"key"`
	Scopes  []string `json:"scopes,omitempty"`
	Rate    string   `json:"rate,omitempty"`
	Burst   int      `json:"burst,omitempty"`
	Quota   string   `json:"quota,omitempty"`
	Expires string   `json:"expires,omitempty"`
}

func keyNewCommand() command {
	return command{
		name:  "key new",
		short: "make a random key, and the entry for the configuration that holds only its SHA-256",
		long: "The key is shown once, on stdout; the entry goes into the file, so that the file holds no key.\n" +
			"With --list it is a partner's key for POST /vcon/external-ingress to that list, else one of the main\n" +
			"routes with --scopes. Nothing is written and no server is asked.",
		examples: []string{
			"vconduit key new --name admin-ui --scopes read,write,dlq",
			"vconduit key new --name acme --list customer_data --rate 50/s --quota 100000/day --expires 2027-06-30",
			"vconduit key new --name acme --list customer_data --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			var e keyEntry
			fs.StringVar(&e.Name, "name", "", "`name` in logs, metrics and usage (needed without --list; default LIST#n)")
			list := fs.String("list", "", "the ingress `list` of a partner's key")
			scopes := fs.String("scopes", "", "rights, with commas between: "+strings.Join(config.Scopes(), " ")+" modules:publish:NAME")
			fs.StringVar(&e.Rate, "rate", "", "requests, as `50/s` or 600/min (with --list; default unbounded)")
			fs.IntVar(&e.Burst, "burst", 0, "requests at once (with --rate; default one second's worth)")
			fs.StringVar(&e.Quota, "quota", "", "vCons a UTC day, as `100000/day` (with --list; default unbounded)")
			fs.StringVar(&e.Expires, "expires", "", "last moment, as `2027-06-30` (00:00 UTC) or RFC 3339 (default never)")
			asJSON := fs.Bool("json", false, "print JSON")
			return func(_ context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("takes no words: %q", words[0])
				}
				if *scopes != "" {
					e.Scopes = strings.Split(*scopes, ",")
				}
				switch {
				case *list != "" && e.Scopes != nil:
					return usagef("--scopes is for keys of the main routes: a key with --list may post to that list only")
				case *list == "" && (e.Rate != "" || e.Burst != 0 || e.Quota != ""):
					return usagef("--rate, --burst and --quota are for partners' keys: name their --list")
				case *list == "" && (e.Name == "" || e.Scopes == nil):
					return usagef("want --list, or --name and --scopes")
				}
				return newKey(e, *list, *asJSON, io)
			}
		},
	}
}

func keyHashCommand() command {
	return command{
		name:  "key hash",
		short: "print the sha256: form of a key that is read from stdin, for the configuration",
		long:  "One line is read; its end is no part of the key. The key is no argument, so that no shell history holds it.",
		examples: []string{
			"vconduit key hash < key.txt",
		},
		setup: func(_ *flag.FlagSet, in IO) func(context.Context, []string) error {
			return func(_ context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("the key is read from stdin")
				}
				text, err := io.ReadAll(io.LimitReader(in.In, 64<<10))
				if err != nil {
					return fmt.Errorf("stdin: %w", err)
				}
				key := strings.TrimRight(string(text), "\r\n")
				switch {
				case key == "":
					return errors.New("stdin holds no key")
				case strings.ContainsAny(key, "\r\n"):
					return errors.New("stdin holds more than one line")
				}
				_, err = fmt.Fprintln(in.Out, config.HashKey(key).Hash())
				return err
			}
		},
	}
}

// wrongIn says what the configuration's reader has against a text.
func wrongIn(text []byte) []string {
	var wrong []string
	_, report := config.Parse("", text, config.Options{Env: func(string) (string, bool) { return "", false }})
	for _, p := range report.Of(config.Error) {
		wrong = append(wrong, p.Path+": "+p.Message)
	}
	return wrong
}

// newKey prints a key and its entry, which the configuration's own reader has accepted.
func newKey(e keyEntry, list string, asJSON bool, io IO) error {
	plain := make([]byte, keyBytes)
	rand.Read(plain)
	key := keyPrefix + base64.RawURLEncoding.EncodeToString(plain)
	e.Key = config.HashKey(key).Hash()
	line, err := json.Marshal(e) // JSON is YAML
	if err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	text, section := fmt.Sprintf("auth:\n  keys:\n    - %s\n", line), "auth.keys"
	if list != "" {
		text, section = fmt.Sprintf("ingress_auth:\n  %q:\n    - %s\n", list, line), "ingress_auth."+list
	}
	if problems := wrongIn([]byte(text)); len(problems) > 0 {
		return usagef("%s", strings.Join(problems, "; "))
	}
	if asJSON {
		return json.NewEncoder(io.Out).Encode(map[string]any{"plain": key, "section": section, "entry": e})
	}
	fmt.Fprintln(io.Err, "The key, for whoever will use it; it is not shown again:")
	fmt.Fprintln(io.Out, key)
	_, err = fmt.Fprintf(io.Err, "\nFor the configuration (add it to the section if that is there; keys beside it stay good):\n\n%s", text)
	return err
}
