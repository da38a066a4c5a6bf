package fetch

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/hashicorp/consul/api"
	"golang.org/x/sync/errgroup"

	"restencil/watch"
)

// fetchServices returns the services by name, a nil list if there are none.
func fetchServices(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	r, err := fetchTags(c, q, o)
	if err != nil {
		return Reply{}, err
	}
	var list []*watch.CatalogSnippet
	for name, tags := range r.Data.(map[string][]string) {
		list = append(list, &watch.CatalogSnippet{Name: name, Tags: watch.SortedTags(tags)})
	}
	slices.SortFunc(list, func(a, b *watch.CatalogSnippet) int { return cmp.Compare(a.Name, b.Name) })
	r.Data = list
	return r, nil
}

func fetchNodes(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	nodes, m, err := c.Catalog().Nodes(o)
	list, err := convert(nodes, err, newNode)
	if q.Near == "" {
		watch.SortNodes(list)
	}
	return newReply(list, m, err)
}

func newNode(n *api.Node) *watch.Node {
	return &watch.Node{
		ID:              n.ID,
		Node:            n.Node,
		Address:         n.Address,
		Datacenter:      n.Datacenter,
		TaggedAddresses: n.TaggedAddresses,
		Meta:            n.Meta,
	}
}

// fetchNode returns a node and its services, nothing of an unknown node.
func fetchNode(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	name := q.Name
	if name == "" {
		var err error
		if name, err = ownName(c, o); err != nil {
			return Reply{}, err
		}
	}
	n, m, err := c.Catalog().Node(name, o)
	if err != nil {
		return Reply{}, err
	}
	if n == nil || n.Node == nil {
		return newReply(&watch.CatalogNode{}, m, nil)
	}
	list := make([]*watch.CatalogNodeService, 0, len(n.Services))
	for _, s := range n.Services {
		if s == nil {
			return Reply{}, ErrIncomplete
		}
		list = append(list, &watch.CatalogNodeService{
			ID:                s.ID,
			Service:           s.Service,
			Tags:              watch.SortedTags(s.Tags),
			Meta:              s.Meta,
			Port:              s.Port,
			Address:           s.Address,
			EnableTagOverride: s.EnableTagOverride,
		})
	}
	watch.SortNodeServices(list)
	return newReply(&watch.CatalogNode{Node: newNode(n.Node), Services: list}, m, nil)
}

// ownName returns the name of the agent's node.
func ownName(c *api.Client, o *api.QueryOptions) (string, error) {
	var self struct{ Config struct{ NodeName string } }
	if _, err := c.Raw().Query("/v1/agent/self", &self, plain(o)); err != nil {
		return "", err
	}
	if self.Config.NodeName == "" {
		return "", ErrIncomplete
	}
	return self.Config.NodeName, nil
}

// plain returns the options of a request to the agent's own datacenter that does
// not wait, with the context of o.
func plain(o *api.QueryOptions) *api.QueryOptions {
	return (&api.QueryOptions{}).WithContext(o.Context())
}

// fetchDatacenters returns the datacenters by name; with the filter "available",
// only those whose servers answer.
func fetchDatacenters(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	var list []string
	if _, err := c.Raw().Query("/v1/catalog/datacenters", &list, plain(o)); err != nil {
		return Reply{}, err
	}
	if list == nil {
		return Reply{}, ErrIncomplete
	}
	if q.Filter == "available" {
		var err error
		if list, err = available(c, list, o); err != nil {
			return Reply{}, err
		}
	}
	slices.Sort(list)
	return Reply{Data: list}, nil
}

// available returns the datacenters whose leader answers. A failure of the agent
// itself is an error.
func available(c *api.Client, datacenters []string, o *api.QueryOptions) ([]string, error) {
	const parallel = 8
	var mu sync.Mutex
	answering := make([]string, 0, len(datacenters))
	g, ctx := errgroup.WithContext(o.Context())
	g.SetLimit(parallel)
	for _, dc := range datacenters {
		g.Go(func() error {
			ask := &api.QueryOptions{Datacenter: dc, RequireConsistent: true}
			_, _, err := c.Catalog().Services(ask.WithContext(ctx))
			if status := Status(err); status != 0 && status != http.StatusTooManyRequests || errors.Is(err, ErrNoAnswer) {
				return nil // the datacenter does not answer, though the agent does
			}
			mu.Lock()
			defer mu.Unlock()
			answering = append(answering, dc)
			return err
		})
	}
	err := g.Wait()
	return answering, err
}
