// Package fetch puts queries to a Consul agent, each once, and decodes the
// replies: what templates see of keys, services, nodes and the rest, and what
// package discovery compares.
package fetch

import (
	"context"

	"restencil/watch"
	"restencil/watch/blocking"
)

// Requests put queries to the agent that the client reaches.
type Requests struct{ *blocking.Client }

// ForKind returns how to put one query of a kind of Consul's. With instances, replies
// have those of services in every state, too, as package discovery needs them.
func (c Requests) ForKind(k watch.Kind, instances bool) blocking.Kind {
	health := (&instanceCache{client: c, all: instances}).fetch
	f := map[watch.Kind]blocking.Func{
		watch.KVGet:               c.key,
		watch.KVList:              c.prefix,
		watch.ServiceHealth:       health,
		watch.ConnectHealth:       health,
		watch.ServiceList:         c.services,
		watch.NodeServices:        c.node,
		watch.NodeList:            c.nodes,
		watch.DatacenterList:      c.datacenters,
		watch.CARootList:          c.roots,
		watch.CALeafCert:          c.leaf,
		watch.PeeringList:         c.peerings,
		watch.PartitionList:       c.partitions,
		watch.ExportedServiceList: c.exported,
		watch.ImportedServiceList: c.imported,
	}[k]
	return blocking.Kind{Fetch: f, Polled: k == watch.DatacenterList || k == watch.PartitionList}
}

// get asks for path and decodes the body of the reply into to.
func (c Requests) get(ctx context.Context, path string, q blocking.Request, to any) (blocking.Reply, error) {
	return c.Get(ctx, path, nil, q, blocking.JSON(to))
}
