package stores

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/filewatch"
	"restencil/watch/vault"
	"restencil/watch/vault/token"
)

// Vault is how to reach Vault, and how to log in there.
type Vault struct {
	vault.Options
	Enabled bool // has no effect
	Retries bool // failed queries are retried

	// Check allows at most one of the last three, and none with a Token.Command.
	Kubernetes, AppRole, JWT, Cert token.Login

	RevokeOnExit bool   // revoke the leases, and the token of a login, at the end
	Files        string // see fingerprint; the source itself follows the files of tokens
	Clusters     []*Cluster[Vault]
}

// Settings returns the block vault.
func (v *Vault) Settings() []setting.Setting {
	block := setting.Setting{Key: "vault", Block: v.block()}
	defaults := func() Vault { return Vault{Options: vault.DefaultOptions()} }
	return setting.In("Vault", clusters(block, &v.Clusters, defaults, (*Vault).block), block)
}

// block returns the settings of a block vault.
func (v *Vault) block() []setting.Setting {
	return []setting.Setting{
		{Key: "address", Flag: "vault-addr", Arg: "<address>", To: &v.Address, Env: "VAULT_ADDR",
			Help: "Where Vault is, with its scheme; https://127.0.0.1:8200 if not given."},
		{Key: "enabled", To: &v.Enabled, WhenSet: true, Help: "Has no effect."},
		{Key: "namespace", To: &v.Namespace, Env: "VAULT_NAMESPACE", Help: "The namespace of all paths (Vault Enterprise)."},
		{Key: "token", Flag: "vault-token", Arg: "<token>", To: &v.Token.Text, Env: "VAULT_TOKEN", Secret: true,
			Help: "The token to use with Vault; the content of ~/.vault-token if not given."},
		{Key: "vault_agent_token_file", Flag: "vault-agent-token-file", Arg: "<path>", To: &v.Token.File, WhenSet: true,
			Help: "A file in which a Vault agent keeps the token."},
		{Key: "renew_token", Flag: "vault-renew-token", To: &v.Token.Renew, Default: "true", Env: "VAULT_RENEW_TOKEN",
			Help: "Renew the token before it ends."},
		{Key: "renew", Deprecated: "vault.renew_token"},
		{Key: "grace", To: new(time.Duration), Deprecated: setting.Nothing},
		{Key: "unwrap_token", Flag: "vault-unwrap-token", To: &v.Token.Unwrap, Env: "VAULT_UNWRAP_TOKEN",
			Help: "The token is a wrapped one, to be unwrapped first."},
		{Key: "default_lease_duration", Flag: "vault-default-lease-duration", To: &v.Lease.Default,
			Help: "How long a secret without a lease is taken to be good for."},
		{Key: "lease_renewal_threshold", To: &v.Lease.Threshold,
			Help: "The part of its life after which a lease that cannot be renewed is replaced, more than 0 and less than 1."},
		{Key: "client_user_agent", Flag: "vault-client-user-agent", To: &v.UserAgent,
			Help: "The user agent to present to Vault."},
		{Key: "k8s_auth_role_name", To: &v.Kubernetes.Role, Env: "VAULT_K8S_AUTH_ROLE_NAME",
			Help: "The role to log in as with the account of a Kubernetes pod."},
		{Key: "k8s_service_account_token", To: &v.Kubernetes.JWT, Env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN", Secret: true,
			Help: "The token of that account."},
		{Key: "k8s_service_account_token_path", To: &v.Kubernetes.JWTFile, Env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH",
			Default: "/run/secrets/kubernetes.io/serviceaccount/token", Help: "The file of that token."},
		{Key: "k8s_service_mount_path", To: &v.Kubernetes.Mount, Env: "VAULT_K8S_SERVICE_MOUNT_PATH", Default: "kubernetes",
			Help: "Where the Kubernetes method is mounted."},
		{Key: "approle", WhenSet: true, Block: []setting.Setting{
			{Key: "mount", To: &v.AppRole.Mount, Default: "approle", Help: "Where the method is mounted."},
			{Key: "role_id", To: &v.AppRole.RoleID, Help: "The id of the role."},
			{Key: "role_id_file", To: &v.AppRole.RoleIDFile, Help: "A file that holds the id of the role."},
			{Key: "secret_id", To: &v.AppRole.SecretID, Secret: true, Help: "The secret id."},
			{Key: "secret_id_file", To: &v.AppRole.SecretIDFile,
				Help: "A file that holds the secret id; it is read again at each login."},
			{Key: "secret_id_wrapped", To: &v.AppRole.SecretIDWrapped,
				Help: "The secret id is a wrapped one, to be unwrapped first."},
		}},
		{Key: "jwt", WhenSet: true, Block: []setting.Setting{
			{Key: "mount", To: &v.JWT.Mount, Default: "jwt", Help: "Where the method is mounted."},
			{Key: "role", To: &v.JWT.Role, Help: "The role to log in as."},
			{Key: "token", To: &v.JWT.JWT, Secret: true, Help: "The JSON Web Token."},
			{Key: "token_file", To: &v.JWT.JWTFile,
				Help: "A file that holds the JSON Web Token; it is read again at each login."},
		}},
		{Key: "cert_login", WhenSet: true, Block: []setting.Setting{
			{Key: "mount", To: &v.Cert.Mount, Default: "cert", Help: "Where the method is mounted."},
			{Key: "role", To: &v.Cert.Role, Help: "The role to log in as; any that accepts the certificate if not given."},
		}},
		{Key: "token_command", To: setting.Program(&v.Token.Command),
			Help: "A command that prints the token in its last line."},
		{Key: "token_command_timeout", To: setting.AtLeast(1, &v.Token.CommandTimeout), Default: "30s",
			Help: "How long that command may take before it is killed."},
		{Key: "revoke_on_exit", To: &v.RevokeOnExit,
			Help: "Revoke the leases, and the token of a login, when restencil ends."},
		{Key: "issue_every", To: setting.AtLeast(1, &v.Limit.Every),
			Help: "The time after which one thing may be issued or written again, once issue_burst is used up."},
		{Key: "issue_burst", To: setting.AtLeast(1, &v.Limit.Burst),
			Help: "How often one thing may be issued or written at once."},
		{Key: "max_requests", To: setting.AtLeast(1, &v.MaxRequests),
			Help: "How many requests to Vault may run at the same time."},
		ssl("vault-ssl", &v.TLS, "true", map[string]string{
			"cert": "VAULT_CLIENT_CERT", "key": "VAULT_CLIENT_KEY",
			"ca_cert": "VAULT_CACERT", "ca_cert_bytes": "VAULT_CACERT_BYTES", "ca_path": "VAULT_CAPATH",
			"server_name": "VAULT_TLS_SERVER_NAME", "verify": "!VAULT_SKIP_VERIFY",
		}),
		connections("vault-transport", &v.Transport),
		retry("vault-retry", &v.Retries, &v.Retry),
	}
}

