package consul

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
	"restencil/watch"
	"restencil/watch/consul/plan"
)

const management = "5b7b5d5e-0e6a-4a5c-9d5f-6f2d1f9f7c11"

// TestRealPlanned compares what a source with few connections says with what
// one says that has a blocking query for each question, on a real agent, while
// keys, services, checks and nodes change, under tokens of several kinds.
func TestRealPlanned(t *testing.T) {
	for _, test := range []struct {
		name, agent, rules string
		way                plan.Way // how a key is kept in the end, that may be read; "": this way or that
		partial            bool     // of some lists a part may be read
	}{
		{"everything", "", `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`, plan.Prefix, false},
		{"some keys", "", `key_prefix "app/02" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`, "", false},
		{"no lists", "acl { enable_key_list_policy = true }", `key_prefix "app/" { policy = "read" } service_prefix "s1" { policy = "read" } node_prefix "" { policy = "read" }`, "", true},
		{"some lists", "acl { enable_key_list_policy = true }", `key_prefix "app/" { policy = "read" } key_prefix "app/0" { policy = "list" } service_prefix "s" { policy = "read" } node_prefix "n1" { policy = "read" }`, plan.Prefix, true},
		{"no nodes", "", `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" }`, plan.Prefix, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			agent := servers.Consul(t, servers.ACL(management), servers.HCL(test.agent))
			client := quietClient(t, agent)
			token := tokenFor(t, client, test.rules)
			queries := realQueries()
			changer := &changer{t: t, c: client}
			put(t, client, lasting, "1")
			for range 120 {
				changer.change()
			}
			few := attend(t, agent, queries, func(o *Options) { o.Token, o.MaxConnections = token, 16 })
			many := attend(t, agent, queries, func(o *Options) { o.Token, o.MaxConnections = token, 160 })
			for range 3 {
				for range 30 {
					changer.change()
				}
				agree(t, few, many, queries, test.partial)
			}
			if way := few.s.way(keyNamed(lasting)); test.way != "" && way != test.way {
				t.Errorf("a key is kept by %s", way)
			}
			if way := few.s.way(serviceNamed("s00")); way != plan.Discovery {
				t.Errorf("a service is kept by %s", way)
			}
		})
	}
}

// TestRealLimit: each service has a connection where the agent accepts that many, also
// right after a restart. Without agent:read, there are as many as by default.
func TestRealLimit(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(management), servers.HCL("limits { http_max_conns_per_client = 400 }"))
	client := quietClient(t, agent)
	services := queriesNamed(230, serviceNamed, "s%03d")
	register := func(i, port int) {
		_, err := client.Catalog().Register(&api.CatalogRegistration{
			Node: fmt.Sprint("n", i%3), Address: "10.0.0.1", SkipNodeUpdate: i > 2,
			Service: &api.AgentService{ID: services[i].Name, Service: services[i].Name, Port: port},
		}, nil)
		check(t, err)
	}
	for i := range services {
		register(i, 1)
	}
	const rules = `service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`
	for i, test := range []struct {
		name, rules string
		way         plan.Way
		least, most int // connections
	}{
		{"no right", rules, plan.Discovery, 1, 128},
		{"right", rules + ` agent_prefix "" { policy = "read" }`, plan.Blocking, 230, 256},
		{"restart", rules + ` agent_prefix "" { policy = "read" }`, plan.Blocking, 230, 256},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy, _, err := client.ACL().PolicyCreate(&api.ACLPolicy{Name: fmt.Sprint("p", i), Rules: test.rules}, nil)
			check(t, err)
			token, _, err := client.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
			check(t, err)
			n := attend(t, agent, services, func(o *Options) { o.Token = token.SecretID })
			await := func(service int, text string) {
				t.Helper()
				sink, deadline := n.sinks[services[service]], time.Now().Add(20*time.Second)
				for got, _ := sink.said(); got != text; got, _ = sink.said() {
					if time.Now().After(deadline) {
						t.Fatalf("%v was told %q, want %q", services[service], got, text)
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
			for j := range services {
				if j != 7 {
					await(j, "[1]")
				}
			}
			counts := n.s.Inspect().Counts
			for deadline := time.Now().Add(20 * time.Second); counts.Connections < test.least && time.Now().Before(deadline); counts = n.s.Inspect().Counts {
				time.Sleep(5 * time.Millisecond)
			}
			register(7, 10+i)
			await(7, fmt.Sprintf("[%d]", 10+i))
			refused := 0
			if test.way == plan.Discovery {
				refused = 1 // to say the limit
			}
			if way := n.s.way(services[0]); way != test.way || counts.Connections < test.least || counts.Connections > test.most || counts.Errors != refused {
				t.Errorf("a service is kept by %s: %+v", way, counts)
			}
		})
	}
}

