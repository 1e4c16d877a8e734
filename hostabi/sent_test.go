package hostabi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// TestRequests: each request is noted with where it went and what came, and neither query, secret, header nor body.
func TestRequests(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/breaks" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "answer")
	})
	value := "s3cret-value-in-path"
	s := aSecret(t, "KEY", value, []string{"127.0.0.1"}, "query")
	memo := &memoryMemo{m: map[[32]byte][]byte{}}
	with := []func(*Options){p.use(t), func(o *Options) { o.Memo, o.Grants.Secrets = memo, []Secret{s} }}
	for attempt, want := range []string{
		"POST /v1/a 202 5 6 false, GET /v1/********** 202 0 6 false, GET /breaks 0 0 0 false",
		"POST /v1/a 202 5 6 true, GET /v1/********** 202 0 6 false, GET /breaks 0 0 0 false",
	} {
		c := newCall(t, document, with...)
		body := c.StreamNew()
		c.StreamWrite(body, []byte("hello"))
		c.HTTPSend(fmt.Appendf(nil, `{"method":"POST","url":%q,"headers":{"x-h":"header"}}`, p.URL+"/v1/a?q={{secret:KEY}}"), body)
		c.HTTPSend(fmt.Appendf(nil, `{"url":%q}`, p.URL+"/v1/"+value+"?q=query"), 0)
		c.HTTPSend(fmt.Appendf(nil, `{"url":%q}`, p.URL+"/breaks"), 0)
		c.HTTPSend([]byte(`{"url":"https://denied.example/"}`), 0)
		var got []string
		for _, r := range c.Requests() {
			got = append(got, fmt.Sprint(r.Method, " ", strings.TrimPrefix(r.URL, p.URL), " ", r.Status, " ", r.Sent, " ", r.Received, " ", r.Remembered))
			if r.At.IsZero() || r.Took <= 0 {
				t.Errorf("no time: %+v", r)
			}
		}
		text := strings.Join(got, ", ")
		if text = strings.ReplaceAll(text, c.Mask(value), "**********"); text != want {
			t.Errorf("attempt %d: %s, want %s", attempt, text, want)
		}
	}
}

// TestDescribe: grants that are the same are the same bytes, and no value of a secret is among them.
func TestDescribe(t *testing.T) {
	t.Parallel()
	s := aSecret(t, "KEY", "s3cret-value", []string{"b.example", "a.example:8443"}, "header", "query")
	rule, err := outbound.Parse("https://api.example/v1/")
	if err != nil {
		t.Fatal(err)
	}
	posts := rule
	posts.Methods = []string{"PUT", "POST"}
	for want, g := range map[string]Grants{
		`{}`: {},
		`{"read":true,"write":["tags"],"tags":true}`: {Read: Paths{All: true}, Write: Paths{Allow: []string{"tags"}}, Tags: true},
		`{"read":{"not":["/dialog"]},"queues":["a","b"],"ttl":true,"create":true,"kv":true}`: {
			Read: Paths{All: true, Not: []string{"/dialog"}}, Queues: []string{"b", "a"}, TTL: true, Create: true, KV: true},
		`{"read":{"allow":["/a","/b"],"within":["/a"]},"http":["POST,PUT https://api.example/v1/","https://api.example/v1/"],"fetch":true,"secrets":{"KEY":"header, query to a.example:8443, b.example"}}`: {
			Read: Paths{Allow: []string{"/b", "/a"}, Within: &Paths{Allow: []string{"/a"}}}, Fetch: Fetch{Any: true}, Secrets: []Secret{s},
			HTTP: outbound.Policy{Rules: []outbound.Rule{rule, posts}}},
		`{"fetch":["https://api.example/v1/"]}`: {Fetch: Fetch{Origins: []outbound.Rule{rule}}},
	} {
		if got := string(g.Describe()); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
