package servers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A NomadQuorum is Nomad servers that elect a leader among them, and a client agent
// that runs jobs, and passes requests on to any of them.
type NomadQuorum struct {
	t       testing.TB
	servers []*NomadServer
	client  *NomadServer
}

// NomadCluster starts n Nomad servers, three for one to be dispensable, and a client
// agent, and returns when they are ready. The servers keep their data on disk; all are
// killed at the end of the test. Without a nomad binary the test is skipped.
func NomadCluster(t testing.TB, n int) *NomadQuorum {
	t.Helper()
	q := &NomadQuorum{t: t, client: newNomad(t)}
	for range n {
		s := newNomad(t)
		s.persistent = true
		q.servers = append(q.servers, s)
	}
	q.assign()
	for _, a := range q.servers {
		if err := a.launch(); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range q.servers {
		if err := a.process.waitReady(a.ready); err != nil {
			t.Fatal(err)
		}
	}
	// A client that is told that there is no leader tries again after 15 s.
	if err := q.client.start(); err != nil {
		t.Fatal(err)
	}
	return q
}

// assign gives the agents their ports, and their parts.
func (q *NomadQuorum) assign() {
	const each = 3
	ports := Ports(q.t, each*(len(q.servers)+1))
	var rpc, serf []string
	for i, a := range q.servers {
		a.ports = ports[i*each : (i+1)*each]
		rpc = append(rpc, fmt.Sprintf("%q", loopback(a.ports[1])))
		serf = append(serf, fmt.Sprintf("%q", loopback(a.ports[2])))
	}
	for i, a := range q.servers {
		// A server that is away for a while must not be removed for good.
		a.role = fmt.Sprintf(`
		name = "server-%d"
		server {
			enabled          = true
			bootstrap_expect = %d
			raft_multiplier  = 1
			server_join {
				retry_join     = [%s]
				retry_interval = "1s"
			}
		}
		autopilot { cleanup_dead_servers = false }`, i, len(q.servers), strings.Join(serf, ", "))
	}
	q.client.ports = ports[len(q.servers)*each:]
	q.client.role = fmt.Sprintf(`
		name = "client"
		client {
			enabled = true
			servers = [%s]
		}`, strings.Join(rpc, ", "))
}

// Client returns the client agent.
func (q *NomadQuorum) Client() *NomadServer { return q.client }

// Server returns server i.
func (q *NomadQuorum) Server(i int) *NomadServer { return q.servers[i] }

// Leader waits until all servers that run agree on a leader, and returns which of them
// it is. Variables can be written then.
func (q *NomadQuorum) Leader() int {
	q.t.Helper()
	const most = time.Minute
	var err error
	for deadline := time.Now().Add(most); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var leader int
		if leader, err = q.agreed(); err == nil {
			if err = q.servers[leader].ready(); err == nil {
				return leader
			}
		}
	}
	q.t.Fatalf("no leader after %v: %v", most, err)
	return 0
}

// agreed returns the leader that the running servers name.
func (q *NomadQuorum) agreed() (int, error) {
	var names []string
	for _, a := range q.servers {
		if !a.running() {
			continue
		}
		name, err := a.request(short, http.MethodGet, "/v1/status/leader", nil)
		if err != nil {
			return 0, err
		}
		names = append(names, string(name))
	}
	for i, a := range q.servers {
		if a.running() && strings.Count(strings.Join(names, " "), loopback(a.ports[1])) == len(names) {
			return i, nil
		}
	}
	return 0, errors.New("the servers name " + strings.Join(names, ", "))
}
