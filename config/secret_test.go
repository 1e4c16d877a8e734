package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	const plain = "hunter22hunter22"
	c, _ := good(t, `
auth: {keys: [{name: a, key: hunter22hunter22, scopes: [read]}]}
ingress_auth: {l: hunter22hunter22}
queue: {redis: {url: "redis://:hunter22hunter22@h/0?password=hunter22hunter22"}}
telemetry: {otlp: {headers: {x: hunter22hunter22}}}
links: {w: {module: links.webhook, options: {token: hunter22hunter22, headers: {Authorization: hunter22hunter22}}}}
storages: {s: {module: storage.s3, options: {secret: "${S}"}}}
chains: {c: {links: [{w: {password: hunter22hunter22}}]}}
followers: {f: {url: "https://u:hunter22hunter22@h/", egress_list: a, follower_ingress_list: b, auth_token: hunter22hunter22, pulling_interval: 1, fetch_vcon_limit: 1}}
`, "CONSERVER_API_TOKEN="+plain, "S="+plain)
	var log bytes.Buffer
	out := map[string]string{}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "all", c, "secret", Secret(plain), "url", URL("a://x:"+plain+"@h"), "key", HashKey(plain), "options", c.Links[0].Options)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "all", c, "secret", Secret(plain), "url", URL("a://x:"+plain+"@h"), "key", HashKey(plain), "options", c.Links[0].Options)
	out["log"] = log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out[verb] = fmt.Sprintf(verb, *c) + fmt.Sprintf(verb, Secret(plain)) + fmt.Sprintf(verb, c.Links) + fmt.Sprintf(verb, c.Auth.Tokens[0])
	}
	j, err := json.Marshal(c)
	y, err2 := yaml.Marshal(map[string]any{"s": Secret(plain), "u": c.Queue.Redis.URL, "f": c.Followers, "o": c.Links[0].Options, "k": c.Auth})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	out["json"], out["yaml"] = string(j), string(y)
	sum := HashKey(plain).sum
	for how, text := range out {
		for _, secret := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain), fmt.Sprintf("%x", sum), fmt.Sprint(sum[:]), fmt.Sprintf("%d", []byte(plain))} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s: %s", how, secret, text)
			}
		}
	}
	if !strings.Contains(string(j), `"token":"***"`) || !strings.Contains(string(j), "redis://***@h/0?password=***") {
		t.Errorf("nothing to see: %s", j)
	}
}

func TestSecretIsUsable(t *testing.T) {
	t.Parallel()
	s, u := Secret("abc"), URL("redis://u:p@h/1")
	if string(s) != "abc" || s.String() != "***" || Secret("").String() != "" || s.GoString() != "***" || s.LogValue().String() != "***" {
		t.Error(s.String())
	}
	if string(u) != "redis://u:p@h/1" || u.String() != "redis://***@h/1" || u.GoString() != u.String() || u.LogValue().String() != u.String() {
		t.Error(u.String())
	}
}

func TestSecretName(t *testing.T) {
	t.Parallel()
	yes := "password passwd PGPASSWORD db_password secret client_secret aws_secret_access_key token auth_token apiToken api_key apikey APIKey API-KEY OPENAI_API_KEY key DEEPGRAM_KEY data_store_api_key credential credentials auth Authorization dsn cookie LITELLM_MASTER_KEY private_key pwd db_pwd sasToken x-api-key pass smtpPass sig X-Amz-Signature jwt bearer connection_string"
	no := "keys_per_page monkey max_tokens keyword author authority tags model prompt key_header aws_access_key_id index_name organization port passthrough signature_header bypass design"
	for name := range strings.FieldsSeq(yes) {
		if !secretName(name) {
			t.Errorf("%s is shown", name)
		}
	}
	for name := range strings.FieldsSeq(no) {
		if secretName(name) {
			t.Errorf("%s is hidden", name)
		}
	}
}

