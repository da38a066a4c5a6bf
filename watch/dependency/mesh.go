package dependency

import "time"

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

// PeeringStreamStatus tells what crosses a peering. The times are nil where
// nothing has yet.
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

// ResolvedConsumers are those who may use an exported service; neither list
// is nil.
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
