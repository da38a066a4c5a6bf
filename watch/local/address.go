package local

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An endpoint is an address and a port; either may be missing.
type endpoint struct {
	address string
	port    int
}

// endpoint returns "address", "address:port" or ":port". An IPv6 address with
// a port stands in brackets.
func (d *decoder) endpoint(n *yaml.Node) endpoint {
	text := d.text(n)
	e, ok := splitEndpoint(text)
	switch {
	case text != "" && strings.Trim(text, "0123456789") == "":
		d.fail(n, "%q is not an address; for a port on the node's own address write %q", text, ":"+text)
	case !ok:
		d.fail(n, "%q is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)", text)
	}
	return e
}

func splitEndpoint(text string) (e endpoint, ok bool) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		host, digits = text, "0" // an IPv6 address, or nothing but a name
	}
	port, portErr := strconv.ParseUint(digits, 10, 16)
	e = endpoint{address: host, port: int(port)}
	if _, notIP := netip.ParseAddr(host); notIP == nil || portErr != nil {
		return e, portErr == nil
	}
	if host == "" {
		return e, err == nil
	}
	return e, !strings.ContainsAny(text, "[]") && !strings.ContainsAny(host, " \t\r\n:/@?#")
}

// address returns an address that has no port.
func (d *decoder) address(n *yaml.Node) string {
	e := d.endpoint(n)
	if e.port != 0 {
		d.fail(n, "%q holds a port, which does not belong into an address", n.Value)
	}
	return e.address
}

// family returns the ending of tagged addresses for an IP, as an agent names
// them: "_ipv4" or "_ipv6". For a host name it is "".
func family(address string) string {
	ip, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return ""
	case ip.Unmap().Is4():
		return "_ipv4"
	}
	return "_ipv6"
}
