package consul

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	stub "restencil/test/agent"
	"restencil/test/servers"
	"restencil/test/watchtest"
	"restencil/watch"
)

// The tests of this file need a real Consul; see package servers.

// TestRealConformance runs the suite on a real agent, behind a front that can
// be away.
func TestRealConformance(t *testing.T) {
	agent := servers.Consul(t)
	client := quietClient(t, agent)
	for name, trouble := range map[string]mode{"hangs up": hangUp, "no leader": noLeader} {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness {
				proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: agent.Addr()})
				proxy.Transport = &http.Transport{DisableKeepAlives: true}
				proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
				key := strings.ReplaceAll(t.Name(), " ", "-")
				h := keyHarness(t, newFront(t, proxy), key, trouble)
				h.Set = func(value string) { put(t, client, key, value) }
				h.Delete = func() {
					_, err := client.KV().Delete(key, nil)
					check(t, err)
				}
				return h
			})
		})
	}
}

// quietClient returns a client of the agent that keeps no connection, so that
// it does not look like a leak.
func quietClient(t *testing.T, agent *servers.Agent) *api.Client {
	c, err := api.NewClient(&api.Config{
		Address:    agent.Addr(),
		Token:      agent.Token(),
		HttpClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	check(t, err)
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, c *api.Client, key, value string) {
	t.Helper()
	_, err := c.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil)
	check(t, err)
}

// An addressed agent is a servers.Agent, or that of a servers.Quorum.
type addressed interface{ Addr() string }

// runReal runs a source for the agent until the test ends.
func runReal(t *testing.T, agent addressed, set func(*Options)) *Source {
	t.Helper()
	o := DefaultOptions()
	o.Address = agent.Addr()
	if a, ok := agent.(*servers.Agent); ok {
		o.Token = a.Token()
	}
	set(&o)
	s, err := New(o)
	check(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(t.Context())
	}()
	t.Cleanup(func() { <-done }) // the context has ended by then
	return s
}

// awaitKey waits until the newest event is the value.
func awaitKey(r *watchtest.Recorder, value string, limit time.Duration) {
	r.Wait("value "+value, limit, func(events []watchtest.Event) bool {
		if len(events) == 0 {
			return false
		}
		v, ok := keyValue(events[len(events)-1].Answer.Data)
		return ok && v == value
	})
}

// TestRealRestart: an agent that is killed and comes back.
func TestRealRestart(t *testing.T) {
	agent := servers.Consul(t, servers.Persistent())
	client := quietClient(t, agent)
	put(t, client, "k", "one")
	s := runReal(t, agent, func(*Options) {})
	r := watchKey(t, s)
	awaitKey(r, "one", 5*time.Second)
	agent.Kill()
	r.Wait("failure", 5*time.Second, func(events []watchtest.Event) bool {
		return events[len(events)-1].Err != nil
	})
	agent.Start()
	awaitKey(r, "one", 3*time.Second)
	put(t, client, "k", "two")
	awaitKey(r, "two", time.Second)
	for _, what := range stub.Said(r) {
		if what == "nothing" {
			t.Errorf("the key was blanked: %q", stub.Said(r))
		}
	}
}

// TestRealACL: a token that may not read is told so, and what it is allowed
// later it gets without a restart.
func TestRealACL(t *testing.T) {
	agent := servers.Consul(t, servers.ACL("5b7b5d5e-0e6a-4a5c-9d5f-6f2d1f9f7c11"))
	client := quietClient(t, agent)
	put(t, client, "k", "one")
	token, _, err := client.ACL().TokenCreate(&api.ACLToken{}, nil)
	check(t, err)
	s := runReal(t, agent, func(o *Options) { o.Token = token.SecretID })
	r := watchKey(t, s)
	events := r.Wait("failure", 5*time.Second, heard)
	if err := events[0].Err; watch.Classify(err) != watch.Denied || strings.Contains(err.Error(), token.SecretID) {
		t.Errorf("the failure is %v", err)
	}
	policy, _, err := client.ACL().PolicyCreate(&api.ACLPolicy{Name: "k", Rules: `key "k" { policy = "read" }`}, nil)
	check(t, err)
	token.Policies = []*api.ACLLink{{ID: policy.ID}}
	_, _, err = client.ACL().TokenUpdate(token, nil)
	check(t, err)
	awaitKey(r, "one", 10*time.Second)
}

// TestRealKinds asks a real agent a query of every kind.
func TestRealKinds(t *testing.T) {
	// Peerings need a port for gRPC.
	agent := servers.Consul(t, servers.HCL(fmt.Sprintf(`ports { grpc_tls = %d }`, servers.Ports(t, 1)[0])))
	client := quietClient(t, agent)
	registerWeb(t, client)
	_, _, err := client.Peerings().GenerateToken(t.Context(), api.PeeringGenerateTokenRequest{PeerName: "far"}, nil)
	check(t, err)
	_, _, err = client.ConfigEntries().Set(&api.ExportedServicesConfigEntry{
		Name:     "default",
		Services: []api.ExportedService{{Name: "web", Consumers: []api.ServiceConsumer{{Peer: "far"}}}},
	}, nil)
	check(t, err)
	put(t, client, "app/port", "80")
	tests := []struct {
		query watch.Query
		wrong func(data any) string // what is wrong, "" for nothing
	}{
		{watch.Query{Kind: watch.KVGet, Name: "app/port"}, func(data any) string {
			return cmp.Diff("80", data.(*watch.KeyPair).Value)
		}},
		{watch.Query{Kind: watch.KVList, Name: "app/"}, func(data any) string {
			list := data.([]*watch.KeyPair)
			return cmp.Diff([]string{"port=80"}, names(list, func(p *watch.KeyPair) string { return p.Key + "=" + p.Value }))
		}},
		{watch.Query{Kind: watch.ServiceHealth, Name: "web"}, func(data any) string {
			return cmp.Diff([]string{"web-1 [a b] passing"}, instanceNames(data))
		}},
		{watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any", Near: "_agent"}, func(data any) string {
			got := instanceNames(data)
			slices.Sort(got)
			return cmp.Diff([]string{"web-1 [a b] passing", "web-2 [] critical"}, got)
		}},
		{watch.Query{Kind: watch.ServiceHealth, Name: "web", Tag: "nope", Filter: "any"}, func(data any) string {
			return cmp.Diff([]string(nil), instanceNames(data))
		}},
		{watch.Query{Kind: watch.ConnectHealth, Name: "web", Filter: "any"}, func(data any) string {
			return cmp.Diff([]string{"web-1 [a b] passing"}, instanceNames(data))
		}},
		{watch.Query{Kind: watch.ServiceList}, func(data any) string {
			list := data.([]*watch.CatalogSnippet)
			return cmp.Diff([]string{"consul", "web"}, names(list, func(s *watch.CatalogSnippet) string { return s.Name }))
		}},
		{watch.Query{Kind: watch.NodeServices}, func(data any) string {
			node := data.(*watch.CatalogNode)
			return cmp.Diff([]string{servers.NodeName, "consul", "web-1", "web-2"}, append([]string{node.Node.Node},
				names(node.Services, func(s *watch.CatalogNodeService) string { return s.ID })...))
		}},
		{watch.Query{Kind: watch.NodeServices, Name: "nobody"}, func(data any) string {
			return cmp.Diff(&watch.CatalogNode{}, data)
		}},
		{watch.Query{Kind: watch.NodeList}, func(data any) string {
			list := data.([]*watch.Node)
			return cmp.Diff([]string{servers.NodeName}, names(list, func(n *watch.Node) string { return n.Node }))
		}},
		{watch.Query{Kind: watch.DatacenterList}, func(data any) string { return cmp.Diff([]string{"dc1"}, data) }},
		{watch.Query{Kind: watch.DatacenterList, Filter: "available"}, func(data any) string {
			return cmp.Diff([]string{"dc1"}, data)
		}},
		{watch.Query{Kind: watch.CARootList}, func(data any) string {
			list := data.([]*watch.CARoot)
			return cmp.Diff([]string{"-----BEGIN CERTIFICATE-----"},
				names(list, func(r *watch.CARoot) string { return strings.SplitN(r.RootCertPEM, "\n", 2)[0] }))
		}},
		{watch.Query{Kind: watch.CALeafCert, Name: "web"}, func(data any) string {
			return cmp.Diff("web", data.(*watch.LeafCert).Service)
		}},
		{watch.Query{Kind: watch.PeeringList}, func(data any) string {
			list := data.([]*watch.Peering)
			return cmp.Diff([]string{"far PENDING"}, names(list, func(p *watch.Peering) string { return p.Name + " " + p.PeeringState }))
		}},
		{watch.Query{Kind: watch.ExportedServiceList}, func(data any) string {
			return cmp.Diff([]watch.ExportedService{{Service: "web", Consumers: watch.ResolvedConsumers{
				Peers: []string{"far"}, Partitions: []string{},
			}}}, data)
		}},
	}
	s := runReal(t, agent, func(*Options) {})
	var sinks []*watchtest.Recorder
	for _, test := range tests {
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: test.query.ID(), Sink: r})
		sinks = append(sinks, r)
	}
	for i, test := range tests {
		events := sinks[i].Wait("answer to "+test.query.String(), 10*time.Second, heard)
		if err := events[0].Err; err != nil {
			t.Error(err)
		} else if wrong := test.wrong(events[0].Answer.Data); wrong != "" {
			t.Errorf("%s (-want +got)\n%s", test.query, wrong)
		}
	}
	// A change is told to those whom it concerns, and to nobody else.
	put(t, client, "app/port", "81")
	awaitKey(sinks[0], "81", time.Second)
	for i, test := range tests[2:] {
		if n := len(sinks[2+i].Events()); n != 1 {
			t.Errorf("%s: %d events, want one", test.query, n)
		}
	}
}

