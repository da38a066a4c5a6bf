package config

import (
	"slices"
)

// addBundles takes a bundle block: what stands in it are bundles by name,
// because that is what a label becomes.
func (d *decoder) addBundles(f field) {
	const hint = `write bundle "NAME" { … }`
	named, ok := f.value.value.([]field)
	if !ok {
		d.problem(f.value.start, f.value.end, "expected a bundle block, found "+f.value.what(), hint)
		return
	}
	if i := slices.IndexFunc(named, func(n field) bool { return n.value.blocks() == nil }); i >= 0 || len(named) == 0 {
		d.problem(f.start, f.end, "a bundle needs a name", hint)
		return
	}
	for _, n := range named {
		for _, block := range n.value.blocks() {
			d.addBundle(n, block)
		}
	}
}

// blocks returns a block, or those of a list of blocks, which is another way
// to write one in JSON; nil where n is neither.
func (n node) blocks() [][]field {
	switch v := n.value.(type) {
	case []field:
		return [][]field{v}
	case []node:
		var all [][]field
		for _, item := range v {
			block, ok := item.value.([]field)
			if !ok {
				return nil
			}
			all = append(all, block)
		}
		return all
	}
	return nil
}

func (d *decoder) addBundle(label field, fields []field) {
	c := d.config
	at := Origin{Position: d.position(label.start)}
	if label.name == "" {
		d.problem(label.start, label.end, "a bundle's name cannot be empty", "")
		return
	}
	if i := slices.IndexFunc(c.Bundles, func(b Bundle) bool { return b.Name == label.name }); i >= 0 {
		d.problem(label.start, label.end, "there are two bundles "+quote(label.name), "the other one is at "+c.Bundles[i].At.String())
		return
	}
	b := newBundle(label.name, at)
	settings := b.settings()
	d.object("", fields, scope{
		schema: newSchema(settings), settings: settings, origins: b.origins, root: "bundle",
		repeat: map[string]func(field){"verify": func(f field) { d.addVerify(&b.Verify, f) }},
	})
	c.Bundles = append(c.Bundles, *b)
}

// addVerify takes a verify block, or a command in its place.
func (d *decoder) addVerify(to *[]Verify, f field) {
	v := newVerify(Origin{Position: d.position(f.start)})
	settings := v.settings()
	s := scope{schema: newSchema(settings), settings: settings, origins: v.origins, root: "verify"}
	if fields, ok := f.value.value.([]field); ok {
		d.object("", fields, s)
	} else {
		d.set(s.setting("command"), f, s)
	}
	*to = append(*to, *v)
}
