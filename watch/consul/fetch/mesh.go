package fetch

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// fetchPeerings returns the peerings by state, partition and name.
func fetchPeerings(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	peerings, m, err := c.Peerings().List(o.Context(), o)
	list, err := convert(peerings, err, newPeering)
	slices.SortStableFunc(list, func(a, b *watch.Peering) int {
		return cmp.Or(cmp.Compare(a.PeeringState, b.PeeringState),
			cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Name, b.Name))
	})
	return newReply(list, m, err)
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
		StreamStatus:        watch.PeeringStreamStatus(p.StreamStatus),
		Remote:              watch.PeeringRemoteInfo{Partition: p.Remote.Partition, Datacenter: p.Remote.Datacenter},
	}
}

// fetchPartitions returns the admin partitions by name. The community edition has no
// such endpoint; the error is that of COMPAT 3.4.
func fetchPartitions(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	partitions, _, err := c.Partitions().List(o.Context(), o)
	if Status(err) == http.StatusNotFound {
		return Reply{}, fmt.Errorf("%s: %w", "Partitions are an enterprise feature", err)
	}
	list, err := convert(partitions, err, func(p *api.Partition) *watch.Partition {
		return &watch.Partition{Name: p.Name, Description: p.Description}
	})
	slices.SortFunc(list, func(a, b *watch.Partition) int { return cmp.Compare(a.Name, b.Name) })
	return Reply{Data: list}, err
}

// fetchExported returns the services that a partition exports, by name.
func fetchExported(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	o.Partition = q.Name
	services, m, err := c.ExportedServices(o)
	list, err := convert(services, err, func(s api.ResolvedExportedService) watch.ExportedService {
		return watch.ExportedService{
			Service:   s.Service,
			Partition: s.Partition,
			Namespace: s.Namespace,
			Consumers: watch.ResolvedConsumers{
				Peers:      append([]string{}, s.Consumers.Peers...),
				Partitions: append([]string{}, s.Consumers.Partitions...),
			},
		}
	})
	slices.SortStableFunc(list, func(a, b watch.ExportedService) int { return cmp.Compare(a.Service, b.Service) })
	return newReply(list, m, err)
}

// fetchImported returns the services that a partition imports, by name.
func fetchImported(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	o.Partition = q.Name
	services, m, err := c.ImportedServices(o)
	list, err := convert(services, err, func(s api.ImportedService) watch.ImportedService {
		return watch.ImportedService{Service: s.Service, Namespace: s.Namespace, SourcePartition: s.SourcePartition}
	})
	slices.SortStableFunc(list, func(a, b watch.ImportedService) int { return cmp.Compare(a.Service, b.Service) })
	return newReply(list, m, err)
}

func fetchRoots(c *api.Client, _ watch.Query, o *api.QueryOptions) (Reply, error) {
	roots, m, err := c.Agent().ConnectCARoots(o)
	if err != nil {
		return Reply{}, err
	}
	if roots.Roots == nil || slices.Contains(roots.Roots, nil) {
		return Reply{}, ErrIncomplete
	}
	return newReply(roots.Roots, m, nil)
}

func fetchLeaf(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	leaf, m, err := c.Agent().ConnectCALeaf(q.Name, o)
	if err != nil {
		return Reply{}, err
	}
	if leaf.CertPEM == "" || leaf.PrivateKeyPEM == "" {
		return Reply{}, ErrIncomplete
	}
	return newReply(leaf, m, nil)
}
