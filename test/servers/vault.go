package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// A VaultServer is a real Vault that runs alone.
type VaultServer struct {
	t         testing.TB
	path      string
	dir       string
	options   vaultOptions
	ports     []int // the API in plain HTTP, its cluster port, the API over TLS, its cluster port
	process   *process
	http      *http.Transport
	token     string
	unsealKey string // "" for a dev server
}

type vaultOptions struct {
	persistent bool
	tls        *authority // nil: plain HTTP
	plugins    string     // the folder of the plugins, "" for none
	hcl        []string
}

// A VaultOption changes how a Vault is started.
type VaultOption func(*VaultServer)

// VaultPersistent has the server keep its data on disk (Raft), so that it can
// be started again with everything still there. It has a seal: Seal and Unseal.
// It needs about 2 s for each start, where the default, a dev server that keeps
// all in memory and cannot be unsealed again, needs 0.2 s. Nothing is mounted,
// where a dev server has KV version 2 at secret/.
func VaultPersistent() VaultOption {
	return func(v *VaultServer) { v.options.persistent = true }
}

// VaultTLS has the server speak HTTPS, with a certificate of an authority of
// its own (CAFile). Clients may show a certificate (ClientCert) and need not.
func VaultTLS() VaultOption {
	return func(v *VaultServer) { v.options.tls = newAuthority(v.t, v.dir) }
}

// VaultPlugins has the server run the plugins that "make servers" builds, which
// Database needs. Where they are missing, the test is skipped.
func VaultPlugins() VaultOption {
	return func(v *VaultServer) {
		// Vault runs nothing that a link leads out of the directory to.
		plugin, err := filepath.EvalSymlinks(built(v.t, postgresPlugin))
		if err != nil {
			v.t.Fatal(err)
		}
		v.options.plugins = filepath.Dir(plugin)
	}
}

// VaultHCL adds a file to the server's configuration.
func VaultHCL(text string) VaultOption {
	return func(v *VaultServer) { v.options.hcl = append(v.options.hcl, text) }
}

// Vault starts a Vault server and returns when it is unsealed and serves. It is
// killed at the end of the test. Without a vault binary the test is skipped.
func Vault(t testing.TB, options ...VaultOption) *VaultServer {
	t.Helper()
	v := &VaultServer{t: t, path: VaultPath(t), dir: t.TempDir(), token: "root", http: &http.Transport{}}
	for _, option := range options {
		option(v)
	}
	if v.options.tls != nil {
		v.http.TLSClientConfig = v.options.tls.client()
	}
	t.Cleanup(v.end)
	if err := v.startFirst(); err != nil {
		t.Fatal(err)
	}
	return v
}

// Addr returns the host and port of the server's API. It stays the same when
// the server is started again.
func (v *VaultServer) Addr() string { return loopback(v.ports[v.apiPort()]) }

// URL returns the address of the server's API as Vault's clients want it.
func (v *VaultServer) URL() string {
	if v.options.tls != nil {
		return "https://" + v.Addr()
	}
	return "http://" + v.Addr()
}

// Token returns the root token.
func (v *VaultServer) Token() string { return v.token }

// CAFile returns the file of the authority that signed the certificates of a
// server with VaultTLS, and of its clients.
func (v *VaultServer) CAFile() string { return v.options.tls.path("ca.pem") }

// ClientCert makes a client's certificate with that common name, and returns
// the files of it and of its key. The server has VaultTLS.
func (v *VaultServer) ClientCert(name string) (cert, key string) {
	v.t.Helper()
	return v.options.tls.issue(name)
}

// Client returns a client of the server that holds the root token and tries
// each request once.
func (v *VaultServer) Client() *api.Client {
	v.t.Helper()
	client, err := v.client()
	if err != nil {
		v.t.Fatal(err)
	}
	return client
}

// client lets nothing of the environment's VAULT_ variables through.
func (v *VaultServer) client() (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address:    v.URL(),
		HttpClient: &http.Client{Transport: v.http},
		Timeout:    time.Minute,
	})
	if err != nil {
		return nil, err
	}
	client.SetToken(v.token)
	client.ClearNamespace()
	client.SetCheckRetry(func(context.Context, *http.Response, error) (bool, error) { return false, nil })
	return client, nil
}

