package local

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch"
)

// keys returns the section keys, which may be nil: maps are folders, and names
// may hold slashes themselves. The pairs are sorted by path; their Key is their
// Path.
func (d *decoder) keys(n *yaml.Node) []*watch.KeyPair {
	if n == nil {
		return nil
	}
	names := make(map[string]*yaml.Node)
	pairs := d.folder(n, "", names)
	slices.SortFunc(pairs, func(a, b *watch.KeyPair) int { return cmp.Compare(a.Path, b.Path) })
	return pairs
}

// folder returns the pairs in a folder. Names has the name of each path that
// was given so far.
func (d *decoder) folder(n *yaml.Node, folder string, names map[string]*yaml.Node) (list []*watch.KeyPair) {
	if !d.wantMap(n, "keys is a map") {
		return nil
	}
	for name, v := range pairs(n) {
		path := join(folder, name.Value)
		if isMap(v) {
			list = append(list, d.folder(v, path, names)...)
			continue
		}
		switch {
		case v.Kind == yaml.SequenceNode:
			d.fail(v, "the value of key %q is a list; a key holds one text, so write it in quotes", path)
		case path == "":
			d.fail(name, "a key has no name")
		case names[path] != nil:
			d.fail(name, "key %q is given twice, first on line %d", path, names[path].Line)
		}
		names[path] = name
		list = append(list, &watch.KeyPair{Path: path, Key: path, Value: d.text(v)})
	}
	return list
}

// join returns the path of name in a folder, with one slash between them.
// Like every way to ask for a key, it drops a leading slash.
func join(folder, name string) string {
	if folder == "" {
		return strings.TrimPrefix(name, "/")
	}
	return strings.TrimSuffix(folder, "/") + "/" + strings.TrimPrefix(name, "/")
}
