package hostabi

import (
	"context"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
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
		{"sha512, as older vCons write it", `,"alg":"SHA-512","signature":"` + b64(s512[:]) + `"`, 0, ""},
		{"sha256, as older vCons write it", `,"alg":"sha256","signature":"` + b64(s256[:]) + `"`, 0, ""},
		{"sha384, as older vCons write it", `,"alg":"SHA-384","signature":"` + b64(s384[:]) + `"`, 0, ""},
		{"sha3-256, as older vCons write it", `,"alg":"SHA3-256","signature":"` + b64(s3[:]) + `"`, 0, ""},
		{"padded, in the other alphabet", `,"content_hash":"SHA512-` + base64.StdEncoding.EncodeToString(s512[:]) + `"`, 0, ""},
		{"one twice", `,"content_hash":["sha256-` + b64(s256[:]) + `","sha256-` + b64(s256[:]) + `"]`, 0, ""},
		{"wrong", `,"content_hash":"sha512-` + b64(other[:]) + `"`, Conflict, "not what content_hash says"},
		{"one wrong", `,"content_hash":["sha256-` + b64(s256[:]) + `","sha512-` + b64(other[:]) + `"]`, Conflict, "not what content_hash says"},
		{"wrong, as older vCons write it", `,"alg":"SHA-512","signature":"` + b64(other[:]) + `"`, Conflict, "not what content_hash says"},
		{"the right digest of another algorithm", `,"content_hash":"sha3256-` + b64(s256[:]) + `"`, Conflict, "not what content_hash says"},
		{"a digest that is too short", `,"content_hash":"sha256-` + b64(s256[:16]) + `"`, Conflict, "not what content_hash says"},
		{"what reads as no hash", `,"content_hash":"sha256"`, Conflict, "no algorithm that is known here"},
		{"unknown, as older vCons write it", `,"alg":"MD5","signature":"AAAA"`, Conflict, "no algorithm that is known here"},
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
	none := t.TempDir()
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/large":
			w.Write(make([]byte, spill+1))
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
		{"too many HTTP bytes", "/", "/dialog/0", func(o *Options) { o.Limits.HTTPBytes = 5 }, OverQuota},
		{"too many stream bytes", "/", "/dialog/0", func(o *Options) { o.Limits.Streams = 5 }, OverQuota},
		{"no room on the disk", "/large", "/dialog/0", func(o *Options) { o.TempDir = filepath.Join(none, "none") }, OverQuota},
		{"not there", "/gone", "/dialog/0", nil, Network},
		{"no HTTP", "/", "/dialog/0", func(o *Options) { o.HTTP = nil }, Unsupported},
		{"no element", "/", "/dialog", nil, Invalid},
		{"an element of no array of bodies", "/", "/dialog/0/url", nil, Invalid},
		{"a party", "/", "/parties/0", nil, Invalid},
		{"a lost run", "/", "/dialog/0", func(o *Options) { o.Alive = func() bool { return false } }, Cancelled},
	} {
		call := newCall(t, fetchable(p.URL+c.path, ""), fetching(t, p), func(o *Options) {
			if c.change != nil {
				c.change(o)
			}
		})
		code := call.StreamFetch(1, []byte(c.pointer))
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

// doerFunc answers in place of a network: with what no server on this machine can be made to do.
type doerFunc func(r *outbound.Request) (*outbound.Response, error)

func (f doerFunc) Do(_ context.Context, _ outbound.Policy, r *outbound.Request) (*outbound.Response, error) {
	return f(r)
}

// fetchingFrom grants every https URL of the vCon and answers with f.
func fetchingFrom(f doerFunc) func(*Options) {
	return func(o *Options) { o.HTTP, o.Grants.Fetch = f, Fetch{Any: true} }
}

// TestStreamFetchFaults: what a peer or the network does wrong has its code, and nothing of it is kept but what it cost.
func TestStreamFetchFaults(t *testing.T) {
	t.Parallel()
	const piece = "the first half"
	for _, c := range []struct {
		name   string
		status int
		err    error
		code   Errno
		text   string
	}{
		{"too slow", 0, fmt.Errorf("peer: %w", context.DeadlineExceeded), TimedOut, "timed out"},
		{"the run is called off", 0, context.Canceled, Cancelled, "cancelled"},
		{"broken off", 0, errors.New("connection reset"), Network, "connection reset"},
		{"too large", http.StatusOK, outbound.ErrTooLarge, OverQuota, "too large"},
		{"not kept", 0, outbound.ErrSink, OverQuota, "no room"},
		{"no URL for anybody", 0, outbound.ErrRequest, Invalid, "bad request"},
		{"not granted after all", 0, &outbound.DeniedError{Method: "GET", Origin: "https://calls.example", Reason: "it is private", Rule: "https://calls.example"}, Denied, `allow it with fetch: ["https://calls.example"]`},
		{"a redirect too many", http.StatusFound, nil, Network, "the answer is 302"},
		{"not modified", http.StatusNotModified, nil, Network, "the answer is 304"},
		{"server error", http.StatusInternalServerError, nil, Network, "the answer is 500"},
	} {
		call := newCall(t, fetchable("https://calls.example/a.wav", ""), fetchingFrom(func(r *outbound.Request) (*outbound.Response, error) {
			io.WriteString(r.Sink, piece)
			return &outbound.Response{Status: c.status}, c.err
		}))
		equalCode(t, call, c.name, int64(call.StreamFetch(1, []byte("/dialog/0"))), c.code)
		if !strings.Contains(reason(call), c.text) || !strings.HasPrefix(reason(call), "stream_fetch: ") {
			t.Errorf("%s: %s", c.name, reason(call))
		}
		if n := int64(len(piece)); call.Used().HTTPBytes != n || call.Used().Streams != n || call.Used().HTTPRequests != 1 {
			t.Errorf("%s used %+v", c.name, call.Used())
		}
		if s := call.StreamNew(); s != 2 {
			t.Errorf("%s: a handle is lost, the next is %d", c.name, s)
		}
	}
}

// TestStreamFetchRedirects: none is followed that leads from https to http, on whichever hop; others are.
func TestStreamFetchRedirects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		hops []string
		code Errno
	}{
		{"https to https", []string{"https://b.example/", "HTTPS://c.example/"}, 0},
		{"https to http", []string{"http://b.example/"}, Denied},
		{"https to http later", []string{"https://b.example/", "http://c.example/"}, Denied},
		{"the scheme in capitals", []string{"HTTP://b.example/"}, Denied},
	} {
		followed := 0
		call := newCall(t, fetchable("https://a.example/", ""), fetchingFrom(func(r *outbound.Request) (*outbound.Response, error) {
			if r.Redirects != fetchRedirects || r.Timeout != fetchTimeout {
				t.Errorf("sent with %d redirects, %v", r.Redirects, r.Timeout)
			}
			next := *r
			for _, next.URL = range c.hops {
				if !r.Crossing(&next) {
					return &outbound.Response{Status: http.StatusFound}, nil
				}
				followed++
			}
			io.WriteString(r.Sink, recording)
			return &outbound.Response{Status: http.StatusOK}, nil
		}))
		h := call.StreamFetch(1, []byte("/dialog/0"))
		if c.code != 0 {
			equalCode(t, call, c.name, int64(h), c.code)
			if !strings.Contains(reason(call), "from https to http") || followed != len(c.hops)-1 {
				t.Errorf("%s: followed %d; %s", c.name, followed, reason(call))
			}
			continue
		}
		if h < 0 || string(drain(t, call, h)) != recording {
			t.Errorf("%s: %d, %s", c.name, h, reason(call))
		}
	}
	call := newCall(t, fetchable("http://a.example/", ""), fetchingFrom(nil))
	equalCode(t, call, "any is https alone", int64(call.StreamFetch(1, []byte("/dialog/0"))), Denied)
}

