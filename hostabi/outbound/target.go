package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// target is a URL in the one form that rules are compared with.
type target struct {
	scheme string
	host   string     // lower case; an IPv6 address without brackets
	addr   netip.Addr // when host is an address
	port   string     // "" = the scheme's
	url    *url.URL   // with host and port in this form
}

var schemePorts = map[string]string{"http": "80", "https": "443"}

// parseTarget refuses every URL that two readers could read differently. Errors wrap ErrRequest and never hold the URL.
func parseTarget(raw string) (*target, error) {
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] == 0x7f || raw[i] == '\\' {
			return nil, badURL("white space, a control character or a backslash")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, badURL("it does not parse")
	}
	u.Fragment, u.RawFragment = "", ""
	t := &target{scheme: u.Scheme, url: u}
	switch {
	case schemePorts[u.Scheme] == "":
		return nil, badURL("the scheme must be http or https")
	case u.User != nil:
		return nil, badURL("user and password in it; send a header instead")
	case u.Opaque != "" || u.Host == "":
		return nil, badURL("there is no host")
	}
	if err := t.setPort(u); err != nil {
		return nil, err
	}
	if err := t.setHost(u); err != nil {
		return nil, err
	}
	u.Host = t.hostPort()
	return t, nil
}

func badURL(why string) error { return fmt.Errorf("%w: url: %s", ErrRequest, why) }

func (t *target) setPort(u *url.URL) error {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return badURL("the port is empty")
		}
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return badURL("the port is not within 1 and 65535")
	}
	if port != schemePorts[t.scheme] {
		t.port = port
	}
	return nil
}

func (t *target) setHost(u *url.URL) error {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" || addr.Is4In6() {
			return badURL("the address in brackets is no plain IPv6 address")
		}
		t.host, t.addr = addr.String(), addr
		return nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkHostName(host); err != nil {
		return err
	}
	t.host = host
	if lastLabelNumeric(host) {
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return badURL("the host is a number, but no IPv4 address of four decimal parts")
		}
		t.addr = addr
	}
	return nil
}

func checkHostName(host string) error {
	if host == "" || len(host) > 253 {
		return badURL("the host's name is empty or too long")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return badURL("the host's name has an empty or too long part")
		}
		for i := range len(label) {
			switch b := label[i]; {
			case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '-', b == '_':
			case b >= 0x80:
				return badURL("the host's name is not ASCII; write its xn-- form")
			default:
				return badURL("a character in the host's name")
			}
		}
	}
	return nil
}

// lastLabelNumeric tells names that some resolvers read as an address: 127.1, 0x7f000001, 2130706433.
func lastLabelNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.HasPrefix(last, "0x") {
		_, err := strconv.ParseUint("0"+last[2:], 16, 64)
		return err == nil || len(last) > 16
	}
	return strings.Trim(last, "0123456789") == ""
}

// hostPort is host and port as a URL has them.
func (t *target) hostPort() string {
	host := t.host
	if t.addr.Is6() {
		host = "[" + host + "]"
	}
	if t.port != "" {
		host += ":" + t.port
	}
	return host
}

// origin is all of the URL that may stand in an error.
func (t *target) origin() string { return t.scheme + "://" + t.hostPort() }

// Place is the part of a URL that may be written down: origin and path, without query, fragment, user and password. It
// is "" for what is no URL that could be requested.
func Place(rawURL string) string {
	t, err := parseTarget(rawURL)
	if err != nil {
		return ""
	}
	return t.origin() + t.url.EscapedPath()
}

// under reports whether the path is prefix or below it, on whole segments, in every reading that a server may have of
// it: as written, and with its escapes undone, once and again.
func under(escapedPath, prefix string) bool {
	if prefix == "" || prefix == "/" {
		return true
	}
	prefix = strings.TrimSuffix(prefix, "/")
	view := escapedPath
	for range 4 {
		clean := cleanPath(view)
		if clean != prefix && !strings.HasPrefix(clean, prefix+"/") {
			return false
		}
		next, err := url.PathUnescape(view)
		if err != nil || next == view {
			return true
		}
		view = next
	}
	return false // escaped deeper than anybody needs
}

// cleanPath resolves //, . and .. as servers do, with %2e as a dot, backslashes as slashes and ;parameters left off.
func cleanPath(p string) string {
	p = strings.NewReplacer("%2e", ".", "%2E", ".", `\`, "/").Replace(p)
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if bare, _, has := strings.Cut(s, ";"); has && strings.Trim(bare, ".") == "" {
			segments[i] = bare
		}
	}
	return path.Clean("/" + strings.Join(segments, "/"))
}
