package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

func TestVaultOptions(t *testing.T) {
	c := parseIn(t, map[string]string{"c": `
		vault {
			address = "https://v" namespace = "n" token = "t" client_user_agent = "ua"
			renew_token = false unwrap_token = true
			issue_every = "3s" issue_burst = 4 max_requests = 5
			default_lease_duration = "1s" lease_renewal_threshold = 0.5
			retry { backoff = "1s" max_backoff = "2s" }
			ssl { verify = false cert = "c" key = "k" ca_cert = "ca" ca_cert_bytes = "pem" ca_path = "cas" server_name = "s" }
			transport {
				dial_keep_alive = "1s" dial_timeout = "2s" disable_keep_alives = true idle_conn_timeout = "3s"
				max_idle_conns = 4 max_idle_conns_per_host = 5 max_conns_per_host = 6 tls_handshake_timeout = "7s"
			}
		}`}, "-config", "c")
	want := vault.Options{
		Options: client.Options{
			UserAgent: "ua",
			Server: transport.Server{Address: "https://v", Namespace: "n",
				TLS: transport.TLS{Enabled: true, SkipVerify: true, Cert: "c", Key: "k", CACert: "ca", CACertBytes: "pem", CAPath: "cas", ServerName: "s"},
				Transport: transport.Options{
					DialKeepAlive: time.Second, DialTimeout: 2 * time.Second, DisableKeepAlives: true, IdleConnTimeout: 3 * time.Second,
					MaxIdleConns: 4, MaxIdleConnsPerHost: 5, MaxConnsPerHost: 6, TLSHandshakeTimeout: 7 * time.Second,
				}},
		},
		Token: token.Options{Text: "t", Unwrap: true},
		Lease: lease.Rules{Threshold: 0.5, Default: time.Second}, Limit: limit.Options{Every: 3 * time.Second, Burst: 4}, MaxRequests: 5,
		Retry: schedule.Backoff{Base: time.Second, Max: 2 * time.Second},
	}
	if diff := cmp.Diff(want, vaultOptions(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	standard := vault.DefaultOptions()
	standard.TLS.Enabled = true
	if diff := cmp.Diff(standard, vaultOptions(parseIn(t, nil))); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// TestVaultToken: what is written wins over what is found, and a Vault agent's
// file over both.
func TestVaultToken(t *testing.T) {
	kubernetes := token.Login{
		Method: token.Kubernetes, Mount: "kubernetes", Role: "r", JWTFile: "/run/secrets/kubernetes.io/serviceaccount/token",
	}
	for _, c := range []struct {
		name, file string
		env        []string
		want       token.Options
	}{
		{name: "found", want: token.Options{Text: "found", Renew: true}},
		{name: "of the environment", env: []string{"VAULT_TOKEN=env"}, want: token.Options{Text: "env", Renew: true}},
		{name: "written", file: `token = "t"`, env: []string{"VAULT_TOKEN=env"}, want: token.Options{Text: "t", Renew: true}},
		{name: "an agent's", file: `vault_agent_token_file = "f"`, want: token.Options{File: "f"}},
		{name: "an agent's, renewed", file: `vault_agent_token_file = "f" renew_token = true`, want: token.Options{File: "f", Renew: true}},
		{name: "an agent's and another", file: `vault_agent_token_file = "f" token = "t"`, want: token.Options{File: "f", Text: "t"}},
		{name: "no agent's, none found", file: `vault_agent_token_file = ""`, want: token.Options{}},
		{name: "no agent's, but one written", file: `vault_agent_token_file = "" token = "t"`, want: token.Options{Text: "t", Renew: true}},
		{name: "Kubernetes", file: `k8s_auth_role_name = "r"`, want: token.Options{Login: kubernetes, Renew: true}},
		{
			name: "AppRole", file: `approle { mount = "auth/m" role_id = "r" role_id_file = "" secret_id = "s" }`, env: []string{"VAULT_TOKEN=env"},
			want: token.Options{Login: token.Login{Method: token.AppRole, Mount: "auth/m", RoleID: "r", SecretID: "s"}, Renew: true},
		},
		{
			name: "AppRole by files", file: `approle { role_id_file = "r" secret_id_file = "s" secret_id_wrapped = true } renew_token = false`,
			want: token.Options{Login: token.Login{Method: token.AppRole, Mount: "approle", RoleIDFile: "r", SecretIDFile: "s", SecretIDWrapped: true}},
		},
		{
			name: "JWT", file: `jwt { role = "r" token = "j" }`, env: []string{"VAULT_K8S_AUTH_ROLE_NAME=r"},
			want: token.Options{Login: token.Login{Method: token.JWT, Mount: "jwt", Role: "r", JWT: "j"}, Renew: true},
		},
		{
			name: "JWT by a file", file: `jwt { role = "r" token_file = "f" mount = "m/" }`,
			want: token.Options{Login: token.Login{Method: token.JWT, Mount: "m/", Role: "r", JWTFile: "f"}, Renew: true},
		},
		{
			name: "a certificate", file: `cert_login {} ssl { cert = "c" }`,
			want: token.Options{Login: token.Login{Method: token.Cert, Mount: "cert"}, Renew: true},
		},
		{name: "Kubernetes with a token", file: `k8s_auth_role_name = "r" token = "t"`, want: token.Options{Text: "t", Renew: true}},
		{
			name: "Kubernetes by the environment",
			env: []string{
				"VAULT_K8S_AUTH_ROLE_NAME=r", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN=jwt",
				"VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH=p", "VAULT_K8S_SERVICE_MOUNT_PATH=m",
			},
			want: token.Options{Login: token.Login{Method: token.Kubernetes, Mount: "m", Role: "r", JWT: "jwt", JWTFile: "p"}, Renew: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeFile(t, "home/.vault-token", " found\n")
			writeFile(t, "f", "the agent's")
			writeFile(t, "c", "vault { "+c.file+" }")
			config, err := Parse([]string{"-config", "c"}, append(c.env, "HOME=home"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, vaultOptions(config).Token); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestVaultTokenCommand: it gets what it may need to log in, whatever other
// commands get.
func TestVaultTokenCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "c", `pass_tokens = false
		vault { address = "http://v" token_command = ["login", "me"] token_command_timeout = "3s" }`)
	c, err := Parse([]string{"-config", "c"}, []string{"VAULT_SECRET_ID=s", "VAULT_TOKEN=t"})
	if err != nil {
		t.Fatal(err)
	}
	want := token.Options{
		Command: []string{"login", "me"}, CommandTimeout: 3 * time.Second, Renew: true,
		CommandEnv: []string{"VAULT_SECRET_ID=s", "VAULT_TOKEN=t", "CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true", "VAULT_ADDR=http://v"},
	}
	if diff := cmp.Diff(want, vaultOptions(c).Token); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVaultAddress: an agent's address stands in for Vault's where nobody wrote
// one.
func TestVaultAddress(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "http://agent"},
		{[]string{"-vault-addr", "http://mine"}, "http://mine"},
	} {
		config, err := Parse(c.args, []string{"VAULT_ADDR=http://v", "VAULT_AGENT_ADDR=http://agent"})
		if err != nil {
			t.Fatal(err)
		}
		if got := vaultOptions(config).Address; got != c.want {
			t.Errorf("%q: %s, want %s", c.args, got, c.want)
		}
	}
}

// TestVaultWithoutTLS: the flag leaves TLS to Vault's own variables.
func TestVaultWithoutTLS(t *testing.T) {
	c := parseIn(t, nil, "-vault-ssl=false", "-vault-ssl-verify=false", "-vault-ssl-cert", "c")
	if got := vaultOptions(c).TLS; got != (transport.TLS{}) {
		t.Errorf("%+v", got)
	}
}
