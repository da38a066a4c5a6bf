package local

import (
	"net/netip"
	"strconv"
	"strings"
)

const maxPort = 65535

// An endpoint is an address and a port; either may be missing.
type endpoint struct {
	address string
	port    int
}

// readEndpoint reads "address", "address:port" or ":port". An IPv6 address
// with a port stands in brackets.
func readEndpoint(v *value) (endpoint, error) {
	text, err := readText(v)
	if err != nil {
		return endpoint{}, err
	}
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return endpoint{}, v.errorf("%q is not an address; for a port on the node's own address write %q", text, ":"+text)
	}
	e, ok := splitEndpoint(text)
	if !ok {
		return endpoint{}, v.errorf("%q is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)", text)
	}
	return e, nil
}

func splitEndpoint(text string) (e endpoint, ok bool) {
	if _, err := netip.ParseAddr(text); err == nil {
		return endpoint{address: text}, true
	}
	host := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		port, err := strconv.ParseUint(text[i+1:], 10, 16)
		if err != nil {
			return endpoint{}, false
		}
		host, e.port = text[:i], int(port)
		if host == "" {
			return e, true
		}
	}
	if inner, found := strings.CutPrefix(host, "["); found {
		e.address, found = strings.CutSuffix(inner, "]")
		_, err := netip.ParseAddr(e.address)
		return e, found && err == nil
	}
	e.address = host
	return e, host != "" && !strings.ContainsAny(host, " \t\r\n:/@?#[]")
}

// setAddress reads an address that has no port into dst.
func setAddress(dst *string) func(*value) error {
	return func(v *value) error {
		e, err := readEndpoint(v)
		if err == nil && e.port != 0 {
			err = v.errorf("%q holds a port, which does not belong into an address", v.text)
		}
		*dst = e.address
		return err
	}
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
