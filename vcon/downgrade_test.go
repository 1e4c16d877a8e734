package vcon

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestDowngrade(t *testing.T) {
	t.Parallel()
	const id = `"uuid":"` + someID + `"`
	const tail = `"vcon":"0.0.1","group":[],"redacted":{}`
	tests := []struct{ name, in, want string }{
		{"defaults", `{` + id + `}`, `{` + id + `,` + tail + `,"appended":null}`},
		{"white space stays", " {\n " + id + "\n }\n", " {\n " + id + `,` + tail + `,"appended":null` + "\n }\n"},
		{"version is replaced", `{"vcon":"0.4.0",` + id + `,"group":[1],"redacted":{"a":1},"appended":{}}`,
			`{"vcon":"0.0.1",` + id + `,"group":[1],"redacted":{"a":1},"appended":{}}`},
		{"top names", `{` + id + `,"amended": {"uuid":"x"},"critical":["a"]}`,
			`{` + id + `,"appended": {"uuid":"x"},"must_support":["a"],` + tail + `}`},
		{"an escaped name", `{` + id + `,"\u0061mended":{}}`, `{` + id + `,"appended":{},` + tail + `}`},
		{"old top name wins", `{"amended":1,` + id + `,"appended":2}`, `{` + id + `,"appended":2,` + tail + `}`},
		{"the last one goes", `{` + id + `,"appended":2,"amended":1 }`, `{` + id + `,"appended":2,` + tail + ` }`},
		{"dialog", `{` + id + `,"dialog":[{"mediatype":"a/b","critical":1,"schema":"s","encoding":"json","body":"{}"},7]}`,
			`{` + id + `,"dialog":[{"mimetype":"a/b","must_support":1,"schema_version":"s","encoding":"json","body":"{}"},7],` +
				tail + `,"appended":null}`},
		{"old part name wins", `{` + id + `,"dialog":[{"mediatype":"a/b","mimetype":"c/d"}]}`,
			`{` + id + `,"dialog":[{"mimetype":"c/d"}],` + tail + `,"appended":null}`},
		{"attachment", `{` + id + `,"attachments":[{"purpose":"tags"},{"purpose":"a","type":"b"},{}]}`,
			`{` + id + `,"attachments":[{"type":"tags"},{"purpose":"a","type":"b"},{}],` + tail + `,"appended":null}`},
		{"JSON text", `{` + id + `,"analysis":[{"body":"{\"a\":1.00,\"b\":\"\\u00e9\"}","encoding":"json"}]}`,
			`{` + id + `,"analysis":[{"body":{"a":1.00,"b":"\u00e9"},"encoding":"none"}],` + tail + `,"appended":null}`},
		{"JSON value", `{` + id + `,"attachments":[{"body":["a:b"],"encoding":"json"}]}`,
			`{` + id + `,"attachments":[{"body":["a:b"],"encoding":"none"}],` + tail + `,"appended":null}`},
		{"text that is no JSON", `{` + id + `,"analysis":[{"body":"{","encoding":"json"}]}`,
			`{` + id + `,"analysis":[{"body":"{","encoding":"json"}],` + tail + `,"appended":null}`},
		{"other encodings", `{` + id + `,"analysis":[{"body":"{}","encoding":"none"},{"body":"{}"},{"encoding":"json"}]}`,
			`{` + id + `,"analysis":[{"body":"{}","encoding":"none"},{"body":"{}"},{"encoding":"json"}],` + tail + `,"appended":null}`},
		{"arrays of another kind", `{` + id + `,"analysis":{"mediatype":1},"dialog":null}`,
			`{` + id + `,"analysis":{"mediatype":1},"dialog":null,` + tail + `,"appended":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := mustParse(t, tt.in).Downgrade("0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Bytes()) != tt.want {
				t.Errorf("got  %s\nwant %s", got.Bytes(), tt.want)
			}
			again, err := got.Downgrade("0.0.1")
			if err != nil || again != got {
				t.Errorf("twice is not once: %s, %v", again.Bytes(), err)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	const id = `"uuid":"` + someID + `"`
	tests := []struct{ name, in, want string }{
		{"leftovers", `{"group":[],"redacted": {},` + id + `,"vcon":"0.0.1","appended":null}`,
			`{` + id + `,"vcon":"0.4.0","amended":null}`},
		{"leftovers at the end", `{` + id + `,"vcon":"0.0.1","group":[ ],"redacted":{}}`, `{` + id + `,"vcon":"0.4.0"}`},
		{"what is not empty stays", `{"vcon":"0.4.0",` + id + `,"group":[{}],"redacted":{"type":"x"}}`,
			`{"vcon":"0.4.0",` + id + `,"group":[{}],"redacted":{"type":"x"}}`},
		{"new name wins", `{"vcon":"0.4.0",` + id + `,"must_support":[1],"critical":[2]}`, `{"vcon":"0.4.0",` + id + `,"critical":[2]}`},
		{"parts", `{"vcon":"0.4.0",` + id + `,"analysis":[{"mimetype":"a/b","schema_version":"1","must_support":1}]}`,
			`{"vcon":"0.4.0",` + id + `,"analysis":[{"mediatype":"a/b","schema":"1","critical":1}]}`},
		{"attachment", `{"vcon":"0.4.0",` + id + `,"attachments":[{"type":"tags","body":[],"encoding":"none"},{"type":"a","purpose":"b"}]}`,
			`{"vcon":"0.4.0",` + id + `,"attachments":[{"purpose":"tags","body":[],"encoding":"json"},{"type":"a","purpose":"b"}]}`},
		{"encoding is added", `{"vcon":"0.4.0",` + id + `,"analysis":[{"body":{}}],"dialog":[{"body":{}}]}`,
			`{"vcon":"0.4.0",` + id + `,"analysis":[{"body":{},"encoding":"json"}],"dialog":[{"body":{}}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := mustParse(t, tt.in).Upgrade()
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Bytes()) != tt.want {
				t.Errorf("got  %s\nwant %s", got.Bytes(), tt.want)
			}
			if again, err := got.Upgrade(); err != nil || again != got {
				t.Errorf("twice is not once: %v", err)
			}
		})
	}
}

