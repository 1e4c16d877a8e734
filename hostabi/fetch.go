package hostabi

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/vcon"
)

const (
	fetchTimeout   = 5 * time.Minute // the end of the run comes first, as a rule
	fetchRedirects = 5
	maxFetched     = 1 << 30 // bytes of one fetch where quotas are off
)

// Fetch grants the URLs that stand in the url members of the vCon itself. The zero value grants none.
type Fetch struct {
	Any     bool            // https to any public address
	Origins []outbound.Rule // these; one that names its host may lead to a private address
}

// granted reports whether any URL could be fetched at all.
func (f Fetch) granted() bool { return f.Any || len(f.Origins) > 0 }

// policy is the grant as rules for requests.
func (f Fetch) policy() outbound.Policy {
	var p outbound.Policy
	if f.Any {
		p.Rules = append(p.Rules, outbound.Rule{Scheme: "https", Host: "*"})
	}
	for _, rule := range f.Origins {
		rule.Private = rule.Private || rule.Host != "*"
		p.Rules = append(p.Rules, rule)
	}
	return p
}

// StreamFetch gives a stream over what the url of the dialog, analysis or attachment at p leads to. The host sends a GET,
// follows up to 5 redirects, each under the grant fetch as well and none from https to http, and takes in the whole
// answer before it gives the handle: in memory up to 1 MiB, then in a temporary file. So content_hash is checked before
// the link sees a byte: of its hashes (or alg and signature, as older vCons write it) one at least must be of an algorithm
// that is known here (sha256, sha384, sha512, sha3256), and all such must match. Without a content_hash nothing is
// checked. The URL must have stood in the vCon when the run began: one that the link wrote itself would carry out whatever
// the link puts into it. No secret is put into the request, and what comes is not masked: it is the recording, byte for byte. It is
// never remembered.
//
// The answer counts as HTTP and as stream bytes. Errors: -1 nothing at p, or no url, or one that the link may not read,
// -2 url is no text, -3, -5 fetch is not granted for it, or the link wrote it, -6 quotas, too many handles, no room on the disk, -7, -8 no
// answer, or one that is not 2xx, -9 it is not what content_hash says, -10 no HTTP here, -11 p names no such element, or
// the url cannot be fetched by anybody, -12.
func (c *Call) StreamFetch(h int32, p []byte) int32 {
	if e := c.enter("stream_fetch"); e != 0 {
		return int32(e)
	}
	got, err := c.fetch(h, p)
	if err != nil {
		return int32(c.fail(err))
	}
	return c.newHandle(got)
}

func (c *Call) fetch(h int32, p []byte) (*stream, *callError) {
	pointer, err := c.locate(h, p)
	if err != nil {
		return nil, err
	}
	if !isBody(pointer + "/body") {
		return nil, failure(Invalid, "stream_fetch: %q is no dialog, analysis or attachment", pointer)
	}
	rawURL, err := c.externalURL(pointer)
	if err != nil {
		return nil, err
	}
	if err := c.o.Grants.Fetch.policy().Match(http.MethodGet, rawURL); err != nil {
		return nil, httpError("stream_fetch", "fetch", err)
	}
	if !c.urls[rawURL] {
		return nil, failure(Denied, "stream_fetch: the url of %q was written by this run; only what stood in the vCon before is fetched", pointer)
	}
	check, err := c.contentCheck(pointer)
	if err != nil {
		return nil, err
	}
	limit, err := c.chargeFetch()
	if err != nil {
		return nil, err
	}
	return c.spool(rawURL, limit, check)
}

// givenURLs are the url members of the vCon as a run gets it, for a link that may fetch.
func (c *Call) givenURLs() map[string]bool {
	if !c.o.Grants.Fetch.granted() {
		return nil
	}
	urls := map[string]bool{}
	for _, kind := range bodyKinds {
		n, _ := c.doc.Count(kind) // an error: there are none
		for i := range n {
			urls[c.textAt(kind+"/"+strconv.Itoa(i)+"/url")] = true
		}
	}
	return urls
}

// externalURL is the url of the element at pointer, as far as the link may read it.
func (c *Call) externalURL(pointer string) (string, *callError) {
	v, err := c.value(pointer + "/url")
	if err != nil {
		return "", err
	}
	text, isText := v.Text()
	switch {
	case v.Kind() == vcon.Null || isText && text == "": // how some write that there is none
		return "", failure(NotFound, "stream_fetch: %q has no url", pointer)
	case !isText:
		return "", failure(WrongType, "stream_fetch: the url of %q is no text", pointer)
	}
	return text, nil
}