func heard(events []watchtest.Event) bool { return len(events) > 0 }

// TestRealEnterprise: what only Consul Enterprise answers.
func TestRealEnterprise(t *testing.T) {
	agent := servers.Consul(t)
	s := runReal(t, agent, func(*Options) {})
	for _, test := range []struct {
		query watch.Query
		class watch.Class
		want  string
	}{
		{watch.Query{Kind: watch.PartitionList}, watch.Denied,
			"list.partitions: Partitions are an enterprise feature: Unexpected response code: 404 (Invalid URL path"},
		{watch.Query{Kind: watch.ExportedServiceList, Name: "p"}, watch.Denied,
			"list.exportedServices(p): Unexpected response code: 400 ("},
		{watch.Query{Kind: watch.ImportedServiceList, Name: "p"}, watch.Denied,
			"list.importedServices(p): Unexpected response code: 400 ("},
	} {
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: test.query.ID(), Sink: r})
		err := r.Wait("failure", 5*time.Second, heard)[0].Err
		if watch.Classify(err) != test.class || !strings.HasPrefix(fmt.Sprint(err), test.want) {
			t.Errorf("%s failed with %v", test.query, err)
		}
	}
}

func names[T any](list []T, name func(T) string) []string {
	var all []string
	for _, e := range list {
		all = append(all, name(e))
	}
	return all
}

func instanceNames(data any) []string {
	return names(data.([]*watch.HealthService), func(i *watch.HealthService) string {
		return i.ID + " [" + strings.Join(i.Tags, " ") + "] " + i.Status
	})
}

// registerWeb registers two instances of web: one that passes and is
// Connect-capable, and one that is critical.
func registerWeb(t *testing.T, c *api.Client) {
	t.Helper()
	for _, s := range []*api.AgentServiceRegistration{
		{
			ID: "web-1", Name: "web", Tags: []string{"b", "a"}, Port: 80,
			Connect: &api.AgentServiceConnect{Native: true},
			Check:   &api.AgentServiceCheck{TTL: "1h", Status: api.HealthPassing},
		},
		{ID: "web-2", Name: "web", Port: 81, Check: &api.AgentServiceCheck{TTL: "1h", Status: api.HealthCritical}},
	} {
		check(t, c.Agent().ServiceRegister(s))
	}
}
