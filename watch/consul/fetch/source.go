package fetch

import (
	"context"

	"restencil/watch/blocking"
	"restencil/watch/consul/discovery"
)

// ForSource returns how to ask for a source of package discovery. The data
// of the replies is what its methods take.
func (c Requests) ForSource(s discovery.Source) blocking.Func {
	switch s.Kind {
	case discovery.Critical:
		return fetchElements[discovery.Check](c, "/v1/health/state/critical", "")
	case discovery.Warning:
		return fetchElements[discovery.Check](c, "/v1/health/state/warning", "")
	case discovery.Nodes:
		return fetchElements[discovery.CatalogNode](c, "/v1/catalog/nodes", "")
	case discovery.Node:
		return c.instancesOf(s.Name)
	default:
		return c.tags
	}
}

// Witness returns how to ask for an empty list, which fails if the servers cannot be
// reached or do not know the token.
func (c Requests) Witness() blocking.Func {
	return fetchElements[discovery.CatalogNode](c, "/v1/catalog/nodes", `Node == "" and Node != ""`)
}

// fetchElements returns how to ask for the list at path.
func fetchElements[T any](c Requests, path, filter string) blocking.Func {
	return func(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
		q.Expression = filter
		r, _, err := getList[T](ctx, c, path, q)
		return r, err
	}
}

// instancesOf returns how to ask for the services of a node. An unknown node has none.
func (c Requests) instancesOf(node string) blocking.Func {
	return func(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
		var reply struct{ Services []discovery.Instance }
		r, err := c.get(ctx, "/v1/catalog/node-services/"+node, q, &reply)
		r.Data = reply.Services
		return r, err
	}
}

func (c Requests) tags(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var tags map[string][]string
	r, err := c.get(ctx, "/v1/catalog/services", q, &tags)
	if err == nil && tags == nil {
		err = blocking.ErrIncomplete
	}
	r.Data = tags
	return r, err
}
