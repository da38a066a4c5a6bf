package local

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch/suggest"
)

// A decoder makes values of nodes. It goes on after an error, of which it
// keeps the first.
type decoder struct{ err error }

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = errorAt(n, format, args...)
	}
}

// errorAt returns the error that something is wrong with n. Parse adds the
// file's name.
func errorAt(n *yaml.Node, format string, args ...any) error {
	return &ParseError{Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
}

// wantMap tells whether n is a map. If not, it is an error that begins with
// what is wanted.
func (d *decoder) wantMap(n *yaml.Node, wanted string) bool {
	if !isMap(n) {
		d.fail(n, "%s, not %s", wanted, describe(n))
	}
	return isMap(n)
}

// fields says for each field of a map what takes its value.
type fields map[string]func(*yaml.Node)

// fields gives the value of each field of n to what takes it. What names the
// map in errors, as in "a service". Fields that hold nothing count as not
// written.
func (d *decoder) fields(n *yaml.Node, what string, known fields) {
	if !d.wantMap(n, what+" is a map") {
		return
	}
	for name, v := range pairs(n) {
		take := known[name.Value]
		switch {
		case take == nil:
			d.fail(name, "%s has no %q%s", what, name.Value, nearest(name.Value, slices.Sorted(maps.Keys(known))))
		case !isNull(v):
			take(v)
		}
	}
}

// nearest returns " (did you mean …?)" with the name that is nearest to what was
// written, or where none is near, " (known: …)" with all of them.
func nearest(written string, names []string) string {
	if best := suggest.Nearest(written, names); best != "" {
		return " (did you mean " + strconv.Quote(best) + "?)"
	}
	return " (known: " + strings.Join(names, ", ") + ")"
}

// text returns a text as it is written, without quotes and escapes.
func (d *decoder) text(n *yaml.Node) string {
	switch {
	case isNull(n):
		return ""
	case n.Kind != yaml.ScalarNode:
		d.fail(n, "a text stands here, not %s", describe(n))
	}
	return n.Value
}

func (d *decoder) word(n *yaml.Node, what string, words ...string) string {
	text := d.text(n)
	if !slices.Contains(words, text) {
		d.fail(n, "%q is not %s%s", text, what, nearest(text, words))
	}
	return text
}

// number returns a whole number from 0 to 65535, as ports and weights are.
func (d *decoder) number(n *yaml.Node, what string) int {
	number, err := strconv.ParseUint(n.Value, 10, 16)
	if err != nil {
		d.fail(n, "%s is a number from 0 to 65535", what)
	}
	return int(number)
}

func (d *decoder) flag(n *yaml.Node, what string) bool {
	if n.Value != "true" && n.Value != "false" {
		d.fail(n, "%s is true or false", what)
	}
	return n.Value == "true"
}

// texts returns a list of texts, which may be written as the one it has.
func (d *decoder) texts(n *yaml.Node) []string {
	texts := []string{}
	for _, item := range listOf(n) {
		texts = append(texts, d.text(item))
	}
	return texts
}

// mapOf returns a map of what value reads. What names it in errors.
func mapOf[T any](d *decoder, n *yaml.Node, what string, value func(*yaml.Node) T) map[string]T {
	m := make(map[string]T)
	if d.wantMap(n, what+" is a map") {
		for name, v := range pairs(n) {
			m[name.Value] = value(v)
		}
	}
	return m
}

// An endpoint is an address and a port; either may be missing.
type endpoint struct {
	address string
	port    int
}

// endpoint returns "address", "address:port" or ":port". An IPv6 address with
// a port stands in brackets.
func (d *decoder) endpoint(n *yaml.Node) endpoint {
	text := d.text(n)
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
		d.fail(n, "%q is not an address; for a port on the node's own address write %q", text, ":"+text)
	case !ok:
		d.fail(n, "%q is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)", text)
	}
	return endpoint{address: host, port: int(port)}
}

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
