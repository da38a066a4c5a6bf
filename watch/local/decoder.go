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

const maxDepth = 100 // bounds how deep values nest, which bounds the stack

// readYAML returns the root of the one document in data, nil where it holds
// nothing. Aliases and the merge key << are replaced by what they stand for.
func readYAML(data []byte) (*yaml.Node, error) {
	root, second, err := decodeYAML(data)
	switch {
	case err != nil:
		// The line that is wrong is the first one with which the file, cut off after
		// it, has the same error as the whole.
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
	// What aliases multiply is bounded by what is written.
	e := expander{sizes: make(map[*yaml.Node]int), limit: 2*len(data) + 10_000}
	return e.expand(root, 0)
}

// decodeYAML returns the roots of the first two documents, nil for one that is
// not there.
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

// yamlMessage returns what is wrong, without the line: the library often names
// the line where the enclosing map begins, or the one before.
func yamlMessage(err error) string {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(msg, "line ") {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	return msg
}

// jsonToken is a text in JSON, or a tab between texts.
var jsonToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\t`)

// fromJSON returns a JSON file in a form that is YAML as well. YAML has neither
// \/ nor a character in two escapes, takes some characters for line ends, and
// allows no tab at the beginning of a line. What is wrong in the file stays.
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

// An expander replaces aliases and merge keys by what they stand for. What an
// anchor marks is expanded once and shared by all who refer to it.
type expander struct {
	sizes map[*yaml.Node]int // of the nodes that are expanded, all below included; 0: under way
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

// merge checks the names in a map, and adds what its merge keys bring.
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

// pairs are the names and values of a map.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(name, v *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// listOf returns the items of a list. Nothing is an empty list, and anything
// else a list of itself.
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
