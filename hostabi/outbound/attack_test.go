package outbound

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vconduit/vconduit/internal/testenv"
)

// outcome is how a request ends.
type outcome string

const (
	answered outcome = "an answer"
	denied   outcome = "denied"      // DeniedError: the policy, or an address
	bad      outcome = "bad request" // ErrRequest: no grant can allow it
	tooLarge outcome = "too large"   // ErrTooLarge
	timedOut outcome = "timed out"   // context.DeadlineExceeded
	broken   outcome = "broken"      // any other error
)

func outcomeOf(err error) outcome {
	var refused *DeniedError
	switch {
	case err == nil:
		return answered
	case errors.As(err, &refused):
		return denied
	case errors.Is(err, ErrRequest):
		return bad
	case errors.Is(err, ErrTooLarge):
		return tooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut
	}
	return broken
}

// attack is a request, or many that must end alike, under some grants.
type attack struct {
	what   string
	grants []string // as they stand in a config
	method string   // "" = GET
	urls   []string // {in}, {in6}: the ports of the servers on this host; {to:URL}: a redirect by the server outside
	header http.Header
	names  map[string][][]string // addresses that a name has, one list for each time it is asked
	want   outcome
	inside bool // a server on this host is reached, as it was granted
}

var public = []string{"http://*", "https://*"}

// inEveryDress are the addresses of this host, of its network and of metadata services in all the forms that a name
// server may give them.
var inEveryDress = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.9", "169.254.0.1", "172.16.0.1",
	"172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255",
	"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
	"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42",
	"::", "::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%lo", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1", // unique local, link-local, site-local, multicast
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16", // mapped
	"::127.0.0.1", "::10.0.0.1", "::8.8.8.8", // compatible
	"::ffff:0:7f00:1", "::ffff:0:808:808", // translated (SIIT)
	"64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::7f00:1", "64:ff9b:1:ffff::a00:1", // NAT64
	"2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", // 6to4
	"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", // Teredo
	"100::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "4000::1", "5f00::1", "8000::1", // set aside, or nobody's
}

// openInternet are addresses next to those, which anybody may talk to.
var openInternet = []string{"8.8.8.8", "::ffff:8.8.8.8", "9.255.255.255", "11.0.0.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.0.1", "198.17.255.255", "198.20.0.1",
	"223.255.255.255", "168.63.129.17", "2606:4700::1111", "2a00:1450::1", "2001:4860::1", "2003::1"}

// written are addresses of this host as a URL can spell them, and what only looks like one.
var written = []string{
	"127.1", "127.0.1", "0", "0x7f.0.0.1", "0x7f000001", "0X7F000001", "0x7f.1", "0x", "017700000001", "0177.0.0.1", "127.0.0.0x1", "2130706433", "127.000.000.001",
	"127.0.0.1.5", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[fe80::1%25lo]", "[::1%25lo]", "[::1]x", "[127.0.0.1]", "[v1.a]", "１２７.0.0.1", "127。0。0。1",
	"①②⑦.0.0.1", "%31%32%37.0.0.1", "localhost%00.example", "127.0.0.1%2f.example", "bücher.example", "b\u00adad.example", "a..example", ".example",
}

