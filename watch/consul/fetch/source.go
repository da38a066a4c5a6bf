package fetch

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/discovery"
)

func forSource(s discovery.Source) method {
	switch s.Kind {
	case discovery.Critical:
		return fetchElements[discovery.Check]("/v1/health/state/critical", "")
	case discovery.Warning:
		return fetchElements[discovery.Check]("/v1/health/state/warning", "")
	case discovery.Nodes:
		return fetchElements[discovery.CatalogNode]("/v1/catalog/nodes", "")
	case discovery.Node:
		return fetchInstances(s.Name)
	default:
		return fetchTags
	}
}

var witness = fetchElements[discovery.CatalogNode]("/v1/catalog/nodes", `Node == "" and Node != ""`)

// fetchElements returns a method that asks for the list at path.
func fetchElements[T any](path, filter string) method {
	return func(ctx context.Context, c *blocking.Client, _ watch.Query, o blocking.Request) (blocking.Reply, error) {
		o.Filter = filter
		r, _, err := decodeList(ctx, c, path, nil, o, func(d *jsontext.Decoder) (element T, err error) {
			err = json.UnmarshalDecode(d, &element)
			return element, err
		})
		return r, err
	}
}

// fetchInstances returns a method that asks for the services of a node. An unknown
// node has none.
func fetchInstances(node string) method {
	return func(ctx context.Context, c *blocking.Client, _ watch.Query, o blocking.Request) (blocking.Reply, error) {
		var reply struct{ Services []discovery.Instance }
		r, err := get(ctx, c, "/v1/catalog/node-services/"+node, o, &reply)
		r.Data = reply.Services
		return r, err
	}
}

func fetchTags(ctx context.Context, c *blocking.Client, _ watch.Query, o blocking.Request) (blocking.Reply, error) {
	var tags map[string][]string
	r, err := get(ctx, c, "/v1/catalog/services", o, &tags)
	if err == nil && tags == nil {
		err = blocking.ErrIncomplete
	}
	r.Data = tags
	return r, err
}
