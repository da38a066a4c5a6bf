package servers

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nomadToken is the management token of every Nomad that is started here.
const nomadToken = "5a3f0d9c-1b7e-4c02-8f5d-0e6a7b9c2d41"

// A NomadServer is a real Nomad that runs alone, as server and client, with access
// control on.
type NomadServer struct {
	t          testing.TB
	path       string
	dir        string
	persistent bool
	role       string     // configuration that makes it a member of a cluster; "": it runs alone
	tls        *authority // nil: plain HTTP
	ports      []int      // HTTP, server RPC, Serf
	process    *process
	http       *http.Transport
}

// A NomadOption changes how a Nomad is started.
type NomadOption func(*NomadServer)

// NomadPersistent has the server keep its data on disk, so that it can be started
// again with everything still there. It has variables, and runs no jobs.
func NomadPersistent() NomadOption { return func(n *NomadServer) { n.persistent = true } }

// NomadTLS has the agent speak HTTPS, with a certificate of an authority of its own
// (CAFile). Clients must show a certificate (ClientCert).
func NomadTLS() NomadOption { return func(n *NomadServer) { n.tls = newAuthority(n.t, n.dir) } }

// Nomad starts a Nomad agent and returns when it is ready: its access control is set
// up, and it can run jobs. It is killed at the end of the test. Without a nomad binary the
// test is skipped.
func Nomad(t testing.TB, options ...NomadOption) *NomadServer {
	t.Helper()
	n := newNomad(t)
	var err error
	for _, option := range options {
		option(n)
	}
	if n.tls != nil {
		n.http.TLSClientConfig = n.tls.client()
		own, err := tls.LoadX509KeyPair(n.tls.issue("admin"))
		if err != nil {
			t.Fatal(err)
		}
		n.http.TLSClientConfig.Certificates = []tls.Certificate{own}
	}
	const attempts = 3
	for range attempts {
		n.ports = Ports(t, 3)
		if err = n.start(); err == nil || !portTaken(err) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newNomad returns an agent that is not started. It ends with the test.
func newNomad(t testing.TB) *NomadServer {
	t.Helper()
	n := &NomadServer{t: t, path: NomadPath(t), http: &http.Transport{}}
	var err error
	// Sockets lie below it, whose paths must be short.
	if n.dir, err = os.MkdirTemp("", "nomad"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.end)
	return n
}

// Addr returns the host and port of the agent's HTTP API. It stays the same when the
// agent is started again.
func (n *NomadServer) Addr() string { return loopback(n.ports[0]) }

// URL returns the address of the agent's HTTP API, with its scheme.
func (n *NomadServer) URL() string {
	if n.tls != nil {
		return "https://" + n.Addr()
	}
	return "http://" + n.Addr()
}

// Token returns the token that may do everything.
func (n *NomadServer) Token() string { return nomadToken }

// CAFile returns the file of the authority that signed the certificates.
func (n *NomadServer) CAFile() string { return n.tls.path("ca.pem") }

// ClientCert makes a client's certificate, and returns the files of it and of its key.
func (n *NomadServer) ClientCert(name string) (cert, key string) {
	n.t.Helper()
	return n.tls.issue(name)
}

// Kill ends the agent at once (SIGKILL), as a crash would.
func (n *NomadServer) Kill() { n.process.kill() }

// Start starts an agent again that was killed, on the same ports and with the same
// data. It must be NomadPersistent.
func (n *NomadServer) Start() {
	n.t.Helper()
	if !n.persistent {
		n.t.Fatal("a Nomad that is to be started again needs servers.NomadPersistent()")
	}
	if err := n.start(); err != nil {
		n.t.Fatal(err)
	}
}

// Launch starts an agent again that was killed, as Start does, and does not wait until it
// is ready: alone, a server of several never is.
func (n *NomadServer) Launch() {
	n.t.Helper()
	if err := n.launch(); err != nil {
		n.t.Fatal(err)
	}
}

// Pause freezes the agent (SIGSTOP): connections stay open, nothing answers.
func (n *NomadServer) Pause() {
	n.t.Helper()
	if err := n.process.pauseGroup(); err != nil {
		n.t.Fatal("pausing Nomad:", err)
	}
}

// Resume lets a paused agent go on.
func (n *NomadServer) Resume() {
	n.t.Helper()
	if err := n.process.resumeGroup(); err != nil {
		n.t.Fatal("resuming Nomad:", err)
	}
}

// Request makes a request of the API as the management token, and returns the reply.
// body is encoded as JSON; nil is none.
func (n *NomadServer) Request(method, path string, body any) []byte {
	n.t.Helper()
	reply, err := n.request(20*time.Second, method, path, body)
	if err != nil {
		n.t.Fatal(err)
	}
	return reply
}

func (n *NomadServer) request(timeout time.Duration, method, path string, body any) ([]byte, error) {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequest(method, n.URL()+path, &content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Nomad-Token", nomadToken)
	client := http.Client{Transport: n.http, Timeout: timeout}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("nomad %s %s: %d: %s", method, path, resp.StatusCode, reply)
	}
	return reply, err
}

// Put writes a variable of the namespace default.
func (n *NomadServer) Put(path string, items map[string]string) {
	n.t.Helper()
	n.Request(http.MethodPut, "/v1/var/"+path, map[string]any{"Items": items})
}

// Delete deletes a variable of the namespace default.
func (n *NomadServer) Delete(path string) {
	n.t.Helper()
	n.Request(http.MethodDelete, "/v1/var/"+path, nil)
}

// Policy returns the accessor and the secret of a new token with these rules. If policy
// exists, its rules are replaced, for all its tokens.
func (n *NomadServer) Policy(policy, rules string) (accessor, secret string) {
	n.t.Helper()
	n.Request(http.MethodPut, "/v1/acl/policy/"+policy, map[string]any{"Name": policy, "Rules": rules})
	var token struct{ AccessorID, SecretID string }
	reply := n.Request(http.MethodPut, "/v1/acl/token", map[string]any{"Type": "client", "Policies": []string{policy}})
	if err := json.Unmarshal(reply, &token); err != nil {
		n.t.Fatal(err)
	}
	return token.AccessorID, token.SecretID
}

// A NomadService is a service of a job, with an instance at each of the addresses
// (host:port).
type NomadService struct {
	Name      string
	Tags      []string
	Addresses []string
}

// Run runs a job that has these services, and waits until they are registered. Its tasks
// are no processes.
func (n *NomadServer) Run(job string, services ...NomadService) {
	n.t.Helper()
	var groups []any
	for _, s := range services {
		for i, address := range s.Addresses {
			host, port, _ := strings.Cut(address, ":")
			groups = append(groups, map[string]any{
				"Name":     fmt.Sprintf("%s-%d", s.Name, i),
				"Services": []any{map[string]any{"Name": s.Name, "Provider": "nomad", "Address": host, "PortLabel": port, "Tags": s.Tags}},
				"Tasks": []any{map[string]any{
					"Name": "task", "Driver": "mock_driver", "Config": map[string]any{"run_for": "10h"},
					"Resources": map[string]any{"CPU": 1, "MemoryMB": 10}, "LogConfig": map[string]any{"Disabled": true},
				}},
			})
		}
	}
	n.Request(http.MethodPut, "/v1/jobs", map[string]any{"Job": map[string]any{
		"ID": job, "Name": job, "Type": "service", "Datacenters": []string{"*"}, "TaskGroups": groups,
	}})
	if err := n.process.waitReady(func() error {
		for _, s := range services {
			var found []struct{ JobID string }
			reply, err := n.request(short, http.MethodGet, "/v1/service/"+s.Name, nil)
			if err = cmp.Or(err, json.Unmarshal(reply, &found)); err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(f struct{ JobID string }) bool { return f.JobID != job })
			if len(found) != len(s.Addresses) {
				return fmt.Errorf("%d instances of %s, want %d", len(found), s.Name, len(s.Addresses))
			}
		}
		return nil
	}); err != nil {
		n.t.Fatal(err)
	}
}

// End ends a job, and with it its services.
func (n *NomadServer) End(job string) {
	n.t.Helper()
	n.Request(http.MethodDelete, "/v1/job/"+job+"?purge=true", nil)
}

// start starts the agent on its ports and waits until it is ready.
func (n *NomadServer) start() error {
	if err := n.launch(); err != nil {
		return err
	}
	return n.process.waitReady(n.ready)
}

// launch starts the agent on its ports.
func (n *NomadServer) launch() error {
	config := filepath.Join(n.dir, "agent.hcl")
	if err := os.WriteFile(config, []byte(n.config()), 0o600); err != nil {
		return err
	}
	args := []string{"agent", "-config", config, "-log-level", "warn"}
	if !n.persistent && n.role == "" {
		args = append(args, "-dev")
	}
	cmd := exec.Command(n.path, args...)
	cmd.Dir = n.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NOMAD_") || strings.HasPrefix(v, "AWS_CA_BUNDLE=")
	}), "HOME="+n.dir, "TMPDIR="+n.dir, "CHECKPOINT_DISABLE=1")
	cmd.SysProcAttr = ownMounts(ownGroup(syscall.SIGKILL)) // heard even while paused
	var err error
	n.process, err = startProcess(cmd, filepath.Join(n.dir, "agent.log"))
	return err
}

