package outbound

import (
	"errors"
	"testing"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Host{
		"api.example": {"api.example", ""}, "API.Example.": {"api.example", ""}, "api.example:443": {"api.example", "443"}, "api.example:8443": {"api.example", "8443"},
		"10.0.4.7:9000": {"10.0.4.7", "9000"}, "::1": {"::1", ""}, "[::1]": {"::1", ""}, "[0:0::1]:80": {"::1", "80"}, "localhost": {"localhost", ""},
	} {
		got, err := ParseHost(text)
		if err != nil || got != want {
			t.Errorf("ParseHost(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := ParseHost(got.String()); err != nil || again != got {
			t.Errorf("ParseHost(%q) = %+v, %v", got.String(), again, err)
		}
	}
	for _, text := range []string{"", "*", "*.example", "https://api.example", "api.example/x", "u@api.example", "api.example?", "api.example#", "api.example:", "api.example:0", "api.example:http", "127.1", "::ffff:1.2.3.4", "fe80::1%lo", "a b", "{{secret:X}}"} {
		if got, err := ParseHost(text); err == nil {
			t.Errorf("ParseHost(%q) = %+v, want an error", text, got)
		}
	}
	for url, want := range map[string]Host{
		"https://API.example/x?y": {"api.example", "443"}, "http://api.example:443/": {"api.example", "443"}, "http://api.example": {"api.example", "80"}, "http://[::1]:81/": {"::1", "81"},
	} {
		if got, err := HostOf(url); err != nil || got != want {
			t.Errorf("HostOf(%q) = %+v, %v; want %+v", url, got, err, want)
		}
	}
	if _, err := HostOf("api.example"); !errors.Is(err, ErrRequest) {
		t.Errorf("HostOf without scheme: %v", err)
	}
	any, one, to := Host{"a.example", ""}, Host{"a.example", "443"}, Host{"a.example", "443"}
	if !any.Covers(to) || !one.Covers(to) || one.Covers(Host{"a.example", "80"}) || any.Covers(Host{"b.a.example", "443"}) || one.Covers(Host{"b.example", "443"}) {
		t.Error("Covers")
	}
}

// FuzzParseHost: what is taken reads as itself again, and covers the URLs that it makes.
func FuzzParseHost(f *testing.F) {
	for _, seed := range []string{"api.example", "api.example:443", "::1", "[::1]:80", "10.0.4.7", "127.1", "a@b", "a/b", "[::1", "a:b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHost(text)
		if err != nil {
			return
		}
		if again, err := ParseHost(h.String()); err != nil || again != h {
			t.Fatalf("%q is %+v, its text %q %+v, %v", text, h, h.String(), again, err)
		}
		rule := Rule{Scheme: "https", Host: h.Name, Port: h.Port}
		if of, err := HostOf(rule.String()); err != nil || !h.Covers(of) {
			t.Fatalf("%+v does not cover %s: %+v, %v", h, rule, of, err)
		}
	})
}
