package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch/suggest"
)

// A decoder decodes YAML nodes. It continues after an error, and keeps the first.
type decoder struct{ err error }

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = errorAt(n, format, args...)
	}
}

// errorAt returns a *ParseError about n, to which Parse adds the file's name.
func errorAt(n *yaml.Node, format string, args ...any) error {
	return &ParseError{Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
}

// wantMap reports whether n is a map. If not, it fails with an error that begins
// with wanted.
func (d *decoder) wantMap(n *yaml.Node, wanted string) bool {
	if !isMap(n) {
		d.fail(n, "%s, not %s", wanted, describe(n))
	}
	return isMap(n)
}

// fields decode the value of each field of a map.
type fields map[string]func(*yaml.Node)

// fields decodes the fields of n, except those that are null. what is the map in
// errors, as in "a service".
func (d *decoder) fields(n *yaml.Node, what string, known fields) {
	if !d.wantMap(n, what+" is a map") {
		return
	}
	for name, v := range pairs(n) {
		decode := known[name.Value]
		switch {
		case decode == nil:
			d.fail(name, "%s has no %q%s", what, name.Value, nearest(name.Value, slices.Sorted(maps.Keys(known))))
		case !isNull(v):
			decode(v)
		}
	}
}

// nearest returns " (did you mean …?)" with the name nearest to written, or if
// none is near, " (known: …)" with all names.
func nearest(written string, names []string) string {
	if best := suggest.Nearest(written, names); best != "" {
		return " (did you mean " + strconv.Quote(best) + "?)"
	}
	return " (known: " + strings.Join(names, ", ") + ")"
}

// text returns a scalar as text, without quotes and escapes; "" for null.
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

// number returns a number from 0 to 65535, such as a port or a weight.
func (d *decoder) number(n *yaml.Node, what string) int {
	number, err := strconv.ParseUint(n.Value, 10, 16)
	if err != nil {
		d.fail(n, "%s is a number from 0 to 65535", what)
	}
	return int(number)
}

// texts returns a list of texts, or the one text that stands for a list.
func (d *decoder) texts(n *yaml.Node) []string {
	texts := []string{}
	for _, item := range listOf(n) {
		texts = append(texts, d.text(item))
	}
	return texts
}

// mapOf decodes the values of a map, which is what in errors.
func mapOf[T any](d *decoder, n *yaml.Node, what string, value func(*yaml.Node) T) map[string]T {
	m := make(map[string]T)
	if d.wantMap(n, what+" is a map") {
		for name, v := range pairs(n) {
			m[name.Value] = value(v)
		}
	}
	return m
}

// An endpoint is an address and a port; either may be zero.
type endpoint struct {
	address string
	port    int
}

// endpoint decodes "address", "address:port" or ":port". An IPv6 address with a
// port is in brackets.
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

const maxDepth = 100 // of nested values, which bounds the stack

// readYAML returns the root of the one document in data, nil if it is empty. It
// replaces aliases and the merge key << by what they refer to.
func readYAML(data []byte) (*yaml.Node, error) {
	root, second, err := decodeYAML(data)
	switch {
	case err != nil:
		// The wrong line is the first one such that the file up to it has the same
		// error as the whole.
		lines, msg := bytes.SplitAfter(data, []byte("\n")), yamlMessage(err)
		line := 1 + sort.Search(len(lines)-1, func(i int) bool {
			_, _, cut := decodeYAML(bytes.Join(lines[:i+1], nil))
			return cut != nil && yamlMessage(cut) == msg
		})
		return nil, &ParseError{Line: line, Msg: msg}
	case second != nil:
		return nil, errorAt(second, "a second document begins here; the data file is a single one")
	case root == nil || isNull(root):
		return nil, nil
	}
	// The size of the file bounds what aliases multiply.
	e := expander{sizes: make(map[*yaml.Node]int), limit: 2*len(data) + 10_000}
	return e.expand(root, 0)
}

// decodeYAML returns the roots of the first two documents, nil for a missing one.
func decodeYAML(data []byte) (first, second *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for _, root := range []**yaml.Node{&first, &second} {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return first, second, nil
		case err != nil:
			return nil, nil, err
		}
		*root = doc.Content[0]
	}
	return first, second, nil
}

// yamlMessage returns the text of err without the line, which is often that of the
// enclosing map, or the one before.
func yamlMessage(err error) string {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(msg, "line ") {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	return msg
}

// jsonToken matches a string in JSON, or a tab between strings.
var jsonToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\t`)

// fromJSON returns a JSON file in a form that is also YAML. YAML has neither \/ nor
// surrogate pairs, more line ends, and no tabs at the beginning of a line. Errors
// in the file stay.
func fromJSON(data []byte) []byte {
	return jsonToken.ReplaceAllFunc(data, func(token []byte) []byte {
		var text string
		switch {
		case token[0] == '\t':
			return []byte(" ")
		case json.Unmarshal(token, &text) != nil:
			return token
		}
		return strconv.AppendQuote(nil, text)
	})
}

// An expander replaces aliases and merge keys by the nodes that they refer to,
// which are expanded once, and shared.
type expander struct {
	sizes map[*yaml.Node]int // of expanded nodes with all below; 0 while one is being expanded
	limit int
}

func (e *expander) expand(n *yaml.Node, depth int) (*yaml.Node, error) {
	written := n
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	size, seen := e.sizes[n]
	switch {
	case seen && size == 0:
		return nil, errorAt(written, "*%s stands within what it refers to", written.Value)
	case seen:
		return n, nil
	case depth > maxDepth:
		return nil, errorAt(n, "nested deeper than %d levels", maxDepth)
	}
	e.sizes[n] = 0
	size = 1
	for i, child := range n.Content {
		child, err := e.expand(child, depth+1)
		if err != nil {
			return nil, err
		}
		n.Content[i] = child
		size += e.sizes[child]
	}
	if size > e.limit {
		return nil, errorAt(n, "aliases multiply this to over %d values", e.limit)
	}
	e.sizes[n] = size
	if n.Kind == yaml.MappingNode {
		return n, merge(n)
	}
	return n, nil
}

// merge checks the names in a map, and replaces its merge keys.
func merge(n *yaml.Node) error {
	lines := make(map[string]int) // of each name
	var content, merged []*yaml.Node
	for name, v := range pairs(n) {
		switch line, twice := lines[name.Value]; {
		case name.Kind != yaml.ScalarNode:
			return errorAt(name, "a name must be plain text")
		case name.Tag == "!!merge":
			merged = append(merged, listOf(v)...)
			continue
		case twice:
			return errorAt(name, "%q is given twice, first on line %d", name.Value, line)
		}
		lines[name.Value] = name.Line
		content = append(content, name, v)
	}
	for _, m := range merged {
		if m.Kind != yaml.MappingNode {
			return errorAt(m, "<< takes a map, not %s", describe(m))
		}
		for name, v := range pairs(m) {
			if _, has := lines[name.Value]; !has {
				lines[name.Value] = name.Line
				content = append(content, name, v)
			}
		}
	}
	n.Content = content
	return nil
}

// pairs returns the names and values of a map.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(name, v *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// listOf returns the items of a list. Null is an empty list, and anything else a
// list of itself.
func listOf(n *yaml.Node) []*yaml.Node {
	switch {
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case isNull(n):
		return nil
	}
	return []*yaml.Node{n}
}

func isMap(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case isNull(n):
		return "nothing"
	case n.Kind == yaml.ScalarNode:
		return "a text"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return "a map"
}
