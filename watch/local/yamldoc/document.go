package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch/lazyregexp"
)

const maxDepth = 100 // of nested values, which bounds the stack

// Read returns the root of the one document in data, nil if it is empty. It
// replaces aliases and the merge key << by what they refer to.
func Read(data []byte) (*yaml.Node, error) {
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
		return nil, &Error{Line: line, Msg: msg}
	case second != nil:
		return nil, ErrorAt(second, "a second document begins here; the file must be a single one")
	case root == nil || IsNull(root):
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
var jsonToken = lazyregexp.New(`"(?:[^"\\]|\\.)*"|\t`)

// FromJSON returns a JSON file in a form that is also YAML. YAML has neither \/ nor
// surrogate pairs, more line ends, and no tabs at the beginning of a line. Errors
// in the file stay.
func FromJSON(data []byte) []byte {
	return jsonToken.Get().ReplaceAllFunc(data, func(token []byte) []byte {
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
		return nil, ErrorAt(written, "*%s stands within what it refers to", written.Value)
	case seen:
		return n, nil
	case depth > maxDepth:
		return nil, ErrorAt(n, "nested deeper than %d levels", maxDepth)
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
		return nil, ErrorAt(n, "aliases multiply this to over %d values", e.limit)
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
	for name, v := range Pairs(n) {
		switch line, twice := lines[name.Value]; {
		case name.Kind != yaml.ScalarNode:
			return ErrorAt(name, "a name must be plain text")
		case name.Tag == "!!merge":
			merged = append(merged, List(v)...)
			continue
		case twice:
			return ErrorAt(name, "%q is given twice, first on line %d", name.Value, line)
		}
		lines[name.Value] = name.Line
		content = append(content, name, v)
	}
	for _, m := range merged {
		if m.Kind != yaml.MappingNode {
			return ErrorAt(m, "<< takes a map, not %s", Describe(m))
		}
		for name, v := range Pairs(m) {
			if _, has := lines[name.Value]; !has {
				lines[name.Value] = name.Line
				content = append(content, name, v)
			}
		}
	}
	n.Content = content
	return nil
}
