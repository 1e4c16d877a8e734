package modules

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"file:./links/x.wasm":                         "file:links/x.wasm",
		"file:links//a/../x.wasm":                     "file:links/x.wasm",
		"file:../x.wasm":                              "file:../x.wasm",
		"file:/srv/links/x.wasm":                      "file:/srv/links/x.wasm",
		"file:a b/ü?#%20.wasm":                        "file:a b/ü?#%20.wasm",
		"https://h.example/x.wasm":                    "https://h.example/x.wasm",
		"https://H.Example.:443/x.wasm":               "https://h.example/x.wasm",
		"https://h.example:8443/a/b%2fc":              "https://h.example:8443/a/b%2fc",
		"https://h.example/ü.wasm":                    "https://h.example/%C3%BC.wasm",
		"https://h.example":                           "https://h.example/",
		"https://h.example/x?":                        "https://h.example/x",
		"https://h.example/x?token=" + secret:         "https://h.example/x?***",
		"https://[2001:DB8::7]:444/x":                 "https://[2001:db8::7]:444/x",
		"https://127.0.0.1:9/x":                       "https://127.0.0.1:9/x",
		"oci://Registry.example/links/redact:^1.2":    "oci://registry.example/links/redact:^1.2",
		"oci://registry.example:5000/a@sha256:00ff":   "oci://registry.example:5000/a@sha256:00ff",
		"upload:acme-tagger":                          "upload:acme-tagger",
		"script:file:./x.js":                          "script:file:x.js",
		"script:https://h.example/x.js?key=" + secret: "script:https://h.example/x.js?***",
	} {
		ref, err := ParseRef(text)
		if err != nil || ref.String() != want {
			t.Errorf("ParseRef(%q) = %s, %v; want %s", text, ref, err, want)
		}
		kind, _, _ := strings.Cut(text, ":")
		if string(ref.Kind()) != kind {
			t.Errorf("%s is of kind %q", text, ref.Kind())
		}
	}
}

func TestParseRefRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "begins with none of",
		"links.tag":                       "begins with none of",
		"/srv/x.wasm":                     "begins with none of",
		"HTTPS://h.example/x":             "begins with none of",
		"ftp://h.example/x":               "begins with none of",
		"http://h.example/x":              "use https://",
		"http://127.0.0.1/x":              "use https://",
		"file:":                           "names no file",
		"file:.":                          "names no file",
		"file:a/..":                       "names no file",
		"file:..":                         "names no file",
		"file:/":                          "names no file",
		"file:/.":                         "names no file",
		"file:links/":                     "names no file",
		"file:///srv/x.wasm":              "takes a path and no URL",
		"file://host/x.wasm":              "takes a path and no URL",
		"file:a\nb":                       "does not print",
		"file:a\u202eb":                   "does not print",
		"file:a\xffb":                     "does not print",
		"https:":                          "there is no host",
		"https:x":                         "there is no host",
		"https:///x":                      "there is no host",
		"https://u:" + secret + "@h/x":    "put credentials under modules.sources",
		"https://" + secret + "@h/x":      "put credentials under modules.sources",
		"https://@h/x":                    "put credentials under modules.sources",
		"https://u:%zz" + secret + "@h/x": "does not parse",
		"https://h/x#" + secret:           "a fragment",
		"https://h/x#":                    "a fragment",
		"https://h/x y":                   "white space",
		"https://h\\@evil.example/x":      "a backslash",
		"https://h:0/x":                   "the port",
		"https://h:/x":                    "the port",
		"https://bücher.example/x":        "not ASCII",
		"https://127.1/x":                 "no IPv4 address",
		"https://*/x":                     "a character in the host's name",
		"https://h/%zz":                   "does not parse",
		"https://h/" + strings.Repeat("a", maxRef):   "longer than",
		"https://h/" + strings.Repeat("ü", maxRef/4): "longer than",
		"oci:x":                             "followed by //HOST",
		"oci://h":                           "followed by //HOST",
		"oci:///x":                          "followed by //HOST",
		"oci://u:" + secret + "@h/x":        "put credentials under modules.sources",
		"oci://h/x?y":                       "no registry takes",
		"oci://h/x y":                       "no registry takes",
		"oci://h h/x":                       "white space",
		"upload:":                           "followed by a name",
		"upload:a/b":                        "followed by a name",
		"upload:" + strings.Repeat("a", 65): "followed by a name",
		"script:":                           "begins with none of",
		"script:script:file:x":              "script: twice",
		"script:http://h/x":                 "use https://",
	} {
		ref, err := ParseRef(text)
		if !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) || ref != (Ref{}) {
			t.Errorf("ParseRef(%.60q) = %s, %v; want an error with %q", text, ref, err, want)
		}
	}
}

