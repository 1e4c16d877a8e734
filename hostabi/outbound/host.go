package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Host is where a URL leads.
type Host struct {
	Name string // lower case; an IPv6 address without brackets
	Port string // "" = any; in what HostOf gives, never
}

// ParseHost reads "host" or "host:port". A name that stands for several, or two readings of which differ, is refused;
// an IPv6 address may stand without brackets if no port follows.
func ParseHost(text string) (Host, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
		text = "[" + text + "]"
	}
	if strings.ContainsAny(text, "/?#@") {
		return Host{}, fmt.Errorf("host %q: write the host alone, with :port if one is meant", text)
	}
	t, err := parseTarget("https://" + text)
	if err != nil {
		return Host{}, fmt.Errorf("host %q: %w", text, err)
	}
	_, port, _ := net.SplitHostPort(text) // an error: there is none
	return Host{Name: t.host, Port: port}, nil
}

// HostOf is where a URL leads, its scheme's port written out. Errors: ErrRequest.
func HostOf(rawURL string) (Host, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return Host{}, err
	}
	h := Host{Name: t.host, Port: t.port}
	if h.Port == "" {
		h.Port = schemePorts[t.scheme]
	}
	return h, nil
}

// Covers reports whether to is h, or one of its ports.
func (h Host) Covers(to Host) bool { return h.Name == to.Name && (h.Port == "" || h.Port == to.Port) }

// String is the host as ParseHost reads it.
func (h Host) String() string {
	if h.Port == "" {
		return h.Name
	}
	return net.JoinHostPort(h.Name, h.Port)
}
