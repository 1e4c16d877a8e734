package hostabi

import (
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

const recording = "a recording, byte for byte"

func b64(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum) }

// fetchable is a document whose dialog 0 has these members beside its url.
func fetchable(url, more string) string {
	return fmt.Sprintf(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","parties":[],"dialog":[{"type":"recording","url":%q%s},{"type":"text","body":"x"},{"type":"recording","url":7},{"type":"recording","url":""}]}`, url, more)
}

// fetching grants the urls of the vCon on a peer, and nothing for http_send.
func fetching(t testing.TB, p *peer) func(*Options) {
	use := p.use(t)
	return func(o *Options) {
		use(o)
		o.Grants.Fetch, o.Grants.HTTP = Fetch{Origins: o.Grants.HTTP.Rules}, outbound.Policy{}
	}
}

// TestStreamFetch: the bytes are what content_hash says, in either spelling, and what cannot be checked is refused.
func TestStreamFetch(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, recording) })
	s256, s384, s512, s3 := sha256.Sum256([]byte(recording)), sha512.Sum384([]byte(recording)), sha512.Sum512([]byte(recording)), sha3.Sum256([]byte(recording))
	other := sha512.Sum512([]byte("another"))
	for _, c := range []struct {
		name, more string
		code       Errno
		text       string
	}{
		{"no hash", ``, 0, ""},
		{"sha512", `,"content_hash":"sha512-` + b64(s512[:]) + `"`, 0, ""},
		{"sha256", `,"content_hash":"sha256-` + b64(s256[:]) + `"`, 0, ""},
		{"sha384", `,"content_hash":"sha384-` + b64(s384[:]) + `"`, 0, ""},
		{"sha3-256", `,"content_hash":"sha3256-` + b64(s3[:]) + `"`, 0, ""},
		{"two, both right", `,"content_hash":["sha512-` + b64(s512[:]) + `","sha256-` + b64(s256[:]) + `"]`, 0, ""},
		{"one unknown, one right", `,"content_hash":["blake9-AAAA","sha256-` + b64(s256[:]) + `"]`, 0, ""},
		{"as older vCons write it", `,"alg":"SHA-512","signature":"` + b64(s512[:]) + `"`, 0, ""},
		{"wrong", `,"content_hash":"sha512-` + b64(other[:]) + `"`, Conflict, "not what content_hash says"},
		{"one wrong", `,"content_hash":["sha256-` + b64(s256[:]) + `","sha512-` + b64(other[:]) + `"]`, Conflict, "not what content_hash says"},
		{"wrong, as older vCons write it", `,"alg":"SHA-512","signature":"` + b64(other[:]) + `"`, Conflict, "not what content_hash says"},
		{"unknown alone", `,"content_hash":"blake9-AAAA"`, Conflict, "no algorithm that is known here"},
		{"two different", `,"content_hash":["sha512-` + b64(s512[:]) + `","sha512-` + b64(other[:]) + `"]`, Conflict, "two different ones"},
	} {
		call := newCall(t, fetchable(p.URL+"/a.wav", c.more), fetching(t, p), inTemp(t))
		h := call.StreamFetch(1, []byte("/dialog/0"))
		if c.code != 0 {
			equalCode(t, call, c.name, int64(h), c.code)
			if !strings.Contains(reason(call), c.text) {
				t.Errorf("%s: %s", c.name, reason(call))
			}
			continue
		}
		if h < 0 {
			t.Errorf("%s: %s", c.name, reason(call))
			continue
		}
		if got := string(drain(t, call, h)); got != recording {
			t.Errorf("%s: %q", c.name, got)
		}
		if n := int64(len(recording)); call.Used().HTTPBytes != n || call.Used().Streams != n || call.Used().HTTPRequests != 1 || call.Sent() != 1 {
			t.Errorf("%s used %+v", c.name, call.Used())
		}
	}
}