// TestRefPrintsNoQuery: no way of printing a ref shows what its query says.
func TestRefPrintsNoQuery(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"https://h.example/x?token=" + secret, "script:https://h.example/x?token=" + secret} {
		ref := parse(t, text)
		var log logBuffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "module", ref)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "module", ref)
		if strings.Count(log.String(), "h.example/x?***") != 2 {
			t.Errorf("the log says %s", &log)
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %s %q %#v", ref, ref, ref, ref, ref), fmt.Sprintf("%v %+v %#v", &ref, &Module{Ref: ref}, []Ref{ref}), log.String()} {
			if strings.Contains(shown, secret) {
				t.Errorf("shown as %s", shown)
			}
		}
	}
}

func TestRefsCompare(t *testing.T) {
	t.Parallel()
	if parse(t, "https://H.example:443/x?a=1") != parse(t, "https://h.example/x?a=1") {
		t.Error("two spellings of one URL are two refs")
	}
	if parse(t, "https://h.example/x?a=1") == parse(t, "https://h.example/x?a=2") {
		t.Error("two queries are one ref")
	}
	if parse(t, "script:file:x") == parse(t, "file:x") {
		t.Error("a script is a module")
	}
}

func TestParseDigest(t *testing.T) {
	t.Parallel()
	want := DigestOf([]byte("x"))
	for _, text := range []string{want.Hex(), want.String(), strings.ToUpper(want.Hex()), "sha256:" + strings.ToUpper(want.Hex())} {
		if d, err := ParseDigest(text); err != nil || d != want {
			t.Errorf("ParseDigest(%q) = %s, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "sha256:", want.Hex()[1:], want.Hex() + "00", "sha512:" + want.Hex(), " " + want.Hex(), strings.Repeat("g", 64), strings.Repeat("0", 64)} {
		if d, err := ParseDigest(text); err == nil || !d.IsZero() {
			t.Errorf("ParseDigest(%q) = %s", text, d)
		}
	}
}

// FuzzParseRef: what is read is read again as the same, says nothing of its query or of passwords, and leads where it says.
func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"file:./links/x.wasm", "file:/a b", "https://h.example:443/x?t=1", "https://u:p@h/x", "oci://h:5000/a/b:^1.2@sha256:00", "upload:a",
		"script:https://h/x?y", "script:file:x", "https://[::1]/x", "https://h/ü?ü", "http://h/x", "https://h/x?a=%zz#", "file:../..", "file:a?b=c", "file:/."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text)
		if err != nil {
			if !errors.Is(err, ErrRef) || ref != (Ref{}) {
				t.Fatalf("ParseRef(%q) = %s, %v", text, ref, err)
			}
			return
		}
		shown := ref.String()
		if strings.ContainsAny(shown, "\n\r\x00\x1b") || shown == "" {
			t.Fatalf("ParseRef(%q) is shown as %q", text, shown)
		}
		full := string(ref.kind) + ":" + ref.rest
		switch at := strings.Index(ref.rest, "?"); {
		case ref.kind == HTTPS:
			full = ref.rest
			if at >= 0 && shown != ref.rest[:at]+"?***" || at < 0 && shown != ref.rest {
				t.Fatalf("ParseRef(%q) is shown as %q", text, shown)
			}
			if host, _, _ := strings.Cut(strings.TrimPrefix(ref.rest, "https://"), "/"); strings.ContainsAny(host, "@#?") {
				t.Fatalf("ParseRef(%q) has the host %q", text, host)
			}
		case ref.kind == Script && ref.of == HTTPS:
			full = "script:" + ref.rest
		case ref.kind == Script:
			full = "script:" + string(ref.of) + ":" + ref.rest
		}
		if len(full) > maxRef {
			return // script: before what was as long as may be
		}
		if again, err := ParseRef(full); err != nil || again != ref {
			t.Fatalf("ParseRef(%q) = %q; read again: %q, %v", text, full, again, err)
		}
	})
}
