package local

import (
	"bytes"
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch"
	"restencil/watch/local/yamldoc"
)

const localDatacenter = "dc1" // the datacenter's name where the data file gives none

// Parse returns the model of a data file. The name's extension is .yaml, .yml, or
// .json, which is read as YAML too. A file without data is an error, for a file
// looks like that while it is being written. Errors are of type *yamldoc.Error.
func Parse(name string, data []byte) (*Model, error) {
	root, err := read(name, bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return nil, yamldoc.InFile(name, err)
	}
	return ParseNode(name, root)
}

func read(name string, data []byte) (*yaml.Node, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
	case ".json":
		data = yamldoc.FromJSON(data)
	default:
		return nil, &yamldoc.Error{Msg: "a data file's name ends in .yaml, .yml or .json"}
	}
	root, err := yamldoc.Read(data)
	if err == nil && root == nil {
		err = &yamldoc.Error{Msg: "the file holds no data (if that is meant, write an empty section of keys)"}
	}
	return root, err
}

// ParseNode returns the model of data that is a part of the file name.
func ParseNode(name string, root *yaml.Node) (*Model, error) {
	var d decoder
	m := d.model(root, true)
	if d.Err != nil {
		return nil, yamldoc.InFile(name, d.Err)
	}
	m.follow(&Model{})
	return m, nil
}

// model returns the model of a data file or, but for the whole, of the section of a
// cluster in it.
func (d *decoder) model(root *yaml.Node, whole bool) *Model {
	var own section
	var node, others *yaml.Node
	m := &Model{own: localDatacenter, sites: make(map[string]*site)}
	known := own.fields()
	known["datacenter"] = func(n *yaml.Node) { m.own = d.Text(n) }
	known["datacenters"] = func(n *yaml.Node) { others = n }
	known["node"] = func(n *yaml.Node) { node = n }
	known["nomad"] = func(n *yaml.Node) { m.nomad = d.nomad(n) }
	known["secrets"] = func(n *yaml.Node) { m.secrets = d.secrets(n) }
	what := "a cluster"
	if whole {
		what = "a data file"
		known["clusters"] = func(n *yaml.Node) {
			m.clusters = yamldoc.MapOf(&d.Decoder, n, "clusters", func(n *yaml.Node) *Model { return d.model(n, false) })
		}
	}
	d.Fields(root, what, known)

	nodes := d.nodes(own.nodes, m.own)
	if node != nil {
		nodes.own = d.Text(node)
		d.wantNode(node, nodes, nodes.own)
	}
	nodes.own = nodes.home().node.Node // the agent always has a node
	m.sites[m.own] = d.site(own, nodes)
	if others != nil {
		d.others(others, m)
	}
	return m
}

// A section is the data of one datacenter; its parts may be nil.
type section struct{ keys, services, nodes *yaml.Node }

func (s *section) fields() yamldoc.Fields {
	return yamldoc.Fields{
		"keys":     func(n *yaml.Node) { s.keys = n },
		"services": func(n *yaml.Node) { s.services = n },
		"nodes":    func(n *yaml.Node) { s.nodes = n },
	}
}

// site returns the site of a section, which is on these nodes.
func (d *decoder) site(s section, nodes *members) *site {
	site := &site{instances: d.services(s.services, nodes), nodes: nodes}
	if s.keys != nil {
		site.pairs = d.folder(s.keys, "", make(map[string]*yaml.Node))
		slices.SortFunc(site.pairs, func(a, b *watch.KeyPair) int { return cmp.Compare(a.Path, b.Path) })
	}
	return site
}

// others adds the section datacenters: a list of names, or a map from name to
// data. The names may include the agent's own datacenter.
func (d *decoder) others(n *yaml.Node, m *Model) {
	if !yamldoc.IsMap(n) {
		for _, name := range d.Texts(n) {
			if m.sites[name] == nil {
				m.sites[name] = &site{nodes: &members{}}
			}
		}
		return
	}
	for name, v := range yamldoc.Pairs(n) {
		var s section
		if !yamldoc.IsNull(v) {
			d.Fields(v, "a datacenter", s.fields())
		}
		switch {
		case name.Value != m.own:
			m.sites[name.Value] = d.site(s, d.nodes(s.nodes, name.Value))
		case s != (section{}):
			d.Fail(name, "%s is the agent's own datacenter; its data stands at the top of the file", m.own)
		}
	}
}

// folder returns the pairs in a folder of the section keys. Maps are folders, and names
// may contain slashes. It adds the names, by path, to names.
func (d *decoder) folder(n *yaml.Node, folder string, names map[string]*yaml.Node) (list []*watch.KeyPair) {
	if !d.WantMap(n, "keys is a map") {
		return nil
	}
	for name, v := range yamldoc.Pairs(n) {
		path := strings.TrimPrefix(name.Value, "/") // queries have no leading slash either
		if folder != "" {
			path = strings.TrimSuffix(folder, "/") + "/" + path
		}
		if yamldoc.IsMap(v) {
			list = append(list, d.folder(v, path, names)...)
			continue
		}
		switch {
		case v.Kind == yaml.SequenceNode:
			d.Fail(v, "the value of key %q is a list; a key holds one text, so write it in quotes", path)
		case path == "":
			d.Fail(name, "a key has no name")
		case names[path] != nil:
			d.Fail(name, "key %q is given twice, first on line %d", path, names[path].Line)
		}
		names[path] = name
		list = append(list, &watch.KeyPair{Path: path, Key: path, Value: d.Text(v)})
	}
	return list
}
