package redis

import (
	"fmt"
	"strings"
	"testing"
)

// answered is an error as the server would answer.
type answered string

func (a answered) Error() string { return string(a) }
func (answered) RedisError()     {}

// FuzzExplain reads what a strange server answers: no error repeats it.
func FuzzExplain(f *testing.F) {
	for _, seed := range []string{
		"ERR unknown command 'SET', with args beginning with: 'vcon_storage:x' '{\"vcon\":", "WRONGPASS invalid username-password pair or user is disabled.",
		"NOPERM User alice has no permissions to run the 'set' command", "MOVED 1234 10.0.0.1:6379", "", "x", "OOM", "Abc secret", "NOPERM\x00", strings.Repeat("A", 100),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := explain(fmt.Errorf("wrapped: %w", answered(text))).Error()
		code, rest, _ := strings.Cut(text, " ")
		rest = strings.TrimSpace(rest)
		if len(got) > 250 || strings.ContainsAny(got, "\n\r\x00") || len(rest) > 12 && strings.Contains(got, rest) {
			t.Errorf("%q becomes %q", text, got)
		}
		if strings.ToUpper(code) != code && strings.Contains(got, code) && len(code) > 12 {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

// FuzzURL reads URLs: the error repeats nothing, and what stands for the server has no password.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"redis://localhost", "rediss://user:secret@host:1/2?ssl_cert_reqs=none", "unix:///run/redis.sock?db=1", "redis://:se/cret@x", "redis://h?ssl_ca_certs=x", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseURL(text)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("the error is long: %v", err)
			}
			return
		}
		if p := s.options.Password; len(p) > 8 && strings.Contains(s.String(), p) && !strings.Contains(s.options.Addr, p) {
			t.Errorf("%q is called %q", text, s)
		}
		if s.options.MaxRetries != -1 || !s.options.ContextTimeoutEnabled {
			t.Errorf("%q gives retries", text)
		}
	})
}