// Finish finds the token, and sets what is not set. These are used, in this order: the
// file of an agent, which the source reads; a login that only restencil has; the token
// of the configuration, then of the environment; a login with Kubernetes; the token that
// "vault login" has left in home. consul-template has the last two in reverse order, and
// lacks the second (COMPAT 2.5.8, 4.12.1).
func (v *Vault) Finish(o *setting.Origins, home string, warn func(at setting.Origin, message, hint string)) {
	if !o.Origin("vault.ssl.enabled").FromCommandLine() {
		// In consul-template a default of the command line hides this setting of
		// the files. The scheme of the address decides whether TLS is used.
		v.TLS.Enabled = true
	}
	v.Kubernetes.Method, v.AppRole.Method, v.JWT.Method, v.Cert.Method = token.Kubernetes, token.AppRole, token.JWT, token.Cert
	login := len(v.logins(o)) > 0
	if login {
		o.Drop("vault.token", &v.Token.Text)
		o.Drop("vault.k8s_auth_role_name", &v.Kubernetes.Role)
	}
	login = login || v.Kubernetes.Role != ""
	if !login && v.Token.Text == "" && !o.IsSet("vault.vault_agent_token_file") && home != "" {
		if content, err := filewatch.ReadFile(filepath.Join(home, ".vault-token")); err == nil {
			v.Token.Text = strings.TrimSpace(string(content))
		}
	}
	if !o.IsSet("vault.renew_token") {
		v.Token.Renew = v.Token.File == "" && (v.Token.Text != "" || login)
	}
	v.Files = fingerprint(v.TLS.Files()...)
	if v.Lease.Threshold <= 0 || v.Lease.Threshold >= 1 {
		// consul-template accepts any number, but works only with these.
		v.Lease.Threshold = vault.DefaultOptions().Lease.Threshold
		warn(o.Origin("vault.lease_renewal_threshold"), "lease_renewal_threshold is a share, more than 0 and less than 1: 0.9 is used", "")
	}
	for _, cluster := range v.Clusters {
		cluster.Of.NoEnvironment = true
		cluster.Of.Finish(cluster.Origins, "", warn)
	}
}

