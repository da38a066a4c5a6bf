package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// NodeName is the name of the node that an agent registers in its catalog.
const NodeName = "node-1"

// An Agent is a real Consul server that runs alone, in datacenter dc1.
type Agent struct {
	t       testing.TB
	path    string
	dir     string
	options consulOptions
	ports   []int // HTTP, server RPC, Serf LAN
	process *process
	http    *http.Transport
}

type consulOptions struct {
	persistent bool
	token      string
	hcl        []string
	node       string   // the name of its node; "": NodeName
	role       []string // arguments that make it a server or a client; nil: by persistent
}

// A ConsulOption changes how an agent is started.
type ConsulOption func(*consulOptions)

// Persistent has the agent keep its data on disk, so that it can be started
// again with everything still there. It needs about 2 s for each start, where
// the default, a dev agent that keeps all in memory, needs 0.2 s.
func Persistent() ConsulOption {
	return func(o *consulOptions) { o.persistent = true }
}

// ACL switches access control on, with deny as the default policy. Token, a
// UUID, may do everything; Client uses it.
func ACL(token string) ConsulOption {
	return func(o *consulOptions) {
		o.token = token
		o.hcl = append(o.hcl, fmt.Sprintf(`acl {
			enabled = true
			default_policy = "deny"
			tokens { initial_management = %q, agent = %q }
		}`, token, token))
	}
}

// HCL adds to the agent's configuration. It wins over what the package sets.
func HCL(text string) ConsulOption {
	return func(o *consulOptions) { o.hcl = append(o.hcl, text) }
}

// Consul starts a Consul agent and returns when it has a leader (itself) and
// its own node in the catalog. It is killed at the end of the test. Without a
// consul binary the test is skipped.
func Consul(t testing.TB, options ...ConsulOption) *Agent {
	t.Helper()
	a := &Agent{t: t, path: ConsulPath(t), dir: t.TempDir(), http: &http.Transport{}}
	for _, option := range options {
		option(&a.options)
	}
	t.Cleanup(a.end)
	if err := a.startFirst(); err != nil {
		t.Fatal(err)
	}
	return a
}

// Addr returns the host and port of the agent's HTTP API. It stays the same
// when the agent is started again.
func (a *Agent) Addr() string { return loopback(a.ports[0]) }

// PID returns the process id of the agent that runs.
func (a *Agent) PID() int { return a.process.cmd.Process.Pid }

// Token returns the token that ACL was given; without ACL it is empty.
func (a *Agent) Token() string { return a.options.token }

// Client returns a client of the agent.
func (a *Agent) Client() *api.Client {
	a.t.Helper()
	client, err := api.NewClient(&api.Config{
		Address:    a.Addr(),
		Token:      a.options.token,
		HttpClient: &http.Client{Transport: a.http},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return client
}

// Kill ends the agent at once (SIGKILL), as a crash would.
func (a *Agent) Kill() { a.process.kill() }

// Stop ends the agent in the orderly way (SIGTERM).
func (a *Agent) Stop() { a.process.stop() }

// Start starts an agent again that was killed or stopped, on the same ports
// and with the same data, and returns when it has a leader. The agent must be
// Persistent: a dev agent would come back empty.
func (a *Agent) Start() {
	a.t.Helper()
	if !a.options.persistent {
		a.t.Fatal("a Consul agent that is to be started again needs servers.Persistent()")
	}
	if !a.process.ended() {
		a.t.Fatal("the Consul agent is running already")
	}
	if err := a.start(); err != nil {
		a.t.Fatal(err)
	}
}

// Pause freezes the agent (SIGSTOP): connections stay open, nothing answers. It
// returns when that is so: a busy system takes its time to stop a process.
func (a *Agent) Pause() {
	a.t.Helper()
	if err := a.process.pauseGroup(); err != nil {
		a.t.Fatal("pausing Consul:", err)
	}
	const silent = 100 * time.Millisecond
	for deadline := time.Now().Add(grace); a.answers(silent) == nil; {
		if time.Now().After(deadline) {
			a.t.Fatal("a paused Consul answers")
		}
	}
}

// Resume lets a paused agent go on.
func (a *Agent) Resume() {
	a.t.Helper()
	if err := a.process.resumeGroup(); err != nil {
		a.t.Fatal("resuming Consul:", err)
	}
}

// startFirst starts the agent on free ports, on others where a program that
// does not ask this package was faster.
func (a *Agent) startFirst() error {
	const attempts = 3
	var err error
	for range attempts {
		a.ports = Ports(a.t, 3)
		if err = a.start(); err == nil || !portTaken(err) {
			return err
		}
	}
	return err
}

func portTaken(err error) bool { return strings.Contains(err.Error(), "address already in use") }

// start starts the agent on its ports and waits until it is ready.
func (a *Agent) start() error {
	if err := a.launch(); err != nil {
		return err
	}
	return a.process.waitReady(a.ready)
}

// launch starts the agent on its ports.
func (a *Agent) launch() error {
	cmd := exec.Command(a.path, a.args()...)
	cmd.Dir = a.dir
	cmd.SysProcAttr = ownGroup(syscall.SIGKILL) // heard even while paused
	p, err := startProcess(cmd, filepath.Join(a.dir, "agent.log"))
	if err != nil {
		return err
	}
	a.process = p
	return nil
}

// running says whether the agent runs.
func (a *Agent) running() bool { return a.process != nil && !a.process.ended() }

func (a *Agent) node() string { return cmp.Or(a.options.node, NodeName) }

// args returns the command line. All HCL is merged by the agent; later wins.
func (a *Agent) args() []string {
	args := []string{
		"agent", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-node", a.node(), "-log-level", "warn",
		"-hcl", "disable_update_check = true",
		"-hcl", fmt.Sprintf(`ports {
			http = %d, server = %d, serf_lan = %d
			dns = -1, grpc = -1, grpc_tls = -1, serf_wan = -1
		}`, a.ports[0], a.ports[1], a.ports[2]),
	}
	if a.options.persistent {
		args = append(args, "-data-dir", filepath.Join(a.dir, "data"), "-hcl", "performance { raft_multiplier = 1 }")
	}
	switch {
	case a.options.role != nil:
		args = append(args, a.options.role...)
	case a.options.persistent:
		args = append(args, "-server", "-bootstrap-expect", "1", "-hcl", "connect { enabled = true }")
	default:
		args = append(args, "-dev")
	}
	for _, text := range a.options.hcl {
		args = append(args, "-hcl", text)
	}
	return args
}

// ready returns nil once the agent has answered, from its leader, with its own
// node and that node's check.
func (a *Agent) ready() error { return a.answers(time.Second) }

// answers is ready, with a limit for the answer.
func (a *Agent) answers(most time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	options := &api.QueryOptions{RequireConsistent: true}
	checks, _, err := a.Client().Health().Node(a.node(), options.WithContext(ctx))
	if err != nil {
		return err
	}
	if checks.AggregatedStatus() != api.HealthPassing || len(checks) == 0 {
		return errors.New("the agent has not registered its node yet")
	}
	return nil
}

// end kills the agent at the end of the test. Its log tells why a test failed.
func (a *Agent) end() {
	a.http.CloseIdleConnections()
	if a.process == nil {
		return
	}
	a.process.kill()
	if a.t.Failed() {
		a.t.Logf("the end of Consul's log:\n%s", a.process.log())
	}
}