// attacks is what this package is for: what a link, a vCon, a name server or a peer may try, and how it ends.
var attacks = []attack{
	// Who grants nothing allows nothing.
	{what: "no grant", urls: []string{"http://a.example/", "https://a.example/", "http://127.0.0.1:{in}/", "http://[::1]:{in6}/"}, want: denied},
	{what: "another host, scheme or port", grants: []string{"https://a.example", "http://b.example:81"}, want: denied,
		urls: []string{"http://a.example/", "https://a.example:444/", "https://b.example/", "http://b.example/", "http://b.example:82/", "https://sub.a.example/", "https://a.example.evil.example/", "https://aa.example/"}},
	{what: "the granted port", grants: []string{"http://a.example:81"}, urls: []string{"http://a.example:81/", "http://A.EXAMPLE.:81/x"}, want: answered},
	{what: "the scheme's own port", grants: []string{"http://a.example:80/"}, urls: []string{"http://a.example/", "http://a.example:80/"}, want: answered},
	{what: "any public host", grants: public, urls: []string{"http://a.example/", "http://b.example/x?y"}, want: answered},
	{what: "any public host is no private one", grants: public, want: denied,
		urls: []string{"http://127.0.0.1:80/", "http://10.0.0.1/", "http://169.254.169.254/", "http://168.63.129.16/", "http://[::1]/", "http://[fd00:ec2::254]/", "http://[2002:7f00:1::]/", "http://[64:ff9b::7f00:1]/", "http://[::7f00:1]/", "http://0.0.0.0/", "http://[::]/"}},
	{what: "a method that is not granted", grants: []string{"GET http://a.example"}, method: "POST", urls: []string{"http://a.example/"}, want: denied},
	{what: "the method that is granted", grants: []string{"GET http://a.example"}, urls: []string{"http://a.example/"}, want: answered},
	{what: "methods that nobody may send", grants: public, method: "CONNECT", urls: []string{"http://a.example/"}, want: bad},
	{what: "TRACE", grants: public, method: "TRACE", urls: []string{"http://a.example/"}, want: bad},
	{what: "a method with a line break", grants: public, method: "GET / HTTP/1.1\r\nX: y", urls: []string{"http://a.example/"}, want: bad},

	// A path prefix holds in every reading of a path.
	{what: "below the prefix", grants: []string{"http://a.example/v1/"}, want: answered,
		urls: []string{"http://a.example/v1", "http://a.example/v1/", "http://a.example/v1/x", "http://a.example/v1/%78", "http://a.example/v1/x/../y", "http://a.example/v1/a%20b"}},
	{what: "beside the prefix", grants: []string{"http://a.example/v1/"}, want: denied,
		urls: []string{"http://a.example/", "http://a.example/v10", "http://a.example/v1x/", "http://a.example/V1/", "http://a.example/v1/..", "http://a.example/v1/../admin", "http://a.example/v1/%2e%2e/admin",
			"http://a.example/v1/.%2E/admin", "http://a.example/v1/..%2fadmin", "http://a.example/v1/%2e%2e%2Fadmin", "http://a.example/v1/%252e%252e/admin", "http://a.example/v1/..%5cadmin", "http://a.example/v1/..;/admin",
			"http://a.example/v1/..;x=y/admin", "http://a.example/v1/x/../../admin", "http://a.example//v1x", "http://a.example/v1%2fx", "http://a.example/v1/%25252525252e"}},

	// A URL that two readers could read differently is none.
	{what: "user and password", grants: public, urls: []string{"http://u@a.example/", "http://u:p@a.example/", "http://@a.example/", "http://a.example@127.0.0.1:{in}/", "http://127.0.0.1:{in}@a.example/"}, want: bad},
	{what: "no web address", grants: public, want: bad,
		urls: []string{"", "/x", "a.example", "http:a.example", "http:///x", "file:///etc/passwd", "gopher://a.example/", "ftp://a.example/", "javascript:alert(1)", "data:text/plain,x", "unix:///run/docker.sock"}},
	{what: "ports", grants: public, urls: []string{"http://a.example:/", "http://a.example:0/", "http://a.example:65536/", "http://a.example:080/", "http://a.example:+80/", "http://a.example:8 0/", "http://a.example:80:81/"}, want: bad},
	{what: "white space, control characters, backslashes", grants: public, want: bad,
		urls: []string{"http://a.example /", "http://a.example/\r\nHost: b", "http://a.example/\x00", "http://a.example\\.b.example/", "http://a.example\t/", "\u2028http://a.example/", " http://a.example/"}},

	// CR, LF, and headers that are not the link's.
	{what: "a line break in a value", grants: public, header: http.Header{"X-A": {"a\r\nX-B: b"}}, urls: []string{"http://a.example/"}, want: bad},
	{what: "a line feed in a value", grants: public, header: http.Header{"X-A": {"a\nb"}}, urls: []string{"http://a.example/"}, want: bad},
	{what: "NUL in a value", grants: public, header: http.Header{"X-A": {"a\x00"}}, urls: []string{"http://a.example/"}, want: bad},
	{what: "a line break in a name", grants: public, header: http.Header{"X-A\r\nX-B": {"a"}}, urls: []string{"http://a.example/"}, want: bad},
	{what: "a colon in a name", grants: public, header: http.Header{":authority": {"b"}}, urls: []string{"http://a.example/"}, want: bad},
	{what: "headers above the cap", grants: public, header: http.Header{"X-A": {strings.Repeat("a", maxHeaderBytes)}}, urls: []string{"http://a.example/"}, want: bad},

	// A name leads where its address is, and the address that was looked at is the one that is dialled.
	{what: "this host by its name", grants: public, urls: []string{"http://localhost:{in}/"}, names: map[string][][]string{"localhost": {{"127.0.0.1"}}}, want: denied},
	{what: "a public name for this host", grants: []string{"http://re.example:{in}"}, urls: []string{"http://re.example:{in}/"}, names: map[string][][]string{"re.example": {{"127.0.0.1"}}}, want: denied},
	{what: "rebinding between two requests", grants: []string{"http://re.example"}, names: map[string][][]string{"re.example": {{"8.8.8.8"}, {"127.0.0.1"}}},
		urls: []string{"http://re.example/last"}, want: answered},
	{what: "rebinding, the second request", grants: []string{"http://re.example"}, names: map[string][][]string{"re.example": {{"127.0.0.1"}}}, urls: []string{"http://re.example/last"}, want: denied},
	{what: "a public and a private address", grants: public, names: map[string][][]string{"a.example": {{"127.0.0.1", "8.8.8.8", "::1"}}}, urls: []string{"http://a.example/"}, want: answered},
	{what: "private addresses alone", grants: public, names: map[string][][]string{"a.example": {{"127.0.0.1", "::1", "10.0.0.1"}}}, urls: []string{"http://a.example/"}, want: denied},
	{what: "a name that nobody knows", grants: public, urls: []string{"http://nobody.example/"}, want: broken},
	{what: "a name without addresses", grants: public, names: map[string][][]string{"none.example": {{}}}, urls: []string{"http://none.example/"}, want: broken},

	// What an operator named is reached: that origin, and nothing beside it.
	{what: "this host, named", grants: []string{"http://127.0.0.1:{in}"}, urls: []string{"http://127.0.0.1:{in}/x"}, want: answered, inside: true},
	{what: "beside what was named", grants: []string{"http://127.0.0.1:{in}/hook"}, want: denied,
		urls: []string{"http://127.0.0.1:{in}/", "http://127.0.0.1:1/hook", "http://127.0.0.2:{in}/hook", "http://localhost:{in}/hook", "http://[::1]:{in6}/hook", "https://127.0.0.1:{in}/hook"}},
	{what: "a private name that an operator wrote", grants: []string{"private http://crm.internal:{in}"}, urls: []string{"http://crm.internal:{in}/"}, names: map[string][][]string{"crm.internal": {{"127.0.0.1"}}}, want: answered, inside: true},
	{what: "a private name that is only written in a rule", grants: []string{"http://crm.internal:{in}"}, urls: []string{"http://crm.internal:{in}/"}, names: map[string][][]string{"crm.internal": {{"127.0.0.1"}}}, want: denied},
	{what: "a metadata service by its address", grants: []string{"http://169.254.169.254"}, urls: []string{"http://169.254.169.254/latest/"}, want: answered},
	{what: "another spelling of what was named", grants: []string{"http://127.0.0.1:{in}"}, urls: []string{"http://0x7f.1:{in}/", "http://127.1:{in}/", "http://[::ffff:127.0.0.1]:{in}/"}, want: bad},
	{what: "a metadata service by a private name", grants: []string{"private http://cloud.internal"}, want: denied, urls: []string{"http://cloud.internal/"},
		names: map[string][][]string{"cloud.internal": {{"169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe", "::ffff:0:a9fe:a9fe", "::ffff:a9fe:a9fe", "168.63.129.16"}}}},
	{what: "no destination by a private name", grants: []string{"private http://cloud.internal"}, urls: []string{"http://cloud.internal/"}, names: map[string][][]string{"cloud.internal": {{"0.0.0.0", "::", "0.1.2.3", "224.0.0.1", "ff02::1", "255.255.255.255"}}}, want: denied},

	// A redirect is a new request.
	{what: "to another granted origin", grants: public, urls: []string{"{to:http://b.example/}", "{to://b.example/}", "{to:/hello}"}, want: answered},
	{what: "to this host", grants: public, urls: []string{"{to:http://127.0.0.1:{in}/}", "{to:http://[::1]:{in6}/}", "{to://127.0.0.1:{in}/}", "{to:http://169.254.169.254/latest/}"}, want: denied},
	{what: "to a name of this host", grants: public, urls: []string{"{to:http://evil.example/}"}, names: map[string][][]string{"evil.example": {{"127.0.0.1"}}}, want: denied},
	{what: "to an origin that is not granted", grants: []string{"http://a.example"}, urls: []string{"{to:http://b.example/}", "{to:http://a.example:81/}", "{to:https://a.example/}"}, want: denied},
	{what: "out of the prefix", grants: []string{"http://a.example/to"}, urls: []string{"{to:/hello}", "{to:/to/../hello}", "{to:/to/..%2fhello}"}, want: denied},
	{what: "to what is no web address", grants: public, urls: []string{"{to:file:///etc/passwd}", "{to:gopher://a.example/}", "{to:http://u:p@b.example/}", "{to:http://127.1/}", "{to:http://[::ffff:7f00:1]/}"}, want: bad},
	{what: "round and round", grants: public, urls: []string{"http://a.example/loop"}, want: answered}, // the last redirect

	// A peer may be slow, endless, large or mad: it costs what was allowed and no more.
	{what: "slow headers", grants: public, urls: []string{"http://a.example/slow-head", "http://a.example/drip-head"}, want: timedOut},
	{what: "a slow body", grants: public, urls: []string{"http://a.example/slow-body", "http://a.example/drip-body"}, want: timedOut},
	{what: "an address that answers nothing", grants: public, urls: []string{"http://silent.example/"}, names: map[string][][]string{"silent.example": {{"1.1.1.1"}}}, want: timedOut},
	{what: "a body that says it is large", grants: public, urls: []string{"http://a.example/large"}, want: tooLarge},
	{what: "a body without end", grants: public, urls: []string{"http://a.example/endless", "http://a.example/endless-chunks"}, want: tooLarge},
	{what: "a gzip bomb", grants: public, urls: []string{"http://a.example/bomb", "http://a.example/ratio"}, want: tooLarge},
	{what: "headers without end", grants: public, urls: []string{"http://a.example/endless-head", "http://a.example/large-head"}, want: broken},
	{what: "a body that is cut off", grants: public, urls: []string{"http://a.example/cut", "http://a.example/cut-chunks", "http://a.example/cut-gzip"}, want: broken},
	{what: "nothing, then the end", grants: public, urls: []string{"http://a.example/nothing"}, want: broken},
	{what: "what is no HTTP", grants: public, want: broken,
		urls: []string{"http://a.example/garbage", "http://a.example/bad-status", "http://a.example/bad-header", "http://a.example/bad-length", "http://a.example/two-lengths", "http://a.example/bad-chunk", "http://a.example/http09", "http://a.example/no-gzip"}},
}