// The keys of the ways to a token that consul-template does not have. The first three are
// blocks, which are set even if they are empty.
const (
	appRoleLogin = "vault.approle"
	jwtLogin     = "vault.jwt"
	certLogin    = "vault.cert_login"
	tokenCommand = "vault.token_command"
)

// logins returns those that are configured.
func (v *Vault) logins(o *setting.Origins) (keys []string) {
	for _, key := range []string{appRoleLogin, jwtLogin, certLogin, tokenCommand} {
		if o.IsSet(key) && (key != tokenCommand || setting.IsCommand(v.Token.Command)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Check validates the clusters, and the login of each.
func (v *Vault) Check(o *setting.Origins) []error {
	errs := append(v.checkLogin(o), checkClusters("vault", v.Clusters)...)
	for _, cluster := range v.Clusters {
		errs = append(errs, cluster.Of.checkLogin(cluster.Origins)...)
	}
	return errs
}

// checkLogin validates the login: it must be complete, and there must be no other way to
// a token.
func (v *Vault) checkLogin(o *setting.Origins) []error {
	logins := v.logins(o)
	if len(logins) == 0 {
		return nil
	}
	// consul-template's ways to a token can be combined (COMPAT 2.5.8), but not with
	// these logins.
	key, others := logins[0], logins[1:]
	for key, value := range map[string]string{
		"vault.token": v.Token.Text, "vault.vault_agent_token_file": v.Token.File, "vault.k8s_auth_role_name": v.Kubernetes.Role,
	} {
		if value != "" && o.IsSet(key) && o.Origin(key).Env == "" {
			others = append(others, key)
		}
	}
	slices.Sort(others)
	var errs []error
	for _, other := range others {
		errs = append(errs, o.Origin(other).Wrong(other+": there is another way to a token already",
			fmt.Sprintf("only one can be written; the other is %s, at %s", key, o.Origin(key))))
	}
	wrong := func(message, hint string) {
		errs = append(errs, o.Origin(key).Wrong(key+": "+message, hint))
	}
	either := func(name, text, file string, needed bool) {
		if text != "" && file != "" {
			wrong(name+" and "+name+"_file are both written", "one of them is enough")
		}
		if needed && text == "" && file == "" {
			wrong(name+" is missing", "write "+name+" or "+name+"_file")
		}
	}
	switch key {
	case appRoleLogin:
		either("role_id", v.AppRole.RoleID, v.AppRole.RoleIDFile, true)
		either("secret_id", v.AppRole.SecretID, v.AppRole.SecretIDFile, v.AppRole.SecretIDWrapped)
	case jwtLogin:
		if v.JWT.Role == "" {
			wrong("role is missing", "write role")
		}
		either("token", v.JWT.JWT, v.JWT.JWTFile, true)
	case certLogin:
		if v.TLS.Cert == "" {
			wrong("there is no certificate to log in with", "write ssl { cert = … } beside it")
		}
	}
	return errs
}
