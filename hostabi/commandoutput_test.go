package hostabi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// given is a run of a command over a document: standard input, host functions, standard output.
type given struct {
	text   string
	grants func(*Grants)
	in     Input
	during func(*Call)
	mode   OutputMode
	out    string // of sent, "%s" stands for what was sent
}

func (g given) run(t testing.TB) (*Call, error) {
	t.Helper()
	if g.text == "" {
		g.text = small
	}
	c := newCall(t, g.text, func(o *Options) {
		if g.grants != nil {
			g.grants(&o.Grants)
		}
	})
	in, err := c.Stdin(g.in)
	if err != nil {
		t.Fatal(err)
	}
	if g.during != nil {
		g.during(c)
	}
	return c, c.Stdout(g.mode, in, []byte(strings.Replace(g.out, "%s", strings.TrimPrefix(strings.TrimSuffix(string(in), "}"), "{"), 1)))
}

// edits are the staged edits, one "op path" each.
func edits(c *Call) string {
	var all []string
	for _, e := range c.o.Doc.Edits() {
		all = append(all, e.Op()+" "+e.Path())
	}
	return strings.Join(all, ", ")
}

// asConfigured are the grants of a link whose config has none.
func asConfigured(g *Grants) {
	*g = Grants{Read: Paths{All: true}, Write: Paths{Allow: []string{"/analysis/-", "/attachments/-"}}, Tags: true}
}

func edit(op int32, pointer, value string) func(*Call) {
	return func(c *Call) {
		if c.DocEdit(1, op, []byte(pointer), []byte(value)) != 0 {
			panic(reason(c))
		}
	}
}

