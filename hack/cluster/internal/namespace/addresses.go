// Package namespace gives a cluster network and mount namespaces of its own, so that several unmodified clusters can use the same
// ports, addresses and folders on one machine. It must not know what runs in them.
package namespace

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ranges are where a link's subnet is looked for. The first is reserved for test benches, so no real network should use it.
var ranges = []netip.Prefix{
	netip.MustParsePrefix("198.18.0.0/16"),
	netip.MustParsePrefix("172.30.0.0/16"),
	netip.MustParsePrefix("10.231.0.0/16"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// linkBits makes a link's subnet: one address for the host, one for the cluster.
const linkBits = 30

// ErrNoSubnet says that the machine's routes leave no room for a link.
var ErrNoSubnet = errors.New("no free subnet for the link between host and cluster: " +
	"every candidate overlaps a route of this machine (see `ip route show table all`)")

// Link is the network between the host and a cluster.
type Link struct {
	Subnet netip.Prefix
}

// Host is the host's address.
func (l Link) Host() netip.Addr { return l.Subnet.Masked().Addr().Next() }

// Node is the cluster's address.
func (l Link) Node() netip.Addr { return l.Host().Next() }

// ChooseLink returns the first candidate that overlaps none of the prefixes in use. The default route does not count.
func ChooseLink(used []netip.Prefix) (Link, error) {
	for _, r := range ranges {
		base := r.Addr().As4()
		for third := range 256 {
			candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], byte(third), 0}), linkBits)
			overlaps := func(p netip.Prefix) bool { return p.Bits() > 0 && p.Overlaps(candidate) }
			if !slices.ContainsFunc(used, overlaps) {
				return Link{Subnet: candidate}, nil
			}
		}
	}
	return Link{}, ErrNoSubnet
}

// parseRoutes reads the output of `ip -json route show table all`.
func parseRoutes(output []byte) ([]netip.Prefix, error) {
	var routes []struct {
		Dst string `json:"dst"`
	}
	if err := json.Unmarshal(output, &routes); err != nil {
		return nil, fmt.Errorf("reading routes: %w", err)
	}
	var prefixes []netip.Prefix
	for _, r := range routes {
		if r.Dst == "default" {
			continue
		}
		if addr, err := netip.ParseAddr(r.Dst); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(r.Dst)
		if err != nil {
			return nil, fmt.Errorf("reading routes: %w", err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}