// TestNothingElseLeaves runs every attack against real servers: one that stands for the internet, two on this host that
// no request may reach unless its grant names them.
func TestNothingElseLeaves(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+w.inside.Listener.Addr().String()) // never asked
	}
	all := append([]attack(nil), attacks...)
	for _, addr := range inEveryDress {
		all = append(all, attack{what: "a name for " + addr, grants: public, urls: []string{"http://dressed.example/"}, names: map[string][][]string{"dressed.example": {{addr}}}, want: denied})
	}
	for _, addr := range openInternet {
		all = append(all, attack{what: "a name for " + addr, grants: public, urls: []string{"http://plain.example/"}, names: map[string][][]string{"plain.example": {{addr}}}, want: answered})
	}
	for _, host := range written {
		all = append(all, attack{what: "the host " + host, grants: public, urls: []string{"http://" + host + "/"}, want: bad})
	}
	for _, name := range append([]string{"host", "cookie2:"}, hopByHop...) {
		all = append(all, attack{what: "the header " + name, grants: public, header: http.Header{name: {"x"}}, urls: []string{"http://a.example/"}, want: bad})
	}
	for _, a := range all {
		for _, raw := range a.urls {
			w.try(t, a, raw)
		}
	}
}

// TestThisHostByIPv6 is apart because not every machine has IPv6.
func TestThisHostByIPv6(t *testing.T) {
	w := newWorld(t)
	if w.inside6 == nil {
		testenv.Missing(t, "IPv6", "an address ::1 on the loopback interface")
	}
	w.try(t, attack{what: "named", grants: []string{"http://[::1]:{in6}"}, want: answered, inside: true}, "http://[::1]:{in6}/")
	w.try(t, attack{what: "named at length", grants: []string{"http://[0:0::0:1]:{in6}"}, want: answered, inside: true}, "http://[::0001]:{in6}/")
	w.try(t, attack{what: "not named", grants: public, want: denied}, "http://[::1]:{in6}/")
}

