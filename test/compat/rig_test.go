package compat

import (
	"flag"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"restencil/test/binary"
	"restencil/test/servers"
)

func TestMain(m *testing.M) {
	flag.Parse()
	servers.Need("consul-template")
	os.Exit(binary.Main(m))
}

// A rig is the two programs and the Consul that they ask.
type rig struct {
	agent  *servers.Agent
	oracle program // consul-template
	ours   program // restencil

	latches atomic.Int64 // counts them, for names
}

// noConnectionLimit is for consul-template, which opens a connection for each
// thing that it asks.
const noConnectionLimit = "limits { http_max_conns_per_client = 5000 }"

// newRig starts a seeded Consul, or skips the test where there is none.
func newRig(t *testing.T) *rig {
	t.Helper()
	oracle, ours := servers.ConsulTemplate(t), binary.Path(t)
	agent := servers.Consul(t, servers.HCL(peeringPorts(t)), servers.HCL(noConnectionLimit))
	seed(t, agent.Client())
	return &rig{
		agent:  agent,
		oracle: program{name: "consul-template", path: oracle, consul: agent.Addr(), fixtures: fixtures(t)},
		ours:   program{name: "restencil", path: ours, consul: agent.Addr(), fixtures: fixtures(t)},
	}
}

// fixtures returns the absolute path of the files that templates read.
func fixtures(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "files"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
