package hostabi

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/vcon"
)

const commandDoc = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"Billing","n":1.50,"parties":[{"tel":"+1"},{"tel":"+2","name":"Ann"}],` +
	`"dialog":[{"type":"text","body":"hi"}],"attachments":[{"type":"tags","encoding":"json","body":"[\"a:1\",\"b:2\"]"}]}`

// commandCall is a run over commandDoc with the grants of change.
func commandCall(t testing.TB, change func(*Options)) *Call {
	t.Helper()
	doc, err := vcon.Parse([]byte(commandDoc))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Doc: doc.Draft(), Grants: Grants{Read: Paths{All: true}, Write: Paths{All: true}, Tags: true}}
	if change != nil {
		change(&o)
	}
	c := New(t.Context(), o)
	t.Cleanup(c.Close)
	return c
}

func commandText(t testing.TB, c *Call) string {
	t.Helper()
	doc, err := c.Staged()
	if err != nil {
		t.Fatal(err)
	}
	return string(doc.Bytes())
}

// TestStdin: a command reads what its link may read, and of that what it asks for; indexes stay those of the document.
func TestStdin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   Input
		read Paths
		want string
	}{
		{"all", Input{}, Paths{All: true}, commandDoc},
		{"none", Input{None: true}, Paths{All: true}, ""},
		{"pointers", Input{Pointers: []string{"/parties/1/tel", "/dialog"}}, Paths{All: true},
			`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[null,{"tel":"+2"}],"dialog":[{"type":"text","body":"hi"}]}`},
		{"pointers within a grant", Input{Pointers: []string{"/parties", "/dialog"}}, Paths{Allow: []string{"/dialog", "/subject"}}, `{"dialog":[{"type":"text","body":"hi"}]}`},
		{"taken away", Input{Pointers: []string{"/parties"}}, Paths{All: true, Not: []string{"/parties/*/tel"}},
			`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{},{"name":"Ann"}]}`},
		{"nothing there", Input{Pointers: []string{"/analysis"}}, Paths{Allow: []string{"/analysis"}}, "{}"},
		{"no pointers", Input{Pointers: []string{}}, Paths{All: true}, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`},
	} {
		got, err := commandCall(t, func(o *Options) { o.Grants.Read = c.read }).Stdin(c.in)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
	if _, err := commandCall(t, func(o *Options) { o.Grants.Read = Paths{} }).Stdin(Input{}); codeOf(err) != NotFound {
		t.Errorf("nothing may be read: %v", err)
	}
	if (Input{}).Set() || !(Input{None: true}).Set() || !(Input{Pointers: []string{}}).Set() {
		t.Error("Set")
	}
}

func codeOf(err error) Errno {
	var coder Coder
	if errors.As(err, &coder) {
		return coder.Code()
	}
	return 0
}

// byDefault are the grants of a link whose configuration says nothing.
func byDefault(o *Options) {
	o.Grants.Write = Paths{Allow: []string{"/analysis/-", "/attachments/-"}}
}

