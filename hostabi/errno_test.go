package hostabi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestErrorsAreMasked: a call whose error repeats its parameters or what a peer said shows no value, in any text that
// leaves it.
func TestErrorsAreMasked(t *testing.T) {
	t.Parallel()
	const value = "s3cr3t-k3y"
	p := newPeer(t, nil)
	calls := map[string]func(c *Call) int64{
		"doc_read": func(c *Call) int64 { return c.DocRead(1, []byte("/"+value), AsText, 0, nil) },
		"doc_edit": func(c *Call) int64 { return int64(c.DocEdit(1, OpAdd, []byte("/"+value), []byte("1"))) },
		"http_send": func(c *Call) int64 {
			return int64(c.HTTPSend(fmt.Appendf(nil, `{"url":"https://%s.example/"}`, value), 0))
		},
		"http_presign": func(c *Call) int64 {
			return c.HTTPPresign(fmt.Appendf(nil, `{"url":"https://%s.example/","sign":{}}`, value), nil)
		},
		"http_header": func(c *Call) int64 {
			return c.HTTPHeader(c.HTTPSend(fmt.Appendf(nil, `{"url":%q}`, p.URL), 0), []byte(value), nil)
		},
		"stream_fetch": func(c *Call) int64 { return int64(c.StreamFetch(1, []byte("/"+value))) },
		"route":        func(c *Call) int64 { return int64(c.Route([]byte(value))) },
	}
	for name, fail := range calls {
		use := p.use(t)
		call := newCall(t, document, func(o *Options) {
			use(o)
			o.Grants.Write = Paths{}
			o.Grants.Secrets = []Secret{aSecret(t, "KEY", value, []string{"127.0.0.1"})}
		})
		code := Errno(fail(call))
		denied, count := call.Denied()
		if code >= 0 || call.LastError() != code || (code == Denied) != (count == 1 && len(denied) == 1) {
			t.Errorf("%s: %v, last %v, denied %d times: %q", name, code, call.LastError(), count, denied)
		}
		if text := reason(call); strings.Contains(text, value) || !strings.Contains(text, masked) {
			t.Errorf("%s: %s", name, text)
		}
		if slices.ContainsFunc(denied, func(text string) bool { return strings.Contains(text, value) || !strings.HasPrefix(text, name+": ") }) {
			t.Errorf("%s: denied %q", name, denied)
		}
	}
}

// TestDenied: each refusal is told once, the first 16 of them, and all are counted.
func TestDenied(t *testing.T) {
	t.Parallel()
	call := newCall(t, document, func(o *Options) { o.Grants.Queues = nil })
	if texts, count := call.Denied(); texts != nil || count != 0 || call.LastError() != 0 {
		t.Errorf("before anything: %q, %d, %v", texts, count, call.LastError())
	}
	for range 2 {
		for i := range maxDenials + 4 {
			equalCode(t, call, "route", int64(call.Route(fmt.Appendf(nil, "list%d", i))), Denied)
		}
	}
	equalCode(t, call, "not found", call.DocRead(1, []byte("/none"), AsText, 0, nil), NotFound)
	texts, count := call.Denied()
	if len(texts) != maxDenials || count != 2*(maxDenials+4) || call.LastError() != NotFound {
		t.Errorf("%d texts, %d refusals, last %v", len(texts), count, call.LastError())
	}
	if !strings.Contains(texts[0], "list0") || !strings.Contains(texts[maxDenials-1], fmt.Sprint("list", maxDenials-1)) {
		t.Errorf("not in the order in which they came: %q", texts)
	}
}