// attackBytes is the most that an answer may have here.
const attackBytes = 2 << 20

// silent is an address that answers nothing.
var silent = netip.MustParseAddr("1.1.1.1")

// world is the servers, and a client whose connections to addresses of this host are what they are; all others end at the
// server outside.
type world struct {
	*Client
	outside, inside, inside6 *httptest.Server
	names                    *names
	reached                  atomic.Int64 // requests to inside and inside6
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{names: &names{}}
	secret := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.reached.Add(1) })
	w.outside, w.inside = httptest.NewServer(http.HandlerFunc(mad)), httptest.NewServer(secret)
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		w.inside6 = httptest.NewUnstartedServer(secret)
		w.inside6.Listener.Close()
		w.inside6.Listener = l
		w.inside6.Start()
		t.Cleanup(w.inside6.Close)
	}
	w.Client = New(Options{Resolver: w.names, Dial: w.dial})
	t.Cleanup(func() {
		w.Client.Close()
		w.inside.Close()
		w.outside.CloseClientConnections() // some never end by themselves
		w.outside.Close()
	})
	return w
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	switch to := netip.MustParseAddrPort(addr).Addr(); {
	case to == silent:
		<-ctx.Done()
		return nil, ctx.Err()
	case !to.IsLoopback() && !to.IsUnspecified():
		addr = w.outside.Listener.Addr().String()
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// fill puts ports and redirects into a URL.
func (w *world) fill(text string) string {
	in6 := "1"
	if w.inside6 != nil {
		in6 = portOf(w.inside6)
	}
	text = strings.NewReplacer("{in}", portOf(w.inside), "{in6}", in6).Replace(text)
	if to, ok := strings.CutPrefix(text, "{to:"); ok {
		return "http://a.example/to?u=" + url.QueryEscape(strings.TrimSuffix(to, "}"))
	}
	return text
}

func portOf(s *httptest.Server) string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return port
}

