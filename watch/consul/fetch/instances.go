package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/blocking"
)

// An instanceCache holds the instances of a query's last reply. They are not decoded
// again: with a large service, that takes most of the time of a change.
type instanceCache struct {
	client Requests
	all    bool                                       // replies have the instances in every state
	last   map[[sha256.Size]byte]*watch.HealthService // by the hash of their JSON
}

// fetch asks for the instances of a service, or for its proxies in the mesh. The
// agent filters only for passing ones; other filters are applied here.
func (c *instanceCache) fetch(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	passingOnly := !c.all && (q.Filter == "" || q.Filter == api.HealthPassing)
	path, params := "/v1/health/service/", make(url.Values)
	if q.Kind == watch.ConnectHealth {
		path = "/v1/health/connect/"
	}
	if q.Tag != "" {
		params.Set("tag", q.Tag)
	}
	if passingOnly {
		params.Set("passing", "1")
	}
	var raw json.RawMessage // its room is used again
	next := make(map[[sha256.Size]byte]*watch.HealthService, len(c.last))
	r, list, err := decodeList(ctx, c.client, path+q.Name, params, q, func(d *json.Decoder) (*watch.HealthService, error) {
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		hash := sha256.Sum256(raw)
		instance := c.last[hash]
		if instance == nil {
			var err error
			if instance, err = decodeInstance(raw); err != nil {
				return nil, err
			}
		}
		next[hash] = instance
		return instance, nil
	})
	if err != nil {
		return r, err
	}
	c.last = next
	if c.all {
		r.Instances = slices.Clone(list)
	}
	list = slices.DeleteFunc(list, func(i *watch.HealthService) bool { return !watch.Accepts(q.Filter, i.Status) })
	if q.Near == "" {
		watch.SortInstances(list)
	}
	r.Data = list
	return r, nil
}

func decodeInstance(raw []byte) (*watch.HealthService, error) {
	var e *api.ServiceEntry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	if e == nil || e.Node == nil || e.Service == nil || slices.Contains(e.Checks, nil) {
		return nil, blocking.ErrIncomplete
	}
	return watch.NewHealthService(e), nil
}
