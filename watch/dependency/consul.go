package dependency

import (
	"slices"
	"time"

	"github.com/hashicorp/consul/api"
)

// ServiceTags are a service's tags in ascending order.
type ServiceTags []string

// Contains reports whether tag is among t. Templates of 2015 and 2016 call it, where
// newer ones write ".Tags | contains".
func (t ServiceTags) Contains(tag string) bool { return slices.Contains(t, tag) }

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

// A CatalogNode is a node and its services. Node is nil if the catalog has no such
// node.
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

// A HealthService is one instance of a service with its health. The types of
// Consul's library are part of the template language too, with their methods and
// JSON form.
type HealthService struct {
	Node                   string
	NodeID                 string
	NodeAddress            string
	NodeTaggedAddresses    map[string]string
	NodeMeta               map[string]string
	ServiceMeta            map[string]string
	Address                string // the service's, or if it has none the node's
	ServiceTaggedAddresses map[string]api.ServiceAddress
	ID                     string
	Name                   string
	Tags                   ServiceTags
	Checks                 api.HealthChecks
	Status                 string // the worst of Checks: "passing", "warning", "critical" or "maintenance"
	Port                   int
	Weights                api.AgentWeights
}

// A KeyPair is one key of Consul's key-value store.
type KeyPair struct {
	Path  string // the full key
	Key   string // Path without the prefix of the query and the slashes after it
	Value string

	CreateIndex uint64
	ModifyIndex uint64
	LockIndex   uint64
	Flags       uint64
	Session     string
}

// A Peering is a link to another cluster.
type Peering struct {
	ID                  string
	Name                string
	Partition           string
	Meta                map[string]string
	PeeringState        string
	PeerID              string
	PeerServerName      string
	PeerServerAddresses []string
	StreamStatus        PeeringStreamStatus
	Remote              PeeringRemoteInfo
}

// PeeringStreamStatus describes the traffic of a peering. A time is nil if there
// was none.
type PeeringStreamStatus struct {
	ImportedServices []string
	ExportedServices []string
	LastHeartbeat    *time.Time
	LastReceive      *time.Time
	LastSend         *time.Time
}

// PeeringRemoteInfo names the other end of a peering.
type PeeringRemoteInfo struct {
	Partition  string
	Datacenter string
}

// A Partition is an admin partition (Consul Enterprise).
type Partition struct {
	Name        string
	Description string
}

// An ExportedService is a service that other clusters or partitions may use.
type ExportedService struct {
	Service   string
	Partition string
	Namespace string
	Consumers ResolvedConsumers
}

// ResolvedConsumers may use an exported service. Neither list is nil.
type ResolvedConsumers struct {
	Peers      []string
	Partitions []string
}

// An ImportedService is a service of another partition or cluster.
type ImportedService struct {
	Service         string
	Namespace       string
	SourcePartition string
}
