package config

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/transport"
	"restencil/watch/vault"
)

// Vault says how to reach Vault, and how to log in there.
type Vault struct {
	vault.Options
	Enabled  bool
	Attempts Retry

	// At most one of the last three is written, and none of them beside a
	// Token.Command.
	Kubernetes, AppRole, JWT, Cert vault.Login

	// RevokeOnExit is whether leases, and the token of a login, are given back
	// at the end.
	RevokeOnExit bool
}

func (v *Vault) settings() []setting.Setting {
	return setting.In("Vault", setting.Setting{Key: "vault", Block: []setting.Setting{
		{Key: "address", Flag: "vault-addr", Arg: "<address>", To: &v.Address, Env: "VAULT_ADDR",
			Help: "Where Vault is, with its scheme; https://127.0.0.1:8200 if not given."},
		{Key: "enabled", To: &v.Enabled},
		{Key: "namespace", To: &v.Namespace, Env: "VAULT_NAMESPACE"},
		{Key: "token", Flag: "vault-token", Arg: "<token>", To: &v.Token.Text, Env: "VAULT_TOKEN", Secret: true,
			Help: "The token to use with Vault; the content of ~/.vault-token if not given."},
		{Key: "vault_agent_token_file", Flag: "vault-agent-token-file", Arg: "<path>", To: &v.Token.File, WhenSet: true,
			Help: "A file in which a Vault agent keeps the token."},
		{Key: "renew_token", Flag: "vault-renew-token", To: &v.Token.Renew, Default: "true", Env: "VAULT_RENEW_TOKEN",
			Help: "Renew the token before it ends."},
		{Key: "unwrap_token", Flag: "vault-unwrap-token", To: &v.Token.Unwrap, Env: "VAULT_UNWRAP_TOKEN",
			Help: "The token is a wrapped one, to be unwrapped first."},
		{Key: "default_lease_duration", Flag: "vault-default-lease-duration", To: setting.AtLeast(0, &v.DefaultLease),
			Help: "How long a secret without a lease is taken to be good for."},
		{Key: "lease_renewal_threshold", To: &v.Threshold},
		{Key: "client_user_agent", Flag: "vault-client-user-agent", To: &v.UserAgent,
			Help: "The user agent to present to Vault."},
		{Key: "k8s_auth_role_name", To: &v.Kubernetes.Role, Env: "VAULT_K8S_AUTH_ROLE_NAME"},
		{Key: "k8s_service_account_token", To: &v.Kubernetes.JWT, Env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN", Secret: true},
		{Key: "k8s_service_account_token_path", To: &v.Kubernetes.JWTFile, Env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH",
			Default: "/run/secrets/kubernetes.io/serviceaccount/token"},
		{Key: "k8s_service_mount_path", To: &v.Kubernetes.Mount, Env: "VAULT_K8S_SERVICE_MOUNT_PATH", Default: "kubernetes"},
		{Key: "approle", Optional: true, Block: []setting.Setting{
			{Key: "mount", To: &v.AppRole.Mount, Default: "approle"},
			{Key: "role_id", To: &v.AppRole.RoleID},
			{Key: "role_id_file", To: &v.AppRole.RoleIDFile},
			{Key: "secret_id", To: &v.AppRole.SecretID, Secret: true},
			{Key: "secret_id_file", To: &v.AppRole.SecretIDFile},
			{Key: "secret_id_wrapped", To: &v.AppRole.SecretIDWrapped},
		}},
		{Key: "jwt", Optional: true, Block: []setting.Setting{
			{Key: "mount", To: &v.JWT.Mount, Default: "jwt"},
			{Key: "role", To: &v.JWT.Role},
			{Key: "token", To: &v.JWT.JWT, Secret: true},
			{Key: "token_file", To: &v.JWT.JWTFile},
		}},
		{Key: "cert_login", Optional: true, Block: []setting.Setting{
			{Key: "mount", To: &v.Cert.Mount, Default: "cert"},
			{Key: "role", To: &v.Cert.Role},
		}},
		{Key: "token_command", To: setting.Command(&v.Token.Command)},
		{Key: "token_command_timeout", To: setting.AtLeast(1, &v.Token.CommandTimeout), Default: commandTimeout},
		{Key: "revoke_on_exit", To: &v.RevokeOnExit},
		{Key: "issue_every", To: setting.AtLeast(1, &v.IssueEvery)},
		{Key: "issue_burst", To: setting.AtLeast(1, &v.IssueBurst)},
		{Key: "max_requests", To: setting.AtLeast(1, &v.MaxRequests)},
		sslBlock("vault-ssl", &v.TLS, "true", map[string]string{
			"cert": "VAULT_CLIENT_CERT", "key": "VAULT_CLIENT_KEY",
			"ca_cert": "VAULT_CACERT", "ca_cert_bytes": "VAULT_CACERT_BYTES", "ca_path": "VAULT_CAPATH",
			"server_name": "VAULT_TLS_SERVER_NAME", "verify": "!VAULT_SKIP_VERIFY",
		}),
		transportBlock("vault-transport", &v.Transport),
		retryBlock("vault-retry", &v.Attempts, &v.Retry),
	}})
}

// finishVault finds the token. What is written wins over what is found, in this
// order: the file of an agent, which the source reads; a login of ours; the
// token that is written, then that of the environment; a login on Kubernetes;
// the token that "vault login" left on this machine. But for the login of ours
// and the last two, which are the other way round there, it is
// consul-template's (COMPAT 2.5.8, 4.12.1).
func (c *Config) finishVault() {
	v := &c.Vault
	if at := c.Origin("vault.ssl.enabled"); !fromCommandLine(at) {
		// In consul-template a default of the command line hides this setting of
		// the files. Whether TLS is spoken depends on the scheme of the address.
		v.TLS.Enabled = true
	}
	if c.login() != "" {
		c.dropFound("vault.token", &v.Token.Text)
		c.dropFound("vault.k8s_auth_role_name", &v.Kubernetes.Role)
	}
	loggedIn := c.login() != "" || v.Kubernetes.Role != ""
	if !loggedIn && v.Token.Text == "" && !c.IsSet("vault.vault_agent_token_file") {
		v.Token.Text = c.foundVaultToken()
	}
	if !c.IsSet("vault.renew_token") {
		v.Token.Renew = v.Token.File == "" && (v.Token.Text != "" || loggedIn)
	}
	if !c.IsSet("vault.enabled") {
		v.Enabled = v.Address != ""
	}
	if v.Threshold <= 0 || v.Threshold >= 1 {
		// consul-template takes any number, and does no good with such a one.
		v.Threshold = vault.DefaultOptions().Threshold
		c.warn(c.Origin("vault.lease_renewal_threshold"), "lease_renewal_threshold is a share, more than 0 and less than 1: 0.9 is used", "")
	}
}

// dropFound takes back what the environment says.
func (c *Config) dropFound(key string, value *string) {
	if c.Origin(key).Env != "" {
		*value = ""
		c.Unset(key)
	}
}

// foundVaultToken returns the token that "vault login" has left on this
// machine, "" for none.
func (c *Config) foundVaultToken() string {
	home := c.environ.get("HOME")
	if home == "" {
		return ""
	}
	content, err := os.ReadFile(filepath.Join(home, ".vault-token"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// VaultOptions returns how Vault is reached, but for Notice.
func (c *Config) VaultOptions() vault.Options {
	o := c.Vault.Options
	if c.Origin("vault.address").Env != "" {
		// VAULT_AGENT_ADDR wins over VAULT_ADDR (COMPAT 1.8), but not over what
		// was written.
		o.Address = cmp.Or(c.environ.get("VAULT_AGENT_ADDR"), o.Address)
	}
	if !o.TLS.Enabled {
		// Switched off with a flag, it is what Vault's own variables say (COMPAT
		// 2.5.11).
		o.TLS = transport.TLS{}
	}
	o.Token.Login = c.vaultLogin()
	if emptyCommand(o.Token.Command) {
		o.Token.Command, o.Token.CommandTimeout = nil, 0
	} else {
		// With what it logs in with, PassTokens or not.
		o.Token.CommandEnv = commandEnv(c.environ, c.overlay(), Env{})
	}
	return o
}