// running says whether the agent runs.
func (n *NomadServer) running() bool { return n.process != nil && !n.process.ended() }

func (n *NomadServer) config() string {
	text := fmt.Sprintf(`
		disable_update_check = true
		bind_addr = "127.0.0.1"
		data_dir = %q
		ports {
			http = %d
			rpc  = %d
			serf = %d
		}
		advertise {
			http = "127.0.0.1"
			rpc  = "127.0.0.1"
			serf = "127.0.0.1"
		}
		acl { enabled = true }
		client {
			options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean,bridge,cni,consul,vault" }
		}
		consul {
			auto_advertise   = false
			server_auto_join = false
			client_auto_join = false
		}`, filepath.Join(n.dir, "data"), n.ports[0], n.ports[1], n.ports[2])
	switch {
	case n.role != "":
		text += n.role
	case n.persistent:
		text += `
		server {
			enabled          = true
			bootstrap_expect = 1
			raft_multiplier  = 1
		}`
	}
	if n.tls != nil {
		cert, key := n.tls.issue("agent")
		text += fmt.Sprintf(`
		tls {
			http = true
			ca_file = %q
			cert_file = %q
			key_file = %q
			verify_https_client = true
		}`, n.tls.path("ca.pem"), cert, key)
	}
	return text
}