// Write writes to a path as root and returns what Vault answers, nil if that
// is nothing.
func (v *VaultServer) Write(path string, data map[string]any) *api.Secret {
	v.t.Helper()
	answer, err := v.Client().Logical().Write(path, data)
	if err != nil {
		v.t.Fatalf("writing to Vault's %s: %v", path, err)
	}
	return answer
}

// Kill ends the server at once (SIGKILL), as a crash would.
func (v *VaultServer) Kill() { v.process.kill() }

// Stop ends the server in the orderly way (SIGTERM).
func (v *VaultServer) Stop() { v.process.stop() }

// Start starts a server again that was killed or stopped, on the same port and
// with the same data, and unseals it. The server must be VaultPersistent.
func (v *VaultServer) Start() {
	v.t.Helper()
	v.StartSealed()
	v.Unseal()
}

// StartSealed is Start without unsealing, as a server comes back by itself.
func (v *VaultServer) StartSealed() {
	v.t.Helper()
	v.mustPersist()
	if !v.process.ended() {
		v.t.Fatal("Vault is running already")
	}
	if err := v.launch(); err != nil {
		v.t.Fatal(err)
	}
	if err := v.process.waitReady(v.up); err != nil {
		v.t.Fatal(err)
	}
}

// Seal seals the server: it goes on answering, but only that it is sealed. The
// server must be VaultPersistent.
func (v *VaultServer) Seal() {
	v.t.Helper()
	v.mustPersist()
	if err := v.Client().Sys().Seal(); err != nil {
		v.t.Fatal("sealing Vault:", err)
	}
}

// Unseal unseals the server and returns when it serves.
func (v *VaultServer) Unseal() {
	v.t.Helper()
	v.mustPersist()
	if err := v.unseal(); err != nil {
		v.t.Fatal(err)
	}
}

// Pause freezes the server (SIGSTOP): connections stay open, nothing answers.
// It returns when that is so, since not all threads stop at once.
func (v *VaultServer) Pause() {
	v.t.Helper()
	if err := v.process.pauseGroup(); err != nil {
		v.t.Fatal("pausing Vault:", err)
	}
	const silent = 100 * time.Millisecond
	for deadline := time.Now().Add(grace); v.answers(silent) == nil; {
		if time.Now().After(deadline) {
			v.t.Fatal("a paused Vault answers")
		}
	}
}

// Resume lets a paused server go on.
func (v *VaultServer) Resume() {
	v.t.Helper()
	if err := v.process.resumeGroup(); err != nil {
		v.t.Fatal("resuming Vault:", err)
	}
}

func (v *VaultServer) mustPersist() {
	v.t.Helper()
	if !v.options.persistent {
		v.t.Fatal("a Vault that is to be sealed or started again needs servers.VaultPersistent()")
	}
}

// startFirst starts the server on free ports, on others where a program that
// does not ask this package was faster.
func (v *VaultServer) startFirst() error {
	const attempts = 3
	var err error
	for range attempts {
		v.ports = Ports(v.t, 4) // of one block, so that each is its neighbour's next
		if err = v.start(); err == nil || !portTaken(err) {
			return err
		}
	}
	return err
}

// start starts a new server and waits until it serves.
func (v *VaultServer) start() error {
	if err := v.launch(); err != nil {
		return err
	}
	if !v.options.persistent {
		return v.process.waitReady(v.ready)
	}
	if err := v.process.waitReady(v.up); err != nil {
		return err
	}
	if err := v.initialize(); err != nil {
		return err
	}
	return v.unseal()
}

