package client

import (
	"net"
	"net/netip"
	"strings"
)

// isLocal tells whether an agent's address says that it is on this machine.
func isLocal(address string) bool {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	}
	if scheme == "unix" {
		return true
	}
	host, _, _ := strings.Cut(rest, "/")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