// short is how long a request may take that is made again: Nomad may not answer one that
// comes while it elects its leader.
const short = 2 * time.Second

// ready returns nil once the management token is known, variables can be written, and a
// node can run jobs, if there is to be one.
func (n *NomadServer) ready() error {
	if _, err := n.request(short, http.MethodGet, "/v1/acl/token/self", nil); err != nil {
		_, err = n.request(short, http.MethodPut, "/v1/acl/bootstrap", map[string]string{"BootstrapSecret": nomadToken})
		if err != nil {
			return err
		}
	}
	// Variables can be written a little later than all else.
	if _, err := n.request(short, http.MethodPut, "/v1/var/ready", map[string]any{"Items": map[string]string{"v": ""}}); err != nil {
		return err
	}
	if _, err := n.request(short, http.MethodDelete, "/v1/var/ready", nil); err != nil {
		return err
	}
	if n.persistent {
		return nil
	}
	reply, err := n.request(short, http.MethodGet, "/v1/nodes", nil)
	if err != nil {
		return err
	}
	var nodes []struct{ Status string }
	if err := json.Unmarshal(reply, &nodes); err != nil {
		return err
	}
	if len(nodes) != 1 || nodes[0].Status != "ready" {
		return fmt.Errorf("no node is ready: %s", reply)
	}
	return nil
}

// end kills the agent at the end of the test. Its log tells why a test failed.
func (n *NomadServer) end() {
	n.http.CloseIdleConnections()
	if n.process != nil {
		n.process.kill()
		if n.t.Failed() {
			n.t.Logf("the end of Nomad's log:\n%s", n.process.log())
		}
	}
	if err := os.RemoveAll(n.dir); err != nil {
		n.t.Error(err)
	}
}