// TestStreamFetchIsNotMasked: what comes is given byte for byte, though it holds a secret, and no secret is sent.
func TestStreamFetchIsNotMasked(t *testing.T) {
	t.Parallel()
	const content = "it says " + secretValue
	sum := sha256.Sum256([]byte(content))
	var sent *outbound.Request
	call := newCall(t, fetchable("https://calls.example/a?k={{secret:KEY}}", `,"content_hash":"sha256-`+b64(sum[:])+`"`), fetchingFrom(func(r *outbound.Request) (*outbound.Response, error) {
		sent = r
		io.WriteString(r.Sink, content)
		return &outbound.Response{Status: http.StatusOK}, nil
	}), func(o *Options) {
		o.Grants.Secrets = []Secret{aSecret(t, "KEY", secretValue, []string{"calls.example"}, "header", "query", "body")}
		o.Memo = &memoryMemo{load: errors.New("a fetch asked the memo"), save: errors.New("a fetch was remembered")}
	})
	h := call.StreamFetch(1, []byte("/dialog/0"))
	if h < 0 {
		t.Fatal(reason(call))
	}
	if got := string(drain(t, call, h)); got != content {
		t.Errorf("%q", got)
	}
	names := slices.Collect(maps.Keys(sent.Header))
	if sent.Method != http.MethodGet || sent.Body != nil || sent.Sign != nil || !slices.Equal(names, []string{"Accept-Encoding"}) || strings.Contains(sent.URL, "k3y") {
		t.Errorf("sent %s %s with %v", sent.Method, sent.URL, names)
	}
}

// TestStreamFetchQuotas: a quota that is used up lets nothing leave, and what is left bounds the answer.
func TestStreamFetchQuotas(t *testing.T) {
	t.Parallel()
	var bounds []int64
	answer := fetchingFrom(func(r *outbound.Request) (*outbound.Response, error) {
		bounds = append(bounds, r.MaxBytes)
		io.WriteString(r.Sink, "0123456789")
		return &outbound.Response{Status: http.StatusOK}, nil
	})
	for _, c := range []struct {
		name  string
		limit Limits
		want  []int64 // the bounds of what is sent until a call is refused, or of three
	}{
		{"requests", Limits{HTTPRequests: 2, HTTPBytes: 100, Streams: 100}, []int64{100, 90}},
		{"HTTP bytes", Limits{HTTPBytes: 15, Streams: 100}, []int64{15, 5}},
		{"stream bytes", Limits{HTTPBytes: 100, Streams: 20}, []int64{20, 10}},
		{"off", Limits{HTTPRequests: -1, HTTPBytes: -1, Streams: -1}, []int64{maxFetched, maxFetched, maxFetched}},
	} {
		bounds = nil
		call := newCall(t, fetchable("https://calls.example/", ""), answer, func(o *Options) { o.Limits = c.limit })
		var last int32
		for range 3 {
			if last = call.StreamFetch(1, []byte("/dialog/0")); last < 0 {
				break
			}
		}
		if !slices.Equal(bounds, c.want) || call.Sent() != len(c.want) {
			t.Errorf("%s: bounds %d, want %d; sent %d", c.name, bounds, c.want, call.Sent())
		}
		if len(c.want) < 3 {
			equalCode(t, call, c.name, int64(last), OverQuota)
		}
	}
}
