package consul

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

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
	}{
		{"everything", "", `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`, plan.Prefix},
		{"some keys", "", `key_prefix "app/02" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`, ""},
		{"no lists", "acl { enable_key_list_policy = true }", `key_prefix "app/" { policy = "read" } service_prefix "s1" { policy = "read" } node_prefix "" { policy = "read" }`, ""},
		{"some lists", "acl { enable_key_list_policy = true }", `key_prefix "app/" { policy = "read" } key_prefix "app/0" { policy = "list" } service_prefix "s" { policy = "read" } node_prefix "n1" { policy = "read" }`, plan.Prefix},
		{"no nodes", "", `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" }`, plan.Prefix},
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
				agree(t, few, many, queries)
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
func attend(t *testing.T, agent *servers.Agent, queries []watch.Query, set func(*Options)) *observer {
	n := &observer{s: runReal(t, agent, set), sinks: make(map[watch.Query]*newest)}
	n.watch(queries...)
	return n
}

// agree waits until both say the same of each query.
func agree(t *testing.T, a, b *observer, queries []watch.Query) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var differ []string
		for _, q := range queries {
			one, told := a.sinks[q].said()
			other, _ := b.sinks[q].said()
			if one != other || told == 0 {
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
	switch rand.IntN(8) {
	case 0:
		_, err := c.c.KV().Delete(key, nil)
		check(c.t, err)
	case 1:
		_, err := c.c.Catalog().Deregister(&api.CatalogDeregistration{Node: node, ServiceID: service}, nil)
		check(c.t, err)
	case 2, 3:
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60,
			Service: &api.AgentService{ID: service, Service: service, Port: c.n, Tags: []string{fmt.Sprint("t", rand.IntN(3))}, Connect: connect(service)},
		})
	case 4:
		c.register(&api.CatalogRegistration{
			Node: node, SkipNodeUpdate: c.n > 60,
			Service: &api.AgentService{ID: service, Service: service, Port: c.n, Connect: connect(service)},
			Check:   &api.AgentCheck{CheckID: service, ServiceID: service, Status: []string{"passing", "critical"}[rand.IntN(2)]},
		})
	case 5:
		c.register(&api.CatalogRegistration{Node: node})
	default:
		put(c.t, c.c, key, fmt.Sprint(c.n))
	}
}

// connect makes some services Connect-capable, for good: Consul does not end a
// blocking query about the capable ones when one of them ceases to be.
func connect(service string) *api.AgentServiceConnect {
	return &api.AgentServiceConnect{Native: service < "s05"}
}

func (c *changer) register(r *api.CatalogRegistration) {
	if !r.SkipNodeUpdate {
		r.Address = fmt.Sprintf("10.0.0.%d", 1+rand.IntN(250))
	}
	if _, err := c.c.Catalog().Register(r, nil); err != nil && !r.SkipNodeUpdate {
		c.t.Fatal(err)
	}
}
