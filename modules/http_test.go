package modules

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestFetch(t *testing.T) {
	t.Parallel()
	module := wasm(1, 100_000)
	s := serve(t, gives(module))
	f := setup(t, Options{}, s.source())
	for range 3 {
		if _, err := f.get(s.URL+"/x.wasm?t="+secret, DigestOf(module)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.requests(); !slices.Equal(got, []string{"/x.wasm"}) {
		t.Errorf("asked for %q, want one request and then the cache", got)
	}
	if !f.Cached(DigestOf(module)) || !strings.Contains(f.log.String(), "module fetched") {
		t.Errorf("cached %v, log %s", f.Cached(DigestOf(module)), f.log)
	}
	// The digest is the identity: a name that nobody serves has the bytes too.
	if _, err := f.get("https://nowhere.invalid/x.wasm", DigestOf(module)); err != nil {
		t.Errorf("another ref of the same digest: %v", err)
	}
}

func TestWrongDigest(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.Write([]byte("<html>log in</html>"))
			return
		}
		w.Write(wasm(2, 500))
	})
	f := setup(t, Options{}, s.source())
	want, got := DigestOf(wasm(1, 500)), DigestOf(wasm(2, 500))
	for range 2 {
		var wrong *DigestError
		_, err := f.get(s.URL+"/x.wasm", want)
		if !errors.As(err, &wrong) || !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), want.Hex()) || !strings.Contains(err.Error(), got.Hex()) || !strings.Contains(err.Error(), s.URL+"/x.wasm") {
			t.Errorf("%v", err)
		}
	}
	if f.Cached(want) || f.Cached(got) || len(s.requests()) != 2 {
		t.Error("the wrong bytes were cached")
	}
	if _, err := f.get(s.URL+"/page", want); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "no WebAssembly module") {
		t.Errorf("a page: %v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscan(r.URL.Path[1:], &status)
		w.WriteHeader(status)
		w.Write(bytes.Repeat([]byte(secret), 100)) // more than the limit: the status counts all the same
	})
	f := setup(t, Options{MaxSize: 600}, s.source())
	for status, want := range map[int]error{
		401: ErrDenied, 403: ErrDenied, 404: ErrNotFound, 410: ErrNotFound, 400: ErrUnavailable, 429: ErrUnavailable, 500: ErrUnavailable, 503: ErrUnavailable,
		201: ErrUnavailable, 206: ErrUnavailable, 200: ErrTooLarge,
	} {
		_, err := f.get(fmt.Sprintf("%s/%d", s.URL, status), DigestOf(nil))
		if !errors.Is(err, want) || status != 200 && !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	exact, above := wasm(1, 100_000), wasm(1, 100_001)
	bomb := zip(append(wasm(1, 8), make([]byte, 20<<20)...))
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		kind, which, _ := strings.Cut(r.URL.Path[1:], "/")
		body := map[string][]byte{"exact": exact, "above": above, "bomb": bomb}[which]
		switch kind {
		case "length":
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		case "chunked":
			w.(http.Flusher).Flush()
		case "gzip":
			w.Header().Set("Content-Encoding", "gzip")
			body = zip(body)
		case "packed":
			w.Header().Set("Content-Encoding", "gzip")
		case "liar":
			w.Header().Set("Content-Encoding", "gzip")
			body = []byte("no gzip")
		}
		w.Write(body)
	})
	f := setup(t, Options{MaxSize: 100_000}, s.source())
	large := setup(t, Options{}, s.source())
	for _, kind := range []string{"length", "chunked", "gzip"} {
		if _, err := f.get(s.URL+"/"+kind+"/above", DigestOf(above)); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "100000") {
			t.Errorf("%s above the limit: %v", kind, err)
		}
		if _, err := setup(t, Options{MaxSize: 100_000}, s.source()).get(s.URL+"/"+kind+"/exact", DigestOf(exact)); err != nil {
			t.Errorf("%s at the limit: %v", kind, err)
		}
	}
	for name, f := range map[string]*fixture{"the size": f, "the ratio": large} {
		if _, err := f.get(s.URL+"/packed/bomb", DigestOf(nil)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of a bomb: %v", name, err)
		}
	}
	if _, err := f.get(s.URL+"/liar", DigestOf(nil)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no gzip: %v", err)
	}
}