func (w *world) try(t *testing.T, a attack, raw string) {
	t.Helper()
	answers := map[string][][]string{"a.example": {{"8.8.8.8"}}, "b.example": {{"8.8.4.4"}}}
	maps.Copy(answers, a.names)
	w.names.become(answers)
	var p Policy
	for _, text := range a.grants {
		p.Rules = append(p.Rules, w.rule(t, text))
	}
	r := &Request{Method: a.method, URL: w.fill(raw), Header: a.header, Timeout: 10 * time.Second, MaxBytes: attackBytes, Redirects: 99}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if a.want == timedOut {
		r.Timeout = 50 * time.Millisecond
	}
	w.Client.Close() // no connection of another attack is used
	before := w.reached.Load()
	_, err := w.Do(t.Context(), p, r)
	if got := outcomeOf(err); got != a.want {
		t.Errorf("%s: %s %q: %s (%v), want %s", a.what, r.Method, r.URL, got, err, a.want)
	}
	if n := w.reached.Load() - before; (n != 0) != a.inside {
		t.Errorf("%s: %q: this host was reached %d times", a.what, r.URL, n)
	}
	if err != nil && strings.Contains(err.Error(), "admin") {
		t.Errorf("%s: the error tells the path: %v", a.what, err)
	}
}

// rule reads a grant; "GET " before it limits it to this method, "private " makes it one of an operator's own links.
func (w *world) rule(t *testing.T, text string) Rule {
	t.Helper()
	own, isOwn := strings.CutPrefix(text, "private ")
	get, isGet := strings.CutPrefix(own, "GET ")
	r, err := Parse(w.fill(get))
	if err != nil {
		t.Fatal(err)
	}
	if isGet {
		r.Methods = []string{http.MethodGet}
	}
	r.Private = r.Private || isOwn
	return r
}

