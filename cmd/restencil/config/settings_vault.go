package config

import (
	"slices"
	"time"
)

func (c *Config) vaultSettings() []setting {
	vault := &c.Vault
	return in(groupVault, slices.Concat(
		[]setting{
			{key: "vault.address", flag: "vault-addr", arg: "<address>", value: text(&vault.Address, ""), env: "VAULT_ADDR",
				help: "Where Vault is, with its scheme; https://127.0.0.1:8200 if not given."},
			{key: "vault.enabled", value: boolean(&vault.Enabled, false)},
			{key: "vault.namespace", value: text(&vault.Namespace, ""), env: "VAULT_NAMESPACE"},
			{key: "vault.token", flag: "vault-token", arg: "<token>", value: text(&vault.Token, ""), env: "VAULT_TOKEN", secret: true,
				help: "The token to use with Vault; the content of ~/.vault-token if not given."},
			{key: "vault.vault_agent_token_file", flag: "vault-agent-token-file", arg: "<path>", whenSet: true, value: text(&vault.AgentTokenFile, ""),
				help: "A file in which a Vault agent keeps the token."},
			{key: "vault.renew_token", flag: "vault-renew-token", value: boolean(&vault.RenewToken, true), env: "VAULT_RENEW_TOKEN",
				help: "Renew the token before it ends."},
			{key: "vault.unwrap_token", flag: "vault-unwrap-token", value: boolean(&vault.UnwrapToken, false), env: "VAULT_UNWRAP_TOKEN",
				help: "The token is a wrapped one, to be unwrapped first."},
			{key: "vault.default_lease_duration", flag: "vault-default-lease-duration", value: duration(&vault.DefaultLeaseDuration, 5*time.Minute),
				help: "How long a secret without a lease is taken to be good for."},
			{key: "vault.lease_renewal_threshold", value: fraction(&vault.LeaseRenewalThreshold, 0.9)},
			{key: "vault.client_user_agent", flag: "vault-client-user-agent", value: text(&vault.ClientUserAgent, ""),
				help: "The user agent to present to Vault."},
			{key: "vault.k8s_auth_role_name", value: text(&vault.K8SAuthRoleName, ""), env: "VAULT_K8S_AUTH_ROLE_NAME"},
			{key: "vault.k8s_service_account_token", value: text(&vault.K8SServiceAccountToken, ""), env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN", secret: true},
			{key: "vault.k8s_service_account_token_path", env: "VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH",
				value: text(&vault.K8SServiceAccountTokenPath, "/run/secrets/kubernetes.io/serviceaccount/token")},
			{key: "vault.k8s_service_mount_path", value: text(&vault.K8SServiceMountPath, "kubernetes"), env: "VAULT_K8S_SERVICE_MOUNT_PATH"},
		},
		c.loginSettings(),
		[]setting{
			{key: "vault.revoke_on_exit", value: boolean(&vault.RevokeOnExit, false)},
			{key: "vault.issue_every", value: duration(&vault.IssueEvery, time.Minute)},
			{key: "vault.issue_burst", value: integer(&vault.IssueBurst, 3)},
			{key: "vault.max_requests", value: integer(&vault.MaxRequests, 32)},
		},
		under("vault.ssl", "vault-ssl", withEnv(sslSettings(&vault.SSL, true), map[string]string{
			"cert": "VAULT_CLIENT_CERT", "key": "VAULT_CLIENT_KEY",
			"ca_cert": "VAULT_CACERT", "ca_cert_bytes": "VAULT_CACERT_BYTES", "ca_path": "VAULT_CAPATH",
			"server_name": "VAULT_TLS_SERVER_NAME", "verify": "!VAULT_SKIP_VERIFY",
		})),
		under("vault.transport", "vault-transport", vaultTransport(&vault.Transport)),
		under("vault.retry", "vault-retry", retrySettings(&vault.Retry)),
	)...)
}

// loginSettings are the ways to log in that are ours, besides consul-template's.
func (c *Config) loginSettings() []setting {
	vault := &c.Vault
	return slices.Concat(
		optional(appRoleLogin, []setting{
			{key: "mount", value: text(&vault.AppRole.Mount, "approle")},
			{key: "role_id", value: text(&vault.AppRole.RoleID, "")},
			{key: "role_id_file", value: text(&vault.AppRole.RoleIDFile, "")},
			{key: "secret_id", value: text(&vault.AppRole.SecretID, ""), secret: true},
			{key: "secret_id_file", value: text(&vault.AppRole.SecretIDFile, "")},
			{key: "secret_id_wrapped", value: boolean(&vault.AppRole.SecretIDWrapped, false)},
		}),
		optional(jwtLogin, []setting{
			{key: "mount", value: text(&vault.JWT.Mount, "jwt")},
			{key: "role", value: text(&vault.JWT.Role, "")},
			{key: "token", value: text(&vault.JWT.Token, ""), secret: true},
			{key: "token_file", value: text(&vault.JWT.TokenFile, "")},
		}),
		optional(certLogin, []setting{
			{key: "mount", value: text(&vault.CertLogin.Mount, "cert")},
			{key: "role", value: text(&vault.CertLogin.Role, "")},
		}),
		[]setting{
			{key: tokenCommand, value: command(&vault.TokenCommand)},
			{key: "vault.token_command_timeout", value: duration(&vault.TokenCommandTimeout, commandTimeout)},
		},
	)
}

// vaultTransport adds the one flag that Consul's transport does not have.
func vaultTransport(t *Transport) []setting {
	settings := transportSettings(t)
	for i := range settings {
		if settings[i].key == "max_conns_per_host" {
			settings[i].flag = "-max-conns-per-host"
			settings[i].help = "How many connections to have at most; 0 for no limit."
		}
	}
	return settings
}