func TestSlowAndCut(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow-head" {
			w.Header().Set("Content-Length", "1000")
			w.Write(wasm(1, 500))
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	})
	f := setup(t, Options{}, s.source())
	f.timeout = 100 * time.Millisecond
	for _, path := range []string{"/slow-head", "/slow-body"} {
		if _, err := f.get(s.URL+path, DigestOf(nil)); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", path, err)
		}
	}
	f.timeout = DefaultTimeout
	if _, err := f.get(s.URL+"/cut", DigestOf(wasm(1, 500))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a cut body: %v", err)
	}
	s.Close()
	if _, err := f.get(s.URL+"/gone", DigestOf(nil)); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	module := wasm(1, 500)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Write(module)
	})
	team, all := s.source(), s.source()
	team.Match, team.Auth = s.URL+"/team/", Auth{"bearer", "file:token"}
	f := setup(t, Options{}, all, team)
	f.put("token", []byte("old\n"))
	if _, err := f.get(s.URL+"/team/x.wasm", DigestOf(module)); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "401") {
		t.Errorf("the old token: %v", err)
	}
	f.put("token", []byte(secret+"\n"))
	if _, err := f.get(s.URL+"/team-b/x.wasm", DigestOf(module)); !errors.Is(err, ErrDenied) {
		t.Errorf("beside the source: %v", err)
	}
	if _, err := f.get(s.URL+"/team/..%2fx.wasm", DigestOf(module)); !errors.Is(err, ErrDenied) {
		t.Errorf("a path that leaves the source: %v", err)
	}
	if _, err := f.get(s.URL+"/team/x.wasm", DigestOf(module)); err != nil {
		t.Errorf("the new token: %v", err)
	}
	if got := s.requests(); !slices.Equal(got, []string{"/team/x.wasm Bearer old", "/team-b/x.wasm", "/team/../x.wasm", "/team/x.wasm Bearer " + secret}) {
		t.Errorf("asked %q", got)
	}
	team.Auth.From = "env:UNSET"
	f = setup(t, Options{Getenv: func(string) string { return "" }}, team)
	if _, err := f.get(s.URL+"/team/x.wasm", DigestOf(module)); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "env:UNSET") {
		t.Errorf("no token: %v", err)
	}
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	s := serve(t, gives(wasm(1, 500)))
	for ca, want := range map[string]string{"": "ca names the authorities", "none.pem": "ca none.pem: not found", "empty.pem": "no certificate in PEM form"} {
		src := s.source()
		src.CA = ca
		f := setup(t, Options{}, src)
		f.put("empty.pem", []byte("-----BEGIN"))
		if _, err := f.get(s.URL+"/x.wasm", DigestOf(wasm(1, 500))); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), want) {
			t.Errorf("ca %q: %v, want %q", ca, err, want)
		}
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("asked a server that nobody vouches for: %q", got)
	}
}

// TestPrivateAddresses: what is not public is dialled only where a source lists its network.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	s := serve(t, gives(wasm(1, 500)))
	in := names{"inside.example": "10.1.2.3", "cloud.example": "169.254.169.254", "beside.example": "10.2.0.1"}
	for address, want := range map[string]string{
		s.URL:                     "loopback",
		"https://localhost:1":     "",
		"https://[::1]:1":         "loopback",
		"https://169.254.169.254": "link-local",
		"https://inside.example":  "private",
		"https://cloud.example":   "link-local",
	} {
		f := setup(t, Options{Resolver: in}, Source{Match: address, CA: "ca.pem"})
		_, err := f.get(address+"/x.wasm", DigestOf(wasm(1, 500)))
		if want != "" && (!errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "is "+want+";") || !strings.Contains(err.Error(), "a source that matches "+address)) || err == nil {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	for _, address := range []string{"https://beside.example", "https://cloud.example"} {
		f := setup(t, Options{Resolver: in}, Source{Match: address, CA: "ca.pem", Private: []string{"10.1.0.0/16", "169.254.0.0/16"}})
		if _, err := f.get(address+"/x.wasm", DigestOf(wasm(1, 500))); !errors.Is(err, ErrDenied) {
			t.Errorf("%s beside the networks of its source: %v", address, err)
		}
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	module := wasm(1, 500)
	other := serve(t, gives(module))
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/team/a": "/team/b", "/team/b": "x.wasm", "/team/out": "/x.wasm", "/team/other": other.URL + "/x.wasm?t=" + secret, "/team/loop": "/team/loop",
			"/team/plain": "http://" + r.Host + "/x.wasm", "/team/file": "file:/etc/passwd", "/team/upload": "upload:x", "/team/oci": "oci://" + r.Host + "/x.wasm", "/team/user": "https://u:" + secret + "@" + r.Host + "/x.wasm",
			"/team/bad": "https://%zz/" + secret, "/team/fragment": "/team/x.wasm#" + secret,
		}[r.URL.Path]
		switch {
		case r.URL.Path == "/team/none":
			w.WriteHeader(http.StatusFound)
		case to != "":
			w.Header().Set("Location", to)
			w.WriteHeader([]int{301, 302, 303, 307, 308}[len(to)%5])
		default:
			w.Write(module)
		}
	})
	team, all := s.source(), s.source()
	team.Match, team.Auth = s.URL+"/team", Auth{"bearer", "env:TOKEN"}
	otherAuth := other.source()
	otherAuth.Auth = Auth{"bearer", "env:OTHER"}
	env := func(name string) string { return map[string]string{"TOKEN": secret, "OTHER": "other-" + secret}[name] }
	const bearer = " Bearer " + secret
	for path, want := range map[string]struct {
		err          error
		asked, other []string
	}{
		"/team/a":        {nil, []string{"/team/a" + bearer, "/team/b" + bearer, "/team/x.wasm" + bearer}, nil},
		"/team/fragment": {nil, []string{"/team/fragment" + bearer, "/team/x.wasm" + bearer}, nil},
		"/team/out":      {nil, []string{"/team/out" + bearer, "/x.wasm"}, nil},
		"/team/other":    {nil, []string{"/team/other" + bearer}, []string{"/x.wasm"}},
		"/team/loop":     {ErrUnavailable, slices.Repeat([]string{"/team/loop" + bearer}, maxRedirects+1), nil},
		"/team/plain":    {ErrDenied, []string{"/team/plain" + bearer}, nil},
		"/team/file":     {ErrDenied, []string{"/team/file" + bearer}, nil},
		"/team/upload":   {ErrDenied, []string{"/team/upload" + bearer}, nil},
		"/team/oci":      {ErrDenied, []string{"/team/oci" + bearer}, nil},
		"/team/user":     {ErrDenied, []string{"/team/user" + bearer}, nil},
		"/team/bad":      {ErrDenied, []string{"/team/bad" + bearer}, nil},
		"/team/none":     {ErrDenied, []string{"/team/none" + bearer}, nil},
	} {
		s.asked, other.asked = nil, nil
		f := setup(t, Options{Getenv: env}, all, team, otherAuth)
		if _, err := f.get(s.URL+path, DigestOf(module)); !errors.Is(err, want.err) {
			t.Errorf("%s: %v, want %v", path, err, want.err)
		}
		if got := s.requests(); !slices.Equal(got, want.asked) {
			t.Errorf("%s asked %q, want %q", path, got, want.asked)
		}
		if got := other.requests(); !slices.Equal(got, want.other) {
			t.Errorf("%s asked the other %q, want %q", path, got, want.other)
		}
	}
}

