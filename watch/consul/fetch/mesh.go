package fetch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"restencil/watch"
	"restencil/watch/blocking"
)

// peerings returns the peerings by state, partition and name.
func (c Requests) peerings(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	r, peerings, err := getList[*struct {
		watch.Peering
		State string
	}](ctx, c, "/v1/peerings", q)
	if err != nil {
		return r, err
	}
	list := make([]*watch.Peering, len(peerings))
	for i, p := range peerings {
		p.PeeringState = p.State
		list[i] = &p.Peering
	}
	slices.SortStableFunc(list, func(a, b *watch.Peering) int {
		return cmp.Or(cmp.Compare(a.PeeringState, b.PeeringState),
			cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Name, b.Name))
	})
	r.Data = list
	return r, nil
}

// partitions returns the admin partitions by name. The community edition has no
// such endpoint; the error is that of COMPAT 3.4.
func (c Requests) partitions(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	_, list, err := getList[*watch.Partition](ctx, c, "/v1/partitions", q)
	if blocking.Status(err) == http.StatusNotFound {
		return blocking.Reply{}, fmt.Errorf("%s: %w", "Partitions are an enterprise feature", err)
	}
	if err == nil {
		slices.SortFunc(list, func(a, b *watch.Partition) int { return cmp.Compare(a.Name, b.Name) })
	}
	return blocking.Reply{Data: list}, err
}

// exported returns the services that a partition exports, by name.
func (c Requests) exported(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	q.Partition = q.Name
	r, list, err := getList[watch.ExportedService](ctx, c, "/v1/exported-services", q)
	for i := range list {
		to := &list[i].Consumers
		to.Peers, to.Partitions = append([]string{}, to.Peers...), append([]string{}, to.Partitions...)
	}
	slices.SortStableFunc(list, func(a, b watch.ExportedService) int { return cmp.Compare(a.Service, b.Service) })
	return r, err
}

// imported returns the services that a partition imports, by name.
func (c Requests) imported(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	q.Partition = q.Name
	var body json.RawMessage
	r, err := c.get(ctx, "/v1/imported-services", q, &body)
	if err != nil {
		return r, err
	}
	var list []watch.ImportedService
	var wrapped struct{ ImportedServices []watch.ImportedService } // the enterprise edition sends this
	if json.Unmarshal(body, &wrapped) == nil {
		list = wrapped.ImportedServices
	} else if err := json.Unmarshal(body, &list); err != nil {
		return r, err
	}
	if list == nil || slices.Contains(list, watch.ImportedService{}) {
		return r, blocking.ErrIncomplete
	}
	slices.SortStableFunc(list, func(a, b watch.ImportedService) int { return cmp.Compare(a.Service, b.Service) })
	r.Data = list
	return r, nil
}

func (c Requests) roots(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var list struct{ Roots []*watch.CARoot }
	r, err := c.get(ctx, "/v1/agent/connect/ca/roots", q, &list)
	if err == nil && (list.Roots == nil || slices.Contains(list.Roots, nil)) {
		err = blocking.ErrIncomplete
	}
	r.Data = list.Roots
	return r, err
}

func (c Requests) leaf(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	leaf := new(watch.LeafCert)
	r, err := c.get(ctx, "/v1/agent/connect/ca/leaf/"+q.Name, q, leaf)
	if err == nil && (leaf.CertPEM == "" || leaf.PrivateKeyPEM == "") {
		err = blocking.ErrIncomplete
	}
	r.Data = leaf
	return r, err
}
