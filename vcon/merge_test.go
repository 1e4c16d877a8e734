package vcon

import (
	"slices"
	"testing"
)

// TestDiffMergeRFC: the examples of RFC 7396, appendix A, that begin and end with an object.
func TestDiffMergeRFC(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		wrap := func(v string) Value { return Value(`{"uuid":"` + someID + `","x":` + v + `}`) }
		d := mustParse(t, string(wrap(tt[0]))).Draft()
		stage(t, d, slices.Collect(DiffMerge(wrap(tt[0]), wrap(tt[1]), never)))
		if got, err := d.Get("/x"); err != nil || !got.Equal(Value(tt[2])) {
			t.Errorf("%s with %s: %s, %v; want %s", tt[0], tt[1], got, err, tt[2])
		}
	}
}