// TestTokenDoesNotComeBack: a server that a redirect led to cannot choose a path for the first one's token.
func TestTokenDoesNotComeBack(t *testing.T) {
	t.Parallel()
	module := wasm(1, 500)
	var first, other *server
	first = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x.wasm" {
			http.Redirect(w, r, other.URL+"/", http.StatusFound)
			return
		}
		w.Write(module)
	})
	other = serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, first.URL+"/chosen", http.StatusFound)
	})
	src := first.source()
	src.Auth = Auth{"bearer", "env:TOKEN"}
	f := setup(t, Options{Getenv: func(string) string { return secret }}, src, other.source())
	if _, err := f.get(first.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Fatal(err)
	}
	if got := first.requests(); !slices.Equal(got, []string{"/x.wasm Bearer " + secret, "/chosen"}) {
		t.Errorf("asked %q", got)
	}
}

// TestPublicServer: without a source, a public host may be asked, and a redirect to inside is not followed, though the
// source of the public host lists a network.
func TestPublicServer(t *testing.T) {
	t.Parallel()
	module := wasm(1, 500)
	inside := serve(t, gives(module))
	public := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/in" {
			http.Redirect(w, r, inside.URL+"/x.wasm", http.StatusFound)
			return
		}
		w.Write(module)
	})
	o := Options{Resolver: names{"example.com": "8.8.8.8"}, Dial: dialTo(map[string]*server{"8.8.8.8:443": public, inside.Listener.Addr().String(): inside})}
	f := setup(t, o, Source{Match: "https://example.com/", CA: "ca.pem", Private: []string{"127.0.0.0/8"}})
	if _, err := f.get("https://example.com/in", DigestOf(module)); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("sent inside: %v", err)
	}
	if got := inside.requests(); len(got) != 0 {
		t.Errorf("inside was asked %q", got)
	}
	if _, err := f.get("https://example.com/x.wasm", DigestOf(module)); err != nil {
		t.Errorf("a public host: %v", err)
	}
	if _, err := setup(t, o).get("https://example.com/x.wasm", DigestOf(module)); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a public host, and the system's authorities: %v", err)
	}
}

func TestSignaturesAreNotSkipped(t *testing.T) {
	t.Parallel()
	module := wasm(1, 500)
	s := serve(t, gives(module))
	signed := s.source()
	signed.Verify = []string{"file:acme.pub"}
	dir := t.TempDir()
	if _, err := setup(t, Options{Base: dir}, s.source()).get(s.URL+"/x.wasm", DigestOf(module)); err != nil {
		t.Fatal(err)
	}
	if _, err := setup(t, Options{Base: dir}, signed).get(s.URL+"/x.wasm", DigestOf(module)); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "signatures") {
		t.Errorf("cached, and then a source that wants signatures: %v", err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	module := wasm(1, 300_000)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(module)))
		w.Write(module)
	})
	var last int64
	ref := parse(t, s.URL+"/x.wasm")
	f := setup(t, Options{Progress: func(r Ref, done, total int64) {
		if r != ref || done <= last || total != int64(len(module)) {
			t.Errorf("told %s, %d of %d, after %d", r, done, total, last)
		}
		last = done
	}}, s.source())
	if _, err := f.get(s.URL+"/x.wasm", DigestOf(module)); err != nil || last != int64(len(module)) {
		t.Errorf("told of %d bytes of %d, %v", last, len(module), err)
	}
}
