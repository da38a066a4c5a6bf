// Package fetch puts queries to a Consul agent, each once, and decodes the
// replies: what templates see of keys, services, nodes and the rest, and what
// package discovery compares.
package fetch

import (
	"context"
	"reflect"
	"slices"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/discovery"
)

// Requests put queries to one agent.
type Requests struct{ client *blocking.Client }

// New returns the requests to the agent that c reaches.
func New(c *blocking.Client) Requests { return Requests{c} }

// ForKind returns how to put one query of a kind; ok is false for a kind that
// is not Consul's.
func (r Requests) ForKind(k watch.Kind) (_ blocking.Kind, ok bool) { return r.forKind(k, false) }

// ForReading is ForKind with replies that have the instances of services in
// every state, as package discovery needs them.
func (r Requests) ForReading(k watch.Kind) (_ blocking.Kind, ok bool) { return r.forKind(k, true) }

func (r Requests) forKind(k watch.Kind, reading bool) (_ blocking.Kind, ok bool) {
	instances := (&instanceCache{all: reading}).fetch
	m, ok := map[watch.Kind]method{
		watch.KVGet:               fetchKey,
		watch.KVList:              fetchPrefix,
		watch.ServiceHealth:       instances,
		watch.ConnectHealth:       instances,
		watch.ServiceList:         fetchServices,
		watch.NodeServices:        fetchNode,
		watch.NodeList:            fetchNodes,
		watch.DatacenterList:      fetchDatacenters,
		watch.CARootList:          fetchRoots,
		watch.CALeafCert:          fetchLeaf,
		watch.PeeringList:         fetchPeerings,
		watch.PartitionList:       fetchPartitions,
		watch.ExportedServiceList: fetchExported,
		watch.ImportedServiceList: fetchImported,
	}[k]
	return blocking.Kind{Fetch: m.of(r.client), Polled: k == watch.DatacenterList || k == watch.PartitionList}, ok
}

// ForSource returns how to ask for a source of package discovery. The data
// of the replies is what its methods take.
func (r Requests) ForSource(s discovery.Source) blocking.Func { return forSource(s).of(r.client) }

// Witness asks for an empty list. It fails if the servers cannot be reached or
// do not know the token.
func (r Requests) Witness(ctx context.Context, q watch.Query, o blocking.Request) (blocking.Reply, error) {
	return witness.of(r.client)(ctx, q, o)
}

// A method is a blocking.Func for any agent.
type method func(context.Context, *blocking.Client, watch.Query, blocking.Request) (blocking.Reply, error)

// of returns m for the agent of a client, without data beside an error.
func (m method) of(c *blocking.Client) blocking.Func {
	return func(ctx context.Context, q watch.Query, o blocking.Request) (blocking.Reply, error) {
		r, err := m(ctx, c, q, o)
		if err != nil {
			return blocking.Reply{}, err
		}
		return r, nil
	}
}

// get asks for path and decodes the body of the reply into to.
func get(ctx context.Context, c *blocking.Client, path string, o blocking.Request, to any) (blocking.Reply, error) {
	return c.Get(ctx, path, nil, o, blocking.JSON(to))
}

// getList asks for a list, which is the data of the reply, too. It must not be null, nor
// have null among its elements.
func getList[T any](ctx context.Context, c *blocking.Client, path string, o blocking.Request) (blocking.Reply, []T, error) {
	var list []T
	r, err := get(ctx, c, path, o, &list)
	if err == nil && (list == nil || slices.ContainsFunc(list, func(e T) bool { return reflect.ValueOf(e).IsZero() })) {
		err = blocking.ErrIncomplete
	}
	r.Data = list
	return r, list, err
}
