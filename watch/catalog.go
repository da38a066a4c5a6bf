package watch

import (
	"cmp"
	"slices"
)

// The types of this file are what templates see of Consul's catalog. Field
// names and order are part of the template language (COMPAT 3.4.1).

// ServiceTags are a service's tags in ascending order.
type ServiceTags []string

// A CatalogSnippet is one service's name and the tags of all its instances.
type CatalogSnippet struct {
	Name string
	Tags ServiceTags
}

// A Node is one node of the catalog.
type Node struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	Meta            map[string]string
}

// A CatalogNode is a node and what runs on it. Node is nil for a name that the
// catalog does not know.
type CatalogNode struct {
	Node     *Node
	Services []*CatalogNodeService
}

// A CatalogNodeService is a service instance as its node lists it.
type CatalogNodeService struct {
	ID                string
	Service           string
	Tags              ServiceTags
	Meta              map[string]string
	Port              int
	Address           string
	EnableTagOverride bool
}

// SortedTags returns a sorted copy of tags. It is never nil, as templates have
// always had it.
func SortedTags(tags []string) ServiceTags {
	sorted := make(ServiceTags, len(tags))
	copy(sorted, tags)
	slices.Sort(sorted)
	return sorted
}

// SortNodes puts nodes in the order that templates see where the query has no
// Near: by name, then by address.
func SortNodes(list []*Node) {
	slices.SortStableFunc(list, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Address, b.Address))
	})
}

// SortNodeServices puts the services of a node in the order that templates
// see: by service name, then by id.
func SortNodeServices(list []*CatalogNodeService) {
	slices.SortStableFunc(list, func(a, b *CatalogNodeService) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
}
