package local

import (
	"cmp"
	"slices"
	"strings"

	"restencil/watch"
)

// readKeys reads the section keys: maps are folders, and names may hold
// slashes themselves. The pairs are sorted by path; their Key is their Path.
func readKeys(v *value) ([]*watch.KeyPair, error) {
	r := keyReader{lines: make(map[string]int)}
	if err := r.readFolder(v, ""); err != nil {
		return nil, err
	}
	slices.SortFunc(r.pairs, func(a, b *watch.KeyPair) int { return cmp.Compare(a.Path, b.Path) })
	return r.pairs, nil
}

type keyReader struct {
	pairs []*watch.KeyPair
	lines map[string]int // where each path was given
}

func (r *keyReader) readFolder(v *value, folder string) error {
	if v.kind != table {
		return v.errorf("keys is a map, not %s", v.kind)
	}
	for _, f := range v.fields {
		if err := r.readField(f, join(folder, f.name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *keyReader) readField(f field, path string) error {
	switch f.value.kind {
	case table:
		return r.readFolder(f.value, path)
	case list:
		return f.value.errorf("the value of key %q is a list; a key holds one text, so write it in quotes", path)
	}
	if path == "" {
		return f.errorf("a key has no name")
	}
	if line, ok := r.lines[path]; ok {
		return f.errorf("key %q is given twice, first on line %d", path, line)
	}
	r.lines[path] = f.line
	r.pairs = append(r.pairs, &watch.KeyPair{Path: path, Key: path, Value: f.value.text})
	return nil
}

// join returns the path of name in a folder, with one slash between them.
// Like every way to ask for a key, it drops a leading slash.
func join(folder, name string) string {
	if folder == "" {
		return strings.TrimPrefix(name, "/")
	}
	return strings.TrimSuffix(folder, "/") + "/" + strings.TrimPrefix(name, "/")
}
