package compat

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/servers"
)

// peeringPorts is the configuration that an agent needs to make peering tokens.
func peeringPorts(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("ports { grpc_tls = %d }", servers.Ports(t, 1)[0])
}

// keys are the keys that every template can ask for.
var keys = map[string]string{
	"app/":            "", // a folder, as Consul's own page makes them
	"app/name":        "restencil",
	"app/empty":       "",
	"app/port":        "8080",
	"app/ratio":       "0.75",
	"app/negative":    "-42",
	"app/big":         "9007199254740993",
	"app/huge":        "123456789012345678901234567890",
	"app/enabled":     "true",
	"app/unicode":     "Grüße, 世界 🎉",
	"app/padded":      "  padded \t\n",
	"app/lines":       "one\ntwo\n\nthree\n",
	"app/crlf":        "one\r\ntwo\r\n",
	"app/html":        `<a href="x?a=1&b=2">it's</a>`,
	"app/quotes":      `"double" 'single' back\slash`,
	"app/braces":      "{{ key \"app/name\" }}",
	"app/binary":      "a\xff\xfe\x00b",
	"app/hosts":       "a, b ,,c",
	"app/pairs":       "user=alice;pass=s=cret;flag",
	"app/base64":      "R3LDvMOfZQ==",
	"app/json":        `{"name":"web","port":8080,"ratio":0.5,"big":9007199254740993,"on":true,"off":null,"tags":["b","a"],"n":{"x":{"y":"<&>"}},"ünï":"ß"}`,
	"app/json-list":   `[3, 1.5, "two", null, true, [1], {"a": 1}]`,
	"app/json-bad":    `{"name": `,
	"app/yaml":        "name: web\nport: 8080\nratio: 1.50\nyes: no\nwhen: 2001-01-01\nlist: [b, a]\nmap: {z: 1, a: {deep: true}}\ntext: |\n  one\n  two\n",
	"app/yaml-list":   "- b\n- 2\n- {c: d}\n",
	"app/yaml-bad":    "a: [",
	"app/db/host":     "db.internal",
	"app/db/port":     "5432",
	"app/db/0/host":   "replica-0",
	"app/db/1/host":   "replica-1",
	"apple":           "not below app/",
	"conflict/a":      "1",
	"conflict/a/b":    "2",
	"deep/a/b/c/d/e":  "down here",
	"folders/":        "",
	"folders/a/":      "",
	"folders/a/b/":    "",
	"größe/höhe":      "180",
	"numbers/1":       "one",
	"numbers/10":      "ten",
	"numbers/2":       "two",
	"punctuated/a.b":  "dot",
	"punctuated/a:b":  "colon",
	"punctuated/a b":  "space",
	"punctuated/a%b":  "percent",
	"punctuated/a&b":  "ampersand",
	"punctuated/a//b": "empty segment",
	"users/alice/age": "31",
	"users/alice/ssh": "ssh-ed25519 AAAA alice",
	"users/bob/age":   "27",
	"users/root":      "no rest",
}