func TestDowngradeVersions(t *testing.T) {
	t.Parallel()
	v := mustParse(t, head+`"x":1}`)
	if same, err := v.Downgrade(""); err != nil || same != v {
		t.Errorf("no version: %v", err)
	}
	_, err := v.Downgrade("0.4.0")
	if want := "Unsupported egress_format_version '0.4.0'; supported: ['0.0.1']"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*VersionError](err); !ok {
		t.Errorf("got %T", err)
	}
}

// TestConversionsKeepTheirLimits: a store reads with limits that nothing reaches; adding to them must not overflow.
func TestConversionsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("0,", 4<<20) // beyond the default of Limits.Elements
	v, err := ParseWith([]byte(head+`"x":[[[`+many+`0]]]}`), Limits{Elements: math.MaxInt})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Downgrade("0.0.1"); err != nil {
		t.Error(err)
	}
}

func TestConversionsOfSamples(t *testing.T) {
	t.Parallel()
	for name, text := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkConversions(t, mustParse(t, string(text)))
		})
	}
}

func FuzzDowngrade(f *testing.F) {
	for _, text := range samples(f) {
		f.Add(text)
	}
	f.Add([]byte(head + `"amended":1,"appended":2,"analysis":[{"body":"[\"x\"]","encoding":"json","type":1,"purpose":2}]}`))
	f.Add([]byte(sealed([]byte(whole(`"amended":{}`)))))
	f.Add([]byte(jwe + "}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if v, err := Parse(text); err == nil {
			checkConversions(t, v)
		}
	})
}

// checkConversions holds for every document: down is the legacy shape, up again has the current names, each at most
// once, and neither is ever done to what is signed or encrypted.
func checkConversions(t *testing.T, v *VCon) {
	t.Helper()
	before := bytes.Clone(v.Bytes())
	down, err := v.Downgrade("0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	up, err := down.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, v.Bytes()) || down.ID() != v.ID() || up.ID() != v.ID() {
		t.Fatal("the original changed")
	}
	if v.Form() != Unsigned {
		if down != v || up != v {
			t.Fatal("a signed or encrypted vCon was converted")
		}
		return
	}
	if again, _ := down.Downgrade("0.0.1"); again != down {
		t.Errorf("downgrade twice:\n%s\n%s", down.Bytes(), again.Bytes())
	}
	if again, _ := up.Upgrade(); again != up {
		t.Errorf("upgrade twice:\n%s\n%s", up.Bytes(), again.Bytes())
	}
	checkNames(t, decodeObject(t, down), "mediatype", "amended", "critical", "0.0.1")
	checkNames(t, decodeObject(t, up), "mimetype", "appended", "must_support", "0.4.0")
	if a, b := untouched(t, v), untouched(t, up); !reflect.DeepEqual(a, b) {
		t.Errorf("other members changed:\n%v\n%v", a, b)
	}
}

func decodeObject(t *testing.T, v *VCon) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(v.Bytes(), &m); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
		t.Fatal(err)
	}
	return m
}

// checkNames looks for names that the conversion should have replaced.
func checkNames(t *testing.T, m map[string]any, media, amended, critical, version string) {
	t.Helper()
	if m["vcon"] != version {
		t.Errorf("version %v", m["vcon"])
	}
	for _, name := range []string{amended, critical} {
		if _, ok := m[name]; ok {
			t.Errorf("%s is still there", name)
		}
	}
	for _, list := range []string{"dialog", "analysis", "attachments"} {
		parts, _ := m[list].([]any)
		for _, p := range parts {
			if o, ok := p.(map[string]any); ok && o[media] != nil {
				t.Errorf("%s: %s is still there", list, media)
			}
		}
	}
}

// untouched are the members that no conversion may change.
func untouched(t *testing.T, v *VCon) map[string]any {
	m := decodeObject(t, v)
	for _, name := range []string{
		"vcon", "amended", "appended", "critical", "must_support", "group", "redacted", "dialog", "analysis", "attachments",
	} {
		delete(m, name)
	}
	return m
}