// TestStreamFetchErrors: each code has its cause.
func TestStreamFetchErrors(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/away":
			http.Redirect(w, r, "http://other.example/", http.StatusFound)
		default:
			io.WriteString(w, recording)
		}
	})
	for _, c := range []struct {
		name, path, pointer string
		change              func(*Options)
		code                Errno
	}{
		{"nothing there", "/", "/dialog/9", nil, NotFound},
		{"no url", "/", "/dialog/1", nil, NotFound},
		{"an empty url", "/", "/dialog/3", nil, NotFound},
		{"an unreadable url", "/", "/dialog/0", func(o *Options) { o.Grants.Read = Paths{All: true, Not: []string{"/dialog/*/url"}} }, NotFound},
		{"a url that is no text", "/", "/dialog/2", nil, WrongType},
		{"a bad pointer", "/", "dialog", nil, BadPointer},
		{"not granted", "/", "/dialog/0", func(o *Options) { o.Grants.Fetch = Fetch{Any: true} }, Denied},
		{"granted for http_send alone", "/", "/dialog/0", func(o *Options) { o.Grants.Fetch, o.Grants.HTTP = Fetch{}, o.Grants.Fetch.policy() }, Denied},
		{"a redirect that is not granted", "/away", "/dialog/0", nil, Denied},
		{"too many requests", "/", "/dialog/0", func(o *Options) { o.Limits.HTTPRequests = -1; o.Limits.HTTPBytes = 5 }, OverQuota},
		{"too many stream bytes", "/", "/dialog/0", func(o *Options) { o.Limits.Streams = 5 }, OverQuota},
		{"no room on the disk", "/", "/dialog/0", func(o *Options) { o.TempDir = "/nowhere" }, 0},
		{"not there", "/gone", "/dialog/0", nil, Network},
		{"no HTTP", "/", "/dialog/0", func(o *Options) { o.HTTP = nil }, Unsupported},
		{"no element", "/", "/dialog", nil, Invalid},
		{"a party", "/", "/parties/0", nil, Invalid},
		{"a lost run", "/", "/dialog/0", func(o *Options) { o.Alive = func() bool { return false } }, Cancelled},
	} {
		call := newCall(t, fetchable(p.URL+c.path, ""), fetching(t, p), func(o *Options) {
			if c.change != nil {
				c.change(o)
			}
		})
		code := call.StreamFetch(1, []byte(c.pointer))
		if c.code == 0 && code > 0 { // it fits in memory
			continue
		}
		equalCode(t, call, c.name, int64(code), c.code)
		if text := reason(call); !strings.HasPrefix(text, "stream_fetch: ") && !strings.Contains(text, `"`) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
	call := newCall(t, fetchable(p.URL, ""), fetching(t, p))
	for call.StreamNew() > 0 {
	}
	before := p.count()
	equalCode(t, call, "no handle is free", int64(call.StreamFetch(1, []byte("/dialog/0"))), OverQuota)
	if p.count() != before {
		t.Error("it was fetched although no handle was free")
	}
}

// TestStreamFetchOwnURLs: what a link writes into a url member does not leave by it, and what it does not touch is still
// there to be fetched.
func TestStreamFetchOwnURLs(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, recording) })
	told := fmt.Sprintf("%q", p.URL+"/?told=conversation")
	for _, c := range []struct {
		name, edit, pointer string // edit: path and value, of add
		code                Errno
	}{
		{"a new dialog", `/dialog/- {"type":"recording","url":` + told + `}`, "/dialog/4", Denied},
		{"a new analysis", `/analysis [{"type":"x","url":` + told + `}]`, "/analysis/0", Denied},
		{"a new attachment", `/attachments [{"url":` + told + `}]`, "/attachments/0", Denied},
		{"a changed url", `/dialog/0/url ` + told, "/dialog/0", Denied},
		{"a new url", `/dialog/1/url ` + told, "/dialog/1", Denied},
		{"a copied url", `/dialog/1/url ` + fmt.Sprintf("%q", p.URL+"/a.wav"), "/dialog/1", 0},
		{"an element that moved", `/dialog/0 {"type":"text"}`, "/dialog/1", 0},
	} {
		call := newCall(t, fetchable(p.URL+"/a.wav", ""), fetching(t, p))
		path, value, _ := strings.Cut(c.edit, " ")
		if code := call.DocEdit(1, OpAdd, []byte(path), []byte(value)); code != 0 {
			t.Fatalf("%s: %s", c.name, reason(call))
		}
		before := p.count()
		h := call.StreamFetch(1, []byte(c.pointer))
		if c.code == 0 {
			if h < 0 || string(drain(t, call, h)) != recording {
				t.Errorf("%s: %s", c.name, reason(call))
			}
			continue
		}
		equalCode(t, call, c.name, int64(h), c.code)
		if p.count() != before || !strings.Contains(reason(call), "written by this run") || strings.Contains(reason(call), "told") {
			t.Errorf("%s: %d requests; %s", c.name, p.count()-before, reason(call))
		}
	}
	// What an earlier link of the chain wrote stands there when this one begins.
	call := newCall(t, fetchable(p.URL+"/a.wav", ""), fetching(t, p), func(o *Options) {
		if err := o.Doc.Set("/dialog/0/url", []byte(told)); err != nil {
			t.Fatal(err)
		}
	})
	if h := call.StreamFetch(1, []byte("/dialog/0")); h < 0 {
		t.Error(reason(call))
	}
}