// launch starts the server's process. Where that has plugins as its children,
// it is asked to end when the test dies, for it to end them; elsewhere it is
// killed, which is heard even while paused.
func (v *VaultServer) launch() error {
	args, err := v.args()
	if err != nil {
		return err
	}
	death := syscall.SIGKILL
	if v.options.plugins != "" {
		death = syscall.SIGTERM
	}
	cmd := exec.Command(v.path, args...)
	cmd.Dir = v.dir
	cmd.Env = []string{"HOME=" + v.dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = ownGroup(death)
	v.process, err = startProcess(cmd, filepath.Join(v.dir, "vault.log"))
	return err
}

// args writes the server's configuration and returns its command line.
func (v *VaultServer) args() ([]string, error) {
	args := []string{"server", "-log-level=warn"}
	if !v.options.persistent {
		args = append(args, "-dev", "-dev-no-store-token", "-dev-root-token-id="+v.token, "-dev-listen-address="+loopback(v.ports[0]))
	}
	for i, text := range append([]string{v.config()}, v.options.hcl...) {
		path := filepath.Join(v.dir, fmt.Sprintf("vault-%d.hcl", i))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		args = append(args, "-config="+path)
	}
	return args, nil
}

// config returns the server's first configuration file.
func (v *VaultServer) config() string {
	var text strings.Builder
	fmt.Fprintf(&text, "disable_mlock = true\n")
	if v.options.plugins != "" {
		fmt.Fprintf(&text, "plugin_directory = %q\n", v.options.plugins)
	}
	if v.options.tls != nil || v.options.persistent {
		text.WriteString(v.listener())
	}
	if v.options.persistent {
		fmt.Fprintf(&text, "storage \"raft\" {\n path = %q\n node_id = \"1\"\n performance_multiplier = 1\n}\n", v.dir)
		fmt.Fprintf(&text, "api_addr = %q\ncluster_addr = %q\n", v.URL(), "https://"+loopback(v.ports[v.apiPort()+1]))
	}
	return text.String()
}

// listener returns the configuration of a listener at Addr. A dev server always
// has another one in plain HTTP.
func (v *VaultServer) listener() string {
	files := "tls_disable = true"
	if a := v.options.tls; a != nil {
		cert, key := a.issue("server")
		files = fmt.Sprintf("tls_cert_file = %q\n tls_key_file = %q", cert, key)
	}
	return fmt.Sprintf("listener \"tcp\" {\n address = %q\n cluster_address = %q\n %s\n}\n",
		v.Addr(), loopback(v.ports[v.apiPort()+1]), files)
}

func (v *VaultServer) apiPort() int {
	if v.options.tls != nil {
		return 2
	}
	return 0
}

// answers returns nil if the server answers within most, sealed or not.
func (v *VaultServer) answers(most time.Duration) error {
	_, err := v.health(most)
	return err
}

// up returns nil once the server answers, sealed or not.
func (v *VaultServer) up() error { return v.answers(time.Second) }

// ready returns nil once the server serves: what is mounted at its start needs
// a moment longer than its API.
func (v *VaultServer) ready() error {
	health, err := v.health(time.Second)
	if err != nil {
		return err
	}
	if !health.Initialized || health.Sealed || health.Standby {
		return errors.New("Vault is sealed, or not active yet")
	}
	path := "sys/mounts"
	if !v.options.persistent {
		path = "secret/config"
	}
	client, err := v.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = client.Logical().ReadWithContext(ctx, path)
	return err
}

func (v *VaultServer) health(most time.Duration) (*api.HealthResponse, error) {
	client, err := v.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	return client.Sys().HealthWithContext(ctx)
}

// initialize gives a new server its unseal key and its root token.
func (v *VaultServer) initialize() error {
	client, err := v.client()
	if err != nil {
		return err
	}
	answer, err := client.Sys().Init(&api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("initializing Vault: %w", err)
	}
	v.token, v.unsealKey = answer.RootToken, answer.KeysB64[0]
	return nil
}

// unseal unseals the server and waits until it serves.
func (v *VaultServer) unseal() error {
	client, err := v.client()
	if err != nil {
		return err
	}
	if _, err := client.Sys().Unseal(v.unsealKey); err != nil {
		return fmt.Errorf("unsealing Vault: %w", err)
	}
	return v.process.waitReady(v.ready)
}

// end ends the server at the end of the test. Its log tells why a test failed.
func (v *VaultServer) end() {
	v.http.CloseIdleConnections()
	if v.process == nil {
		return
	}
	v.process.kill()
	if v.t.Failed() {
		v.t.Logf("the end of Vault's log:\n%s", cmp.Or(v.process.log(), "(empty)"))
	}
}
