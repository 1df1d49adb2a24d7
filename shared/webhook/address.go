package webhook

import (
	"net/netip"
	"slices"
)

// CheckAddr returns [ErrAddress] unless addr is public: of the global unicast space and in none of IANA's special-purpose
// blocks (RFC 6890 and its registries), so neither private, loopback, link-local (and with it the clouds' metadata
// services), carrier-grade NAT, multicast, documentation, benchmarking nor unspecified. An IPv4 address inside an IPv6
// one counts as what it is.
func (p Policy) CheckAddr(addr netip.Addr) error {
	if addr.Zone() != "" {
		return ErrAddress
	}
	plain := embedded(addr)
	if plain.IsLoopback() && p.AllowLoopback {
		return nil
	}
	if !public(plain) {
		return ErrAddress
	}
	return nil
}

// special returns the blocks of IANA's special-purpose registries that lie in the unicast space.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 791
		netip.MustParsePrefix("10.0.0.0/8"),      // private, RFC 1918
		netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT, RFC 6598
		netip.MustParsePrefix("127.0.0.0/8"),     // loopback, RFC 1122
		netip.MustParsePrefix("169.254.0.0/16"),  // link-local and metadata services, RFC 3927
		netip.MustParsePrefix("172.16.0.0/12"),   // private, RFC 1918
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, RFC 6890
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays, RFC 7526
		netip.MustParsePrefix("192.168.0.0/16"),  // private, RFC 1918
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking, RFC 2544
		netip.MustParsePrefix("198.51.100.0/24"), // documentation, RFC 5737
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation, RFC 5737
		netip.MustParsePrefix("224.0.0.0/4"),     // multicast, RFC 1112
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved and broadcast, RFC 1112, 919
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, with Teredo and ORCHID, RFC 2928
		netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
		netip.MustParsePrefix("2002::/16"),       // 6to4, RFC 3056: given up, and it carries any IPv4 address
		netip.MustParsePrefix("3fff::/20"),       // documentation, RFC 9637
	}
}

// embedded returns the IPv4 address that a mapped or a NAT64 address leads to, and any other address as it is.
func embedded(addr netip.Addr) netip.Addr {
	// RFC 6052: the IPv4 address is the last 32 bits.
	if netip.MustParsePrefix("64:ff9b::/96").Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr.Unmap()
}

func public(addr netip.Addr) bool {
	// 2000::/3 is all that IANA has given out for global unicast in IPv6.
	if !addr.IsValid() || (addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr)) {
		return false
	}
	return !slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(addr) })
}
