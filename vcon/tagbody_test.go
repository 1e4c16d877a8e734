package vcon

import (
	"strings"
	"testing"
)

func TestTagsIn(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`: "", `["a:1", "b:x:y"]`: "a:1 b:x:y", `"[\"a:1\"]"`: "a:1", `{"a":1,"b":["x",true]}`: "a:1 b:x b:true", `"{\"a\":\"1\"}"`: "a:1", `["a:"]`: "a:",
	} {
		if got, ok := TagsIn(Value(body)); !ok || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %t", body, got, ok)
		}
	}
	for _, body := range []string{``, `null`, `1`, `"text"`, `"["`, `["a"]`, `[":1"]`, `[1]`, `["a:1",null]`, `{"a":null}`, `{"a":{}}`, `{"a":["x",[]]}`, `{"":"x"}`, `"\ud800"`} {
		if got, ok := TagsIn(Value(body)); ok {
			t.Errorf("%s holds %q and nothing else", body, got)
		}
	}
}