func TestHideUserinfo(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"redis://h":                            "redis://h",
		"redis://:p@h":                         "redis://***@h",
		"postgres://u:p%40@h:5/d?sslmode=x":    "postgres://***@h:5/d?sslmode=x",
		"see https://a:b@c/ and git+ssh://x@y": "see https://***@c/ and git+ssh://***@y",
		"https://h/?token=abc&b=1&api_key=d#f": "https://h/?token=***&b=1&api_key=***#f",
		"https://h/?%74oken=abc":               "https://h/?%74oken=***",
		"https://h/?%zz=abc":                   "https://h/?%zz=***",
		"a@b, no address":                      "a@b, no address",
	} {
		if got := hideUserinfo(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c, r := good(t, `
auth:
  keys:
    - {name: ci, key: "${CI}", scopes: ["modules:publish:acme-*", read]}
    - {name: hashed, key: "sha256:`+fmt.Sprintf("%x", HashKey("the hashed key....").sum)+`", scopes: [modules:admin]}
    - {name: old, key: an-expired-key-of-ours, scopes: [read], expires: 2020-01-01}
    - {name: late, key: a-key-with-a-time-16, scopes: [read], expires: 2099-01-01T12:00:00+02:00}
    - {name: short, key: abc, scopes: [read]}
`, "CI=the key of the ci", "CONSERVER_API_TOKEN=short")
	for key, want := range map[string]string{"the key of the ci": "ci", "the hashed key....": "hashed", "an-expired-key-of-ours": "old", "a-key-with-a-time-16": "late",
		"": "-", "nobody": "-", "short": "", "${CI}": "-", fmt.Sprintf("sha256:%x", HashKey("abc").sum): "-", "abc": "short"} {
		k, ok := keyOf(c.Auth, key)
		if !ok {
			k.Name = "-"
		}
		if k.Name != want {
			t.Errorf("%q is %q, want %q", key, k.Name, want)
		}
	}
	for name, want := range map[string]time.Time{"an-expired-key-of-ours": time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "a-key-with-a-time-16": time.Date(2099, 1, 1, 10, 0, 0, 0, time.UTC), "abc": {}} {
		if k, _ := keyOf(c.Auth, name); !k.Expires.Equal(want) {
			t.Errorf("%s expires %s, want %s", name, k.Expires, want)
		}
	}
	mustSay(t, r, codeKey, "auth.keys[4].key: a key of 3 characters can be guessed")
	mustSay(t, r, codeKey, "auth.keys[2].expires: this key has expired")
	mustSay(t, r, codeEnv, "CONSERVER_API_TOKEN: a token of 5 characters")
	if (KeyHash{}).matches([32]byte{}) || (KeyHash{}).Matches("") || !HashKey("x").Matches("x") || HashKey("x").Matches("y") {
		t.Error("Matches")
	}
}

func TestIngressKeys(t *testing.T) {
	t.Parallel()
	c, _ := good(t, `
ingress_auth:
  one: 0123456789abcdef
  number: 1234567890123456
  none:
  many: [first-key-of-many, {name: xyz, key: second-key-of-many, rate: 50/s, burst: 200, quota: 100000/day, expires: 2099-01-31, validation: strict, tenant: t}]
`)
	for list, key := range map[string]string{"one": "0123456789abcdef", "number": "1234567890123456", "many": "first-key-of-many"} {
		l, _ := c.Ingress(list)
		if k, ok := ingressKeyOf(l, key); !ok || k.Name != list+"#1" {
			t.Errorf("%s: %v %q", list, ok, k.Name)
		}
	}
	many, _ := c.Ingress("many")
	k, ok := ingressKeyOf(many, "second-key-of-many")
	if !ok || k.Name != "xyz" || k.Rate != (Rate{50, time.Second}) || k.Burst != 200 || k.Quota != (Rate{100000, 24 * time.Hour}) || k.Validation != "strict" || k.Tenant != "t" || !k.Expires.Equal(time.Date(2099, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", k)
	}
	none, ok := c.Ingress("none")
	if _, match := ingressKeyOf(none, ""); !ok || match {
		t.Error("a list without keys")
	}
	if _, ok := c.Ingress("unknown"); ok {
		t.Error("an unknown list")
	}
}

// TestProblemsHideSecrets: a secret that YAML reads as an alias or a tag, or that stands in a module's address, is not
// shown; the place is.
func TestProblemsHideSecrets(t *testing.T) {
	t.Parallel()
	for text, place := range map[string]string{
		"links:\n  a: {module: links.tag, options: {password: *hunter22}}\n": "config.yml:2:",
		"ingress_auth:\n  l: *hunter22\n":                                    "config.yml:2:6",
		"ingress_auth:\n  l: !hunter22 x\n":                                  "config.yml:2:6",
		"ingress_auth:\n  l: !hunter22 [x]\n":                                "config.yml:2:6",
		"ingress_auth: {l: [\n":                                              "config.yml:",
		"ingress_auth: [}\n":                                                 "config.yml:1:",
	} {
		if r := bad(t, text); strings.Contains(show(r), "hunter22") || !strings.Contains(show(r), place) {
			t.Errorf("%q: %s", text, show(r))
		}
	}
	known := func(Kind, string) error { return errors.New("not here") }
	c, r := Parse("config.yml", []byte(`
links: {a: {module: "https://ann:hunter22@h.example/x.wasm?token=hunter22"}}
chains: {c: {links: [a]}}
`), Options{Known: known})
	if c == nil || len(c.Chains[0].Held) != 1 {
		t.Fatalf("%+v, %s", c, show(r))
	}
	if all := show(r) + c.Chains[0].Held[0]; strings.Contains(all, "hunter22") || !strings.Contains(all, "h.example/x.wasm") {
		t.Error(all)
	}
}