// lasting is a key that does not change.
const lasting = "app/02x"

func realQueries() []watch.Query {
	queries := append(append(queriesNamed(60, keyNamed, "app/%03d"), keyNamed(lasting)), queriesNamed(20, serviceNamed, "s%02d")...)
	for _, name := range []string{"n0", "n1", "n2", "none"} {
		queries = append(queries, watch.Query{Kind: watch.NodeServices, Name: name})
	}
	return append(queries,
		watch.Query{Kind: watch.ServiceHealth, Name: "s01", Filter: "any"},
		watch.Query{Kind: watch.ServiceHealth, Name: "s01", Tag: "t1"},
		watch.Query{Kind: watch.ConnectHealth, Name: "s02"},
		watch.Query{Kind: watch.ConnectHealth, Name: "s07"},
		watch.Query{Kind: watch.ConnectHealth, Name: "s08", Filter: "any"},
		watch.Query{Kind: watch.ServiceList},
		watch.Query{Kind: watch.NodeList},
		treeNamed("app/01"),
		treeNamed("app/none"),
	)
}

func tokenFor(t *testing.T, c *api.Client, rules string) string {
	policy, _, err := c.ACL().PolicyCreate(&api.ACLPolicy{Name: "p", Rules: rules}, nil)
	check(t, err)
	token, _, err := c.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
	check(t, err)
	return token.SecretID
}

// attend has a source watch the queries on a real agent.
func attend(t *testing.T, agent addressed, queries []watch.Query, set func(*Options)) *observer {
	n := &observer{s: runReal(t, agent, set), sinks: make(map[watch.Query]*newest)}
	n.watch(queries...)
	return n
}

// agree waits until both say the same of each query. Where a token reads lists in
// part, one that has seen an instance and then none does not believe that, and one
// that has not does.
func agree(t *testing.T, a, b *observer, queries []watch.Query, partial bool) {
	t.Helper()
	same := func(one, other string) bool {
		doubted := func(a, b string) bool { return partial && strings.HasPrefix(a, "failed") && b == "[]" }
		return one == other || doubted(one, other) || doubted(other, one)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var differ []string
		for _, q := range queries {
			one, told := a.sinks[q].said()
			other, _ := b.sinks[q].said()
			if !same(one, other) || told == 0 {
				differ = append(differ, fmt.Sprintf("%v, kept by %s: %q and %q", q, a.s.way(q), one, other))
			}
		}
		if len(differ) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d queries differ, such as\n%s", len(differ), differ[0])
		}
	}
}

// A changer changes something at random.
type changer struct {
	t *testing.T
	c *api.Client
	n int
}

func (c *changer) change() {
	c.n++
	key, service, node := fmt.Sprintf("app/%03d", rand.IntN(60)), fmt.Sprintf("s%02d", rand.IntN(20)), fmt.Sprintf("n%d", rand.IntN(3))
	switch rand.IntN(12) {
	case 0:
		c.write(func() error { _, err := c.c.KV().Delete(key, nil); return err })
	case 1:
		c.write(func() error {
			_, err := c.c.Catalog().Deregister(&api.CatalogDeregistration{Node: node, ServiceID: service}, nil)
			return err
		})
	case 2, 3:
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60,
			Service: &api.AgentService{ID: service, Service: service, Port: c.n, Tags: []string{fmt.Sprint("t", rand.IntN(3))}, Connect: connect(service)},
		})
	case 4:
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60,
			Service: &api.AgentService{ID: service, Service: service, Port: c.n, Connect: connect(service)},
			Check:   &api.AgentCheck{CheckID: service, ServiceID: service, Status: status()},
		})
	case 5:
		c.register(&api.CatalogRegistration{Node: node})
	case 6: // a proxy, with a check of its own
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60,
			Service: &api.AgentService{
				ID: service + "-proxy", Service: service + "-proxy", Port: c.n, Kind: api.ServiceKindConnectProxy,
				Proxy: &api.AgentServiceConnectProxyConfig{DestinationServiceName: service},
			},
			Check: &api.AgentCheck{CheckID: service + "-proxy", ServiceID: service + "-proxy", Status: status()},
		})
	case 7: // a check of the node
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60, Check: &api.AgentCheck{CheckID: "node", Status: status()},
		})
	default:
		c.write(func() error {
			_, err := c.c.KV().Put(&api.KVPair{Key: key, Value: []byte(fmt.Sprint(c.n))}, nil)
			return err
		})
	}
}

// write has a change made, though the servers may be about to elect a leader.
func (c *changer) write(change func() error) {
	c.t.Helper()
	await.Eventually(c.t, change)
}

// status returns that of a check.
func status() string { return []string{"passing", "passing", "warning", "critical"}[rand.IntN(4)] }

