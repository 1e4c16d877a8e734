package jq_link_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/builtin/link/jq_link"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
	"github.com/vconduit/vconduit/vcon"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.jq_link", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/jq_link/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"filter": "any(.attachments[]; .purpose == \"tags\" and any(.body[]; startswith(\"vip\")))"}`), open, guest(f))
}

// BenchmarkGuest is a fresh instance of the module for each vCon against a call of the same function.
func BenchmarkGuest(b *testing.B) {
	doc := []byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[{"purpose":"tags","body":["vip:vip"]}]}`)
	wasmtest.Compare(b, doc, json.RawMessage(`{"filter": "any(.attachments[]; .purpose == \"tags\" and any(.body[]; startswith(\"vip\")))"}`), open,
		guesttest.Build(b, "builtin/link/jq_link/guest"))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		``:                                   "",
		`{"filter": ""}`:                     "",
		`{"forward_matches": "x"}`:           `option "forward_matches"`,
		`{"filter": ".a |\n | .b"}`:          "line 2, column 2: unexpected token",
		`{"filter": "nosuch(1)"}`:            "function not defined: nosuch/1",
		`{"filter": "[inputs]"}`:             "not allowed",
		`{"filter": "import \"a\" as a; ."}`: `option "filter"`,
		`{"filtr": "."}`:                     `did you mean "filter"?`,
	} {
		problems := jq_link.Check(json.RawMessage(options))
		if want == "" && len(problems) == 0 {
			continue
		}
		if len(problems) != 1 || want == "" || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: problems %v, want %q", options, problems, want)
		}
	}
}

// run runs a filter natively over a document.
func run(t *testing.T, filter, doc string) (hostabi.Verdict, error) {
	t.Helper()
	options, err := json.Marshal(map[string]any{"filter": filter})
	if err != nil {
		t.Fatal(err)
	}
	l, err := builtin.OpenLink("links.jq_link", options)
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	v, err := vcon.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := hostabi.New(t.Context(), hostabi.Options{Doc: v.Draft(), Config: l.Options, Grants: l.Grants})
	defer c.Close()
	return l.Run(t.Context(), c)
}

const document = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"S3CRET","n":9007199254740993,"huge":1e400,"zero":0.0e5,
	"attachments":[{"type":"tags","body":["vip:yes",{"a":1}]},{"purpose":"note","mediatype":"text/plain"}]}`

// TestMatch: the first result decides, as Python would.
func TestMatch(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]hostabi.Verdict{
		`.`: hostabi.NoChange, `0`: hostabi.Halt, `""`: hostabi.Halt, `[]`: hostabi.Halt, `{}`: hostabi.Halt, `null`: hostabi.Halt, `empty`: hostabi.Halt,
		`false, true`: hostabi.Halt, `true, error("x")`: hostabi.NoChange, `"0"`: hostabi.NoChange, `[0]`: hostabi.NoChange, `0.0`: hostabi.Halt,
		`.zero`: hostabi.Halt, `.huge`: hostabi.NoChange, `.n == 9007199254740993`: hostabi.NoChange, `.n == 9007199254740992`: hostabi.Halt,
		`100000000000000000000 - 100000000000000000000`:                        hostabi.Halt,
		`any(.attachments[]; .purpose == "tags")`:                              hostabi.NoChange,
		`any(.attachments[]; .type == "note" and .mimetype == "text/plain")`:   hostabi.NoChange,
		`any(.attachments[0].body[]; startswith("no"))`:                        hostabi.Halt,
		`[$ENV, env] | map(length) | add`:                                      hostabi.Halt,
		`any(.attachments[0].body[]; startswith("no")) | not`:                  hostabi.NoChange,
		`[.attachments[0].body[] | select(type == "string" | not)] | length`:   hostabi.NoChange,
		`.subject | test("^s3"; "i")`:                                          hostabi.NoChange,
		`(.attachments[0] | keys) == ["body", "purpose", "type"]`:              hostabi.NoChange,
		`.attachments | map(.body // [] | length) == [2, 0]`:                   hostabi.NoChange,
		`try ([limit(3; repeat(1))] | length == 3) catch false`:                hostabi.NoChange,
		`.attachments[1] | .type == .purpose and (.mimetype == .mediatype)`:    hostabi.NoChange,
		`reduce range(1000) as $i (0; . + $i) | . == 499500`:                   hostabi.NoChange,
		`.attachments[5].body.deep == null and (.uuid | startswith("018e3f"))`: hostabi.NoChange,
	} {
		if got, err := run(t, filter, document); got != want || err != nil {
			t.Errorf("%s: verdict %d, %v; want %d", filter, got, err, want)
		}
	}
}

// TestErrorsQuoteNothing: a filter that fails fails the vCon, and says nothing of what is in it.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		`.subject | .[]`:                           "cannot iterate over",
		`.subject + 1`:                             "cannot add",
		`.subject | error`:                         "error",
		`.subject | fromjson`:                      "fromjson",
		`.subject | test({})`:                      "wrong type",
		`.subject | tonumber`:                      "tonumber",
		`.subject | strptime("%Y")`:                "strptime",
		`.subject | halt_error`:                    "halt error",
		`{(.subject): 1} | getpath(["S3CRET", 1])`: "",
		`.[.subject | test("(") | tostring]`:       "",
		`.subject as [$x] | $x`:                    "",
		`.subject | ltrimstr(1) | .a`:              "",
	} {
		verdict, err := run(t, filter, document)
		if verdict == hostabi.Halt || verdict == hostabi.NoChange || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "S3CR") {
			t.Errorf("%s: verdict %d, %v", filter, verdict, err)
		}
	}
}

// TestBombs: filters without end, and nesting as deep as the steps allow, fail and leave the process alive.
func TestBombs(t *testing.T) { // one after the other: each takes much memory
	for _, filter := range []string{
		`def f: f|f; f`, `def f: f; f`, `def f: 1 + f; f`, `[recurse(.)]`, `[recurse([.])]`, `reduce range(1e9) as $i (0; . + 1)`, `[range(1e9)]`,
		`last(repeat(1))`, `reduce range(1e9) as $i (null; [.])`, `[limit(1e9; repeat("x"))] | length`,
	} {
		if _, err := run(t, filter, document); err == nil || !strings.Contains(err.Error(), "stopped after") {
			t.Errorf("%s: %v", filter, err)
		}
	}
	for _, filter := range []string{
		`reduce range(400000) as $i (null; [.]) | tojson | length > 400000`, `reduce range(400000) as $i (null; [.]) | . == (.[0]) | not`,
	} {
		if verdict, err := run(t, filter, document); verdict != hostabi.NoChange || err != nil {
			t.Errorf("%s: %d, %v", filter, verdict, err)
		}
	}
}
