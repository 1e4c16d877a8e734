package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func document(t *testing.T, text string) *Document {
	t.Helper()
	d, err := NewDocument("config.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// meaning is what a file says, secrets included.
func meaning(t *testing.T, text []byte) string {
	t.Helper()
	return string(document(t, string(text)).View(true))
}

func files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range []string{"../config.example.yml", "testdata/seed.yml", "testdata/seed-modules.yml", "testdata/vcon-server.yml"} {
		out[path] = read(t, path)
	}
	return out
}

func TestPostWhatWasGot(t *testing.T) {
	t.Parallel()
	for path, text := range files(t) {
		d := document(t, text)
		out, r := d.Apply(d.View(false))
		if r.Err() != nil || string(out) != text {
			t.Errorf("%s changed: %v", path, r.Err())
		}
	}
}

func TestViewHidesSecrets(t *testing.T) {
	t.Parallel()
	d := document(t, `
ingress_auth: {a: plain-key-1, b: [plain-key-2, {name: n, key: plain-key-3, rate: 5/s}], c: 12345}
auth: {keys: [{name: admin, key: plain-key-4, scopes: [read]}]}
server: {key_header: x-key, tls: {key: server.pem}}
queue: {redis: {url: "redis://u:plain-key-5@h/0"}}
telemetry: {otlp: {headers: {x-auth: plain-key-6, other: plain-key-7}}}
sandbox: {ceiling: {plain_secrets: deny}}
links:
  token: {module: links.tag, options: {tags: [a], api-key: plain-key-8, max_tokens: 100, nested: {apiToken: plain-key-9, authorization: "Bearer plain-key-10"}}}
  w: {module: links.webhook, options: {webhook-urls: ["https://plain-key-11:x@h/p?token=plain-key-12&a=b"], headers: {X-Api-Key: 77, Cookie: plain-key-13}}}
  r: {module: "oci://x/y:1", pip_name: "git+https://token:plain-key-14@github.com/x", allow: {secrets: {S: {from: "env:S", for: [h]}}}, options: {k: "{{secret:S}}", API_KEY: "${API_KEY}", password: "${P:-plain-key-15}"}}
storages: {s: {module: storage.s3, options: {aws_access_key_id: AKIA, aws_secret_access_key: plain-key-17, empty_password: "", dsn: plain-key-18}}}
chains: {c: {links: [{token: {secret: plain-key-19, tags: [b]}}, w]}}
followers: {f: {url: "https://plain-key-20@h", auth_token: plain-key-21}}
custom_token: plain-key-22
`)
	got := string(d.View(false))
	if strings.Contains(got, "plain-key") {
		t.Errorf("a secret shows: %s", got)
	}
	for _, want := range []string{`"c":"***"`, `"key_header":"x-key"`, `"key":"server.pem"`, `"rate":"5/s"`, `"scopes":["read"]`, `"plain_secrets":"deny"`, `"max_tokens":100`,
		`"tags":["a"]`, `"from":"env:S"`, `"k":"{{secret:S}}"`, `"API_KEY":"${API_KEY}"`, `"password":"***"`, `"empty_password":""`, `"tags":["b"]`, `"redis://***@h/0"`,
		`"https://***@h/p?token=***&a=b"`, `"git+https://***@github.com/x"`, `"X-Api-Key":"***"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if plain := string(d.View(true)); !strings.Contains(plain, "plain-key-21") {
		t.Error("config:secrets sees ***")
	}
	if out, r := d.Apply([]byte(got)); r.Err() != nil || string(out) != string(d.text) {
		t.Errorf("posting it back: %v\n%s", r.Err(), out)
	}
}

const edited = `# head
---
# about links
links:
  tag:   {module: links.tag, options: {tags: [a]}}   # odd   spacing is kept

  hook:
    module: links.webhook   # why
    options:
      # the address
      url: https://h/
      password: hunter22    # do not tell

# about chains
chains:
  main:
    links: [tag, hook]   # order
    timeout: 10m
# the end
`

func TestApplyKeepsWhatDidNotChange(t *testing.T) {
	t.Parallel()
	d := document(t, edited)
	posted := strings.Replace(string(d.View(false)), `"timeout":"10m"`, `"timeout":"12m","weight":3`, 1)
	out, r := d.Apply([]byte(posted))
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	head, _, _ := strings.Cut(edited, "chains:")
	if !strings.HasPrefix(string(out), head) {
		t.Errorf("an unchanged section changed:\n%s", out)
	}
	for _, want := range []string{"timeout: 12m", "weight: 3", "# order", "# the end", "password: hunter22    # do not tell"} {
		if strings.Count(string(out), want) != 1 {
			t.Errorf("%q is there %d times:\n%s", want, strings.Count(string(out), want), out)
		}
	}
}

func TestApplyInsideASection(t *testing.T) {
	t.Parallel()
	d := document(t, edited)
	posted := strings.Replace(string(d.View(false)), "https://h/", "https://other/", 1)
	out, r := d.Apply([]byte(posted))
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	for _, want := range []string{"https://other/", "hunter22", "# do not tell", "# why", "# the address", "# about chains", "# about links", "# order"} {
		if strings.Count(string(out), want) != 1 {
			t.Errorf("%q is there %d times:\n%s", want, strings.Count(string(out), want), out)
		}
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file, posted string
		want               string // what the file then means; "" = refused
		problem            string
	}{
		{"new file", "", `{"chains":{"a":{"links":[]}}}`, `{"chains":{"a":{"links":[]}}}`, ""},
		{"comments only", "# hello\n", `{"a":1}`, `{"a":1}`, ""},
		{"everything removed", "a: 1\nb: 2\n", `{}`, `{}`, ""},
		{"order is the posted one", "a: 1\nb: 2\n", `{"b":2,"c":3,"a":1}`, `{"b":2,"c":3,"a":1}`, ""},
		{"texts that YAML 1.1 would take for something else", "a: x\n", `{"a":["yes","0644","12:30","1e3","null","","2001-01-01","a: b","- x","#c","tab\t","new\nline","é","<<","=","${VAR}","$${x}"]}`,
			`{"a":["yes","0644","12:30","1e3","null","","2001-01-01","a: b","- x","#c","tab\t","new\nline","é","<<","=","${VAR}","$${x}"]}`, ""},
		{"keys that YAML 1.1 would take for something else", "a: x\n", `{"<<":1,"yes":2,"":3,"a b":4,"12:30":5}`, `{"<<":1,"yes":2,"":3,"a b":4,"12:30":5}`, ""},
		{"numbers", "a: x\n", `{"a":[1,-1,1.5,1e3,1.5E-7,0,null,true,12345678901234567890]}`, `{"a":[1,-1,1.5,1000.0,1.5e-07,0,null,true,12345678901234567890]}`, ""},
		{"numbers as JavaScript gives them", "a: 1.0\nb: 0644\nc: x\n", `{"a":1,"b":420,"c":"y"}`, `{"a":1.0,"b":420,"c":"y"}`, ""},
		{"flow file", "{a: 1, b: {password: x1}}", `{"a":2,"b":{"password":"***"}}`, `{"a":2,"b":{"password":"x1"}}`, ""},
		{"secret kept beside a change", "o: {password: x1, user: u}\n", `{"o":{"password":"***","user":"v"}}`, `{"o":{"password":"x1","user":"v"}}`, ""},
		{"secret changed", "o: {password: x1}\n", `{"o":{"password":"x2"}}`, `{"o":{"password":"x2"}}`, ""},
		{"secret moved to a new place", "o: {password: x1}\n", `{"o":{"password":"***","token":"***"}}`, "", "o.token: *** stands for a secret"},
		{"secret without file", "", `{"auth":{"keys":[{"name":"a","key":"***"}]}}`, "", "auth.keys[0].key: *** stands for"},
		{"address changed under its secret", "o: {url: 'redis://u:p@h/0'}\n", `{"o":{"url":"redis://***@h/1"}}`, "", "o.url: the text was changed"},
		{"address kept", "o: {url: 'redis://u:p@h/0', n: 1}\n", `{"o":{"url":"redis://***@h/0","n":2}}`, `{"o":{"url":"redis://u:p@h/0","n":2}}`, ""},
		{"key added at the end of a list", "ingress_auth: {a: [k1, k2]}\n", `{"ingress_auth":{"a":["***","***","k3"]}}`, `{"ingress_auth":{"a":["k1","k2","k3"]}}`, ""},
		{"key removed: which?", "ingress_auth: {a: [k1, k2]}\n", `{"ingress_auth":{"a":["***"]}}`, "", "ingress_auth.a[0]: entries of this list were removed"},
		{"named key removed", "auth: {keys: [{name: a, key: k1}, {name: b, key: k2}]}\n", `{"auth":{"keys":[{"name":"b","key":"***"}]}}`, `{"auth":{"keys":[{"name":"b","key":"k2"}]}}`, ""},
		{"named keys swapped", "auth: {keys: [{name: a, key: k1}, {name: b, key: k2}]}\n", `{"auth":{"keys":[{"name":"b","key":"***"},{"name":"a","key":"***"}]}}`,
			`{"auth":{"keys":[{"name":"b","key":"k2"},{"name":"a","key":"k1"}]}}`, ""},
		{"named key is new", "auth: {keys: [{name: a, key: k1}]}\n", `{"auth":{"keys":[{"name":"b","key":"***"}]}}`, "", "auth.keys[0].key: *** stands"},
		{"unnamed list shortened without secrets", "a: [1, 2, 3]\n", `{"a":[3]}`, `{"a":[3]}`, ""},
		{"anchor changed, alias kept", "a: &x {k: 1}\nb: *x\n", `{"a":{"k":2},"b":{"k":1}}`, `{"a":{"k":2},"b":{"k":1}}`, ""},
		{"alias changed", "a: &x {k: 1}\nb: *x\n", `{"a":{"k":1},"b":{"k":2}}`, `{"a":{"k":1},"b":{"k":2}}`, ""},
		{"anchor removed", "a: &x {k: 1}\nb: *x\n", `{"b":{"k":1}}`, `{"b":{"k":1}}`, ""},
		{"merged map changed", "a: &x {k: 1, l: [1, &y 2]}\nb: {<<: *x, m: 3}\n", `{"a":{"k":1,"l":[1,2]},"b":{"k":1,"l":[1,2],"m":4}}`, `{"a":{"k":1,"l":[1,2]},"b":{"k":1,"l":[1,2],"m":4}}`, ""},
		{"merged list changed", "a: &x {l: [1, {password: x1}]}\nb: {<<: *x, m: 3}\n", `{"a":{"l":[1,{"password":"***"}]},"b":{"l":[2,{"password":"***"}],"m":3}}`, `{"a":{"l":[1,{"password":"x1"}]},"b":{"l":[2,{"password":"x1"}],"m":3}}`, ""},
		{"duplicate key", "a: 1\na: 2\nb: 3\n", `{"a":2,"b":4}`, `{"a":2,"b":4}`, ""},
		{"kinds change", "a: [1]\nb: {c: 1}\nc: x\n", `{"a":{"x":1},"b":[2],"c":{"d":[]}}`, `{"a":{"x":1},"b":[2],"c":{"d":[]}}`, ""},
		{"windows line ends", "a: 1\r\nb: 2\r\n", `{"a":1,"b":3}`, `{"a":1,"b":3}`, ""},
		{"no line end", "a: 1\nb: 2", `{"b":2,"a":1,"c":{"d":1}}`, `{"b":2,"a":1,"c":{"d":1}}`, ""},
		{"no JSON", "a: 1\n", `{"a":`, "", "unexpected EOF"},
		{"two values", "a: 1\n", `{} {}`, "", "something follows"},
		{"no object", "a: 1\n", `[1]`, "", "a JSON object of sections"},
		{"member twice", "a: 1\n", `{"a":2,"b":1,"a":3}`, `{"a":3,"b":1}`, ""},
		{"deep", "a: 1\n", strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), "", "nested deeper than 100"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, r := document(t, c.file).Apply([]byte(c.posted))
			if c.want == "" {
				if out != nil || !strings.Contains(show(r), c.problem) {
					t.Errorf("want %q, got %s\n%s", c.problem, show(r), out)
				}
				return
			}
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			if got := meaning(t, out); got != c.want {
				t.Errorf("\n got %s\nwant %s\nin\n%s", got, c.want, out)
			}
		})
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	a, b := document(t, "a: 1\n"), document(t, "a: 1 \n")
	if a.ETag() == b.ETag() || a.ETag() != document(t, "a: 1\n").ETag() || len(a.ETag()) != 26 || a.ETag()[0] != '"' {
		t.Errorf("%s %s", a.ETag(), b.ETag())
	}
}

func TestOpenDocument(t *testing.T) {
	t.Parallel()
	if _, err := OpenDocument(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file opens")
	}
	path := filepath.Join(t.TempDir(), "c.yml")
	put(t, path, "a: [\n")
	if _, err := OpenDocument(path); err == nil || !strings.Contains(err.Error(), "c.yml:") {
		t.Errorf("broken YAML: %v", err)
	}
	put(t, path, "")
	d, err := OpenDocument(path)
	if err != nil || string(d.View(false)) != "{}" || string(d.View(true)) != "{}" {
		t.Errorf("empty file: %v", err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "c.yml"), filepath.Join(dir, "link.yml")
	put(t, path, "old\n")
	if err := errors.Join(os.Chmod(path, 0o640), os.Symlink("c.yml", link)); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	info, _ := os.Lstat(link)
	mode, _ := os.Stat(path)
	if read(t, path) != "new\n" || info.Mode()&fs.ModeSymlink == 0 || mode.Mode().Perm() != 0o640 {
		t.Errorf("%q, link %v, mode %v", read(t, path), info.Mode(), mode.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if err := Write(filepath.Join(dir, "no", "c.yml"), nil); err == nil || !strings.Contains(err.Error(), "write config") {
		t.Errorf("missing folder: %v", err)
	}
}

// A file that is bind-mounted alone cannot be renamed over: rename(2) gives EBUSY.
func TestWriteInPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yml")
	busy := func(from, to string) error {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EBUSY}
	}
	for _, text := range []string{"a longer text than before\n", "short\n"} {
		put(t, path, "the old text\n")
		before, _ := os.Stat(path)
		if err := write(path, []byte(text), 0o600, busy); err != nil {
			t.Fatal(err)
		}
		after, _ := os.Stat(path)
		if read(t, path) != text || read(t, path+".bak") != "the old text\n" || inode(before) != inode(after) {
			t.Errorf("%q, backup %q", read(t, path), read(t, path+".bak"))
		}
	}
	if err := os.Mkdir(path+"2", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := write(path+"2", nil, 0o600, busy); err == nil {
		t.Error("a folder was overwritten")
	}
	if err := os.Remove(path + ".bak"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".bak", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := write(path, []byte("x"), 0o600, busy); err == nil || read(t, path) != "short\n" {
		t.Errorf("without a backup the file must stay: %v %q", err, read(t, path))
	}
}

func TestWriteFullDiskTouchesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yml")
	put(t, path, "old\n")
	full := func(string, string) error { return syscall.ENOSPC }
	if err := write(path, []byte("new\n"), 0o600, full); !errors.Is(err, syscall.ENOSPC) || read(t, path) != "old\n" {
		t.Errorf("%v, %q", err, read(t, path))
	}
}