// connect makes some services Connect-capable, for good: Consul does not end a
// blocking query about the capable ones when one of them ceases to be.
func connect(service string) *api.AgentServiceConnect {
	return &api.AgentServiceConnect{Native: service < "s05"}
}

func (c *changer) register(r *api.CatalogRegistration) {
	if !r.SkipNodeUpdate {
		r.Address = fmt.Sprintf("10.0.0.%d", 1+rand.IntN(250))
	}
	c.write(func() error {
		_, err := c.c.Catalog().Register(r, nil)
		if r.SkipNodeUpdate { // the node may be unknown
			err = nil
		}
		return err
	})
}

// TestRealRights: rights that a token loses leave the last answer, and say what is
// missing; when they come back, what has changed meanwhile is seen. So it is with
// a request for each service and with shared ones.
func TestRealRights(t *testing.T) {
	for name, services := range map[string]int{"a request each": 3, "shared": 30} {
		t.Run(name, func(t *testing.T) {
			agent := servers.Consul(t, servers.ACL(management))
			client := quietClient(t, agent)
			const all = `service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`
			policy, _, err := client.ACL().PolicyCreate(&api.ACLPolicy{Name: "p", Rules: all}, nil)
			check(t, err)
			token, _, err := client.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
			check(t, err)
			queries := queriesNamed(services, serviceNamed, "s%02d")
			register := func(port int) {
				for i, q := range queries {
					_, err := client.Catalog().Register(&api.CatalogRegistration{
						Node: fmt.Sprint("n", i%3), Address: "10.0.0.1", SkipNodeUpdate: port > 1,
						Service: &api.AgentService{ID: q.Name, Service: q.Name, Port: port},
					}, nil)
					check(t, err)
				}
			}
			register(1)
			n := attend(t, agent, queries, func(o *Options) {
				o.Token, o.MaxConnections, o.BlockQueryWait = token.SecretID, 16, 5*time.Second
			})
			await := func(what string, right func(text string) bool) {
				t.Helper()
				for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					wrong := ""
					for _, q := range queries {
						if text, _ := n.sinks[q].said(); !right(text) {
							wrong = fmt.Sprintf("%v, kept by %s, was told %q", q, n.s.way(q), text)
						}
					}
					if wrong == "" {
						return
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s: %s", what, wrong)
					}
				}
			}
			await("at first", func(text string) bool { return text == "[1]" })
			for port := range 2 {
				policy.Rules = `service_prefix "" { policy = "read" }`
				_, _, err = client.ACL().PolicyUpdate(policy, nil)
				check(t, err)
				register(10 + port)
				await("without rights", func(text string) bool { return text == fmt.Sprint("failed: ", watch.Denied) })
				policy.Rules = all
				_, _, err = client.ACL().PolicyUpdate(policy, nil)
				check(t, err)
				await("with rights again", func(text string) bool { return text == fmt.Sprintf("[%d]", 10+port) })
			}
			for _, q := range queries {
				if n.sinks[q].saidEver("[]") > 0 {
					t.Errorf("%v was told that there is nothing", q)
				}
			}
			_, err = client.ACL().TokenDelete(token.AccessorID, nil)
			check(t, err)
			await("without the token", func(text string) bool { return text == fmt.Sprint("failed: ", watch.Denied) })
		})
	}
}

// TestRealRightsOfEveryKind: whatever is asked, what a token may not read any more
// keeps the last answer and fails, until it may read it again.
func TestRealRightsOfEveryKind(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(management))
	client := quietClient(t, agent)
	const all = `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`
	policy, _, err := client.ACL().PolicyCreate(&api.ACLPolicy{Name: "p", Rules: all}, nil)
	check(t, err)
	token, _, err := client.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
	check(t, err)
	put(t, client, "app/a", "1")
	_, err = client.Catalog().Register(&api.CatalogRegistration{
		Node: "n1", Address: "10.0.0.1",
		Service: &api.AgentService{ID: "web", Service: "web", Port: 80, Connect: &api.AgentServiceConnect{Native: true}},
	}, nil)
	check(t, err)
	queries := []watch.Query{
		keyNamed("app/a"), treeNamed("app"), serviceNamed("web"), {Kind: watch.ConnectHealth, Name: "web"},
		{Kind: watch.ServiceList}, {Kind: watch.NodeList}, {Kind: watch.NodeServices, Name: "n1"},
	}
	n := attend(t, agent, queries, func(o *Options) { o.Token, o.BlockQueryWait = token.SecretID, 3*time.Second })
	something := func(text string) bool {
		return text != "[]" && text != "" && text != "nothing" && !strings.Contains(text, `"Node":null`)
	}
	await := func(what string, right func(q watch.Query, text string) bool) {
		t.Helper()
		for _, q := range queries {
			for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				text, told := n.sinks[q].said()
				if told > 0 && right(q, text) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: %v was told %q", what, q, text)
				}
			}
		}
	}
	there := func(_ watch.Query, text string) bool { return something(text) && !strings.HasPrefix(text, "failed") }
	await("at first", there)
	for range 2 {
		policy.Rules = `operator = "read"`
		_, _, err = client.ACL().PolicyUpdate(policy, nil)
		check(t, err)
		await("without rights", func(_ watch.Query, text string) bool { return text == fmt.Sprint("failed: ", watch.Denied) })
		policy.Rules = all
		_, _, err = client.ACL().PolicyUpdate(policy, nil)
		check(t, err)
		await("with rights again", there)
	}
	for q, sink := range n.sinks {
		sink.mu.Lock()
		for text := range sink.ever {
			if !something(text) {
				t.Errorf("%v was told %q", q, text)
			}
		}
		sink.mu.Unlock()
	}
}

