package fetch

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// fetchPeerings returns the links to other clusters by state, partition and
// name.
func fetchPeerings(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	peerings, m, err := c.Peerings().List(o.Context(), o)
	list, err := convert(peerings, err, newPeering)
	if err != nil {
		return Reply{}, err
	}
	slices.SortStableFunc(list, func(a, b *watch.Peering) int {
		return cmp.Or(cmp.Compare(a.PeeringState, b.PeeringState),
			cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Name, b.Name))
	})
	return newReply(list, m), nil
}

func newPeering(p *api.Peering) *watch.Peering {
	return &watch.Peering{
		ID:                  p.ID,
		Name:                p.Name,
		Partition:           p.Partition,
		Meta:                p.Meta,
		PeeringState:        string(p.State),
		PeerID:              p.PeerID,
		PeerServerName:      p.PeerServerName,
		PeerServerAddresses: p.PeerServerAddresses,
		StreamStatus: watch.PeeringStreamStatus{
			ImportedServices: p.StreamStatus.ImportedServices,
			ExportedServices: p.StreamStatus.ExportedServices,
			LastHeartbeat:    p.StreamStatus.LastHeartbeat,
			LastReceive:      p.StreamStatus.LastReceive,
			LastSend:         p.StreamStatus.LastSend,
		},
		Remote: watch.PeeringRemoteInfo{
			Partition:  p.Remote.Partition,
			Datacenter: p.Remote.Datacenter,
		},
	}
}

// noPartitions is how people know that they have another edition (COMPAT 3.4).
const noPartitions = "Partitions are an enterprise feature"

// fetchPartitions returns the admin partitions by name. Consul without them
// has no such endpoint, and says so in its own way.
func fetchPartitions(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	partitions, _, err := c.Partitions().List(o.Context(), o)
	if Status(err) == http.StatusNotFound {
		return Reply{}, fmt.Errorf("%s: %w", noPartitions, err)
	}
	list, err := convert(partitions, err, func(p *api.Partition) *watch.Partition {
		return &watch.Partition{Name: p.Name, Description: p.Description}
	})
	if err != nil {
		return Reply{}, err
	}
	slices.SortFunc(list, func(a, b *watch.Partition) int { return cmp.Compare(a.Name, b.Name) })
	return Reply{Data: list}, nil
}

// fetchExported returns the services that a partition exports, by name.
func fetchExported(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	o.Partition = q.Name
	services, m, err := c.ExportedServices(o)
	if err != nil {
		return Reply{}, err
	}
	if services == nil {
		return Reply{}, ErrIncomplete
	}
	list := make([]watch.ExportedService, 0, len(services))
	for _, s := range services {
		list = append(list, watch.ExportedService{
			Service:   s.Service,
			Partition: s.Partition,
			Namespace: s.Namespace,
			Consumers: watch.ResolvedConsumers{
				Peers:      append([]string{}, s.Consumers.Peers...),
				Partitions: append([]string{}, s.Consumers.Partitions...),
			},
		})
	}
	slices.SortStableFunc(list, func(a, b watch.ExportedService) int { return cmp.Compare(a.Service, b.Service) })
	return newReply(list, m), nil
}

// fetchImported returns the services that a partition imports, by name.
func fetchImported(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	o.Partition = q.Name
	services, m, err := c.ImportedServices(o)
	if err != nil {
		return Reply{}, err
	}
	if services == nil {
		return Reply{}, ErrIncomplete
	}
	list := make([]watch.ImportedService, 0, len(services))
	for _, s := range services {
		list = append(list, watch.ImportedService{
			Service:         s.Service,
			Namespace:       s.Namespace,
			SourcePartition: s.SourcePartition,
		})
	}
	slices.SortStableFunc(list, func(a, b watch.ImportedService) int { return cmp.Compare(a.Service, b.Service) })
	return newReply(list, m), nil
}
func fetchRoots(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	roots, m, err := c.Agent().ConnectCARoots(o)
	if err != nil {
		return Reply{}, err
	}
	if err := whole(roots.Roots); err != nil {
		return Reply{}, err
	}
	return newReply(roots.Roots, m), nil
}

func fetchLeaf(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	leaf, m, err := c.Agent().ConnectCALeaf(q.Name, o)
	if err != nil {
		return Reply{}, err
	}
	if leaf.CertPEM == "" || leaf.PrivateKeyPEM == "" {
		return Reply{}, ErrIncomplete
	}
	return newReply(leaf, m), nil
}
