package watch

import (
	"cmp"
	"fmt"
	"log/slog"
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

// RelativeKey returns the Key of the pair at path in the answer to a KVList of
// this prefix: a raw string prefix, so that "app" makes "apple" into "le"
// (COMPAT 3.4, quirk Q43).
func RelativeKey(prefix, path string) string {
	return strings.TrimLeft(strings.TrimPrefix(path, prefix), "/")
}

const masked = "***" // stands for a tainted value wherever one is shown

// A Tainted holds a value that must not be shown: a secret. However it is
// printed, logged or encoded, and whatever holds it, it shows as ***. The
// Answer.Data of queries to Vault (but for lists of names) is a Tainted; only
// what makes a file's bytes takes the value out.
type Tainted struct {
	value func() any // which reflection does not see through
}

// Taint returns v as a Tainted, and nil as it is: that there is no such thing
// is no secret. A Tainted stays as it is.
func Taint(v any) any {
	if _, tainted := v.(Tainted); tainted || v == nil {
		return v
	}
	return Tainted{func() any { return v }}
}

// Reveal returns the value that a Tainted holds, and anything else as it is.
func Reveal(v any) any {
	if t, ok := v.(Tainted); ok && t.value != nil {
		return t.value()
	}
	return v
}

// Format implements fmt.Formatter for all verbs.
func (Tainted) Format(f fmt.State, _ rune) { fmt.Fprint(f, masked) }

// String returns ***.
func (Tainted) String() string { return masked }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Tainted) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue implements slog.LogValuer.
func (Tainted) LogValue() slog.Value { return slog.StringValue(masked) }
