package fetch

import (
	"crypto/sha256"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// An instanceCache holds the instances of a query's last reply. They are not decoded
// again: with a large service, that takes most of the time of a change.
type instanceCache struct {
	all  bool                                       // replies have the instances in every state
	last map[[sha256.Size]byte]*watch.HealthService // by the hash of their JSON
}

// fetch asks for the instances of a service, or for its proxies in the mesh. The
// agent filters only for passing ones; other filters are applied here.
func (c *instanceCache) fetch(client *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	request := func(o *api.QueryOptions) ([]*api.ServiceEntry, *api.QueryMeta, error) {
		passingOnly := !c.all && (q.Filter == "" || q.Filter == api.HealthPassing)
		if q.Kind == watch.ConnectHealth {
			return client.Health().Connect(q.Name, q.Tag, passingOnly, o)
		}
		return client.Health().Service(q.Name, q.Tag, passingOnly, o)
	}
	next := make(map[[sha256.Size]byte]*watch.HealthService, len(c.last))
	list, m, err := fetchList(o, request, func(d *jsontext.Decoder) (*watch.HealthService, error) {
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		hash := sha256.Sum256(raw)
		instance := c.last[hash]
		if instance == nil {
			if instance, err = decodeInstance(raw); err != nil {
				return nil, err
			}
		}
		next[hash] = instance
		return instance, nil
	})
	if err != nil {
		return Reply{}, err
	}
	c.last = next
	var all []*watch.HealthService
	if c.all {
		all = slices.Clone(list)
	}
	list = slices.DeleteFunc(list, func(i *watch.HealthService) bool { return !watch.Accepts(q.Filter, i.Status) })
	if q.Near == "" {
		watch.SortInstances(list)
	}
	r, err := newReply(list, m, nil)
	r.Instances = all
	return r, err
}

func decodeInstance(raw []byte) (*watch.HealthService, error) {
	var e *api.ServiceEntry
	if err := jsonv1.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	if e == nil || e.Node == nil || e.Service == nil || slices.Contains(e.Checks, nil) {
		return nil, ErrIncomplete
	}
	return watch.NewHealthService(e), nil
}
