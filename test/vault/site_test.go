package vault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// A site is what a daemon is to keep, and a Vault behind a proxy.
type site struct {
	t      *testing.T
	server *servers.VaultServer
	proxy  *proxy
	url    string // where daemons find Vault
	dir    string
	env    []string // of the daemon, besides the least
	vault  string   // what stands in the vault block besides the address
	blocks map[string]string
	order  []string
}

// newSite returns a site with an empty configuration. Daemons log in with the
// root token until vault says otherwise.
func newSite(t *testing.T, v *servers.VaultServer) *site {
	t.Helper()
	binary.Path(t) // built before anything begins to end
	s := &site{t: t, server: v, proxy: newProxy(t, v), dir: t.TempDir(), blocks: make(map[string]string)}
	s.url = s.proxy.server.URL
	for _, name := range []string{"home", "tmp", "conf", "out"} {
		if err := os.Mkdir(s.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.block("perms", "secret_perms = 0600")
	s.vault = fmt.Sprintf("token = %q\n renew_token = false", v.Token())
	return s
}

func (s *site) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// file returns the destination of a template.
func (s *site) file(name string) string { return s.path("out", name) }

// block adds a block to the configuration, or replaces it.
func (s *site) block(name, hcl string) {
	if _, ok := s.blocks[name]; !ok {
		s.order = append(s.order, name)
	}
	s.blocks[name] = hcl
}

// template adds a template, or replaces it, with more settings of it.
func (s *site) template(name, text string, more ...string) {
	s.t.Helper()
	source := s.path("conf", name+".ctmpl")
	write(s.t, source, text)
	s.block("template "+name, fmt.Sprintf("template {\n source = %q\n destination = %q\n %s\n}",
		source, s.file(name), strings.Join(more, "\n ")))
}

// config writes the configuration and returns its path. What fails is tried
// again soon, so that tests need not wait.
func (s *site) config() string {
	s.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "state_dir = %q\nvault {\n address = %q\n retry { max_backoff = \"1s\" }\n %s\n}\n", s.path("state"), s.url, s.vault)
	for _, name := range s.order {
		text.WriteString(s.blocks[name] + "\n")
	}
	path := s.path("conf", "config.hcl")
	write(s.t, path, text.String())
	return path
}

// run has restencil do what ends by itself, wants an exit code, and returns
// what it printed.
func (s *site) run(code int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	var out, errors daemon.Output
	cmd := s.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errors
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("restencil %s ended with %d, want %d:\n%s", strings.Join(args, " "), got, code, daemon.Ends(errors.String()))
	}
	return out.String(), errors.String()
}

// policy has Vault know a policy.
func (s *site) policy(name, rules string) {
	s.t.Helper()
	s.server.Write("sys/policies/acl/"+name, map[string]any{"policy": rules})
}

// inTime has what lasts for seconds replaced long before it ends, for on a busy
// machine even a tenth of a second's work takes a second.
const inTime = "lease_renewal_threshold = 0.7"

// everything allows reading and writing all that tests have.
const everything = `path "*" { capabilities = ["create", "read", "update", "delete", "list"] }`

// token returns a new token with a policy, which lives for so long and cannot
// be renewed beyond that.
func (s *site) token(policy string, ttl time.Duration) string {
	s.t.Helper()
	answer := s.server.Write("auth/token/create", map[string]any{
		"policies": []string{policy}, "ttl": ttl.String(), "explicit_max_ttl": ttl.String(), "no_parent": true,
	})
	return answer.Auth.ClientToken
}

// put writes a secret to the key-value store of a dev server.
func (s *site) put(name string, values map[string]any) {
	s.t.Helper()
	s.server.Write("secret/data/"+name, map[string]any{"data": values})
}

// leased mounts a key-value store at leased/ that issues a lease for each read,
// which can be renewed, and lasts as long as the secret's ttl.
func (s *site) leased() {
	s.t.Helper()
	s.server.Write("sys/mounts/leased", map[string]any{"type": "kv", "options": map[string]any{"leased_passthrough": "true"}})
}

// leases returns the leases that Vault has below a path.
func (s *site) leases(prefix string) []string {
	s.t.Helper()
	answer, err := s.server.Client().Logical().List("sys/leases/lookup/" + prefix)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer == nil {
		return nil
	}
	var names []string
	for _, name := range answer.Data["keys"].([]any) {
		names = append(names, name.(string))
	}
	return names
}

// appRole makes a role to log in with, whose tokens have the policy
// "everything", and has the daemon log in with it.
func (s *site) appRole(settings map[string]any, more ...string) (secretID string) {
	s.t.Helper()
	s.policy("everything", everything)
	_, _ = s.server.Client().Logical().Write("sys/auth/approle", map[string]any{"type": "approle"}) // it may be there
	settings["token_policies"] = "everything"
	s.server.Write("auth/approle/role/app", settings)
	roleID, err := s.server.Client().Logical().Read("auth/approle/role/app/role-id")
	if err != nil {
		s.t.Fatal(err)
	}
	secretID = s.server.Write("auth/approle/role/app/secret-id", nil).Data["secret_id"].(string)
	write(s.t, s.path("conf", "secret-id"), secretID)
	s.vault = fmt.Sprintf("approle {\n role_id = %q\n secret_id_file = %q\n }\n %s",
		roleID.Data["role_id"], s.path("conf", "secret-id"), strings.Join(more, "\n "))
	return secretID
}
