package fetch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"restencil/watch"
	"restencil/watch/blocking"
)

// services returns the services by name, a nil list if there are none.
func (c Requests) services(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	r, err := c.tags(ctx, q)
	if err != nil {
		return r, err
	}
	var list []*watch.CatalogSnippet
	for name, tags := range r.Data.(map[string][]string) {
		list = append(list, &watch.CatalogSnippet{Name: name, Tags: watch.SortedTags(tags)})
	}
	slices.SortFunc(list, func(a, b *watch.CatalogSnippet) int { return cmp.Compare(a.Name, b.Name) })
	r.Data = list
	return r, nil
}

func (c Requests) nodes(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	r, list, err := getList[*watch.Node](ctx, c, "/v1/catalog/nodes", q)
	if err == nil && q.Near == "" {
		watch.SortNodes(list)
	}
	return r, err
}

// node returns a node and its services, nothing of an unknown node.
func (c Requests) node(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	name := q.Name
	if name == "" {
		var err error
		if name, err = c.ownName(ctx, q); err != nil {
			return blocking.Reply{}, err
		}
	}
	var n struct {
		Node     *watch.Node
		Services map[string]*watch.CatalogNodeService
	}
	r, err := c.get(ctx, "/v1/catalog/node/"+name, q, &n)
	if err != nil || n.Node == nil {
		r.Data = &watch.CatalogNode{}
		return r, err
	}
	list := make([]*watch.CatalogNodeService, 0, len(n.Services))
	for _, s := range n.Services {
		if s == nil {
			return r, blocking.ErrIncomplete
		}
		s.Tags = watch.SortedTags(s.Tags)
		list = append(list, s)
	}
	watch.SortNodeServices(list)
	r.Data = &watch.CatalogNode{Node: n.Node, Services: list}
	return r, nil
}

// ownName returns the name of the agent's node.
func (c Requests) ownName(ctx context.Context, q blocking.Request) (string, error) {
	var self struct{ Config struct{ NodeName string } }
	if _, err := c.get(ctx, "/v1/agent/self", blocking.Request{Attempt: q.Attempt}, &self); err != nil {
		return "", err
	}
	if self.Config.NodeName == "" {
		return "", blocking.ErrIncomplete
	}
	return self.Config.NodeName, nil
}

// ConnectionLimit returns how many connections of a client the agent accepts; zero is any
// number.
func (c Requests) ConnectionLimit(ctx context.Context) (int, error) {
	var self struct {
		DebugConfig struct {
			HTTPMaxConnsPerClient *int
		}
	}
	const most = 16 << 20 // of the reply; it has some 20 KB
	if _, err := c.get(ctx, "/v1/agent/self", blocking.Request{Attempt: &blocking.Attempt{Most: most}}, &self); err != nil {
		return 0, err
	}
	limit := self.DebugConfig.HTTPMaxConnsPerClient
	if limit == nil || *limit < 0 {
		return 0, blocking.ErrIncomplete
	}
	return *limit, nil
}

// datacenters returns the datacenters by name; with the filter "available",
// only those whose servers answer.
func (c Requests) datacenters(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var list []string
	if _, err := c.get(ctx, "/v1/catalog/datacenters", blocking.Request{Attempt: q.Attempt}, &list); err != nil {
		return blocking.Reply{}, err
	}
	if list == nil {
		return blocking.Reply{}, blocking.ErrIncomplete
	}
	if q.Filter == "available" {
		var err error
		if list, err = c.available(ctx, list, q); err != nil {
			return blocking.Reply{}, err
		}
	}
	slices.Sort(list)
	return blocking.Reply{Data: list}, nil
}

// available returns the datacenters whose leader answers. A failure of the agent
// itself is an error.
func (c Requests) available(ctx context.Context, datacenters []string, q blocking.Request) ([]string, error) {
	const parallel = 8
	var mu sync.Mutex
	answering := make([]string, 0, len(datacenters))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, dc := range datacenters {
		g.Go(func() error {
			ask := blocking.Request{Query: watch.Query{Datacenter: dc}, RequireConsistent: true, Attempt: q.Attempt}
			_, err := c.tags(ctx, ask)
			if status := blocking.Status(err); status != 0 && status != http.StatusTooManyRequests || errors.Is(err, blocking.ErrNoAnswer) {
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
