package local

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch/local/yamldoc"
)

// A decoder decodes the nodes of a data file.
type decoder struct{ yamldoc.Decoder }

// An endpoint is an address and a port; either may be zero.
type endpoint struct {
	address string
	port    int
}

// endpoint decodes "address", "address:port" or ":port". An IPv6 address with a
// port is in brackets.
func (d *decoder) endpoint(n *yaml.Node) endpoint {
	text := d.Text(n)
	host, digits, splitErr := net.SplitHostPort(text)
	if splitErr != nil {
		host, digits = text, "0" // an IPv6 address, or nothing but a name
	}
	port, portErr := strconv.ParseUint(digits, 10, 16)
	ok := portErr == nil
	if _, notIP := netip.ParseAddr(host); ok && notIP != nil {
		ok = host == "" && splitErr == nil ||
			host != "" && !strings.ContainsAny(text, "[]") && !strings.ContainsAny(host, " \t\r\n:/@?#")
	}
	switch {
	case text != "" && strings.Trim(text, "0123456789") == "":
		d.Fail(n, "%q is not an address; for a port on the node's own address write %q", text, ":"+text)
	case !ok:
		d.Fail(n, "%q is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)", text)
	}
	return endpoint{address: host, port: int(port)}
}

func (d *decoder) address(n *yaml.Node) string {
	e := d.endpoint(n)
	if e.port != 0 {
		d.Fail(n, "%q holds a port, which does not belong into an address", n.Value)
	}
	return e.address
}

// family returns the suffix of an agent's tagged addresses for an IP, "_ipv4" or
// "_ipv6", and "" for a host name.
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
