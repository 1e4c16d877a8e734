package outbound

import (
	"net/netip"
	"slices"
)

// special are the ranges that are not the public internet, of the IANA registries. Of IPv6 everything outside 2000::/3
// is special besides.
var special = []struct {
	prefix netip.Prefix
	name   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("::/96"), "an IPv4 address in disguise"},
	{netip.MustParsePrefix("64:ff9b::/96"), "a translated IPv4 address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a translated IPv4 address"},
	{netip.MustParsePrefix("100::/64"), "discarded"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/32"), "Teredo"},
	{netip.MustParsePrefix("2001::/23"), "for protocols"},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

// metadata services of clouds: they hand out credentials, so not even a private rule reaches them by a name. One of
// them (Azure's) is an address of the public internet.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"),
	netip.MustParseAddr("169.254.0.23"), netip.MustParseAddr("169.254.42.42"), netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"),
	netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("fd00:42::42"),
}

// notPublic says what an address is, "" when it belongs to the public internet.
func notPublic(a netip.Addr) string {
	a = a.WithZone("").Unmap() // resolvers give IPv4 addresses in mapped form
	for _, s := range special {
		if s.prefix.Contains(a) {
			return s.name
		}
	}
	if isMetadata(a) {
		return metadataService
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return "not assigned"
	}
	return ""
}

const metadataService = "a cloud's metadata service"

// neverDialled says why an address is refused under a private rule too. named: the rule names the address itself.
func neverDialled(a netip.Addr, named bool) string {
	a = a.WithZone("").Unmap()
	switch {
	case a.IsMulticast():
		return "multicast"
	case a.IsUnspecified() || a.Is4() && a.As4()[0] == 0:
		return "no destination; write 127.0.0.1"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "broadcast"
	case !named && isMetadata(a):
		return metadataService + "; a rule must name the address itself"
	}
	return ""
}

func isMetadata(a netip.Addr) bool {
	for _, m := range metadata {
		if a == m || embedded(a) == m {
			return true
		}
	}
	return false
}

// embedding are the ranges whose addresses carry an IPv4 address, and where in it.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
}

// embedded is the IPv4 address that a translated, compatible or 6to4 address carries, the zero Addr when none.
func embedded(a netip.Addr) netip.Addr {
	for _, e := range embedding {
		if a.Is6() && e.prefix.Contains(a) {
			b := a.As16()
			return netip.AddrFrom4([4]byte(b[e.at : e.at+4]))
		}
	}
	return netip.Addr{}
}

// refuse says why a connection to a may not be made, "" when it may. networks may be reached as under a private rule.
func refuse(a netip.Addr, private, named bool, networks []netip.Prefix) string {
	if why := notPublic(a); why != "" && !private && !within(a, networks) {
		return why
	}
	return neverDialled(a, named)
}

// within reports whether one of networks holds a; an IPv4 address in disguise is not in the network that it names.
func within(a netip.Addr, networks []netip.Prefix) bool {
	a = a.WithZone("").Unmap()
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}
