package dependency

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