// chargeFetch counts a request and gives the most bytes that its answer may have.
func (c *Call) chargeFetch() (int64, *callError) {
	if c.o.HTTP == nil {
		return 0, failure(Unsupported, "stream_fetch: no HTTP here")
	}
	if err := c.room(); err != nil {
		return 0, err
	}
	if !fits(c.used.HTTPRequests, 1, c.limits.HTTPRequests) {
		return 0, failure(OverQuota, "stream_fetch: more than %d requests in one run", c.limits.HTTPRequests)
	}
	limit := int64(maxFetched)
	for _, quota := range [][2]int64{{c.limits.HTTPBytes, c.used.HTTPBytes}, {c.limits.Streams, c.used.Streams}} {
		if quota[0] >= 0 {
			limit = min(limit, quota[0]-quota[1])
		}
	}
	if limit <= 0 {
		return 0, failure(OverQuota, "stream_fetch: the run has no bytes left for it")
	}
	c.used.HTTPRequests++
	return limit, nil
}

// spool fetches into a new stream and checks it.
func (c *Call) spool(rawURL string, limit int64, check contentCheck) (*stream, *callError) {
	got := &stream{}
	err := c.fetchInto(got, rawURL, limit, check)
	c.used.HTTPBytes += got.size
	c.used.Streams += got.size
	if err == nil && !check.matches() {
		err = failure(Conflict, "stream_fetch: the content is not what content_hash says")
	}
	if err != nil {
		got.close()
		return nil, err
	}
	return got, nil
}

func (c *Call) fetchInto(got *stream, rawURL string, limit int64, check contentCheck) *callError {
	if err := c.alive("stream_fetch"); err != nil {
		return err
	}
	exposed := false
	from := rawURL
	c.sent++
	noted, status := c.begin(http.MethodGet, rawURL, 0), 0
	defer func() { c.note(noted, status, got.size) }()
	answer, err := c.o.HTTP.Do(c.ctx, c.o.Grants.Fetch.policy(), &outbound.Request{
		Method: http.MethodGet, URL: rawURL, Timeout: fetchTimeout, Redirects: fetchRedirects, MaxBytes: limit,
		Header: http.Header{"Accept-Encoding": {"identity"}}, // media is packed already
		Sink:   io.MultiWriter(append(check.writers(), streamWriter{got, c.o.TempDir, -1})...),
		Crossing: func(next *outbound.Request) bool {
			exposed = isHTTPS(from) && !isHTTPS(next.URL)
			from = next.URL
			return !exposed
		},
	})
	if err == nil {
		status = answer.Status
	}
	switch {
	case err != nil:
		return httpError("stream_fetch", "fetch", err)
	case exposed: // what comes over http could be anybody's
		return failure(Denied, "stream_fetch: a redirect leads from https to http")
	case !succeeded(answer.Status):
		return failure(Network, "stream_fetch: the answer is %d", answer.Status)
	}
	return nil
}

func isHTTPS(rawURL string) bool {
	scheme, _, _ := strings.Cut(rawURL, ":")
	return strings.EqualFold(scheme, "https")
}

// contentCheck are the hashes that a content must have, by algorithm, each with the one that it turns out to have. Empty:
// any content.
type contentCheck map[string]digest

type digest struct {
	want []byte
	got  hash.Hash
}

// newHash begins a hash by the name that content_hash calls it; nil for one that is not known here.
func newHash(alg string) hash.Hash {
	switch alg {
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	case "sha3256":
		return sha3.New256()
	}
	return nil
}

// contentCheck reads the hashes of the element at pointer; the link need not be able to read them. A hash that cannot be
// checked protects nobody, so it is refused and not passed over. One algorithm is computed once, however often it is
// named.
func (c *Call) contentCheck(pointer string) (contentCheck, *callError) {
	object, err := c.doc.Get(pointer)
	if err != nil {
		return nil, documentError(pointer, err)
	}
	hashes, stated := vcon.HashesOf(object)
	check := contentCheck{}
	for _, h := range hashes {
		if other, has := check[h.Alg]; has && !bytes.Equal(other.want, h.Digest) {
			return nil, failure(Conflict, "stream_fetch: the content_hash of %q is two different ones", pointer)
		} else if got := newHash(h.Alg); !has && got != nil {
			check[h.Alg] = digest{h.Digest, got}
		}
	}
	if stated && len(check) == 0 {
		return nil, failure(Conflict, "stream_fetch: the content_hash of %q is of no algorithm that is known here", pointer)
	}
	return check, nil
}

func (k contentCheck) writers() []io.Writer {
	var all []io.Writer
	for _, d := range k {
		all = append(all, d.got)
	}
	return all
}

func (k contentCheck) matches() bool {
	for _, d := range k {
		if !bytes.Equal(d.got.Sum(nil), d.want) {
			return false
		}
	}
	return true
}
