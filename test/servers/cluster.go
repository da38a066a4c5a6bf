package servers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// A Quorum is Consul servers that elect a leader among them, and a client agent
// that passes requests on to any of them, as programs have it on their machine.
// A leader that is lost is replaced within some 2 s.
type Quorum struct {
	t       testing.TB
	servers []*Agent
	client  *Agent
}

// Cluster starts n Consul servers, three for one to be dispensable, and a
// client agent, and returns when they have a leader. All keep their data on
// disk; they are killed at the end of the test. Without a consul binary the
// test is skipped.
func Cluster(t testing.TB, n int) *Quorum {
	t.Helper()
	q := &Quorum{t: t}
	for i := range n {
		q.servers = append(q.servers, q.member(fmt.Sprintf("server-%d", i)))
	}
	q.client = q.member("client")
	q.assign()
	for _, a := range q.agents() {
		t.Cleanup(a.end)
		if err := a.launch(); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range q.agents() {
		if err := a.process.waitReady(a.ready); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

func (q *Quorum) member(node string) *Agent {
	return &Agent{
		t: q.t, path: ConsulPath(q.t), dir: q.t.TempDir(), http: &http.Transport{},
		options: consulOptions{node: node, persistent: true},
	}
}

func (q *Quorum) agents() []*Agent {
	return append(q.servers[:len(q.servers):len(q.servers)], q.client)
}

// assign gives the agents their ports, and their parts.
func (q *Quorum) assign() {
	const each = 3
	all := q.agents()
	ports := Ports(q.t, each*len(all))
	var join []string
	for i, a := range all {
		a.ports = ports[i*each : (i+1)*each]
		a.options.role = []string{"-retry-interval", "1s"}
		if a == q.client {
			break
		}
		join = append(join, "-retry-join", loopback(a.ports[2]))
		// A server that is away for a while must not be removed for good.
		a.options.role = append(a.options.role, "-server", "-bootstrap-expect", fmt.Sprint(len(q.servers)),
			"-hcl", "autopilot { cleanup_dead_servers = false }", "-hcl", "connect { enabled = false }")
	}
	for _, a := range all {
		a.options.role = append(a.options.role, join...)
	}
}

// Addr returns the host and port of the client agent's HTTP API.
func (q *Quorum) Addr() string { return q.client.Addr() }

// ServerAddr returns the host and port of server i's HTTP API.
func (q *Quorum) ServerAddr(i int) string { return q.servers[i].Addr() }

// Client returns a client of the client agent.
func (q *Quorum) Client() *api.Client { return q.client.Client() }

// Kill ends server i at once (SIGKILL), as a crash would.
func (q *Quorum) Kill(i int) { q.servers[i].Kill() }

// Start starts server i again, with the data that it had, and returns when it
// follows a leader.
func (q *Quorum) Start(i int) {
	q.t.Helper()
	q.servers[i].Start()
}

// Leader waits until all servers that run agree on a leader, and returns which
// of them it is.
func (q *Quorum) Leader() int {
	q.t.Helper()
	const most = time.Minute
	var err error
	for deadline := time.Now().Add(most); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var leader int
		if leader, err = q.agreed(); err == nil {
			return leader
		}
	}
	q.t.Fatalf("no leader after %v: %v", most, err)
	return 0
}

// agreed returns the leader that the running servers name.
func (q *Quorum) agreed() (int, error) {
	var names []string
	for _, a := range q.servers {
		if !a.running() {
			continue
		}
		name, err := a.Client().Status().Leader()
		if err != nil {
			return 0, err
		}
		names = append(names, name)
	}
	for i, a := range q.servers {
		if a.running() && strings.Count(strings.Join(names, " "), loopback(a.ports[1])) == len(names) {
			return i, nil
		}
	}
	return 0, errors.New("the servers name " + strings.Join(names, ", "))
}
