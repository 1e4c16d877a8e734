package tag_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/builtin/link/tag"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/wasm/wasmtest"
)

func open(options json.RawMessage) (chain.Link, hostabi.Grants, error) {
	l, err := builtin.OpenLink("links.tag", options)
	if err != nil {
		return nil, hostabi.Grants{}, err
	}
	return l, l.Grants, nil
}

// guest is the link as a module.
func guest(t testing.TB) chaintest.Way {
	return wasmtest.Guest(t, guesttest.Build(t, "builtin/link/tag/guest"), open)
}

func TestLink(t *testing.T) {
	t.Parallel()
	chaintest.Link(t, "testdata", open, guest(t))
}

func FuzzLink(f *testing.F) {
	chaintest.FuzzLink(f, json.RawMessage(`{"tags": ["vip", "a:b"]}`), open, guest(f))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for options, want := range map[string][]string{
		``:                          nil,
		`null`:                      nil,
		`{"tags": null}`:            nil,
		`{"tags": "one"}`:           nil,
		`{"tags": [1, true, 2.50]}`: nil,
		`{"after_link": {"x": 1}}`:  nil,
		`[]`:                        {"must be a map"},
		`{"tags": {"a": "b"}}`:      {`option "tags": item 1: a tag needs a name`},
		`{"tags": ["", {"name": "a:b"}, {"value": "x"}, null, [1], ":x", {"name": "a", "value": []}]}`: {
			"item 1: the name of a tag is empty", "item 2: the name of a tag must not hold a colon", "item 3: a tag needs a name", "item 4:", "item 5:",
			"item 6: the name of a tag is empty", "item 7: the value of a tag must be a text"},
		`{"tag": ["vip"]}`: {`option "tag": unknown, it does nothing; did you mean "tags"?`},
	} {
		problems := tag.Check(json.RawMessage(options))
		if len(problems) != len(want) {
			t.Errorf("%s: %d problems %v, want %d", options, len(problems), problems, len(want))
			continue
		}
		for i, p := range problems {
			if !strings.Contains(p.String(), want[i]) {
				t.Errorf("%s: problem %d is %q, want %q", options, i, p, want[i])
			}
		}
	}
}