// seed fills a new Consul with everything that templates ask for.
func seed(t *testing.T, c *api.Client) {
	t.Helper()
	for key, value := range keys {
		put(t, c, &api.KVPair{Key: key, Value: []byte(value)})
	}
	put(t, c, &api.KVPair{Key: "app/flags", Value: []byte("flagged"), Flags: 42})
	for _, r := range registrations() {
		if _, err := c.Catalog().Register(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	seedPeering(t, c)
	waitSynced(t, c)
}

// waitSynced waits until the agent has told the catalog all about its own
// node, which it does in its own time; from then on nothing changes.
func waitSynced(t *testing.T, c *api.Client) {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		node, _, err := c.Catalog().Node(servers.NodeName, nil)
		if err == nil && node != nil {
			_, told := node.Node.Meta["consul-network-segment"]
			if told && node.Node.TaggedAddresses["wan"] != "" && node.Services["consul"] != nil {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the agent's own node is not all in the catalog: %+v, %v", node, err)
		}
	}
}

func put(t *testing.T, c *api.Client, pair *api.KVPair) {
	t.Helper()
	if _, err := c.KV().Put(pair, nil); err != nil {
		t.Fatalf("seeding %s: %v", pair.Key, err)
	}
}

// seedPeering makes a peering that waits for its other side, and exports to it.
func seedPeering(t *testing.T, c *api.Client) {
	t.Helper()
	for _, name := range []string{"west", "east"} {
		request := api.PeeringGenerateTokenRequest{PeerName: name, Meta: map[string]string{"region": name}}
		if _, _, err := c.Peerings().GenerateToken(t.Context(), request, nil); err != nil {
			t.Fatal(err)
		}
	}
	entry := &api.ExportedServicesConfigEntry{Name: "default", Services: []api.ExportedService{
		{Name: "web", Consumers: []api.ServiceConsumer{{Peer: "west"}, {Peer: "east"}}},
		{Name: "api", Consumers: []api.ServiceConsumer{{Peer: "east"}}},
	}}
	if _, _, err := c.ConfigEntries().Set(entry, nil); err != nil {
		t.Fatal(err)
	}
}

// registrations are services of nodes that have no agent, so that nothing but
// this test changes them.
func registrations() []*api.CatalogRegistration {
	web := func(node, id string, port int) *api.AgentService {
		return &api.AgentService{Service: "web", ID: id, Port: port, Address: "10.1.0." + node[len(node)-1:]}
	}
	primary, second, third, fourth := web("web-1", "web-b", 8081), web("web-1", "web-a", 8080), web("web-2", "web-c", 8080), web("web-3", "web-d", 8080)
	primary.Tags = []string{"primary", "v1.2", "traefik.http.routers=web", "a:b"}
	primary.Meta = map[string]string{"version": "1.2", "weight": "100", "zone": "eu west/1"}
	primary.Weights = api.AgentWeights{Passing: 10, Warning: 2}
	primary.TaggedAddresses = map[string]api.ServiceAddress{
		"lan": {Address: "10.1.0.1", Port: 8081},
		"wan": {Address: "198.51.100.1", Port: 80},
	}
	second.Tags = []string{"v1.2", "canary"}
	second.Meta = map[string]string{"version": "1.2", "weight": "7", "zone": ""}
	third.Tags = []string{"primary", "größe"}
	third.Meta = map[string]string{"version": "1.10", "weight": "20", "note": "Grüße"}

	db := &api.AgentService{Service: "db", ID: "db", Port: 5432} // the node's address
	gone := &api.AgentService{Service: "gone", ID: "gone", Port: 1}
	proxy := &api.AgentService{
		Service: "web-sidecar-proxy", ID: "web-proxy", Port: 21000, Address: "10.1.0.1", Tags: []string{"mesh"},
		Kind:  api.ServiceKindConnectProxy,
		Proxy: &api.AgentServiceConnectProxyConfig{DestinationServiceName: "web", DestinationServiceID: "web-b"},
	}
	native := &api.AgentService{Service: "api", ID: "api", Port: 9000, Connect: &api.AgentServiceConnect{Native: true}}

	return []*api.CatalogRegistration{
		registration("web-1", "10.0.0.1", primary, check(primary, "up", api.HealthPassing)),
		registration("web-1", "10.0.0.1", second, check(second, "up", api.HealthPassing), check(second, "disk", api.HealthWarning)),
		registration("web-2", "10.0.0.2", third, check(third, "up", api.HealthPassing)),
		registration("web-3", "10.0.0.3", fourth, check(fourth, "up", api.HealthCritical)),
		registration("web-4", "10.0.0.4", web("web-4", "web-e", 8080), maintenance("web-e")),
		registration("web-5", "10.0.0.5", web("web-5", "web-f", 8080), maintenance("")),
		registration("db-1", "10.0.1.1", db),
		registration("db-1", "10.0.1.1", gone, check(gone, "up", api.HealthCritical)),
		registration("web-1", "10.0.0.1", proxy, check(proxy, "up", api.HealthPassing)),
		registration("api-1", "10.0.2.1", native, check(native, "up", api.HealthPassing)),
		registration("empty-1", "10.0.3.1", nil),
		registration("same-address", "10.0.0.1", nil),
	}
}

// registration returns that of a service, or of a node alone.
func registration(name, address string, service *api.AgentService, checks ...*api.HealthCheck) *api.CatalogRegistration {
	for _, c := range checks {
		c.Node = name
	}
	return &api.CatalogRegistration{
		Node: name, Address: address, Service: service, Checks: checks,
		TaggedAddresses: map[string]string{"lan": address, "wan": "203.0.113.1"},
		NodeMeta:        map[string]string{"rack": name[:2], "external-node": "true"},
	}
}

func check(s *api.AgentService, id, status string) *api.HealthCheck {
	return &api.HealthCheck{
		CheckID: s.ID + ":" + id, Name: id, Status: status, ServiceID: s.ID, ServiceName: s.Service,
		Notes: "checks " + id, Output: "said \"<" + status + ">\"\n",
	}
}

// maintenance returns the check that takes a service, or a whole node, out.
func maintenance(serviceID string) *api.HealthCheck {
	if serviceID == "" {
		return &api.HealthCheck{CheckID: api.NodeMaint, Name: "Node Maintenance Mode", Status: api.HealthCritical}
	}
	return &api.HealthCheck{
		CheckID: api.ServiceMaintPrefix + serviceID, Name: "Service Maintenance Mode",
		Status: api.HealthCritical, ServiceID: serviceID, ServiceName: "web",
	}
}
