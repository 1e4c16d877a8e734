package hostabi

import (
	"errors"
	"testing"
)

const small = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"s","parties":[{"name":"Ann","tel":"1"},{"name":"Bob"}],"dialog":[{"mimetype":"a/b","body":"hi"},{"body":"ho"}],"odd":{"a":1,"b":[1,{"c":2}]}}`

func TestStdinParts(t *testing.T) {
	t.Parallel()
	const id = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"`
	for _, tt := range []struct {
		name string
		read Paths
		in   Input
		want string
	}{
		{"all", Paths{All: true}, Input{}, small},
		{"none", Paths{All: true}, Input{None: true}, ""},
		{"no pointers", Paths{All: true}, Input{Pointers: []string{}}, id + `}`},
		{"a member", Paths{All: true}, Input{Pointers: []string{"/subject"}}, id + `,"subject":"s"}`},
		{"the root", Paths{All: true}, Input{Pointers: []string{""}}, small},
		{"an element", Paths{All: true}, Input{Pointers: []string{"/dialog/1", "/parties/*/name"}}, id + `,"parties":[{"name":"Ann"},{"name":"Bob"}],"dialog":[null,{"body":"ho"}]}`},
		{"another spelling", Paths{All: true}, Input{Pointers: []string{"/dialog/*/mediatype"}}, id + `,"dialog":[{"mimetype":"a/b"},{}]}`},
		{"what is not there", Paths{All: true}, Input{Pointers: []string{"/nothing", "/odd/x"}}, id + `,"odd":{}}`},
		{"a grant", Paths{Allow: []string{"/subject", "/odd/b/1"}}, Input{}, `{"subject":"s","odd":{"b":[null,{"c":2}]}}`},
		{"less than a grant", Paths{Allow: []string{"/subject", "/odd/b/1"}}, Input{Pointers: []string{"/odd", "/parties"}}, `{"odd":{"b":[null,{"c":2}]}}`},
		{"what is taken away", Paths{All: true, Not: []string{"/parties/*/tel", "/dialog", "/odd"}}, Input{}, id + `,"subject":"s","parties":[{"name":"Ann"},{"name":"Bob"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCall(t, small, func(o *Options) { o.Grants.Read = tt.read })
			got, err := c.Stdin(tt.in)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, tt.want)
			}
		})
	}
	if (Input{}).Set() || !(Input{None: true}).Set() || !(Input{Pointers: []string{}}).Set() {
		t.Error("Set")
	}
}

func TestStdinRefuses(t *testing.T) {
	t.Parallel()
	c := newCall(t, small)
	equalError(t, second(c.Stdin(Input{Pointers: []string{"/a", "b"}})), BadPointer, `"b"`)
	c.Close()
	equalError(t, second(c.Stdin(Input{})), Unsupported, "run")
	equalError(t, c.Stdout("", nil, nil), Unsupported, "run")
	starting := New(t.Context(), Options{})
	defer starting.Close()
	equalError(t, second(starting.Stdin(Input{})), Unsupported, "run")
	equalError(t, starting.Stdout("", nil, nil), Unsupported, "run")
}

// TestStdinKeeps: what a command was given stays as it is when its host functions edit.
func TestStdinKeeps(t *testing.T) {
	t.Parallel()
	c := newCall(t, small)
	c.DocEdit(1, OpReplace, []byte("/subject"), []byte(`"before"`))
	in, err := c.Stdin(Input{})
	was := string(in)
	c.DocEdit(1, OpReplace, []byte("/subject"), []byte(`"during"`))
	after(t, c)
	if err != nil || string(in) != was || after(t, newCall(t, was)) == small {
		t.Errorf("%v: %s", err, in)
	}
}

func second[T any](_ T, err error) error { return err }

// equalError checks the code of an error, and that its text names something.
func equalError(t testing.TB, err error, want Errno, names string) {
	t.Helper()
	var coded Coder
	if want == 0 && err == nil {
		return
	}
	if !errors.As(err, &coded) || coded.Code() != want || !contains(err.Error(), names) {
		t.Errorf("%v, want %v with %q", err, want, names)
	}
}
