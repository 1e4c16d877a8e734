package vcon

import (
	"bytes"
	"strings"
	"testing"
)

func TestHashesOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: "false", `{"content_hash":""}`: "false", `{"content_hash":[]}`: "false", `{"content_hash":null}`: "false", `[]`: "false", `"x"`: "false",
		`{"content_hash":"sha512-AAEC"}`:                               "true sha512-AAEC",
		`{"content_hash":["sha512-AA-_","SHA256-AAE=","sha1-+/8="]}`:   "true sha512-AA-_ sha256-AAE sha1--_8",
		`{"content_hash":["sha512","x-!",7,"sha256-AAE"]}`:             "true sha256-AAE",
		`{"content_hash":"rubbish"}`:                                   "true",
		`{"content_hash":{"a":1}}`:                                     "true",
		`{"alg":"SHA-512","signature":"AAEC"}`:                         "true sha512-AAEC",
		`{"alg":"SHA-512"}`:                                            "false",
		`{"signature":"AAEC"}`:                                         "false",
		`{"alg":"RS256","signature":"!"}`:                              "true",
		`{"content_hash":"rubbish","alg":"SHA-256","signature":"AAE"}`: "true sha256-AAE",
	} {
		hashes, stated := HashesOf(Value(text))
		got := "false"
		if stated {
			got = "true"
		}
		for _, h := range hashes {
			got += " " + h.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzContentHash: what is read as a hash reads again from its own text, as the same; and what is read is stated.
func FuzzContentHash(f *testing.F) {
	for _, seed := range []string{`"sha512-AAEC"`, `["sha256-AA-_","sha1-+/8="]`, `"sha512"`, `"-"`, `"a--"`, `[7,null,{}]`, `"sha256-A\u0041E"`, `"sha256-AA\nEC"`} {
		f.Add(seed, "SHA-512", "AAEC")
	}
	f.Fuzz(func(t *testing.T, hash, alg, signature string) {
		object := append([]byte(`{"content_hash":`), hash...)
		object = quote(append(object, `,"alg":`...), alg)
		object = append(quote(append(object, `,"signature":`...), signature), '}')
		v, err := Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","x":` + string(object) + `}`))
		if err != nil {
			return
		}
		x, err := v.Get("/x")
		if err != nil {
			return
		}
		hashes, stated := HashesOf(x)
		if len(hashes) > 0 && !stated {
			t.Fatalf("%s: hashes, but none stated", x)
		}
		for _, h := range hashes {
			again, ok := parseContentHash(h.String())
			if !ok || again.Alg != h.Alg || !bytes.Equal(again.Digest, h.Digest) || strings.Contains(h.Alg, "-") || len(h.Digest) == 0 {
				t.Fatalf("%s: %q reads again as %+v, %v", x, h, again, ok)
			}
		}
	})
}