// TestRealRestartOfServices: an agent that is killed and comes back, and one that
// comes back without its data, whose index has gone back.
func TestRealRestartOfServices(t *testing.T) {
	data := t.TempDir()
	agent := servers.Consul(t, servers.Persistent(), servers.HCL(fmt.Sprintf("data_dir = %q", data)))
	queries := queriesNamed(40, serviceNamed, "s%02d")
	register := func(port int) {
		client := quietClient(t, agent)
		for i, q := range queries {
			r := &api.CatalogRegistration{
				Node: fmt.Sprint("n", i%3), Address: "10.0.0.1",
				Service: &api.AgentService{ID: q.Name, Service: q.Name, Port: port},
			}
			_, err := client.Catalog().Register(r, nil)
			check(t, err)
		}
	}
	register(1)
	register(2) // so that the index of an empty agent is lower
	n := attend(t, agent, queries, func(o *Options) { o.MaxConnections = 16 })
	await := func(port int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			wrong := 0
			for _, q := range queries {
				if text, _ := n.sinks[q].said(); text != fmt.Sprintf("[%d]", port) {
					wrong++
				}
			}
			if wrong == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d have not been told of port %d", wrong, len(queries), port)
			}
		}
	}
	await(2)
	agent.Kill()
	agent.Start()
	register(3)
	await(3)
	agent.Kill()
	check(t, os.RemoveAll(data))
	check(t, os.Mkdir(data, 0o755))
	agent.Start()
	register(4)
	await(4)
}

// TestRealOtherDatacenter: services of another datacenter share requests as those
// of the agent's own do.
func TestRealOtherDatacenter(t *testing.T) {
	ports := servers.Ports(t, 2)
	near := servers.Consul(t, servers.HCL(fmt.Sprintf("ports { serf_wan = %d }", ports[0])))
	far := servers.Consul(t, servers.HCL(fmt.Sprintf(`datacenter = "dc2" ports { serf_wan = %d } retry_join_wan = ["127.0.0.1:%d"] retry_interval_wan = "1s"`, ports[1], ports[0])))
	client := quietClient(t, near)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, _, err := client.Catalog().Nodes(&api.QueryOptions{Datacenter: "dc2"})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	changer := &changer{t: t, c: quietClient(t, far)}
	var queries []watch.Query
	for _, q := range queriesNamed(20, serviceNamed, "s%02d") {
		q.Datacenter = "dc2"
		connect := q
		connect.Kind = watch.ConnectHealth
		queries = append(queries, q, connect)
	}
	few := attend(t, near, queries, func(o *Options) { o.MaxConnections = 16 })
	many := attend(t, near, queries, func(o *Options) { o.MaxConnections = 160 })
	for range 5 {
		for range 30 {
			changer.change()
		}
		agree(t, few, many, queries, false)
	}
	if way := few.s.way(queries[0]); way != plan.Discovery {
		t.Errorf("a service is kept by %s", way)
	}
}

// TestRealQuorum: a leader is lost, and comes back, while services change.
func TestRealQuorum(t *testing.T) {
	quorum := servers.Cluster(t, 3)
	leader := quorum.Leader()
	client, err := api.NewClient(&api.Config{
		Address: quorum.Addr(), HttpClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	check(t, err)
	changer := &changer{t: t, c: client}
	queries := queriesNamed(40, serviceNamed, "s%02d")
	few := attend(t, quorum, queries, func(o *Options) { o.MaxConnections = 16 })
	many := attend(t, quorum, queries, func(o *Options) { o.MaxConnections, o.MaxStale = 160, 0 })
	turn := func() {
		t.Helper()
		for range 60 {
			changer.change()
		}
		agree(t, few, many, queries, false)
	}
	turn()
	quorum.Kill(leader)
	quorum.Leader()
	turn()
	quorum.Start(leader)
	turn()
}
