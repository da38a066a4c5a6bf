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

// Answer returns what the model has for q, of the type that q's kind names,
// as Consul would say it (COMPAT 3.4). With Near, instances and nodes come in
// the order of the file, which stands for their distance. The error is a
// *watch.Error: Invalid for what a data file cannot hold, Denied for a
// datacenter that it does not have.
func (m *Model) Answer(q watch.Query) (any, error) {
	if err := unsupported(q); err != nil {
		return nil, &watch.Error{Query: q, Class: watch.Invalid, Err: err}
	}
	if q.Kind == watch.DatacenterList {
		return slices.Sorted(maps.Keys(m.sites)), nil
	}
	s := m.sites[cmp.Or(q.Datacenter, m.own)]
	if s == nil {
		names := strings.Join(slices.Sorted(maps.Keys(m.sites)), ", ")
		return nil, &watch.Error{Query: q, Class: watch.Denied,
			Err: fmt.Errorf("the data file has no datacenter %q (it has %s)", q.Datacenter, names)}
	}
	return s.answer(q), nil
}

// answer asks one datacenter; unsupported has let q through.
func (s *site) answer(q watch.Query) any {
	switch q.Kind {
	case watch.KVGet:
		if p := s.pair(q.Name); p != nil {
			return p
		}
		return nil
	case watch.KVList:
		return s.list(q.Name)
	case watch.ServiceHealth, watch.ConnectHealth:
		return s.health(q)
	case watch.ServiceList:
		return s.services()
	case watch.NodeServices:
		return s.node(q.Name)
	default:
		return s.nodeList(q.Near)
	}
}

// unsupported returns why a data file cannot answer q, nil where it can.
func unsupported(q watch.Query) error {
	if q.Store() != watch.Consul {
		return errors.New("the data file stands in for Consul only")
	}
	if what := missing(q); what != "" {
		return fmt.Errorf("the data file has no %s", what)
	}
	return nil
}

// missing names what q asks for and a data file cannot have.
func missing(q watch.Query) string {
	switch q.Kind {
	case watch.CARootList, watch.CALeafCert:
		return "certificates"
	case watch.PeeringList:
		return "peerings"
	case watch.PartitionList:
		return "partitions"
	case watch.ExportedServiceList, watch.ImportedServiceList:
		return "exported or imported services"
	}
	switch {
	case q.Peer != "":
		return "peerings"
	case q.SamenessGroup != "":
		return "sameness groups"
	case q.Namespace != "" && q.Namespace != "default":
		return "namespaces"
	case q.Partition != "" && q.Partition != "default":
		return "partitions"
	}
	return ""
}

func (s *site) list(prefix string) []*watch.KeyPair {
	under := s.under(prefix)
	pairs := make([]*watch.KeyPair, len(under))
	for i, p := range under {
		listed := *p
		listed.Key = watch.RelativeKey(prefix, p.Path)
		pairs[i] = &listed
	}
	return pairs
}

// health returns the instances of a service. Like Consul, it does not tell
// capitals from small letters in names and tags.
func (s *site) health(q watch.Query) []*watch.HealthService {
	list := []*watch.HealthService{}
	of := s.byService
	if q.Kind == watch.ConnectHealth {
		of = s.byMesh
	}
	for _, inst := range of[strings.ToLower(q.Name)] {
		h := inst.health
		if (q.Tag == "" || hasTag(h.Tags, q.Tag)) && watch.Accepts(q.Filter, h.Status) {
			list = append(list, h)
		}
	}
	if q.Near == "" {
		watch.SortInstances(list)
	}
	return list
}

func hasTag(tags []string, tag string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, tag) })
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

// node returns a node and its services, the agent's own for "".
func (s *site) node(name string) *watch.CatalogNode {
	m := s.nodes.lookUp(name)
	if m == nil {
		return &watch.CatalogNode{}
	}
	services := []*watch.CatalogNodeService{}
	for _, inst := range s.instances {
		if inst.health.Node == m.node.Node {
			services = append(services, inst.catalog)
		}
	}
	watch.SortNodeServices(services)
	return &watch.CatalogNode{Node: m.node, Services: services}
}

// lookUp returns the node of this name, in capitals or small letters, or for
// "" the agent's own; nil where there is none.
func (ms *members) lookUp(name string) *member {
	name = cmp.Or(name, ms.own)
	for _, m := range ms.list {
		if strings.EqualFold(m.node.Node, name) {
			return m
		}
	}
	return nil
}

func (s *site) nodeList(near string) []*watch.Node {
	list := make([]*watch.Node, 0, len(s.nodes.list))
	for _, m := range s.nodes.list {
		list = append(list, m.node)
	}
	if near == "" {
		watch.SortNodes(list)
	}
	return list
}
