package fetch

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
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
	return func(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
		o.Filter = filter
		request := func(o *api.QueryOptions) (ignored []struct{}, m *api.QueryMeta, err error) {
			m, err = c.Raw().Query(path, &ignored, o)
			return ignored, m, err
		}
		list, m, err := fetchList(o, request, func(d *jsontext.Decoder) (element T, err error) {
			err = json.UnmarshalDecode(d, &element)
			return element, err
		})
		return newReply(list, m, err)
	}
}

// fetchInstances returns a method that asks for the services of a node. An unknown
// node has none.
func fetchInstances(node string) method {
	return func(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
		var reply struct{ Services []discovery.Instance }
		m, err := c.Raw().Query("/v1/catalog/node-services/"+node, &reply, o)
		return newReply(reply.Services, m, err)
	}
}

func fetchTags(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	tags, m, err := c.Catalog().Services(o)
	if err != nil {
		return Reply{}, err
	}
	if tags == nil {
		return Reply{}, ErrIncomplete
	}
	return newReply(tags, m, nil)
}