// TestStdout: each mode stages what it asks for, and nothing else is touched, down to how it is spelt.
func TestStdout(t *testing.T) {
	t.Parallel()
	replaced := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(commandDoc) }
	with := func(more string) string { return strings.TrimSuffix(commandDoc, "}") + "," + more + "}" }
	part := Input{Pointers: []string{"/parties"}}
	for _, c := range []struct {
		name   string
		mode   OutputMode
		in     Input
		out    string
		grants func(*Options)
		want   string
	}{
		{"nothing", OutputVCon, Input{}, " \n", nil, commandDoc},
		{"dropped", OutputNone, Input{}, "words", nil, commandDoc},
		{"patch by default", "", Input{}, `[{"op":"replace","path":"/subject","value":"Sales"}]`, nil, replaced("Billing", "Sales")},
		{"patch", OutputPatch, Input{None: true}, `[{"op":"add","path":"/analysis/-","value":{"type":"x"}}]`, byDefault, with(`"analysis":[{"type":"x"}]`)},
		{"patch of a part", OutputPatch, part, `[{"op":"add","path":"/parties/1","value":{"tel":"+3"}},{"op":"replace","path":"/parties/0/tel","value":"+9"},{"op":"add","path":"/meta","value":1}]`, nil,
			strings.TrimSuffix(replaced(`{"tel":"+1"},`, `{"tel":"+9"},{"tel":"+3"},`), "}") + `,"meta":1}`},
		{"merge", OutputMerge, Input{}, `{"subject":null,"meta":{"a":1,"b":null}}`, nil, strings.Replace(with(`"meta":{"a":1}`), `"subject":"Billing",`, "", 1)},
		{"merge without input", OutputMerge, Input{None: true}, `{"analysis":[{"type":"x"}]}`, byDefault, with(`"analysis":[{"type":"x"}]`)},
		{"the same, written otherwise", OutputVCon, Input{}, `{ "n": 1.5, "subject": "\u0042illing", "uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e",
			"attachments":[{"body":"[\"a:1\",\"b:2\"]","type":"tags","encoding":"json"}],"dialog":[{"type":"text","body":"hi"}],"parties":[{"tel":"+1"},{"tel":"+2","name":"Ann"}]}`, byDefault, commandDoc},
		{"an analysis with the default grants", OutputVCon, Input{}, with(`"analysis":[{"type":"x"}]`), byDefault, with(`"analysis":[{"type":"x"}]`)},
		{"part of it", OutputVCon, Input{Pointers: []string{"/subject"}}, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"Sales"}`, nil, replaced("Billing", "Sales")},
		{"in the middle of an array", OutputVCon, Input{Pointers: []string{"/parties"}},
			`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[{"tel":"+1"},{"tel":"+3"},{"tel":"+2","name":"Bob"}]}`, nil,
			replaced(`{"tel":"+2","name":"Ann"}`, `{"tel":"+3"},{"tel":"+2","name":"Bob"}`)},
		{"tags by the word tags", OutputVCon, Input{}, replaced(`\"b:2\"`, `\"c:3\"`), byDefault, replaced(`\"b:2\"`, `\"c:3\"`)},
	} {
		call := commandCall(t, c.grants)
		in, err := call.Stdin(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Stdout(c.mode, in, []byte(c.out)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := commandText(t, call); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestStdoutRefused: a bad answer changes nothing, and says where it is bad and never what stands there.
func TestStdoutRefused(t *testing.T) {
	t.Parallel()
	sent := `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[`
	part := Input{Pointers: []string{"/parties"}}
	for _, c := range []struct {
		name   string
		mode   OutputMode
		in     Input
		out    string
		grants func(*Options)
		code   Errno
		text   string
	}{
		{"no JSON", OutputVCon, Input{}, "words", nil, Invalid, "not JSON"},
		{"NUL", OutputVCon, Input{}, "{}\x00", nil, Invalid, "not JSON"},
		{"two values", OutputMerge, Input{}, "{}{}", nil, Invalid, "not JSON"},
		{"cut off", OutputVCon, Input{}, commandDoc[:60], nil, Invalid, "not JSON"},
		{"too deep", OutputMerge, Input{}, `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, nil, Invalid, "not JSON"},
		{"no object", OutputMerge, Input{}, "[]", nil, Invalid, "output: merge"},
		{"no patch", OutputPatch, Input{}, "{}", nil, Invalid, "not a JSON array of operations"},
		{"a bad operation", OutputPatch, Input{}, `[{"op":"replace","path":"/subject","value":1},{"op":"remove","path":"/secretname"}]`, nil, NotFound, "operation 1"},
		{"not granted", OutputVCon, Input{}, strings.Replace(commandDoc, "Billing", "Sales", 1), byDefault, Denied, `"/subject"`},
		{"the second not granted", OutputMerge, Input{}, `{"analysis":[{"type":"x"}],"subject":"Sales"}`, byDefault, Denied, `"/subject"`},
		{"what was not sent", OutputVCon, part, sent + `{"tel":"+1"},{"tel":"+2","name":"Ann"}],"subject":"Sales"}`, nil, Denied, "was not on standard input"},
		{"an array that was not sent", OutputVCon, part, sent + `{"tel":"+1"},{"tel":"+2","name":"Ann"}],"dialog":[{"type":"text"}]}`, nil, Denied, "was not on standard input"},
		{"an element that was not sent", OutputVCon, Input{Pointers: []string{"/parties/1"}}, sent + `{"tel":"+9"},{"tel":"+2","name":"Ann"}]}`, func(o *Options) {
			o.Grants.Read = Paths{Allow: []string{"/parties/1", "/uuid"}}
		}, NotFound, `"/parties/0"`},
		{"all or nothing", OutputMerge, Input{}, `{"subject":"Sales","meta":1}`, func(o *Options) { o.Grants.Write = Paths{Allow: []string{"/subject"}} }, Denied, `"/meta"`},
		{"the uuid", OutputMerge, Input{}, `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d00"}`, nil, Denied, "never writable"},
		{"a patch of what was not sent", "", Input{None: true}, `[{"op":"replace","path":"/parties/0/tel","value":"+9"}]`, nil, Denied, `"/parties/0/tel" was not on standard input`},
		{"a patch that adds over what was not sent", "", part, `[{"op":"add","path":"/subject","value":"x"}]`, nil, Denied, `"/subject" was not on standard input`},
		{"a patch that copies what was not sent", "", part, `[{"op":"copy","from":"/subject","path":"/meta"}]`, nil, Denied, `"/subject" was not on standard input`},
		{"a patch that removes what was sent in part", "", Input{Pointers: []string{"/parties/0/tel"}}, `[{"op":"remove","path":"/parties/0"}]`, nil, Denied, `"/parties/0" was not on standard input`},
		{"a patch that adds over what may not be read", "", Input{}, `[{"op":"add","path":"/subject","value":"x"}]`, func(o *Options) {
			o.Grants.Read = Paths{All: true, Not: []string{"/subject"}}
		}, Denied, `"/subject" was not on standard input`},
		{"a patch that shifts what was not sent", "", Input{Pointers: []string{"/parties/0"}}, `[{"op":"remove","path":"/parties/0"},{"op":"replace","path":"/parties/0/tel","value":"+9"}]`, nil, Denied, `"/parties" was on standard input in part`},
		{"an insert that shifts what was not sent", "", Input{Pointers: []string{"/parties/0"}}, `[{"op":"add","path":"/parties/0","value":{}}]`, nil, Denied, `"/parties" was on standard input in part`},
		{"an unknown operation", "", Input{}, `[{"op":"4111 Sales","path":"/subject"}]`, nil, Invalid, "op is none of"},
		{"members by other names", "", Input{}, `[{"OP":"remove","Path":"/subject"}]`, nil, Invalid, "path is missing"},
		{"no vCon any more", OutputMerge, Input{}, `{"parties":{}}`, nil, Invalid, `"/parties" must stay an array`},
		{"tags that are none", OutputVCon, Input{}, strings.Replace(commandDoc, `\"b:2\"`, `1`, 1), byDefault, Denied, "/attachments/0/body"},
		{"too much", OutputMerge, Input{}, `{"meta":"0123456789"}`, func(o *Options) { o.Limits.Edits = 8 }, OverQuota, "more than 8 bytes"},
	} {
		call := commandCall(t, c.grants)
		in, err := call.Stdin(c.in)
		if err != nil {
			t.Fatal(err)
		}
		err = call.Stdout(c.mode, in, []byte(c.out))
		if codeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.text) || strings.Contains(fmt.Sprint(err), "Sales") {
			t.Errorf("%s: %v (%v), want %q (%v)", c.name, err, codeOf(err), c.text, c.code)
		}
		if got := commandText(t, call); got != commandDoc {
			t.Errorf("%s left %s", c.name, got)
		}
		if texts, n := call.Denied(); (n == 1) != (c.code == Denied) || n == 1 && !strings.HasPrefix(texts[0], "standard output: ") {
			t.Errorf("%s: denied %d times: %q", c.name, n, texts)
		}
	}
}

