package watch

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
)

// NewHealthService returns what templates see of an entry of Consul's health
// endpoints. It shares the entry's maps and checks.
func NewHealthService(e *api.ServiceEntry) *HealthService {
	return &HealthService{
		Node:                   e.Node.Node,
		NodeID:                 e.Node.ID,
		NodeAddress:            e.Node.Address,
		NodeTaggedAddresses:    e.Node.TaggedAddresses,
		NodeMeta:               e.Node.Meta,
		ServiceMeta:            e.Service.Meta,
		Address:                cmp.Or(e.Service.Address, e.Node.Address),
		ServiceTaggedAddresses: e.Service.TaggedAddresses,
		ID:                     e.Service.ID,
		Name:                   e.Service.Service,
		Tags:                   SortedTags(e.Service.Tags),
		Checks:                 e.Checks,
		Status:                 e.Checks.AggregatedStatus(),
		Port:                   e.Service.Port,
		Weights:                e.Service.Weights,
	}
}

// Accepts tells whether a query with this Filter takes instances of this
// status (COMPAT 3.4): "" takes passing ones, "any" all, those of an unknown
// status included.
func Accepts(filter, status string) bool {
	if filter == "" {
		return status == api.HealthPassing
	}
	for f := range strings.SplitSeq(filter, ",") {
		if f == status || f == api.HealthAny {
			return true
		}
	}
	return false
}

// SortInstances puts instances in the order that templates see where the query
// has no Near: by node, then by service id.
func SortInstances(list []*HealthService) {
	slices.SortStableFunc(list, func(a, b *HealthService) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID))
	})
}
