package consul

import (
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

func fetchService(c *api.Client, q watch.Query, o *api.QueryOptions) (reply, error) {
	entries, m, err := c.Health().Service(q.Name, q.Tag, passingOnly(q), o)
	return instances(q, entries, m, err)
}

func fetchConnect(c *api.Client, q watch.Query, o *api.QueryOptions) (reply, error) {
	entries, m, err := c.Health().Connect(q.Name, q.Tag, passingOnly(q), o)
	return instances(q, entries, m, err)
}

// passingOnly tells whether the agent can filter: it knows no other filter.
func passingOnly(q watch.Query) bool { return q.Filter == "" || q.Filter == api.HealthPassing }

func instances(q watch.Query, entries []*api.ServiceEntry, m *api.QueryMeta, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	list := make([]*watch.HealthService, 0, len(entries))
	for _, e := range entries {
		if e == nil || e.Node == nil || e.Service == nil || whole(e.Checks) != nil {
			return reply{}, errIncomplete
		}
		if instance := watch.NewHealthService(e); watch.Accepts(q.Filter, instance.Status) {
			list = append(list, instance)
		}
	}
	if q.Near == "" {
		watch.SortInstances(list)
	}
	return newReply(list, m), nil
}