const withTags = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[{"type":"tags","encoding":"json","body":["a:1","b:2"]},{"purpose":"tags","body":"[\"b:2\"]"}]}`

func TestStdoutEdits(t *testing.T) {
	t.Parallel()
	replaced := func(old, new string) string { return strings.Replace(small, old, new, 1) }
	for _, tt := range []struct {
		name  string
		given given
		edits string
		look  string
		want  string
	}{
		{"nothing", given{}, "", "/subject", `"s"`},
		{"nothing but space", given{out: " \r\n\t\n"}, "", "", ""},
		{"none is not looked at", given{mode: OutputNone, out: "[{"}, "", "", ""},

		{"patch", given{out: `[{"op":"replace","path":"/subject","value":"x"},{"op":"copy","from":"/odd/a","path":"/y"}]`}, "set /subject, add /y", "/y", "1"},
		{"patch by name", given{mode: OutputPatch, out: ` [{"op":"test","path":"/subject","value":"s"},{"op":"add","path":"/parties/-","value":{}}]`}, "append /parties", "/parties/2", "{}"},
		{"patch without input", given{in: Input{None: true}, grants: asConfigured, out: `[{"op":"add","path":"/analysis/-","value":{"type":"x"}}]`}, "append /analysis", "/analysis/0/type", `"x"`},
		{"patch behind a host function", given{during: edit(OpAppend, "/parties", `{"name":"Zoe"}`), out: `[{"op":"remove","path":"/parties/0"}]`}, "append /parties, remove /parties/0", "/parties", `[{"name":"Bob"},{"name":"Zoe"}]`},
		{"patch of what a patch made", given{out: `[{"op":"add","path":"/x","value":[]},{"op":"add","path":"/x/0","value":1}]`}, "add /x, append /x", "/x", "[1]"},

		{"vcon, the same", given{mode: OutputVCon, out: small}, "", "", ""},
		{"vcon, written anew", given{mode: OutputVCon, out: "\n" + replaced(`"s"`, `"\u0073"`)}, "", "", ""},
		{"vcon, one member", given{mode: OutputVCon, out: replaced(`"s"`, `"t"`)}, "set /subject", "/subject", `"t"`},
		{"vcon, several", given{mode: OutputVCon, out: replaced(`"odd":{"a":1,`, `"n":{},"odd":{"-":0,`)}, "remove /odd/a, add /odd/-, add /n", "/odd", `{"-":0,"b":[1,{"c":2}]}`},
		{"vcon, an analysis", given{mode: OutputVCon, grants: asConfigured, out: `{%s,"analysis":[{"type":"x"},{"type":"y"}]}`}, "append /analysis, append /analysis", "/analysis/1/type", `"y"`},
		{"vcon, an empty list", given{mode: OutputVCon, grants: asConfigured, out: `{%s,"analysis":[],"attachments":[]}`}, "", "", ""},
		{"vcon, null becomes a list", given{text: `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","analysis":null}`, mode: OutputVCon, grants: asConfigured, out: `{%s,"analysis":[{}]}`}, "append /analysis", "/analysis", "[{}]"},
		{"vcon, elements move", given{mode: OutputVCon, out: replaced(`{"name":"Ann","tel":"1"},{"name":"Bob"}`, `{"name":"Zoe"},{"name":"Ann","tel":"1"},{"name":"Rob"}`)}, "set /parties/1/name, insert /parties/0", "/parties", `[{"name":"Zoe"},{"name":"Ann","tel":"1"},{"name":"Rob"}]`},
		{"vcon, another spelling", given{mode: OutputVCon, out: replaced("mimetype", "mediatype")}, "remove /dialog/0/mimetype, add /dialog/0/mediatype", "/dialog/0", `{"body":"hi","mediatype":"a/b"}`},
		{"vcon, the last of duplicates", given{mode: OutputVCon, out: replaced(`"subject":"s"`, `"subject":"t","subject":"u"`)}, "set /subject", "/subject", `"u"`},
		{"vcon, a huge number", given{mode: OutputVCon, out: replaced(`"a":1`, `"a":1e99999`)}, "set /odd/a", "", ""},
		{"vcon, beside a host function", given{mode: OutputVCon, during: edit(OpReplace, "/odd/a", "9"), out: replaced(`"s"`, `"t"`)}, "set /odd/a, set /subject", "/odd/a", "9"},
		{"vcon, behind what a host function appended", given{mode: OutputVCon, during: edit(OpAppend, "/parties", `{"name":"Zoe"}`), out: replaced(`{"name":"Bob"}`, `{"name":"Rob"},{"name":"Max"}`)}, "append /parties, append /parties, set /parties/1/name", "/parties", `[{"name":"Ann","tel":"1"},{"name":"Rob"},{"name":"Zoe"},{"name":"Max"}]`},

		{"part, what was not sent stays", given{mode: OutputVCon, in: Input{Pointers: []string{"/subject", "/parties/0/name"}}, out: `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"t","parties":[{"name":"Eve"},null]}`}, "set /subject, set /parties/0/name", "/parties", `[{"name":"Eve","tel":"1"},{"name":"Bob"}]`},
		{"part, another spelling", given{mode: OutputVCon, in: Input{Pointers: []string{"/dialog"}}, out: `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"mediatype":"a/b","body":"hi"},{"body":"ho"}]}`}, "remove /dialog/0/mimetype, add /dialog/0/mediatype", "/dialog/0/mediatype", `"a/b"`},
		{"a grant, what cannot be seen stays", given{mode: OutputVCon, grants: func(g *Grants) { g.Read.Not = []string{"/parties/*/tel", "/odd"} }, out: strings.NewReplacer(`,"tel":"1"`, "", `,"odd":{"a":1,"b":[1,{"c":2}]}`, "", "Ann", "Eve").Replace(small)}, "set /parties/0/name", "/parties/0", `{"name":"Eve","tel":"1"}`},
		{"no input", given{mode: OutputVCon, in: Input{None: true}, grants: asConfigured, out: `{"analysis":[{}]}`}, "append /analysis", "/subject", `"s"`},

		{"merge", given{mode: OutputMerge, out: `{"subject":null,"odd":{"a":null,"n":{"x":null,"y":1}},"parties":[{"name":"Ann","tel":"1"}]}`}, "remove /subject, remove /odd/a, add /odd/n, remove /parties/1", "/odd", `{"b":[1,{"c":2}],"n":{"y":1}}`},
		{"merge, nothing new", given{mode: OutputMerge, out: `{"subject":"s","nothing":null,"odd":{"a":1.0}}`}, "", "", ""},
		{"merge, an analysis", given{mode: OutputMerge, grants: asConfigured, out: `{"analysis":[{"type":"x"}]}`}, "append /analysis", "/analysis/0/type", `"x"`},
		{"merge, null for what was not sent", given{mode: OutputMerge, in: Input{None: true}, out: `{"subject":null}`}, "", "/subject", `"s"`},

		{"tags", given{text: withTags, grants: asConfigured, mode: OutputVCon, out: strings.Replace(withTags, `["a:1","b:2"]`, `["c:3","b:2"]`, 1)}, "untag /attachments, tag /attachments", "/attachments/0/body", `["b:2","c:3"]`},
		{"tags in another order", given{text: withTags, grants: asConfigured, mode: OutputVCon, out: strings.Replace(withTags, `["a:1","b:2"]`, `{"b":2,"a":["1"]}`, 1)}, "", "", ""},
		{"a tag that is in two attachments", given{text: withTags, grants: asConfigured, mode: OutputVCon, out: strings.Replace(withTags, `"a:1","b:2"`, `"a:1"`, 1)}, "", "/attachments/0/body", `["a:1","b:2"]`},
		{"tags in a text", given{text: withTags, grants: asConfigured, mode: OutputVCon, out: strings.Replace(withTags, `[\"b:2\"]`, `[\"b:2\",\"d:4\"]`, 1)}, "tag /attachments", "/attachments/0/body", `["a:1","b:2","d:4"]`},
		{"first tags, where only tags are granted", given{grants: func(g *Grants) { g.Write = Paths{} }, mode: OutputMerge, out: `{"attachments":[{"type":"tags","body":["a:1"]}]}`}, "tag /attachments", "/attachments/0/body", `["a:1"]`},
		{"a tags attachment as it is", given{grants: asConfigured, mode: OutputMerge, out: `{"attachments":[{"type":"tags","body":["a:1"]}]}`}, "append /attachments", "/attachments/0/type", `"tags"`},
		{"what is not only tags", given{text: withTags, mode: OutputVCon, out: strings.Replace(withTags, `["a:1","b:2"]`, `["a:1",7]`, 1)}, "set /attachments/0/body", "/attachments/0/body", `["a:1",7]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := tt.given.run(t)
			if got := edits(c); err != nil || got != tt.edits {
				t.Fatalf("%v\ngot  %s\nwant %s", err, got, tt.edits)
			}
			if got := ""; tt.look != "" {
				if got = at(t, c, tt.look); got != tt.want {
					t.Errorf("%s: %s, want %s", tt.look, got, tt.want)
				}
			}
		})
	}
}

func TestStdoutRefuses(t *testing.T) {
	t.Parallel()
	replaced := func(old, new string) string { return strings.Replace(small, old, new, 1) }
	deep := strings.Repeat(`{"a":`, 129) + "1" + strings.Repeat("}", 129)
	parts := Input{Pointers: []string{"/subject", "/parties/0/name", "/dialog/1"}}
	const sentParts = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"s","parties":[{"name":"Ann"},null],"dialog":[null,{"body":"ho"}]`
	hide := func(g *Grants) { g.Read.Not = []string{"/parties/*/tel", "/odd", "/dialog/0"} }
	signed := `{"payload":"eyJ1dWlkIjoiMDE4ZTNmNWMtNmYxYS04YjJjLTlkM2UtNGY1YTZiN2M4ZDllIn0","signatures":[{"protected":"e30","signature":"x"}]}`
	for _, tt := range []struct {
		name  string
		given given
		want  Errno
		names string
	}{
		{"a mode that is none", given{mode: "xml", out: "1"}, Invalid, `"xml"`},
		{"no JSON", given{out: "secret words"}, Invalid, "byte 0"},
		{"truncated", given{mode: OutputVCon, out: small[:len(small)-1]}, Invalid, fmt.Sprintf("byte %d", len(small)-1)},
		{"more behind it", given{mode: OutputMerge, out: `{} {}`}, Invalid, "byte 3"},
		{"a NUL byte", given{mode: OutputVCon, out: replaced("s", "\x00")}, Invalid, "byte"},
		{"NUL bytes", given{mode: OutputVCon, out: small + "\x00\x00"}, Invalid, "byte"},
		{"not UTF-8", given{mode: OutputMerge, out: "{\"subject\":\"\xff\"}"}, Invalid, "byte"},
		{"too deep", given{mode: OutputMerge, out: deep}, Invalid, "byte"},
		{"a number of too many digits", given{mode: OutputMerge, out: `{"x":` + strings.Repeat("1", 2000) + `}`}, Invalid, "byte"},
		{"too deep where it stands", given{mode: OutputMerge, out: `{"odd":{"n":{"n":` + strings.Repeat("[", 125) + strings.Repeat("]", 125) + `}}}`}, 0, ""},
		{"no vCon", given{mode: OutputVCon, out: "[]"}, Invalid, "vcon"},
		{"no merge patch", given{mode: OutputMerge, out: `"x"`}, Invalid, "merge"},
		{"no patch", given{out: "{}"}, Invalid, "patch"},
		{"null as a patch", given{out: "null"}, Invalid, "patch"},
		{"an operation that is none", given{out: `[1]`}, Invalid, "patch"},
		{"the second operation", given{out: `[{"op":"add","path":"/x","value":1},{"op":"remove","path":"/nothing"}]`}, NotFound, `operation 1: "/nothing"`},
		{"a test", given{out: `[{"op":"add","path":"/x","value":1},{"op":"test","path":"/subject","value":"t"}]`}, Conflict, "operation 1"},
		{"a bad pointer", given{out: `[{"op":"add","path":"x","value":1}]`}, BadPointer, "operation 0"},

		{"another uuid", given{mode: OutputVCon, out: replaced("018e", "118e")}, Denied, "/uuid"},
		{"no uuid", given{mode: OutputVCon, out: `{"subject":"t"}`}, Denied, "/uuid"},
		{"a list that is none", given{mode: OutputMerge, out: `{"x":1,"parties":{}}`}, Invalid, "/parties"},
		{"an element that is none", given{mode: OutputMerge, out: `{"x":1,"parties":[1,2]}`}, Invalid, "/parties/1"},
		{"new elements that are none", given{mode: OutputMerge, out: `{"x":1,"analysis":[{},7]}`}, Invalid, "/analysis"},
		{"not granted", given{mode: OutputVCon, grants: asConfigured, out: strings.Replace(`{%s,"analysis":[{}]}`, "%s", strings.TrimSuffix(replaced(`"s"`, `"t"`)[1:], "}"), 1)}, Denied, "/subject"},
		{"tags that are not granted", given{text: withTags, mode: OutputVCon, grants: func(g *Grants) { asConfigured(g); g.Tags = false }, out: strings.Replace(withTags, `"a:1"`, `"c:1"`, 1)}, Denied, "/attachments/0/body"},
		{"quota", given{mode: OutputMerge, out: `{"x":"` + strings.Repeat("y", 200) + `"}`}, OverQuota, "bytes"},

		{"part, replacing what was not sent", given{mode: OutputVCon, in: parts, out: strings.Replace(sentParts, "null", "{}", 1) + "}"}, Denied, "/parties/1"},
		{"part, removing what was not sent", given{mode: OutputVCon, in: parts, out: strings.Replace(sentParts, ",null]", "]", 1) + "}"}, Denied, "/parties/1"},
		{"part, removing what was sent in part", given{mode: OutputVCon, in: parts, out: strings.Replace(sentParts, `{"name":"Ann"},`, "", 1) + "}"}, Denied, "/parties/"},
		{"part, a member that was not sent", given{mode: OutputVCon, in: parts, out: sentParts + `,"odd":1}`}, Denied, "/odd"},
		{"part, merged", given{mode: OutputMerge, in: parts, out: `{"odd":1}`}, Denied, "/odd"},
		{"part, another spelling of what was not sent", given{mode: OutputMerge, in: Input{Pointers: []string{"/dialog/0/body"}}, out: `{"dialog":[{"body":"hi","mediatype":"x/y"},null]}`}, Denied, "/dialog/0/mediatype"},
		{"part, a list that was not sent", given{mode: OutputVCon, in: Input{Pointers: []string{"/subject"}}, out: `{%s,"parties":[{"name":"Max"}]}`}, Denied, "/parties"},
		{"hidden, replacing", given{mode: OutputVCon, grants: hide, out: `{%s,"odd":2}`}, Denied, "/odd"},
		{"hidden, an element", given{mode: OutputMerge, grants: hide, out: `{"dialog":[{},{"body":"ho"}]}`}, NotFound, "/dialog/0"},
		{"hidden, all elements", given{mode: OutputMerge, grants: hide, out: `{"parties":[]}`}, Denied, "/parties/1"},
		{"hidden, patched", given{grants: hide, out: `[{"op":"remove","path":"/odd"}]`}, Denied, "/odd"},

		{"changed meanwhile", given{mode: OutputVCon, during: edit(OpReplace, "/subject", `"u"`), out: replaced(`"s"`, `"t"`)}, Conflict, "/subject"},
		{"changed and patched", given{during: edit(OpReplace, "/subject", `"u"`), out: `[{"op":"replace","path":"/subject","value":"t"}]`}, Conflict, "/subject"},
		{"an array that moved", given{mode: OutputVCon, during: edit(OpAdd, "/parties/0", `{}`), out: replaced("Bob", "Rob")}, Conflict, "/parties"},
		{"an array that moved and was patched", given{during: edit(OpAdd, "/parties/0", `{}`), out: `[{"op":"remove","path":"/parties/1"}]`}, Conflict, "/parties"},
		{"an array that grew and is patched away", given{during: edit(OpAppend, "/parties", `{}`), out: `[{"op":"remove","path":"/parties"}]`}, Conflict, "/parties"},

		{"signed", given{text: signed, mode: OutputMerge, out: `{"x":1}`}, Denied, "signed"},
		{"signed and patched", given{text: signed, out: `[{"op":"add","path":"/analysis/-","value":{}}]`}, Denied, "signed"},
		{"signed, new analysis", given{text: signed, mode: OutputMerge, out: `{"analysis":[{}]}`}, Denied, "signed"},
		{"signed, the same", given{text: signed, mode: OutputVCon, out: `{%s}`}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var before string
			var used int64
			during := tt.given.during
			tt.given.during = func(c *Call) {
				if during != nil {
					during(c)
				}
				if tt.want == OverQuota {
					c.limits.Edits = 100
				}
				before, used = after(t, c), c.used.Edits
			}
			c, err := tt.given.run(t)
			equalError(t, err, tt.want, tt.names)
			if err != nil && (after(t, c) != before || c.used.Edits != used || reason(c) != err.Error()) {
				t.Errorf("%d bytes charged, error_text %q, document\n%s\nbefore\n%s", c.used.Edits-used, reason(c), after(t, c), before)
			}
			if err != nil && (contains(err.Error(), "secret") || contains(err.Error(), "Ann")) {
				t.Errorf("content in %q", err)
			}
		})
	}
}

// TestStdoutEndsWithTheRun: a very long answer does not outlast the run.
func TestStdoutEndsWithTheRun(t *testing.T) {
	t.Parallel()
	for mode, out := range map[OutputMode]string{OutputMerge: `{"x":1}`, OutputVCon: small[:len(small)-1] + `,"analysis":[{}]}`, OutputPatch: `[{"op":"add","path":"/x","value":1}]`} {
		c := newCall(t, small)
		in, _ := c.Stdin(Input{})
		c.cancel = func() {}
		var cancel context.CancelFunc
		c.ctx, cancel = context.WithCancel(c.ctx)
		cancel()
		equalError(t, c.Stdout(mode, in, []byte(out)), Cancelled, "answer")
		if after(t, c) != small {
			t.Errorf("%s: changed", mode)
		}
	}
}

// TestStdoutBulk: an array of which very much changes is replaced as a whole, where that may be.
func TestStdoutBulk(t *testing.T) {
	t.Parallel()
	list := func(n, from int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprint(from + i)
		}
		return strings.Join(all, ",")
	}
	text := small[:len(small)-1] + `,"list":[` + list(3000, 0) + "]}"
	g := given{text: text, mode: OutputVCon, out: strings.Replace(text, list(3000, 0), list(3000, 5000), 1)}
	c, err := g.run(t)
	if err != nil || edits(c) != "set /list" {
		t.Errorf("%v, %d edits", err, len(c.o.Doc.Edits()))
	}
	g.grants = func(g *Grants) { g.Read.Not = []string{"/odd"} }
	g.out = strings.Replace(g.out, `,"odd":{"a":1,"b":[1,{"c":2}]}`, "", 1)
	c, err = g.run(t)
	if err != nil || len(c.o.Doc.Edits()) != 3000 || at(t, c, "/list/2999") != "7999" {
		t.Errorf("%v, %d edits", err, len(c.o.Doc.Edits()))
	}
}

// TestPatchRFC: the examples of RFC 6902, appendix A, below a member.
func TestPatchRFC(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, patch, want string }{
		{"A.1", `{"foo":"bar"}`, `[{"op":"add","path":"/x/baz","value":"qux"}]`, `{"baz":"qux","foo":"bar"}`},
		{"A.2", `{"foo":["bar","baz"]}`, `[{"op":"add","path":"/x/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{"A.3", `{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/x/baz"}]`, `{"foo":"bar"}`},
		{"A.4", `{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/x/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{"A.5", `{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/x/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
		{"A.6", `{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/x/foo/waldo","path":"/x/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`},
		{"A.7", `{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/x/foo/1","path":"/x/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
		{"A.8", `{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/x/baz","value":"qux"},{"op":"test","path":"/x/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
		{"A.9", `{"baz":"qux"}`, `[{"op":"test","path":"/x/baz","value":"bar"}]`, ""},
		{"A.10", `{"foo":"bar"}`, `[{"op":"add","path":"/x/child","value":{"grandchild":{}}}]`, `{"foo":"bar","child":{"grandchild":{}}}`},
		{"A.11", `{"foo":"bar"}`, `[{"op":"add","path":"/x/baz","value":"qux","xyz":123}]`, `{"foo":"bar","baz":"qux"}`},
		{"A.12", `{"foo":"bar"}`, `[{"op":"add","path":"/x/baz/bat","value":"qux"}]`, ""},
		{"A.14", `{"/":9,"~1":10}`, `[{"op":"test","path":"/x/~01","value":10}]`, `{"/":9,"~1":10}`},
		{"A.15", `{"/":9,"~1":10}`, `[{"op":"test","path":"/x/~01","value":"10"}]`, ""},
		{"A.16", `{"foo":["bar"]}`, `[{"op":"add","path":"/x/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
	} {
		c, err := given{text: `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","x":` + tt.from + `}`, out: tt.patch}.run(t)
		if (err == nil) != (tt.want != "") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if v, geterr := c.o.Doc.Get("/x"); err == nil && (geterr != nil || !v.Equal(vcon.Value(tt.want))) {
			t.Errorf("%s: %s, want %s", tt.name, v, tt.want)
		}
	}
}

// FuzzStdoutHidden: whatever a command prints, either it is refused with a code and changes nothing, or a vCon of the same
// uuid is staged: the one that was printed, and what the command could not see is still there.
func FuzzStdoutHidden(f *testing.F) {
	for _, out := range []string{
		"", small, small[:len(small)-2], `{"subject":null,"parties":[{"name":"Ann"}],"odd":{"b":[{"c":3}]}}`, `[{"op":"move","from":"/parties/0","path":"/odd/b/0"}]`, `{"uuid":1}`,
		strings.Replace(small, "[", "[null,", 1), strings.Replace(small, "},", ",\"-\":1e400,\"a\":1,\"\\ud800\":2},{\"~/\":{}},", 1), `{"attachments":[{"type":"tags","body":["a:1"]}],"analysis":[]}`, "\x00", "\v", `{"a":1,"a":2}`,
	} {
		for mode := range byte(4) {
			f.Add(mode, []byte(out))
		}
	}
	modes := []OutputMode{OutputPatch, OutputVCon, OutputMerge, OutputNone}
	f.Fuzz(func(t *testing.T, m byte, out []byte) {
		mode := modes[int(m)%len(modes)]
		for _, hidden := range []bool{false, true} {
			c := newCall(t, small, func(o *Options) {
				if o.Grants.Tags = false; hidden {
					o.Grants.Read.Not = []string{"/parties/*/tel", "/odd", "/dialog/0"}
				}
			})
			in, err := c.Stdin(Input{})
			if err != nil {
				t.Fatal(err)
			}
			err = c.Stdout(mode, in, out)
			checkAnswer(t, c, err, hidden)
			if err == nil && mode == OutputVCon && !hidden && len(strings.Trim(string(out), " \t\r\n")) > 0 {
				checkPrinted(t, c, out)
			}
		}
	})
}

func checkAnswer(t *testing.T, c *Call, err error, hidden bool) {
	t.Helper()
	text := after(t, c)
	if err != nil {
		if coded, ok := err.(Coder); !ok || coded.Code() >= 0 || err.Error() == "" || text != small || c.used.Edits != 0 {
			t.Fatalf("%v: %s", err, text)
		}
		return
	}
	again, err := vcon.Parse([]byte(text))
	if err != nil || again.ID() != c.o.Doc.Base().ID() || again.Form() != vcon.Unsigned {
		t.Fatalf("no vCon any more: %v\n%s", err, text)
	}
	if !hidden {
		return
	}
	for _, part := range []string{`"tel":"1"`, `{"mimetype":"a/b","body":"hi"}`, `"odd":{"a":1,"b":[1,{"c":2}]}`} {
		if !contains(text, part) {
			t.Fatalf("%s is gone from %s", part, text)
		}
	}
}

// checkPrinted compares the document with what was printed, but for empty lists, which are as good as none.
func checkPrinted(t *testing.T, c *Call, out []byte) {
	t.Helper()
	want, err := vcon.ParseValue(out)
	if err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(slices.Collect(vcon.Diff(vcon.Value(after(t, c)), want, func(string) bool { return false })), func(ch vcon.Change) bool {
		return isCoreArray(ch.Path) && ch.Op == "add" && json.Valid(ch.Value) && compact(t, string(ch.Value)) == "[]"
	})
	if len(left) > 0 {
		t.Fatalf("%s %s is left to do\n%s\n%s", left[0].Op, left[0].Path, after(t, c), out)
	}
}

// BenchmarkStdout takes the answer of a command that gives back 400 kB with one analysis more.
func BenchmarkStdout(b *testing.B) {
	var text strings.Builder
	text.WriteString(strings.TrimSuffix(small, "}") + `,"analysis":[{"type":"transcript","body":[0`)
	for i := 0; text.Len() < 400_000; i++ {
		fmt.Fprintf(&text, `, {"id": %d, "text": "and so on and so forth", "confidence": 0.9%d}`, i, i%10)
	}
	text.WriteString("]}]}")
	more := strings.TrimSuffix(text.String(), "]}") + `,{"type":"report"}]}`
	doc, err := vcon.Parse([]byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	for name, answer := range map[string]struct {
		mode OutputMode
		out  string
	}{"vcon": {OutputVCon, more}, "patch": {OutputPatch, `[{"op":"add","path":"/analysis/-","value":{"type":"report"}}]`}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				c := New(b.Context(), Options{Doc: doc.Draft(), Grants: everything()})
				in, err := c.Stdin(Input{})
				if err == nil {
					err = c.Stdout(answer.mode, in, []byte(answer.out))
				}
				if c.Close(); err != nil || edits(c) != "append /analysis" {
					b.Fatal(err)
				}
			}
		})
	}
}
