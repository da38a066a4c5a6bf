package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"restencil/watch"
)

// A world is what the stores hold.
type world struct {
	keys     map[string]string
	services map[string][]*watch.HealthService
}

// answer returns what the stores say to q, in the type that its kind names.
func (w world) answer(q watch.Query) any {
	switch q.Kind {
	case watch.KVGet:
		if value, ok := w.keys[q.Name]; ok {
			return &watch.KeyPair{Path: q.Name, Key: q.Name, Value: value}
		}
		return nil
	case watch.KVList:
		return w.list(q.Name)
	case watch.ServiceHealth:
		return w.instances(q.Name, q.Tag)
	case watch.ServiceList:
		return w.catalog()
	}
	panic("the benchmarks do not ask " + q.String())
}

func (w world) list(prefix string) []*watch.KeyPair {
	pairs := []*watch.KeyPair{}
	for _, path := range slices.Sorted(maps.Keys(w.keys)) {
		if strings.HasPrefix(path, prefix) {
			pairs = append(pairs, &watch.KeyPair{
				Path: path, Key: watch.RelativeKey(prefix, path), Value: w.keys[path],
			})
		}
	}
	return pairs
}

func (w world) instances(name, tag string) []*watch.HealthService {
	list := []*watch.HealthService{}
	for _, s := range w.services[name] {
		if tag == "" || slices.Contains(s.Tags, tag) {
			list = append(list, s)
		}
	}
	return list
}

func (w world) catalog() []*watch.CatalogSnippet {
	list := []*watch.CatalogSnippet{}
	for _, name := range slices.Sorted(maps.Keys(w.services)) {
		list = append(list, &watch.CatalogSnippet{Name: name, Tags: w.services[name][0].Tags})
	}
	return list
}

// numbered returns n keys below prefix.
func numbered(prefix string, n int) map[string]string {
	keys := make(map[string]string, n)
	for i := range n {
		keys[fmt.Sprintf("%s/app%d/service%d/key%d", prefix, i%20, i%500, i)] = fmt.Sprint("value", i)
	}
	return keys
}

// instances returns n instances of a service.
func instances(name string, n int) []*watch.HealthService {
	list := make([]*watch.HealthService, n)
	for i := range list {
		list[i] = &watch.HealthService{
			Node:        fmt.Sprintf("node%04d", i),
			NodeAddress: fmt.Sprintf("10.0.%d.%d", i/250, i%250),
			Address:     fmt.Sprintf("10.0.%d.%d", i/250, i%250),
			ID:          fmt.Sprintf("%s-%04d", name, i),
			Name:        name,
			Tags:        watch.SortedTags([]string{"http", fmt.Sprint("v", i%3)}),
			ServiceMeta: map[string]string{"weight": fmt.Sprint(1 + i%10)},
			Status:      "passing",
			Port:        8000 + i%1000,
		}
	}
	return list
}
