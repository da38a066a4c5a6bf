package local

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"strings"
)

// localDatacenter is the datacenter's name where the data file gives none.
const localDatacenter = "dc1"

// Parse makes the text of a data file into a model. The ending of the name
// says what is in it: .yaml, .yml, .json or .hcl. A file without any data is
// an error, because that is what a file looks like while it is being written.
// Errors are of type *ParseError.
func Parse(name string, data []byte) (*Model, error) {
	m, err := parse(name, bytes.TrimPrefix(data, []byte("\ufeff")))
	var wrong *ParseError
	if errors.As(err, &wrong) {
		wrong.File = name
	}
	return m, err
}

func parse(name string, data []byte) (*Model, error) {
	read := readerFor(name)
	if read == nil {
		return nil, &ParseError{Msg: "a data file's name ends in .yaml, .yml, .json or .hcl"}
	}
	root, err := read(data)
	if err != nil {
		return nil, err
	}
	if root.kind == null {
		return nil, &ParseError{Msg: "the file holds no data (if that is meant, write an empty section of keys)"}
	}
	return readModel(root)
}

// readerFor returns what reads a file of this name.
func readerFor(name string) func([]byte) (*value, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return readYAML
	case ".json":
		return readJSON
	case ".hcl":
		return readHCL
	}
	return nil
}

// sections are the parts of the file that describe one datacenter.
type sections struct{ keys, services, nodes *value }

func (s *sections) readers() readers {
	keep := func(dst **value) func(*value) error {
		return func(v *value) error { *dst = v; return nil }
	}
	return readers{"keys": keep(&s.keys), "services": keep(&s.services), "nodes": keep(&s.nodes)}
}

func readModel(root *value) (*Model, error) {
	var here sections
	var node, others *value
	m := &Model{index: 1, own: localDatacenter}
	fields := here.readers()
	maps.Copy(fields, readers{
		"datacenter":  setText(&m.own),
		"datacenters": func(v *value) error { others = v; return nil },
		"node":        func(v *value) error { node = v; return nil },
	})
	if err := readFields(root, "a data file", fields); err != nil {
		return nil, err
	}
	nodes, err := readOwnNodes(here.nodes, m.own, node)
	if err != nil {
		return nil, err
	}
	own, err := readSite(here, nodes)
	if err != nil {
		return nil, err
	}
	m.sites = map[string]*site{m.own: own}
	if err := m.readOthers(others); err != nil {
		return nil, err
	}
	for _, s := range m.sites {
		for _, p := range s.pairs {
			p.CreateIndex, p.ModifyIndex = m.index, m.index
		}
	}
	return m, nil
}

// readOwnNodes reads the nodes of the agent's own datacenter, which has the
// agent's own node at least. What the field node says of it may be nil.
func readOwnNodes(v *value, datacenter string, node *value) (*members, error) {
	nodes, err := readNodes(v, datacenter)
	if err != nil {
		return nil, err
	}
	if node != nil {
		if nodes.own, err = readText(node); err != nil {
			return nil, err
		}
		if nodes.listed && nodes.byName[nodes.own] == nil {
			return nil, node.errorf("nodes has no %q%s", nodes.own, suggest(nodes.own, nodes.names()))
		}
	}
	nodes.own = nodes.home().node.Node
	return nodes, nil
}

// readSite reads what else there is in a datacenter.
func readSite(s sections, nodes *members) (*site, error) {
	site := &site{nodes: nodes}
	instances, err := readServices(s.services, nodes)
	if err != nil {
		return nil, err
	}
	site.setInstances(instances)
	if s.keys != nil {
		site.pairs, err = readKeys(s.keys)
	}
	return site, err
}

// readOthers reads the section datacenters: a list of names, or a map from
// name to data. The names may include the agent's own datacenter.
func (m *Model) readOthers(v *value) error {
	if v == nil {
		return nil
	}
	if v.kind != table {
		var names []string
		if err := setTexts(&names)(v); err != nil {
			return err
		}
		for _, name := range names {
			if m.sites[name] == nil {
				m.sites[name] = &site{nodes: &members{}}
			}
		}
		return nil
	}
	for _, f := range v.fields {
		if err := m.readOther(f); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) readOther(f field) error {
	var s sections
	if f.value.kind != null {
		if err := readFields(f.value, "a datacenter", s.readers()); err != nil {
			return err
		}
	}
	if f.name == m.own {
		if s != (sections{}) {
			return f.errorf("%s is the agent's own datacenter; its data stands at the top of the file", f.name)
		}
		return nil
	}
	nodes, err := readNodes(s.nodes, f.name)
	if err != nil {
		return err
	}
	site, err := readSite(s, nodes)
	m.sites[f.name] = site
	return err
}
