package watch

import (
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
