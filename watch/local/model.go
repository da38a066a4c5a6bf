package local

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"restencil/watch"
)

// A Model is the content of a data file. It is immutable, and safe for concurrent
// use.
type Model struct {
	index uint64 // increments with each version of the file
	own   string // the agent's own datacenter
	sites map[string]*site

	secrets  map[string]any // what Vault answers, by path
	nomad    nomadSection
	clusters map[string]*Model
}

// A site is the data of one datacenter.
type site struct {
	pairs     []*watch.KeyPair // by path
	nodes     *members
	instances []*instance // in the order of the file
}

func (s *site) pair(path string) *watch.KeyPair {
	if i, ok := s.search(path); ok {
		return s.pairs[i]
	}
	return nil
}

func (s *site) search(path string) (int, bool) {
	return slices.BinarySearchFunc(s.pairs, path, func(p *watch.KeyPair, path string) int {
		return cmp.Compare(p.Path, path)
	})
}

// follow makes m, which nobody else uses yet, the successor of old: it sets the
// next index, and takes the pairs with unchanged values, and their indexes, from
// old.
func (m *Model) follow(old *Model) {
	m.index = old.index + 1
	for name, cluster := range m.clusters {
		cluster.follow(cmp.Or(old.clusters[name], &Model{}))
	}
	for name, s := range m.sites {
		was := cmp.Or(old.sites[name], &site{})
		for i, p := range s.pairs {
			before := was.pair(p.Path)
			switch {
			case before == nil:
				p.CreateIndex, p.ModifyIndex = m.index, m.index
			case before.Value == p.Value:
				s.pairs[i] = before
			default:
				p.CreateIndex, p.ModifyIndex = before.CreateIndex, m.index
			}
		}
	}
}

// Answer returns the answer to q, of the type that its kind names, as Consul gives
// it (COMPAT 3.4). With Near, instances and nodes are in the order of the file,
// which stands for their distance. The error is a *watch.Error: Invalid for what
// a data file cannot hold, Denied for a datacenter or a cluster that it lacks.
func (m *Model) Answer(q watch.Query) (any, error) {
	if q.Cluster != "" {
		if m = m.clusters[q.Cluster]; m == nil {
			return nil, &watch.Error{Query: q, Class: watch.Denied, Err: fmt.Errorf("the data file has no cluster %q", q.Cluster)}
		}
	}
	if what := missing(q); what != "" {
		return nil, &watch.Error{Query: q, Class: watch.Invalid, Err: fmt.Errorf("the data file has no %s", what)}
	}
	switch {
	case q.Kind.Store() == watch.Vault:
		if secret := m.secret(q); secret != nil {
			return secret, nil
		}
		return nil, &watch.Error{Query: q, Class: watch.Denied, Err: errors.New("the data file has no such secret")}
	case q.Kind.Store() == watch.Nomad:
		return m.nomad.answer(q, m.index), nil
	case q.Kind == watch.DatacenterList:
		return slices.Sorted(maps.Keys(m.sites)), nil
	}
	s := m.sites[cmp.Or(q.Datacenter, m.own)]
	if s == nil {
		names := strings.Join(slices.Sorted(maps.Keys(m.sites)), ", ")
		return nil, &watch.Error{Query: q, Class: watch.Denied,
			Err: fmt.Errorf("the data file has no datacenter %q (it has %s)", q.Datacenter, names)}
	}
	switch q.Kind {
	case watch.KVGet:
		if p := s.pair(q.Name); p != nil {
			return p, nil
		}
		return nil, nil
	case watch.KVList:
		return s.list(q.Name), nil
	case watch.ServiceHealth, watch.ConnectHealth:
		return s.health(q), nil
	case watch.ServiceList:
		return s.services(), nil
	case watch.NodeServices:
		return s.node(q.Name), nil
	}
	list := make([]*watch.Node, 0, len(s.nodes.list)) // watch.NodeList
	for _, m := range s.nodes.list {
		list = append(list, m.node)
	}
	if q.Near == "" {
		watch.SortNodes(list)
	}
	return list, nil
}

// missing names what q asks for and a data file cannot hold, "" for nothing.
func missing(q watch.Query) string {
	switch {
	case q.Kind == watch.FileContent:
		return "files"
	case q.Kind == watch.CARootList, q.Kind == watch.CALeafCert:
		return "certificates"
	case q.Kind == watch.ExportedServiceList, q.Kind == watch.ImportedServiceList:
		return "exported or imported services"
	case q.Kind == watch.PeeringList, q.Peer != "":
		return "peerings"
	case q.SamenessGroup != "":
		return "sameness groups"
	case q.Namespace != "" && q.Namespace != "default" && (q.Kind != watch.NomadVarList || q.Namespace != "*"):
		return "namespaces"
	case q.Kind.Store() == watch.Nomad && q.Datacenter != "" && q.Datacenter != "global":
		return "regions"
	case q.Kind == watch.PartitionList, q.Partition != "" && q.Partition != "default":
		return "partitions"
	}
	return ""
}

// list returns the pairs whose path begins with prefix.
func (s *site) list(prefix string) []*watch.KeyPair {
	pairs := []*watch.KeyPair{}
	for i, _ := s.search(prefix); i < len(s.pairs) && strings.HasPrefix(s.pairs[i].Path, prefix); i++ {
		listed := *s.pairs[i]
		listed.Key = watch.RelativeKey(prefix, listed.Path)
		pairs = append(pairs, &listed)
	}
	return pairs
}

// health returns the instances of a service. As in Consul, case does not matter in
// names and tags.
func (s *site) health(q watch.Query) []*watch.HealthService {
	list := []*watch.HealthService{}
	for _, inst := range s.instances {
		h := inst.health
		match := strings.EqualFold(h.Name, q.Name)
		if q.Kind == watch.ConnectHealth {
			match = containsFold(inst.mesh, q.Name)
		}
		if match && (q.Tag == "" || containsFold(h.Tags, q.Tag)) && watch.Accepts(q.Filter, h.Status) {
			list = append(list, h)
		}
	}
	if q.Near == "" {
		watch.SortInstances(list)
	}
	return list
}

// containsFold reports whether list contains s in any case.
func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(element string) bool { return strings.EqualFold(element, s) })
}

func (s *site) services() []*watch.CatalogSnippet {
	tags := make(map[string][]string)
	for _, inst := range s.instances {
		tags[inst.health.Name] = append(tags[inst.health.Name], inst.health.Tags...)
	}
	list := make([]*watch.CatalogSnippet, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		sorted := slices.Compact(watch.SortedTags(tags[name]))
		list = append(list, &watch.CatalogSnippet{Name: name, Tags: sorted})
	}
	return list
}

// node returns the node of this name, in any case, and its services; for "" the
// agent's own.
func (s *site) node(name string) *watch.CatalogNode {
	name = cmp.Or(name, s.nodes.own)
	i := slices.IndexFunc(s.nodes.list, func(m *member) bool { return strings.EqualFold(m.node.Node, name) })
	if i < 0 {
		return &watch.CatalogNode{}
	}
	node := s.nodes.list[i].node
	services := []*watch.CatalogNodeService{}
	for _, inst := range s.instances {
		if inst.health.Node == node.Node {
			services = append(services, inst.catalog)
		}
	}
	watch.SortNodeServices(services)
	return &watch.CatalogNode{Node: node, Services: services}
}
