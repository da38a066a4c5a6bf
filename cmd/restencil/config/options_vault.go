package config

import (
	"strings"

	"restencil/watch"
	"restencil/watch/vault"
)

// VaultOptions returns how Vault is reached, but for Notice.
func (c *Config) VaultOptions() vault.Options {
	from := c.Vault
	opts := vault.DefaultOptions()
	opts.Address = c.vaultAddress()
	opts.Namespace = from.Namespace
	opts.UserAgent = from.ClientUserAgent
	opts.Token = c.vaultToken()
	opts.TLS = from.SSL.ofVault()
	opts.Transport = from.Transport
	opts.DefaultLease = from.DefaultLeaseDuration
	opts.Threshold = from.LeaseRenewalThreshold
	opts.IssueEvery, opts.IssueBurst = from.IssueEvery, from.IssueBurst
	opts.MaxRequests = from.MaxRequests
	opts.Retry = watch.Backoff{Base: from.Retry.Backoff, Max: from.Retry.MaxBackoff}
	return opts
}

// vaultAddress returns where Vault is. VAULT_AGENT_ADDR wins over VAULT_ADDR
// (COMPAT 1.8), but not over what was written.
func (c *Config) vaultAddress() string {
	if c.origins["vault.address"].Env == "" {
		return c.Vault.Address
	}
	return either(c.environ.get("VAULT_AGENT_ADDR"), c.Vault.Address)
}

// ofVault returns how to use TLS. Switched off with a flag, it is what Vault's
// own variables say: whether it is used, the address decides (COMPAT 2.5.11).
func (s SSL) ofVault() vault.TLS {
	if !s.Enabled {
		return vault.TLS{}
	}
	return vault.TLS{
		SkipVerify:  !s.Verify,
		Cert:        s.Cert,
		Key:         s.Key,
		CACert:      s.CACert,
		CACertBytes: s.CACertBytes,
		CAPath:      s.CAPath,
		ServerName:  s.ServerName,
	}
}

// vaultToken returns where the token comes from.
func (c *Config) vaultToken() vault.Token {
	from := c.Vault
	token := vault.Token{
		Text:   from.Token,
		File:   from.AgentTokenFile,
		Unwrap: from.UnwrapToken,
		Login:  c.vaultLogin(),
		Renew:  from.RenewToken,
	}
	if !emptyCommand(from.TokenCommand) {
		token.Command, token.CommandTimeout = from.TokenCommand, from.TokenCommandTimeout
		token.CommandEnv = commandEnv(c.environ, c.overlay(), Env{}) // with what it logs in with, PassTokens or not
	}
	return token
}

// vaultLogin returns the way to log in; its zero value is none.
func (c *Config) vaultLogin() vault.Login {
	switch c.login() {
	case appRoleLogin:
		return c.Vault.AppRole.login()
	case jwtLogin:
		return c.Vault.JWT.login()
	case certLogin:
		from := c.Vault.CertLogin
		return vault.Login{Method: vault.Cert, Mount: mount(from.Mount), Role: from.Role}
	case tokenCommand:
		return vault.Login{}
	}
	return c.Vault.kubernetesLogin()
}

func (r AppRole) login() vault.Login {
	return vault.Login{
		Method:          vault.AppRole,
		Mount:           mount(r.Mount),
		RoleID:          r.RoleID,
		RoleIDFile:      r.RoleIDFile,
		SecretID:        r.SecretID,
		SecretIDFile:    r.SecretIDFile,
		SecretIDWrapped: r.SecretIDWrapped,
	}
}

func (j JWTLogin) login() vault.Login {
	return vault.Login{Method: vault.JWT, Mount: mount(j.Mount), Role: j.Role, JWT: j.Token, JWTFile: j.TokenFile}
}

// kubernetesLogin is used where there is a role and no token (COMPAT 4.12.1).
func (v *Vault) kubernetesLogin() vault.Login {
	if v.K8SAuthRoleName == "" || v.Token != "" || v.AgentTokenFile != "" {
		return vault.Login{}
	}
	return vault.Login{
		Method:  vault.Kubernetes,
		Mount:   v.K8SServiceMountPath,
		Role:    v.K8SAuthRoleName,
		JWT:     v.K8SServiceAccountToken,
		JWTFile: v.K8SServiceAccountTokenPath,
	}
}

// mount returns where a method is mounted. People write auth/ before it, as
// Vault's own commands want it.
func mount(path string) string {
	return strings.TrimPrefix(strings.Trim(path, "/"), "auth/")
}
