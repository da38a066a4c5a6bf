package local

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch"
	"restencil/watch/dependency"
	"restencil/watch/local/yamldoc"
)

// A nomadSection is what Nomad answers.
type nomadSection struct {
	services  map[string][]*watch.NomadServiceInstance
	variables map[string]map[string]string // items by path
}

// nomad decodes the section nomad.
func (d *decoder) nomad(n *yaml.Node) (s nomadSection) {
	d.Fields(n, "nomad", yamldoc.Fields{
		"services": func(n *yaml.Node) {
			s.services = make(map[string][]*watch.NomadServiceInstance)
			if !d.WantMap(n, "services is a map") {
				return
			}
			for name, list := range yamldoc.Pairs(n) {
				for i, item := range yamldoc.List(list) {
					id := fmt.Sprintf("%s-%d", name.Value, i+1)
					s.services[name.Value] = append(s.services[name.Value], d.nomadInstance(item, name.Value, id))
				}
			}
		},
		"variables": func(n *yaml.Node) {
			variables := yamldoc.MapOf(&d.Decoder, n, "variables", func(n *yaml.Node) map[string]string {
				return yamldoc.MapOf(&d.Decoder, n, "a variable", d.Text)
			})
			s.variables = make(map[string]map[string]string, len(variables))
			for path, items := range variables {
				s.variables[strings.Trim(path, "/")] = items
			}
		},
	})
	return s
}

// nomadInstance decodes an instance of a service: an address, or a map of its fields.
func (d *decoder) nomadInstance(n *yaml.Node, name, id string) *watch.NomadServiceInstance {
	i := &watch.NomadServiceInstance{ID: id, Name: name, Node: "node-1", Datacenter: localDatacenter, JobID: name, AllocID: id}
	if !yamldoc.IsMap(n) {
		e := d.endpoint(n)
		i.Address, i.Port, i.Tags = e.address, e.port, watch.SortedTags(nil)
		return i
	}
	var tags []string
	text := func(to *string) func(*yaml.Node) { return func(n *yaml.Node) { *to = d.Text(n) } }
	d.Fields(n, "an instance", yamldoc.Fields{
		"address": func(n *yaml.Node) { i.Address = d.address(n) }, "port": func(n *yaml.Node) { i.Port = d.Number(n, "a port") },
		"tags": func(n *yaml.Node) { tags = d.Texts(n) },
		"id":   text(&i.ID), "node": text(&i.Node), "datacenter": text(&i.Datacenter), "job": text(&i.JobID), "alloc": text(&i.AllocID),
	})
	i.Tags = watch.SortedTags(tags)
	return i
}

// answer returns the answer to a query of Nomad.
func (s nomadSection) answer(q watch.Query, index uint64) any {
	switch q.Kind {
	case watch.NomadServiceList:
		list := []*watch.NomadServicesSnippet{}
		for _, name := range slices.Sorted(maps.Keys(s.services)) {
			var tags []string
			for _, i := range s.services[name] {
				tags = append(tags, i.Tags...)
			}
			slices.Sort(tags)
			list = append(list, &watch.NomadServicesSnippet{Name: name, Tags: watch.SortedTags(slices.Compact(tags))})
		}
		return list
	case watch.NomadService:
		return s.service(q)
	case watch.NomadVarGet:
		items, ok := s.variables[q.Name]
		if !ok {
			return nil
		}
		return watch.Taint(dependency.NewNomadVariable(nomadMeta(q.Name, index), items).Items)
	}
	list := []*watch.NomadVarMeta{} // watch.NomadVarList
	for _, path := range slices.Sorted(maps.Keys(s.variables)) {
		if strings.HasPrefix(path, strings.TrimPrefix(q.Name, "/")) {
			meta := nomadMeta(path, index)
			list = append(list, &meta)
		}
	}
	return list
}

func nomadMeta(path string, index uint64) watch.NomadVarMeta {
	return watch.NomadVarMeta{Namespace: "default", Path: path, CreateIndex: index, ModifyIndex: index}
}

// service returns the instances of a service. As in Nomad, a key chooses the same ones
// as long as they are there, but not those that Nomad would.
func (s nomadSection) service(q watch.Query) []*watch.NomadServiceInstance {
	list := slices.Clone(s.services[q.Name])
	if count, key, ok := strings.Cut(q.Params, "|"); ok {
		weight := func(i *watch.NomadServiceInstance) string {
			sum := sha256.Sum256([]byte(key + "\x00" + i.ID))
			return string(sum[:])
		}
		slices.SortFunc(list, func(a, b *watch.NomadServiceInstance) int { return cmp.Compare(weight(a), weight(b)) })
		var n int
		_, _ = fmt.Sscan(count, &n) // the function that asks has written a number
		list = list[:max(0, min(n, len(list)))]
	}
	list = slices.DeleteFunc(list, func(i *watch.NomadServiceInstance) bool { return q.Tag != "" && !slices.Contains(i.Tags, q.Tag) })
	return append([]*watch.NomadServiceInstance{}, list...)
}
