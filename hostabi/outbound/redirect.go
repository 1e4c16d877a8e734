package outbound

import (
	"io"
	"net/http"
)

// maxDrained is how much of a redirect's own body is read so that its connection can be used again.
const maxDrained = 64 << 10

// follow turns r into the request that a redirect asks for; false when the answer is none, or is not to be followed.
func (r *Request) follow(answer *http.Response, from *target) bool {
	location := answer.Header.Get("Location")
	if location == "" {
		return false
	}
	switch answer.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if r.Method != http.MethodHead && (answer.StatusCode == http.StatusSeeOther || r.Method == http.MethodPost) {
			r.Method, r.Body, r.Length = http.MethodGet, nil, 0
			r.Header.Del("Content-Type")
		}
	default:
		return false
	}
	if _, again := r.Body.(io.ReaderAt); r.Body != nil && !again {
		return false
	}
	next, err := resolveReference(from.url, location)
	if err != nil {
		return false
	}
	r.URL = next
	if to, err := parseTarget(next); err == nil && to.origin() == from.origin() {
		return true
	}
	r.Header = harmless(r.Header)
	return r.Crossing == nil || r.Crossing(r)
}

// harmless are the headers that may be shown to another origin.
func harmless(h http.Header) http.Header {
	kept := http.Header{}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"} {
		if v := h.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	return kept
}

// drain reads what is left of a redirect's body, if that is little, and closes it.
func drain(answer *http.Response) {
	io.CopyN(io.Discard, answer.Body, maxDrained) // an error ends the connection, and nothing else
	answer.Body.Close()
}
