package modules

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestSourcesAreChecked(t *testing.T) {
	t.Parallel()
	good := []Source{
		{Match: "https://a.example/"},
		{Match: "https://a.example/team/", Auth: Auth{Kind: "bearer", From: "env:A"}, CA: "a.pem", Private: []string{"10.0.0.0/8", "fd00::/8"}},
		{Match: "https://a.example:8443", Auth: Auth{Kind: "bearer", From: "file:a"}},
		{Match: "oci://a.example/", Auth: Auth{Kind: "docker"}, Verify: []string{"file:a.pub"}},
		{Match: "oci://a.example/team"},
	}
	if _, err := New(Options{Dir: "x", Sources: good}); err != nil {
		t.Errorf("good sources: %v", err)
	}
	bad := map[string]Source{
		"match: it begins with neither":        {Match: "http://a.example/"},
		"match: it begins":                     {},
		"match: a host must be named":          {Match: "https://*/"},
		"match: rule:":                         {Match: "https://u:p@a.example/"},
		"a query":                              {Match: "https://a.example/?a=" + secret},
		"plain form":                           {Match: "https://a.example/a/../b"},
		"match: rule: url: there is no host":   {Match: "oci://"},
		"docker is for oci: sources":           {Match: "https://b.example/", Auth: Auth{Kind: "docker"}},
		"neither docker nor bearer":            {Match: "https://b.example/", Auth: Auth{Kind: "basic"}},
		"env:NAME or file:PATH":                {Match: "https://b.example/", Auth: Auth{Kind: "bearer", From: secret}},
		"where the token is":                   {Match: "oci://b.example/", Auth: Auth{Kind: "bearer", From: "env:"}},
		`private: "10.0.0.1" is no network`:    {Match: "https://b.example/", Private: []string{"10.0.0.0/8", "10.0.0.1"}},
		`private: "::ffff:10.0.0.0/104" is no`: {Match: "https://b.example/", Private: []string{"::ffff:10.0.0.0/104"}},
		"another source has the same":          {Match: "https://A.example:443"},
	}
	for want, s := range bad {
		_, err := New(Options{Dir: "x", Sources: []Source{good[0], s}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "modules.sources[1]") || strings.Contains(err.Error(), secret) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	_, err := New(Options{MaxSize: -1, Sources: []Source{{Match: "x", Auth: Auth{Kind: "y"}, Private: []string{"z"}}, {}}})
	for _, want := range []string{"folder", "limits", "sources[0]: match: ", "sources[0]: auth: ", "sources[0]: private: ", "sources[1]: match: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("all at once: %v lacks %q", err, want)
		}
	}
}

// sourcesForMatch are read by TestSourceMatch and its fuzz target.
func sourcesForMatch() []Source {
	return []Source{
		{Match: "https://a.example/team"}, {Match: "https://a.example/"}, {Match: "https://a.example/team/b/"}, {Match: "https://a.example:8443/x.wasm"},
		{Match: "oci://c.example/"},
	}
}

func TestSourceMatch(t *testing.T) {
	t.Parallel()
	s := setup(t, Options{}, sourcesForMatch()...)
	for address, want := range map[string]string{
		"https://a.example/x.wasm":               "https://a.example/",
		"https://a.example/":                     "https://a.example/",
		"https://A.EXAMPLE:443/x.wasm":           "https://a.example/",
		"https://a.example/team":                 "https://a.example/team",
		"https://a.example/team/x?y":             "https://a.example/team",
		"https://a.example/team-b/x":             "https://a.example/",
		"https://a.example/team/b/x":             "https://a.example/team/b/",
		"https://a.example/team/bb/x":            "https://a.example/team",
		"https://a.example/team/../x":            "https://a.example/",
		"https://a.example/team/%2e%2e/x":        "https://a.example/",
		"https://a.example/team/..%2fx":          "https://a.example/",
		"https://a.example/team/b/..%252f..%2fx": "https://a.example/",
		"https://a.example:8443/x.wasm":          "https://a.example:8443/x.wasm",
		"https://a.example:8443/":                "",
		"https://a.example.evil.example/":        "",
		"https://evil.example/a.example/":        "",
		"https://b.a.example/":                   "",
		"https://c.example/x":                    "",
	} {
		if got := s.source(parse(t, address).rest).Match; got != want {
			t.Errorf("%s is of source %q, want %q", address, got, want)
		}
	}
}

// FuzzSourceMatch: what a source says is used for its own host and below its own path alone, however the URL is read.
func FuzzSourceMatch(f *testing.F) {
	for _, seed := range []string{"https://a.example/team/x", "https://a.example/team/../x", "https://a.example/team/%2e%2e%2fx", "https://a.example:8443/x.wasm",
		"https://a.example@evil.example/team", "https://a.example\\.evil.example/", "https://a.example/team%2fb/x", "https://a.example/team/b;/../x"} {
		f.Add(seed)
	}
	s := setup(f, Options{}, sourcesForMatch()...)
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text)
		if err != nil || ref.kind != HTTPS {
			return
		}
		src := s.source(ref.rest)
		if src.Match == "" {
			return
		}
		u, err := url.Parse(ref.rest)
		if err != nil {
			t.Fatalf("%q does not parse", ref.rest)
		}
		m, err := url.Parse(src.Match)
		if err != nil {
			t.Fatal(err)
		}
		if u.Host != m.Host || u.Scheme != "https" {
			t.Fatalf("%q is of source %q", ref.rest, src.Match)
		}
		prefix := strings.TrimSuffix(m.Path, "/")
		for _, path := range []string{u.Path, u.EscapedPath()} {
			if clean := (&url.URL{Path: "/"}).JoinPath(path).Path; clean != prefix && !strings.HasPrefix(clean, prefix+"/") {
				t.Fatalf("%q, read as %q, is of source %q", ref.rest, clean, src.Match)
			}
		}
	})
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := setup(t, Options{Getenv: func(name string) string {
		return map[string]string{"SET": " " + secret + "\n", "TWO": "a " + secret, "LINES": secret + "\nX-A: b", "BLANK": " "}[name]
	}})
	s.put("token", []byte(secret+"\n"))
	s.put("binary", []byte(secret+"\x00"))
	s.put("large", make([]byte, maxSetting+1))
	for _, from := range []string{"env:SET", "file:token", "file:./token"} {
		if got, err := s.token(Auth{"bearer", from}); err != nil || got != secret {
			t.Errorf("%s: %q, %v", from, got, err)
		}
	}
	for _, from := range []string{"env:UNSET", "env:BLANK", "env:TWO", "env:LINES", "file:none", "file:binary", "file:large", "file:."} {
		if got, err := s.token(Auth{"bearer", from}); !errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooLarge) || got != "" || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %q, %v", from, got, err)
		}
	}
	if got, err := s.token(Auth{}); err != nil || got != "" {
		t.Errorf("anonymous: %q, %v", got, err)
	}
}
