package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"

	"restencil/watch/dependency"
)

// The types of the values that answers hold; see the kinds of query.
type (
	KeyPair            = dependency.KeyPair
	ServiceTags        = dependency.ServiceTags
	CatalogSnippet     = dependency.CatalogSnippet
	Node               = dependency.Node
	CatalogNode        = dependency.CatalogNode
	CatalogNodeService = dependency.CatalogNodeService
	HealthService      = dependency.HealthService

	CARoot              = api.CARoot
	LeafCert            = api.LeafCert
	Peering             = dependency.Peering
	PeeringStreamStatus = dependency.PeeringStreamStatus
	PeeringRemoteInfo   = dependency.PeeringRemoteInfo
	Partition           = dependency.Partition
	ExportedService     = dependency.ExportedService
	ResolvedConsumers   = dependency.ResolvedConsumers
	ImportedService     = dependency.ImportedService

	Secret         = dependency.Secret
	SecretAuth     = dependency.SecretAuth
	SecretWrapInfo = dependency.SecretWrapInfo
	Certificate    = dependency.PemEncoded

	NomadServicesSnippet = dependency.NomadServicesSnippet
	NomadServiceInstance = dependency.NomadService
	NomadVariable        = dependency.NomadVariable
	NomadVarItems        = dependency.NomadVarItems
	NomadVarItem         = dependency.NomadVarItem
	NomadVarMeta         = dependency.NomadVarMeta
)

// SortedTags returns a sorted copy of tags, which is never nil.
func SortedTags(tags []string) ServiceTags {
	sorted := append(ServiceTags{}, tags...)
	slices.Sort(sorted)
	return sorted
}

// SortNodes sorts nodes by name, then address, as templates see them if the
// query has no Near.
func SortNodes(list []*Node) {
	slices.SortStableFunc(list, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Address, b.Address))
	})
}

// SortNodeServices sorts the services of a node by name, then ID.
func SortNodeServices(list []*CatalogNodeService) {
	slices.SortStableFunc(list, func(a, b *CatalogNodeService) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
}

// NewHealthService converts an entry of Consul's health endpoints to what
// templates see. It shares the entry's maps and checks.
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

// Accepts reports whether a query with this Filter includes instances of this
// status (COMPAT 3.4): "" includes passing ones, "any" all, even those of an
// unknown status.
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

// SortInstances sorts instances by node, then service ID, as templates see them
// if the query has no Near.
func SortInstances(list []*HealthService) {
	slices.SortStableFunc(list, func(a, b *HealthService) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID))
	})
}

// RelativeKey returns the Key of the pair at path in the answer to a KVList of
// prefix: a raw string prefix, so that "apple" below "app" is "le" (COMPAT 3.4,
// quirk Q43).
func RelativeKey(prefix, path string) string {
	return strings.TrimLeft(strings.TrimPrefix(path, prefix), "/")
}

const masked = "***" // stands for a tainted value wherever one is shown

// A Tainted holds a secret. It is printed, logged and encoded as ***, also inside
// other values. The Answer.Data of a query whose Kind is Secret is a Tainted;
// only what makes a file's bytes reveals the value.
type Tainted struct {
	value func() any // a function, so that reflection cannot see the value
}

// Taint returns v as a Tainted. It returns nil and a Tainted as they are.
func Taint(v any) any {
	if _, tainted := v.(Tainted); tainted || v == nil {
		return v
	}
	return Tainted{func() any { return v }}
}

// Reveal returns the value of a Tainted, and anything else as it is.
func Reveal(v any) any {
	if t, ok := v.(Tainted); ok && t.value != nil {
		return t.value()
	}
	return v
}

// Format implements fmt.Formatter for all verbs.
func (Tainted) Format(f fmt.State, _ rune) { fmt.Fprint(f, masked) }

// MarshalText implements encoding.TextMarshaler, which JSON, YAML and log/slog use.
func (Tainted) MarshalText() ([]byte, error) { return []byte(masked), nil }
