package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/consul/api"
)

// fill makes these changes, many in one request.
func fill(t *testing.T, client *api.Client, ops api.TxnOps) {
	t.Helper()
	const most = 64 // in one transaction, which is Consul's limit
	for part := range slices.Chunk(ops, most) {
		ok, resp, _, err := client.Txn().Txn(part, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			t.Fatalf("filling the store: %s", resp.Errors[0].What)
		}
	}
}

func setKey(key, value string) *api.TxnOp {
	return &api.TxnOp{KV: &api.KVTxnOp{Verb: api.KVSet, Key: key, Value: []byte(value)}}
}

// An instance is one of a service, on a node of its own.
type instance struct {
	service string
	number  int
	port    int
}

func (i instance) node() string    { return fmt.Sprintf("%s-%d", i.service, i.number) }
func (i instance) address() string { return fmt.Sprintf("10.0.%d.%d", i.number/250, i.number%250+1) }

// line is what templates print of it.
func (i instance) line() string { return fmt.Sprintf("server %s:%d\n", i.address(), i.port) }

// set registers the instance, with its node and a passing check.
func (i instance) set() api.TxnOps {
	return api.TxnOps{
		{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: api.Node{Node: i.node(), Address: i.address()}}},
		i.setService(),
		{Check: &api.CheckTxnOp{Verb: api.CheckSet, Check: api.HealthCheck{
			Node: i.node(), CheckID: "alive", Name: "Is it alive?", Status: api.HealthPassing,
			Output: "HTTP GET: 200 OK", ServiceID: i.service, ServiceName: i.service,
		}}},
	}
}

func (i instance) setService() *api.TxnOp {
	return &api.TxnOp{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: i.node(), Service: api.AgentService{
		ID: i.service, Service: i.service, Address: i.address(), Port: i.port,
		Tags: []string{"http", "v2"}, Meta: map[string]string{"zone": "a"},
	}}}
}