// TestStdoutHostFunctionsFirst: what was staged before an answer that is refused stays.
func TestStdoutHostFunctionsFirst(t *testing.T) {
	t.Parallel()
	call := commandCall(t, nil)
	if code := call.TagAdd([]byte("c"), []byte("3")); code != 0 {
		t.Fatal(code)
	}
	before := commandText(t, call)
	if err := call.Stdout(OutputMerge, []byte(commandDoc), []byte(`{"subject":"x","uuid":1}`)); err == nil || commandText(t, call) != before {
		t.Errorf("%v: %s", err, commandText(t, call))
	}
}

// FuzzStdout: an answer either becomes the document, or leaves it as it was.
func FuzzStdout(f *testing.F) {
	for _, seed := range []string{"", "{}", "[]", commandDoc, `{"subject":null}`, `{"parties":[null,{}]}`, `[{"op":"move","from":"/parties/0","path":"/parties/1"}]`, `{"a":1,"a":2}`, `{"n":1e999999999}`} {
		for _, mode := range []OutputMode{OutputPatch, OutputVCon, OutputMerge, OutputNone} {
			f.Add(string(mode), seed)
		}
	}
	f.Fuzz(func(t *testing.T, mode, out string) {
		call := commandCall(t, nil)
		err := call.Stdout(OutputMode(mode), []byte(commandDoc), []byte(out))
		got := commandText(t, call)
		if err != nil && got != commandDoc {
			t.Fatalf("%v, and the document is %s", err, got)
		}
		if err != nil || mode != string(OutputVCon) || strings.TrimSpace(out) == "" {
			return
		}
		if want := vcon.Value(strings.TrimSpace(out)); !vcon.Value(got).Equal(want) && !emptyArrays(want) {
			t.Fatalf("the document is %s, the answer was %s", got, out)
		}
	})
}

// emptyArrays says that an answer has an empty core array, which is not made where there is none.
func emptyArrays(v vcon.Value) bool {
	for name, member := range v.Members() {
		if isCoreArray("/"+name) && member.Kind() == vcon.Array && strings.Trim(string(member), "[] \t\r\n") == "" {
			return true
		}
	}
	return false
}
