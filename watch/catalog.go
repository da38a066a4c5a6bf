package watch

import (
	"cmp"
	"slices"
)

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