// raw is what a peer says by itself, byte for byte, before it hangs up.
var raw = map[string]string{
	"/cut":         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
	"/cut-chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
	"/cut-gzip":    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00",
	"/nothing":     "",
	"/garbage":     "\x00\x01\x02 garbage\r\n\r\n",
	"/bad-status":  "HTTP/1.1 2OO OK\r\n\r\n",
	"/bad-header":  "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	"/bad-length":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"/two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	"/bad-chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	"/http09":      "<html>",
	"/no-gzip":     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
}

// mad is the server outside.
func mad(w http.ResponseWriter, r *http.Request) {
	if text, ok := raw[r.URL.Path]; ok {
		conn := hijack(w)
		io.WriteString(conn, text)
		conn.Close()
		return
	}
	flush := func() { w.(http.Flusher).Flush() }
	switch r.URL.Path {
	case "/to":
		w.Header().Set("Location", r.URL.Query().Get("u"))
		w.WriteHeader(http.StatusFound)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case "/last":
		w.Header().Set("Connection", "close")
	case "/slow-head":
		<-r.Context().Done()
	case "/slow-body":
		flush()
		<-r.Context().Done()
	case "/drip-head":
		forEver(hijack(w), "HTTP/1.1 200 OK\r\n", "X: y\r\n", time.Millisecond)
	case "/drip-body":
		forEver(hijack(w), "HTTP/1.1 200 OK\r\n\r\n", "x", time.Millisecond)
	case "/endless-head":
		forEver(hijack(w), "HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("y", 1000)+"\r\n", 0)
	case "/endless":
		forEver(hijack(w), "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 10000), 0)
	case "/endless-chunks":
		forEver(hijack(w), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 0)
	case "/large":
		w.Header().Set("Content-Length", fmt.Sprint(attackBytes+1))
		w.Write(make([]byte, attackBytes+1))
	case "/large-head":
		w.Header().Set("X-Big", strings.Repeat("a", 2*maxHeaderBytes))
	case "/bomb": // more than is taken
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zip(noise(attackBytes + 1)))
	case "/ratio": // no more, but out of next to nothing
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zip(make([]byte, attackBytes)))
	}
}

// noise packs to about half its size.
func noise(n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	return b[:n]
}

func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	return conn
}

// forEver writes until the other side has enough.
func forEver(conn net.Conn, head, more string, every time.Duration) {
	defer conn.Close()
	_, err := io.WriteString(conn, head)
	for err == nil {
		time.Sleep(every)
		_, err = io.WriteString(conn, more)
	}
}
