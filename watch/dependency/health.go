package dependency

import "github.com/hashicorp/consul/api"

// A HealthService is one instance of a service with its health. Field names
// and order are part of the template language (COMPAT 3.4.1), and so are the
// types from Consul's own library, with their methods and JSON form.
type HealthService struct {
	Node                   string
	NodeID                 string
	NodeAddress            string
	NodeTaggedAddresses    map[string]string
	NodeMeta               map[string]string
	ServiceMeta            map[string]string
	Address                string // the service's, or where it has none the node's
	ServiceTaggedAddresses map[string]api.ServiceAddress
	ID                     string
	Name                   string
	Tags                   ServiceTags
	Checks                 api.HealthChecks
	Status                 string // the worst of Checks: "passing", "warning", "critical" or "maintenance"
	Port                   int
	Weights                api.AgentWeights
}
