package local

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads the one document of a YAML file. Anchors and the merge key
// << are followed.
func readYAML(data []byte) (*value, error) {
	doc, err := parseYAML(data)
	if err != nil || doc == nil {
		return &value{}, err
	}
	r := yamlReader{anchors: make(map[*yaml.Node]*value), written: countYAML(doc)}
	return r.read(doc, 0)
}

// parseYAML returns the root of the document, nil where there is none.
func parseYAML(data []byte) (*yaml.Node, error) {
	root, second, err := decodeYAML(data)
	if err != nil {
		return nil, &ParseError{Line: yamlErrorLine(data, err), Msg: yamlMessage(err)}
	}
	if second != nil {
		return nil, yamlPosition(second).errorf("a second document begins here; the data file is a single one")
	}
	return root, nil
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

// yamlErrorLine finds the line that is wrong: the first one with which the
// file, cut off after it, has the same error as the whole.
func yamlErrorLine(data []byte, err error) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	ends := make([]int, len(lines))
	for i, end := 0, 0; i < len(lines); i++ {
		end += len(lines[i])
		ends[i] = end
	}
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, _, cut := decodeYAML(data[:ends[i]])
		return cut != nil && yamlMessage(cut) == yamlMessage(err)
	})
}

func yamlPosition(n *yaml.Node) position { return position{line: n.Line, column: n.Column} }

// countYAML returns how many nodes are written in the document.
func countYAML(n *yaml.Node) int {
	count := 1
	for _, c := range n.Content {
		count += countYAML(c)
	}
	return count
}

// A yamlReader makes values of YAML nodes. What an anchor marks is read once
// and shared by all who refer to it.
type yamlReader struct {
	anchors map[*yaml.Node]*value // nil while the node is being read
	written int                   // nodes in the document
}

func (r *yamlReader) read(n *yaml.Node, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, yamlPosition(n).errorf("nested deeper than %d levels", maxDepth)
	}
	v, err := r.readNode(n, depth)
	if err == nil && v.size > 10*r.written+10_000 {
		return nil, yamlPosition(n).errorf("aliases multiply this to over %d values", v.size)
	}
	return v, err
}

func (r *yamlReader) readNode(n *yaml.Node, depth int) (*value, error) {
	p := yamlPosition(n)
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return &value{position: p, size: 1}, nil
		}
		return &value{position: p, kind: scalar, text: n.Value, size: 1}, nil
	case yaml.SequenceNode:
		return r.readList(n, depth)
	case yaml.MappingNode:
		return r.readTable(n, depth)
	case yaml.AliasNode:
		return r.readAlias(n, depth)
	}
	return nil, p.errorf("this cannot stand here")
}

func (r *yamlReader) readAlias(n *yaml.Node, depth int) (*value, error) {
	v, seen := r.anchors[n.Alias]
	switch {
	case !seen:
		r.anchors[n.Alias] = nil
		var err error
		if v, err = r.read(n.Alias, depth+1); err != nil {
			return nil, err
		}
		r.anchors[n.Alias] = v
	case v == nil:
		return nil, yamlPosition(n).errorf("*%s stands within what it refers to", n.Value)
	}
	return v, nil
}

func (r *yamlReader) readList(n *yaml.Node, depth int) (*value, error) {
	v := &value{position: yamlPosition(n), kind: list, size: 1}
	for _, c := range n.Content {
		item, err := r.read(c, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
		v.size += item.size
	}
	return v, nil
}

func (r *yamlReader) readTable(n *yaml.Node, depth int) (*value, error) {
	b := newTable(yamlPosition(n))
	var merged []*value
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		v, err := r.read(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if name.Kind == yaml.ScalarNode && name.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if name.Kind != yaml.ScalarNode {
			return nil, yamlPosition(name).errorf("a name must be plain text")
		}
		if err := b.add(field{position: yamlPosition(name), name: name.Value, value: v}); err != nil {
			return nil, err
		}
	}
	for _, v := range merged {
		if err := mergeInto(b, v); err != nil {
			return nil, err
		}
	}
	return b.table, nil
}

// mergeInto adds the fields of v, a map or a list of maps, that the table does
// not have.
func mergeInto(b *tableBuilder, v *value) error {
	switch v.kind {
	case table:
		for _, f := range v.fields {
			b.addDefault(f)
		}
		return nil
	case list:
		for _, item := range v.items {
			if item.kind != table {
				return item.errorf("<< takes a map, not %s", item.kind)
			}
			if err := mergeInto(b, item); err != nil {
				return err
			}
		}
		return nil
	}
	return v.errorf("<< takes a map, not %s", v.kind)
}
