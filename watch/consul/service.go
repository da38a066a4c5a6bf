package consul

import (
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

func fetchService(c *api.Client, q watch.Query, o *api.QueryOptions, m *memory) (reply, error) {
	return instances(q).fetch(m.ofInstances(), o, func(o *api.QueryOptions) ([]*api.ServiceEntry, *api.QueryMeta, error) {
		return c.Health().Service(q.Name, q.Tag, passingOnly(q), o)
	})
}

func fetchConnect(c *api.Client, q watch.Query, o *api.QueryOptions, m *memory) (reply, error) {
	return instances(q).fetch(m.ofInstances(), o, func(o *api.QueryOptions) ([]*api.ServiceEntry, *api.QueryMeta, error) {
		return c.Health().Connect(q.Name, q.Tag, passingOnly(q), o)
	})
}

// passingOnly tells whether the agent can filter: it knows no other filter.
func passingOnly(q watch.Query) bool { return q.Filter == "" || q.Filter == api.HealthPassing }

func instances(q watch.Query) lister[api.ServiceEntry, watch.HealthService] {
	return lister[api.ServiceEntry, watch.HealthService]{
		convert: newInstance,
		arrange: func(list []*watch.HealthService) []*watch.HealthService {
			list = slices.DeleteFunc(list, func(i *watch.HealthService) bool { return !watch.Accepts(q.Filter, i.Status) })
			if q.Near == "" {
				watch.SortInstances(list)
			}
			return list
		},
	}
}

func newInstance(e *api.ServiceEntry) (*watch.HealthService, error) {
	if e == nil || e.Node == nil || e.Service == nil || slices.Contains(e.Checks, nil) {
		return nil, errIncomplete
	}
	return watch.NewHealthService(e), nil
}
