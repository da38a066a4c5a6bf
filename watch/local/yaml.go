package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
